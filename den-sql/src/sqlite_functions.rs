//! The functions that a SQLite connection must have before it runs what this crate renders.
//!
//! All but [`FAIL`] are registered as deterministic, with the flags `SQLITE_UTF8 |
//! SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS`. No generated column, index or trigger uses them, so any other tool can open
//! and write the database without them.

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
