//! Constraints of PostgreSQL: `CHECK` for what can be seen of a document alone, a unique index for values
//! that no two documents share.

use den_backend::{ConstraintMeta, IndexMeta, meta::fnv1a};

use super::{Postgres, locator::generated};
use crate::{
    constraint,
    layout::Layout,
    source::{Place, Scope},
    statement::{Param, Statement, rows},
    writer::{Placeholders, SqlWriter},
};

/// The columns of [`catalog`](crate::schema::catalog) that a table made by den's predecessor lacks.
pub fn widen_catalog() -> String {
    let mut sql = definition();
    sql.push("ALTER TABLE _den_indexes");
    sql.push("\n    ADD COLUMN IF NOT EXISTS kind text");
    sql.push(",\n    ADD COLUMN IF NOT EXISTS definition text");
    sql.push(",\n    ADD COLUMN IF NOT EXISTS hash text");
    sql.into_text()
}

/// Makes the `CHECK` of a constraint, and looks at all rows; to be run in this order.
///
/// # Behavior
///
/// - It looks at the document alone, never at a column, so that it stands whatever is indexed.
/// - The server allows no sub-select in a `CHECK`, so a condition with one becomes a function.
pub fn create_check(collection: &str, constraint: &ConstraintMeta) -> Vec<String> {
    let layout = Layout::new(collection);
    let rule = |sql: &mut SqlWriter| {
        sql.push("(");
        constraint::rule(sql, &Postgres, &layout, Scope::Table, &constraint.kind);
        sql.push(") IS TRUE");
    };
    let mut written = definition();
    rule(&mut written);
    // In a literal, the word costs a function that was not needed.
    let needs_function = written.into_text().contains("SELECT");
    let name = function_name(&constraint.name);
    let mut table = definition();
    table.push("ALTER TABLE ").ident(collection);
    table.push(" ADD CONSTRAINT ").ident(&constraint.name);
    table.push(" CHECK (");
    if !needs_function {
        rule(&mut table);
        table.push(")");
        return vec![table.into_text()];
    }
    table.ident(&name).push("(id, data))");
    let mut body = definition();
    body.push("SELECT ");
    rule(&mut body);
    let mut function = definition();
    function.push("CREATE OR REPLACE FUNCTION ").ident(&name);
    function.push("(id text, data jsonb) RETURNS boolean");
    function.push("\nLANGUAGE sql IMMUTABLE PARALLEL SAFE AS ");
    function.literal(&body.into_text());
    vec![function.into_text(), table.into_text()]
}

/// Drops the `CHECK` of a constraint, and its function.
pub fn drop_check(collection: &str, name: &str) -> Vec<String> {
    let mut sql = definition();
    sql.push("ALTER TABLE ").ident(collection);
    sql.push(" DROP CONSTRAINT IF EXISTS ").ident(name);
    vec![sql.into_text(), drop_check_function(name)]
}

/// Drops the function of a constraint whose table is gone.
pub fn drop_check_function(name: &str) -> String {
    let mut sql = definition();
    sql.push("DROP FUNCTION IF EXISTS ");
    signature(&mut sql, name);
    sql.into_text()
}

/// The signature of the function that a constraint of this name has if it needs one.
pub fn check_function(name: &str) -> String {
    let mut sql = definition();
    signature(&mut sql, name);
    sql.into_text()
}

/// Gives the function of a constraint the name that goes with another name of that.
pub fn rename_check_function(from: &str, to: &str) -> String {
    let mut sql = definition();
    sql.push("ALTER FUNCTION ");
    signature(&mut sql, from);
    sql.push(" RENAME TO ").ident(&function_name(to));
    sql.into_text()
}

/// Renames the `CHECK` of a constraint.
pub fn rename_check(collection: &str, from: &str, to: &str) -> String {
    let mut sql = definition();
    sql.push("ALTER TABLE ").ident(collection);
    sql.push(" RENAME CONSTRAINT ").ident(from);
    sql.push(" TO ").ident(to);
    sql.into_text()
}

/// Renames a table.
pub fn rename_table(from: &str, to: &str) -> String {
    let mut sql = definition();
    sql.push("ALTER TABLE ").ident(from);
    sql.push(" RENAME TO ").ident(to);
    sql.into_text()
}

/// Renames a column.
pub fn rename_column(collection: &str, from: &str, to: &str) -> String {
    let mut sql = definition();
    sql.push("ALTER TABLE ").ident(collection);
    sql.push(" RENAME COLUMN ").ident(from);
    sql.push(" TO ").ident(to);
    sql.into_text()
}

/// Renames an index.
pub fn rename_index(from: &str, to: &str) -> String {
    let mut sql = definition();
    sql.push("ALTER INDEX ").ident(from);
    sql.push(" RENAME TO ").ident(to);
    sql.into_text()
}

/// The first documents, by id, whose values under a unique index others have too. Column: `id`.
pub fn sharing(collection: &str, index: &IndexMeta, limit: u64) -> Statement {
    let layout = Layout::new(collection);
    let keys = |sql: &mut SqlWriter, between: &'static str, after: &'static str| {
        for (i, (field, _)) in index.fields.iter().enumerate() {
            if i > 0 {
                sql.push(between);
            }
            let place = Place {
                scope: Scope::Document,
                path: &field.path,
                layout: &layout,
            };
            generated(sql, &place, field.kind);
            sql.push(after);
        }
    };
    let mut sql = SqlWriter::new(Placeholders::Dollar);
    sql.push("SELECT s.id AS id\nFROM (\n    SELECT d.id AS id, count(*) OVER (PARTITION BY ");
    keys(&mut sql, ", ", "");
    sql.push(") AS n\n    FROM ").ident(collection);
    sql.push(" AS d\n    WHERE ");
    keys(&mut sql, " AND ", " IS NOT NULL");
    sql.push("\n) AS s\nWHERE s.n > 1\nORDER BY s.id COLLATE \"C\" ASC NULLS FIRST\nLIMIT ");
    sql.bind(Param::Rows(rows(limit)));
    sql.finish()
}

fn signature(sql: &mut SqlWriter, constraint: &str) {
    sql.ident(&function_name(constraint)).push("(text, jsonb)");
}

/// The name goes with that of the constraint, which is unique in the database.
fn function_name(constraint: &str) -> String {
    let hash = fnv1a(constraint.as_bytes());
    let digits = (0..16).rev().filter_map(|it| {
        let digit = u32::try_from((hash >> (it * 4)) & 0xf).ok()?;
        char::from_digit(digit, 16)
    });
    let digits: String = digits.collect();
    ["_den_c_", &digits].concat()
}

fn definition() -> SqlWriter {
    SqlWriter::of_definition(Placeholders::Dollar)
}

#[cfg(test)]
mod tests {
    use den_backend::{
        CompareOp, ConstraintKind, Expr, Field, FieldKind, FieldPath, JsonType, Root,
    };

    use super::*;

    fn path(text: &str) -> FieldPath {
        FieldPath::parse(text).unwrap()
    }

    fn named(kind: ConstraintKind) -> ConstraintMeta {
        let name = "a \"rule\"".to_owned();
        ConstraintMeta { name, kind }
    }

    fn equals(left: Expr, text: &str) -> Expr {
        Expr::Compare {
            op: CompareOp::Eq,
            left: Box::new(left),
            right: Box::new(Expr::Value(text.into())),
        }
    }

    #[test]
    fn a_rule_is_a_check_of_the_document() {
        let field = path("a");
        let types = vec![JsonType::String, JsonType::Bool];
        let city = Field::document(path("city"), FieldKind::Text);
        let cases = [
            (
                ConstraintKind::Required {
                    field: field.clone(),
                },
                "((coalesce(data->'a', 'null'::jsonb) = 'null'::jsonb) IS NOT TRUE)",
            ),
            (
                ConstraintKind::Type { field, types },
                "((coalesce(jsonb_typeof(data->'a'), 'null') IN ('null', 'string', 'boolean')))",
            ),
            (
                ConstraintKind::Check {
                    filter: equals(Expr::Field(city), "o'k $1"),
                },
                "((data->'city') = '\"o''k $1\"'::jsonb)",
            ),
        ];
        for (kind, rule) in cases {
            let expected = [
                "ALTER TABLE \"c\" ADD CONSTRAINT \"a \"\"rule\"\"\" CHECK (",
                rule,
                " IS TRUE)",
            ];
            assert_eq!(create_check("c", &named(kind)), [expected.concat()]);
        }
    }

    #[test]
    fn a_rule_with_a_sub_select_is_a_function() {
        let element = Expr::Field(Field {
            root: Root::Element,
            path: FieldPath::root(),
            kind: FieldKind::Text,
        });
        let tags = Field::document(path("tags"), FieldKind::Array);
        let filter = Expr::AnyElement {
            array: Box::new(Expr::Field(tags)),
            predicate: Box::new(equals(element, "it's")),
        };
        let made = create_check("c", &named(ConstraintKind::Check { filter }));
        let [function, table] = made.as_slice() else {
            panic!("{made:?}");
        };
        let signature = check_function("a \"rule\"");
        let (name, _) = signature.split_once('(').unwrap();
        assert!(function.starts_with(&["CREATE OR REPLACE FUNCTION ", name, "("].concat()));
        // Quoted once as a literal of the rule, and once more as a part of the body.
        assert!(function.contains("it''''s"), "{function}");
        assert!(table.ends_with(&[" CHECK (", name, "(id, data))"].concat()));
        assert!(name.len() <= 50);
    }
}
