//! The functions that a SQLite connection must have before it runs what this crate renders.
//!
//! All but [`FAIL`] are registered as deterministic, with the flags `SQLITE_UTF8 |
//! SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS`. No generated column or index uses them, and of triggers only that of a check
//! which SQLite cannot compute itself, so any other tool can open the database without them, and write all
//! but the collections with such a check.
//!
//! Expressions and patches are JSON as serde writes them. They are the same for a whole statement:
//! parse them once. What they mean is said by [`den_backend::evaluate`](mod@den_backend::evaluate);
//! what cannot be computed fails the statement.

/// `den_json_eq(a, b)`: 1 if two JSON texts are equal as [`Value`](den_backend::Value)s (numbers by
/// exact value, key order ignored), else 0; 0 as well if either is SQL `NULL` or not JSON.
pub const JSON_EQ: &str = "den_json_eq";

/// `den_regexp(pattern, text)`: 1 if the pattern (syntax of the `regex` crate,
/// [`Pattern::as_str`](den_backend::Pattern::as_str)) is found in the text, else 0; 0 as well if the
/// text is SQL `NULL`. The pattern is the same for a whole statement: compile it once.
pub const REGEXP: &str = "den_regexp";

/// `den_fail(text)`: fails the statement with the text as the error's message. It is registered as
/// `SQLITE_UTF8 | SQLITE_DIRECTONLY`: not deterministic, so that no engine tries it ahead of time.
pub const FAIL: &str = "den_fail";

/// `den_value(expression, document, element)`: the JSON text of the value of an expression; `null`
/// where there is none. The document and the element at hand are JSON texts; the element is SQL
/// `NULL` where there is none.
pub const VALUE: &str = "den_value";

/// `den_scalar(expression, document, element, type)`: the value of an expression, as
/// [`VALUE`] computes it, if it has this type, else SQL `NULL`: `'text'`, `'number'` (integer or
/// real), `'bool'` (1 or 0).
pub const SCALAR: &str = "den_scalar";

/// `den_patch(patch, document, id, natives)`: the JSON text of the document with the changes of a
/// patch made. Where it fails, the error names the id. `natives` is SQL `NULL`, or the JSON text of an array, which is put
/// under the key [`NATIVES`] of the document while expressions are computed.
pub const PATCH: &str = "den_patch";

/// `den_json(x)`: the JSON text of an SQL value, `null` for SQL `NULL` and blobs. SQLite's own functions
/// write some reals as others.
pub const JSON: &str = "den_json";

/// `den_key(json)`: the JSON text by which two equal values are told to be equal
/// ([`key`](den_backend::evaluate::aggregate::key)); `null` for SQL `NULL`.
pub const KEY: &str = "den_key";

/// The aggregate `den_sum(x)`: the JSON text of the [sum](den_backend::evaluate::aggregate::Sum) of integers and
/// reals; other values are passed over.
pub const SUM: &str = "den_sum";

/// The aggregate `den_avg(x)`: the JSON text of the average of integers and reals, `null` for none.
pub const AVG: &str = "den_avg";

/// The key of a document under which values that SQLite computed in its own language stand, as an
/// array, while an expression over them is computed.
pub const NATIVES: &str = "_den:native";
