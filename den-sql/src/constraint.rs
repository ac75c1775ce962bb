//! Constraints: their records, and the conditions that documents keep.

use den_backend::{
    Constraint, ConstraintKind, ConstraintMeta, Direction, Expr, FieldKind, FieldMeta, FieldPath,
    IndexKind, IndexMeta,
};

use crate::{
    dialect::Dialect,
    filter::Filters,
    layout::Layout,
    source::{Place, Scope},
    statement::{Param, Statement, rows},
    writer::SqlWriter,
};

/// The definition of a constraint as JSON, from which [`parse_definition`] makes it again: always
/// the same text for the same constraint.
pub fn definition(constraint: &ConstraintMeta) -> String {
    // A constraint holds no map with keys that are no text, which is all that could fail.
    serde_json::to_string(constraint).unwrap_or_default()
}

/// The constraint that a recorded definition describes; `None` if it is not one of den's.
pub fn parse_definition(definition: &str) -> Option<ConstraintMeta> {
    serde_json::from_str(definition).ok()
}

/// The constraint as an error names it.
pub fn describe(constraint: &ConstraintMeta) -> Constraint {
    let fields = constraint.kind.fields();
    let fields = fields.into_iter().map(FieldPath::to_string).collect();
    Constraint::new(constraint.name.as_str(), fields).with_rule(constraint.kind.rule())
}

/// The unique index, of the same name, that enforces a unique or key constraint; none for others.
///
/// # Behavior
///
/// - Over values of any type: `1`, `"1"` and `true` differ in it, `1` and `1.0` do not.
pub fn backing_index(constraint: &ConstraintMeta) -> Option<IndexMeta> {
    let fields = match &constraint.kind {
        ConstraintKind::Unique { fields } | ConstraintKind::Key { fields } => fields,
        ConstraintKind::Required { .. }
        | ConstraintKind::Type { .. }
        | ConstraintKind::Check { .. } => return None,
    };
    let field = |path: &FieldPath| {
        let path = path.clone();
        let kind = FieldKind::Any;
        (FieldMeta { path, kind }, Direction::Asc)
    };
    Some(IndexMeta {
        name: constraint.name.clone(),
        fields: fields.iter().map(field).collect(),
        kind: IndexKind::Unique,
        filter: Expr::always(),
        search: None,
    })
}

/// The constraint as it is called when its collection is: with the default name of the new collection,
/// if it has that of the old one.
pub fn renamed(constraint: &ConstraintMeta, from: &str, to: &str) -> ConstraintMeta {
    let mut renamed = constraint.clone();
    if constraint.name == ConstraintMeta::default_name(from, &constraint.kind) {
        renamed.name = ConstraintMeta::default_name(to, &constraint.kind);
    }
    renamed
}

/// Whether each document is looked at by itself, too: all but a unique constraint.
pub fn has_rule(kind: &ConstraintKind) -> bool {
    match kind {
        ConstraintKind::Unique { .. } => false,
        ConstraintKind::Required { .. }
        | ConstraintKind::Type { .. }
        | ConstraintKind::Key { .. }
        | ConstraintKind::Check { .. } => true,
    }
}

/// Writes the condition that a row keeps the rule, which is true where it does, and false or NULL
/// elsewhere. A unique constraint has none of its own: true.
///
/// # Behavior
///
/// - With a layout without columns the text stays the same whatever is indexed later.
pub fn rule(
    sql: &mut SqlWriter,
    dialect: &dyn Dialect,
    layout: &Layout,
    scope: Scope,
    kind: &ConstraintKind,
) {
    let filters = Filters::of_table(dialect, layout).with_scope(scope);
    let required = |path: &FieldPath| {
        let field = den_backend::Field::document(path.clone(), FieldKind::Any);
        Expr::IsNull(Box::new(Expr::Field(field))).not()
    };
    match kind {
        ConstraintKind::Unique { .. } => filters.write(sql, &Expr::always()),
        ConstraintKind::Required { field } => filters.write(sql, &required(field)),
        ConstraintKind::Key { fields } => {
            filters.write(sql, &Expr::And(fields.iter().map(required).collect()));
        }
        ConstraintKind::Type { field, types } => {
            let place = Place {
                scope,
                path: field,
                layout,
            };
            dialect.is_of_types(sql, &place, types);
        }
        ConstraintKind::Check { filter } => filters.write(sql, filter),
    }
}

/// The first documents, by id, that break the rule of a constraint. Column: `id`.
pub fn offenders(
    dialect: &dyn Dialect,
    layout: &Layout,
    constraint: &ConstraintMeta,
    limit: u64,
) -> Statement {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("SELECT d.id AS id\nFROM ")
        .ident(&layout.collection);
    sql.push(" AS d\nWHERE (");
    rule(&mut sql, dialect, layout, Scope::Document, &constraint.kind);
    sql.push(") IS NOT TRUE\nORDER BY d.id ASC NULLS FIRST\nLIMIT ");
    sql.bind(Param::Rows(rows(limit)));
    sql.finish()
}

/// Records a constraint after those that the collection has. Parameters: collection, name, kind (its
/// [word](den_backend::ConstraintRule::word)), definition ([`definition`]), created_at (text, RFC 3339).
pub fn record(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push(
        "INSERT INTO _den_constraints (collection, name, position, kind, definition, created_at)",
    );
    sql.push("\nSELECT ").parameter(1, "::text");
    sql.push(", ").parameter(2, "::text");
    // Over the whole table, so that a collection that is renamed keeps its order.
    sql.push(", coalesce(max(position), 0) + 1, ");
    sql.parameter(3, "::text").push(", ");
    sql.parameter(4, "::text").push(", ");
    sql.parameter(5, "::text::timestamptz");
    sql.push("\nFROM _den_constraints");
    sql.into_text()
}

/// Forgets a constraint. Parameters: collection, name.
pub fn forget(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("DELETE FROM _den_constraints WHERE collection = ");
    sql.parameter(1, "::text").push(" AND name = ");
    sql.parameter(2, "::text");
    sql.into_text()
}

/// The constraints of a collection, in the order in which they were made. Parameter: collection.
/// Columns: `name`, `kind`, `definition`.
pub fn recorded(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("SELECT name, kind, definition\nFROM _den_constraints\nWHERE collection = ");
    sql.parameter(1, "::text");
    sql.push("\nORDER BY position ASC NULLS FIRST");
    sql.into_text()
}

/// The collection that has a constraint of this name. Parameter: name. Column: `collection`.
pub fn owner(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("SELECT collection\nFROM _den_constraints\nWHERE name = ");
    sql.parameter(1, "::text");
    sql.into_text()
}

/// Records a constraint anew, under other names. Parameters: the collection and name it has, those
/// that it gets, its new definition.
pub fn rename(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("UPDATE _den_constraints\nSET collection = ");
    sql.parameter(3, "::text").push(", name = ");
    sql.parameter(4, "::text").push(", definition = ");
    sql.parameter(5, "::text");
    sql.push("\nWHERE collection = ").parameter(1, "::text");
    sql.push(" AND name = ").parameter(2, "::text");
    sql.into_text()
}

#[cfg(test)]
mod tests {
    use den_backend::JsonType;

    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    #[test]
    fn a_definition_reads_back() {
        let filter = Expr::IsNull(Box::new(Expr::Field(den_backend::Field::document(
            path("a.b"),
            FieldKind::Any,
        ))));
        for kind in [
            ConstraintKind::Unique {
                fields: vec![path("a"), path("b.c")],
            },
            ConstraintKind::Required { field: path("a") },
            ConstraintKind::Type {
                field: path("a"),
                types: vec![JsonType::Integer, JsonType::Object],
            },
            ConstraintKind::Key {
                fields: vec![path("a")],
            },
            ConstraintKind::Check { filter },
        ] {
            let constraint = ConstraintMeta::new("shop", kind);
            let text = definition(&constraint);
            assert_eq!(parse_definition(&text), Some(constraint), "{text}");
        }
        assert_eq!(parse_definition("{}"), None);
    }
}
