//! What the two engines spell differently.

use std::fmt::Debug;

use den_backend::{
    CollectionMeta, CompareOp, FieldKind, FieldPath, IndexKind, IndexMeta, LockMode, Pattern,
    TextOp, Value,
};

use crate::{
    changes::Kept,
    document::ExpectationKind,
    layout::Layout,
    postgres::Postgres,
    source::{Place, Scalar, Source},
    sqlite::Sqlite,
    writer::{Placeholders, SqlWriter},
};

/// SQLite 3.50 and later.
pub static SQLITE: &dyn Dialect = &Sqlite;

/// PostgreSQL 13 and later.
pub static POSTGRES: &dyn Dialect = &Postgres;

/// One engine's SQL.
pub trait Dialect: Predicates + Documents + Definitions {
    /// The name of the engine, for messages.
    fn name(&self) -> &'static str;

    /// How the engine writes placeholders.
    fn placeholders(&self) -> Placeholders;
}

/// Whether one element or every element of an array must satisfy a predicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// One.
    Any,
    /// Every.
    All,
}

/// What a parent holds that is no object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'a> {
    /// What the document has at these keys.
    At(&'a [String]),
    /// A value of this kind.
    Kind(FieldKind),
}

/// A text test.
#[derive(Debug, Clone, Copy)]
pub struct TextTest<'a> {
    /// How.
    pub op: TextOp,
    /// Whether ASCII letters of either case count as equal.
    pub ignore_case: bool,
    /// The text to look for.
    pub needle: &'a str,
}

impl TextTest<'_> {
    /// Whether the texts that pass lie side by side in an index: those with a common start.
    pub fn is_range(&self) -> bool {
        self.op == TextOp::StartsWith && !self.ignore_case
    }

    /// The text to look for as it is compared: in lower case where case does not matter.
    pub fn folded_needle(&self) -> String {
        if self.ignore_case {
            self.needle.to_ascii_lowercase()
        } else {
            self.needle.to_owned()
        }
    }
}

/// Operands, predicates and sort keys.
///
/// # Behavior
///
/// - A predicate is true exactly where its meaning says so ([`Expr`](den_backend::Expr)); elsewhere
///   it is false or NULL. The renderer turns that into two values where it negates.
/// - A predicate is safe beside `AND`, `OR` and `IS`: it is one comparison or call, or stands in
///   parentheses.
pub trait Predicates: Debug + Send + Sync {
    /// Writes the value of an operand if it has this type, else NULL.
    fn typed(&self, sql: &mut SqlWriter, source: &Source<'_>, scalar: Scalar);

    /// Writes: the operand and a literal that is not null compare so.
    fn compare(&self, sql: &mut SqlWriter, op: CompareOp, place: &Source<'_>, value: &Value);

    /// Writes: two operands compare so.
    fn compare_sources(
        &self,
        sql: &mut SqlWriter,
        op: CompareOp,
        left: &Source<'_>,
        right: &Source<'_>,
    );

    /// Writes: the operand equals one of the values.
    fn is_in(&self, sql: &mut SqlWriter, source: &Source<'_>, values: &[Value]);

    /// Writes: the value is missing or JSON `null`.
    fn is_null(&self, sql: &mut SqlWriter, source: &Source<'_>);

    /// Writes: there is a value, JSON `null` included.
    fn exists(&self, sql: &mut SqlWriter, place: &Place<'_>);

    /// Writes: the operand is text that passes the test.
    fn text(&self, sql: &mut SqlWriter, source: &Source<'_>, test: TextTest<'_>);

    /// Writes: the operand is text in which the pattern is found.
    fn matches(&self, sql: &mut SqlWriter, source: &Source<'_>, pattern: &Pattern);

    /// Writes: the place is an array with an element equal to the value.
    fn contains(&self, sql: &mut SqlWriter, array: &Place<'_>, value: &Value);

    /// Writes: the place is an array without elements, or null.
    fn is_empty(&self, sql: &mut SqlWriter, array: &Place<'_>);

    /// Writes the start of: the array has an element, under alias `e` and `level`, that satisfies;
    /// or for `All`, it has none that satisfies the complement. The predicate and
    /// two closing parentheses follow.
    fn elements(
        &self,
        sql: &mut SqlWriter,
        quantifier: Quantifier,
        array: &Source<'_>,
        level: usize,
    );

    /// Writes the start of: an element of the array is text that is one of; and returns true, if a
    /// members index holds the elements. The set and a closing parenthesis follow.
    fn text_members(&self, sql: &mut SqlWriter, array: &Place<'_>) -> bool;

    /// Writes: the place is an object with this key.
    fn has_key(&self, sql: &mut SqlWriter, object: &Place<'_>, key: &str);

    /// Writes the rank of the value's type in a mixed order: `null_rank` for null, 1 number, 2 text,
    /// 3 bool, 4 array, 5 object. Never NULL.
    fn rank(&self, sql: &mut SqlWriter, place: &Place<'_>, null_rank: &'static str);

    /// Writes a sort key that was selected under a name, to be ordered by once more.
    fn selected_key(&self, sql: &mut SqlWriter, number: usize, scalar: Option<Scalar>);
}

/// Statements over documents.
pub trait Documents: Debug + Send + Sync {
    /// Writes the column `body`, the whole document under alias `d`.
    fn document(&self, sql: &mut SqlWriter);

    /// Writes the column `body`, the JSON at a place.
    fn value(&self, sql: &mut SqlWriter, place: &Place<'_>);

    /// Writes the column `body`, empty.
    fn no_body(&self, sql: &mut SqlWriter);

    /// Writes `LIMIT` and `OFFSET`, as far as asked for.
    fn window(&self, sql: &mut SqlWriter, limit: Option<u64>, skip: u64);

    /// Writes the row lock at the end of a query.
    fn lock(&self, sql: &mut SqlWriter, mode: LockMode);

    /// Writes the condition of a [`get_many`](crate::document::get_many).
    fn get_many(&self, sql: &mut SqlWriter, n: usize);

    /// Writes a [`put`](crate::document::put).
    fn put(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind);

    /// Writes a [`put_many`](crate::document::put_many).
    fn put_many(&self, sql: &mut SqlWriter, collection: &str, expect: ExpectationKind);

    /// Writes the condition that the document's `_deleted_at` is null or missing.
    fn is_live(&self, sql: &mut SqlWriter);

    /// Writes the condition that the stored revision is parameter `number`.
    fn revision_is(&self, sql: &mut SqlWriter, number: usize);

    /// Writes the JSON text of the stored revision.
    fn revision(&self, sql: &mut SqlWriter);

    /// Whether a row can change between being found and being written, so that a statement that
    /// finds its rows in a sub-select has to look at them again.
    fn looks_again(&self) -> bool;

    /// Writes the condition that the document has a value at these keys that is neither an object
    /// nor null. A number among the keys is a key of an object here.
    fn is_no_object(&self, sql: &mut SqlWriter, keys: &[String]);

    /// Writes the engine's name of the type of the value at these keys.
    fn type_at(&self, sql: &mut SqlWriter, keys: &[String]);

    /// Writes the start of an expression, of the type of a document, that fails the statement with a
    /// text wherever it is computed. The text follows, then [`end_failure`](Self::end_failure).
    fn start_failure(&self, sql: &mut SqlWriter);

    /// Writes the end of such an expression.
    fn end_failure(&self, sql: &mut SqlWriter);

    /// Writes the document under alias `d` with these changes made, in each of whose
    /// [`Guard`](crate::changes::Guard)s it holds an object or null.
    fn changed(&self, sql: &mut SqlWriter, document: &Kept<'_>);
}

/// Tables, columns, indexes and the catalog.
pub trait Definitions: Debug + Send + Sync {
    /// The statements of [`schema::catalog`](crate::schema::catalog).
    fn catalog(&self) -> &'static [&'static str];

    /// The statement of [`schema::collections`](crate::schema::collections).
    fn collections(&self) -> &'static str;

    /// The statement of [`schema::record_index`](crate::schema::record_index).
    fn record_index(&self) -> &'static str;

    /// Writes a [`create_table`](crate::schema::create_table).
    fn create_table(&self, sql: &mut SqlWriter, meta: &CollectionMeta);

    /// Writes an [`add_column`](crate::schema::add_column).
    fn add_column(&self, sql: &mut SqlWriter, collection: &str, path: &FieldPath, kind: FieldKind);

    /// The statements of a [`create_index`](crate::schema::create_index).
    fn create_index(&self, layout: &Layout, index: &IndexMeta, concurrently: bool) -> Vec<String>;

    /// The statements of a [`drop_index`](crate::schema::drop_index).
    fn drop_index(&self, name: &str, kind: IndexKind) -> Vec<String>;
}
