//! What the two engines spell differently.

use std::fmt::Debug;

use den_backend::{
    CollectionMeta, CompareOp, FieldKind, FieldPath, IndexKind, IndexMeta, JsonType, LockMode,
    Patch, Pattern, Search, TextOp, Value,
};

use crate::{
    changes::{Base, Kept, Staged},
    computed::{Computed, Mode},
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
pub trait Dialect: Predicates + Documents + Groups + Searches + Definitions {
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

/// Which end of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
}

/// What a parent holds that is no object, or a field that is of the wrong type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held<'a> {
    /// What the document has at these keys.
    At(Base, &'a [String]),
    /// A value of this kind.
    Kind(FieldKind),
    /// A value that nests too deep.
    Deep,
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
    fn rank(&self, sql: &mut SqlWriter, source: &Source<'_>, null_rank: &'static str);

    /// Writes a computed value.
    fn computed(&self, sql: &mut SqlWriter, computed: &Computed<'_>, mode: Mode);

    /// Writes: the value is of one of these types, null, or missing. Never NULL.
    fn is_of_types(&self, sql: &mut SqlWriter, place: &Place<'_>, types: &[JsonType]);

    /// Writes any operand as JSON: SQLite text, PostgreSQL `jsonb`; null and missing as JSON `null`.
    fn json(&self, sql: &mut SqlWriter, source: &Source<'_>);

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

    /// Writes, behind `FROM .. AS d`, the elements of the array at a place as rows under the alias
    /// `e0`, a row of the table for each; none for what is no array.
    fn unwound(&self, sql: &mut SqlWriter, array: &Place<'_>);

    /// Writes a JSON array of so many elements, each of which `write` writes by its number, from 0,
    /// as [`element`](Self::element) would. As many as a caller likes.
    fn array(
        &self,
        sql: &mut SqlWriter,
        count: usize,
        write: &mut dyn FnMut(&mut SqlWriter, usize),
    );

    /// Writes any operand as an element of an [`array`](Self::array): null where there is none.
    fn element(&self, sql: &mut SqlWriter, source: &Source<'_>);

    /// Writes the whole document under alias `d` as an element of an [`array`](Self::array).
    fn document_element(&self, sql: &mut SqlWriter);

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

    /// Writes the condition that `base` has a value at these keys that is neither of this kind nor
    /// null. A number among the keys is a key of an object here.
    fn holds_other(&self, sql: &mut SqlWriter, base: Base, keys: &[String], kind: FieldKind);

    /// Writes the condition that `base` has a value at these keys, JSON `null` included.
    fn holds(&self, sql: &mut SqlWriter, base: Base, keys: &[String]);

    /// Writes the engine's name of the type of the value at these keys.
    fn type_at(&self, sql: &mut SqlWriter, base: Base, keys: &[String]);

    /// Writes the start of an expression, of the type of a document, that fails the statement with a
    /// text wherever it is computed. The text follows, then [`end_failure`](Self::end_failure).
    fn start_failure(&self, sql: &mut SqlWriter);

    /// Writes the end of such an expression.
    fn end_failure(&self, sql: &mut SqlWriter);

    /// Writes the document under alias `d` as a function of the engine makes it of a patch, and
    /// returns true; or writes nothing and returns false, where the patch is to be written as SQL by
    /// the other methods here.
    fn patched(&self, sql: &mut SqlWriter, patch: &Patch) -> bool;

    /// Writes the document `base` with these changes made, in each of whose
    /// [`Guard`](crate::changes::Guard)s it holds what is asked for.
    fn changed(&self, sql: &mut SqlWriter, document: &Kept<'_>, staged: &Staged<'_>);

    /// Writes a document that is bound: the JSON text of it.
    fn new_document(&self, sql: &mut SqlWriter, json: String);

    /// Writes one key of a unique index as `ON CONFLICT` has to name it.
    fn conflict_key(&self, sql: &mut SqlWriter, place: &Place<'_>, kind: FieldKind);

    /// Writes what the keys of a partial unique index end with.
    fn partial_end(&self, sql: &mut SqlWriter);

    /// Writes what an [`upsert`](crate::upsert()) returns: the columns `id`, `body` and `inserted`.
    fn upserted(&self, sql: &mut SqlWriter);
}

/// Groups and aggregates.
///
/// The values of a row are selected first, as columns of the sub-select `s`: keys as `g1`, `g2` .., what aggregates
/// look at as `a1`, `a2` ... Then they are grouped.
pub trait Groups: Debug + Send + Sync {
    /// Writes the value by which rows are grouped, told apart and counted: with a kind of `Text`,
    /// `Number` or `Bool` that of the type, NULL for any other; else one that is the same for equal
    /// values of any type (numbers by value, arrays and objects structurally), NULL for null.
    fn key(&self, sql: &mut SqlWriter, source: &Source<'_>, kind: FieldKind);

    /// Writes the key `s.g<number>` as an element of an [`array`](Documents::array).
    fn key_element(&self, sql: &mut SqlWriter, number: usize, kind: FieldKind);

    /// Writes, at the end of the sub-select, what keeps its values from being computed again for
    /// each aggregate that looks at them, if anything.
    fn computed_once(&self, sql: &mut SqlWriter);

    /// Writes a value that is NULL where the operand is null, and only there.
    fn present(&self, sql: &mut SqlWriter, source: &Source<'_>);

    /// Writes the sum of the numbers `s.a<number>` as an element: 0 for none; of integers alone an
    /// integer, or a failure; else added exactly and rounded to the nearest float once.
    fn sum(&self, sql: &mut SqlWriter, number: usize);

    /// Writes the sum of the numbers `s.a<number>` as the nearest float, divided by how many there are, as
    /// an element: null for none.
    fn average(&self, sql: &mut SqlWriter, number: usize);

    /// Writes the smallest or largest of the values `s.a<number>` of one type as an element.
    fn extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize, scalar: Scalar);

    /// Writes the smallest or largest of the values of all types as an element: numbers
    /// (`s.a<number>n`) < texts (`s.a<number>t`) < bools (`s.a<number>b`).
    fn mixed_extreme(&self, sql: &mut SqlWriter, extreme: Extreme, number: usize);
}

/// Full text.
pub trait Searches: Debug + Send + Sync {
    /// The statements of [`search_functions`](crate::search::search_functions).
    fn search_functions(&self) -> Vec<(&'static str, String)>;

    /// The statement of an [`add_search_column`](crate::schema::add_search_column).
    fn add_search_column(&self, collection: &str, index: &IndexMeta) -> Option<String>;

    /// Writes, behind `FROM .. AS d`, what a search has to be joined with, if anything.
    fn search_from(&self, sql: &mut SqlWriter, layout: &Layout, search: &Search);

    /// Writes the condition that the row under alias `d` is found, beside whatever
    /// [`search_from`](Self::search_from) demands.
    fn found(&self, sql: &mut SqlWriter, layout: &Layout, search: &Search);

    /// Writes how well the row under alias `d` fits the search: a number, more is better.
    fn score(&self, sql: &mut SqlWriter, layout: &Layout, search: &Search);

    /// Whether an order computes what is selected of all rows, those beyond the limit too. Then
    /// [`search_from`](Self::search_from) brings the score as `s.score`.
    fn sorts_whole_rows(&self) -> bool;
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
