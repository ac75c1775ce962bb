//! Tables, columns, indexes and the catalog.

use std::collections::BTreeMap;

use den_backend::{
    CollectionMeta, Direction, Expr, FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta,
    SearchOptions, Value, meta::fnv1a,
};

use crate::{dialect::Dialect, layout::Layout, writer::SqlWriter};

/// The tables of den's own records, made if missing: `_den_indexes(collection, name, fields,
/// is_unique, created_at, kind, definition, hash)`, then `_den_constraints(collection, name, position,
/// kind, definition, created_at)`, both with the primary key `(collection, name)`.
///
/// # Behavior
///
/// - `fields` is a JSON array of dotted paths (SQLite text, PostgreSQL `jsonb`); `created_at` is
///   RFC 3339 text on SQLite and `timestamptz` on PostgreSQL; `is_unique` 0 or 1, or `boolean`.
/// - `kind`, `definition` and `hash` are null in a table that another tool made.
pub fn catalog(dialect: &dyn Dialect) -> Vec<String> {
    dialect
        .catalog()
        .iter()
        .map(|it| (*it).to_owned())
        .collect()
}

/// Records an index, or renews its record. Parameters: collection, name, fields (JSON text;
/// PostgreSQL `jsonb`), is_unique (bool), created_at (text, RFC 3339), kind ([`kind_name`]),
/// definition ([`definition`]), hash ([`definition_hash`]).
pub fn record_index(dialect: &dyn Dialect) -> &'static str {
    dialect.record_index()
}

/// Forgets an index. Parameters: collection, name.
pub fn forget_index(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("DELETE FROM _den_indexes WHERE collection = ");
    sql.parameter(1, "::text").push(" AND name = ");
    sql.parameter(2, "::text");
    sql.into_text()
}

/// Forgets all indexes of a collection. Parameter: collection.
pub fn forget_collection(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("DELETE FROM _den_indexes WHERE collection = ");
    sql.parameter(1, "::text");
    sql.into_text()
}

/// The recorded indexes of a collection, by name. Parameter: collection. Columns: `name`, `fields`,
/// `is_unique`, `kind`, `definition`, `hash`.
pub fn recorded_indexes(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("SELECT name, fields, is_unique, kind, definition, hash\nFROM _den_indexes");
    sql.push("\nWHERE collection = ").parameter(1, "::text");
    sql.push("\nORDER BY name ASC NULLS FIRST");
    sql.into_text()
}

/// The tables that have the shape of a collection, den's own left out. Column: `name`.
pub fn collections(dialect: &dyn Dialect) -> &'static str {
    dialect.collections()
}

/// The table of a collection, made if missing, with a generated column for each indexed field: the
/// layout is then [`Layout::of(meta)`](Layout::of).
pub fn create_table(dialect: &dyn Dialect, meta: &CollectionMeta) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    dialect.create_table(&mut sql, meta);
    sql.into_text()
}

/// Adds the generated column of one field. SQLite: virtual, so any table; PostgreSQL: stored, so
/// only while the table is empty (else index the expression: [`Layout::with_expression`]).
///
/// # Behavior
///
/// - PostgreSQL passes over a column that is there; SQLite fails, so look before
///   (`pragma_table_xinfo` lists generated columns).
pub fn add_column(
    dialect: &dyn Dialect,
    collection: &str,
    path: &FieldPath,
    kind: FieldKind,
) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    dialect.add_column(&mut sql, collection, path, kind);
    sql.into_text()
}

/// Makes an index, to be run in this order. A field with a column in `layout` is indexed by its
/// column, another by its guarded expression (PostgreSQL; on SQLite add the column first).
///
/// # Behavior
///
/// - `concurrently` is PostgreSQL's `CONCURRENTLY` (outside of a transaction); SQLite ignores it.
/// - A members index is a side table `_den_<name>` with triggers on SQLite, filled from the rows
///   there are: run the statements in one transaction.
pub fn create_index(
    dialect: &dyn Dialect,
    layout: &Layout,
    index: &IndexMeta,
    concurrently: bool,
) -> Vec<String> {
    dialect.create_index(layout, index, concurrently)
}

/// Drops an index of den's, if it is there.
pub fn drop_index(
    dialect: &dyn Dialect,
    _collection: &str,
    name: &str,
    kind: IndexKind,
) -> Vec<String> {
    dialect.drop_index(name, kind)
}

/// Drops the table of a collection, if it is there. Drop its members indexes before
/// ([`drop_index`]); the other indexes go with the table.
pub fn drop_table(dialect: &dyn Dialect, collection: &str) -> Vec<String> {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("DROP TABLE IF EXISTS ").ident(collection);
    vec![sql.into_text()]
}

/// Gives a table another name. SQLite takes names that differ in ASCII case for one.
pub fn rename_table(dialect: &dyn Dialect, from: &str, to: &str) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("ALTER TABLE ").ident(from);
    sql.push(" RENAME TO ").ident(to);
    sql.into_text()
}

/// Records that an index belongs to another collection by now. Parameters: the collection it was
/// recorded for, its name, the collection it is of.
pub fn move_index_record(dialect: &dyn Dialect) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("UPDATE _den_indexes\nSET collection = ");
    sql.parameter(3, "::text");
    sql.push("\nWHERE collection = ").parameter(1, "::text");
    sql.push(" AND name = ").parameter(2, "::text");
    sql.into_text()
}

/// The index as it is called when its collection is: with the default name of the new collection, if it
/// has that of the old one.
pub fn renamed_index(index: &IndexMeta, from: &str, to: &str) -> IndexMeta {
    let paths: Vec<&FieldPath> = index.fields.iter().map(|(it, _)| &it.path).collect();
    let mut renamed = index.clone();
    if index.name == IndexMeta::default_name(from, index.kind, &paths) {
        renamed.name = IndexMeta::default_name(to, index.kind, &paths);
    }
    renamed
}

/// The hash of den's own definition of an index: changes when its name, kind, filter, fields,
/// their kinds or directions, or how text is read do.
pub fn definition_hash(index: &IndexMeta) -> String {
    let hash = fnv1a(definition(index).as_bytes());
    let digits = (0..16).rev().filter_map(|it| {
        let digit = u32::try_from((hash >> (it * 4)) & 0xf).ok()?;
        char::from_digit(digit, 16)
    });
    digits.collect()
}

/// The definition of an index as JSON, from which [`parse_definition`] makes it again.
pub fn definition(index: &IndexMeta) -> String {
    let fields = index.fields.iter().map(|(field, direction)| {
        let path = field.path.segments().iter();
        object([
            (
                "path",
                Value::Array(path.map(|it| Value::from(it.as_str())).collect()),
            ),
            ("kind", Value::from(field_kind_name(field.kind))),
            ("direction", Value::from(direction_name(*direction))),
        ])
    });
    let mut members = BTreeMap::from([
        ("name".to_owned(), Value::from(index.name.as_str())),
        ("kind".to_owned(), Value::from(kind_name(index.kind))),
        ("fields".to_owned(), Value::Array(fields.collect())),
    ]);
    // Left out where there is none, so that the hashes of such indexes stay as they always were.
    if !index.filter.is_always() {
        // As text inside of the text, because an expression has a form of its own.
        let filter = serde_json::to_string(&index.filter).unwrap_or_default();
        members.insert("filter".to_owned(), Value::Text(filter));
    }
    if let Some(search) = &index.search {
        members.insert("search".to_owned(), search_value(search));
    }
    Value::Object(members).to_string()
}

fn search_value(search: &SearchOptions) -> Value {
    let language = search.language.as_deref();
    let weights = search.weights.iter().copied().map(Value::Float);
    object([
        ("language", language.map_or(Value::Null, Value::from)),
        ("weights", Value::Array(weights.collect())),
        ("substrings", Value::Bool(search.substrings)),
    ])
}

fn parse_search(search: &Value) -> Option<SearchOptions> {
    let Value::Object(search) = search else {
        return None;
    };
    let Value::Array(weights) = search.get("weights")? else {
        return None;
    };
    let weights = weights.iter().map(|it| match it {
        Value::Float(weight) => Some(*weight),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Text(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    });
    Some(SearchOptions {
        language: match search.get("language")?.is_null() {
            true => None,
            false => Some(text(search, "language")?.to_owned()),
        },
        weights: weights.collect::<Option<_>>()?,
        substrings: *search.get("substrings")? == Value::Bool(true),
    })
}

/// The name of the column that PostgreSQL keeps a search index in.
///
/// # Behavior
///
/// - Deterministic, at most 50 bytes, and different for different definitions, so that a column of an
///   older one is never taken for it.
pub fn search_column(index: &IndexMeta) -> String {
    search_column_of(&definition_hash(index))
}

/// The name of the column of the search index whose definition has this hash.
pub fn search_column_of(hash: &str) -> String {
    ["_den_s_", hash].concat()
}

/// Adds the column of a search index, to be run while the table is empty; SQLite has none.
pub fn add_search_column(
    dialect: &dyn Dialect,
    collection: &str,
    index: &IndexMeta,
) -> Option<String> {
    dialect.add_search_column(collection, index)
}

/// Drops the column of the search index whose definition had this hash, and the index with it, if it
/// is there (PostgreSQL).
pub fn drop_search_column(dialect: &dyn Dialect, collection: &str, hash: &str) -> String {
    let mut sql = SqlWriter::new(dialect.placeholders());
    sql.push("ALTER TABLE IF EXISTS ").ident(collection);
    sql.push(" DROP COLUMN IF EXISTS ");
    sql.ident(&search_column_of(hash));
    sql.into_text()
}

/// The index that a recorded definition describes; `None` if it is not one of den's.
pub fn parse_definition(definition: &str) -> Option<IndexMeta> {
    let Value::Object(index) = serde_json::from_str(definition).ok()? else {
        return None;
    };
    let Value::Array(fields) = index.get("fields")? else {
        return None;
    };
    Some(IndexMeta {
        name: text(&index, "name")?.to_owned(),
        kind: kind_from_name(text(&index, "kind")?)?,
        fields: fields.iter().map(parse_field).collect::<Option<_>>()?,
        filter: match index.get("filter") {
            None => Expr::always(),
            Some(_) => serde_json::from_str(text(&index, "filter")?).ok()?,
        },
        search: match index.get("search") {
            None => None,
            Some(search) => Some(parse_search(search)?),
        },
    })
}

/// The name of an index kind in the catalog.
pub fn kind_name(kind: IndexKind) -> &'static str {
    match kind {
        IndexKind::Plain => "plain",
        IndexKind::Unique => "unique",
        IndexKind::Members => "members",
        IndexKind::Search => "search",
    }
}

/// The index kind of this name.
pub fn kind_from_name(name: &str) -> Option<IndexKind> {
    [
        IndexKind::Plain,
        IndexKind::Unique,
        IndexKind::Members,
        IndexKind::Search,
    ]
    .into_iter()
    .find(|it| kind_name(*it) == name)
}

fn parse_field(field: &Value) -> Option<(FieldMeta, Direction)> {
    let Value::Object(field) = field else {
        return None;
    };
    let Value::Array(path) = field.get("path")? else {
        return None;
    };
    let segments = path.iter().map(|it| match it {
        Value::Text(segment) => Some(segment.as_str()),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    });
    let segments: Vec<&str> = segments.collect::<Option<_>>()?;
    let kind = text(field, "kind")?;
    let direction = text(field, "direction")?;
    let meta = FieldMeta {
        path: FieldPath::from_segments(segments).ok()?,
        kind: FIELD_KINDS
            .into_iter()
            .find(|it| field_kind_name(*it) == kind)?,
    };
    let direction = [Direction::Asc, Direction::Desc]
        .into_iter()
        .find(|it| direction_name(*it) == direction)?;
    Some((meta, direction))
}

const FIELD_KINDS: [FieldKind; 6] = [
    FieldKind::Text,
    FieldKind::Number,
    FieldKind::Bool,
    FieldKind::Array,
    FieldKind::Object,
    FieldKind::Any,
];

fn field_kind_name(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Number => "number",
        FieldKind::Bool => "bool",
        FieldKind::Array => "array",
        FieldKind::Object => "object",
        FieldKind::Any => "any",
    }
}

fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "asc",
        Direction::Desc => "desc",
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into())
}

fn text<'a>(object: &'a BTreeMap<String, Value>, key: &str) -> Option<&'a str> {
    match object.get(key)? {
        Value::Text(text) => Some(text),
        Value::Null
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Float(_)
        | Value::Array(_)
        | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_reads_back() {
        let field = |path: &[&str], kind| FieldMeta {
            path: FieldPath::from_segments(path.iter().copied()).unwrap(),
            kind,
        };
        let index = IndexMeta {
            name: "ix".into(),
            kind: IndexKind::Unique,
            fields: vec![
                (
                    field(&["a.b", "US \"Gross\""], FieldKind::Number),
                    Direction::Desc,
                ),
                (field(&["x"], FieldKind::Any), Direction::Asc),
            ],
            filter: Expr::always(),
            search: None,
        };
        assert_eq!(parse_definition(&definition(&index)), Some(index.clone()));
        assert_eq!(parse_definition("{}"), None);
        assert_eq!(definition_hash(&index).len(), 16);

        let mut other = index.clone();
        other.kind = IndexKind::Plain;
        assert_ne!(definition_hash(&index), definition_hash(&other));
    }
}
