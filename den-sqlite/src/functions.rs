//! The SQL functions that den's statements use and SQLite lacks.

mod aggregate;
mod compute;
mod failure;
mod patch;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use den_backend::Value;
use den_sql::sqlite_functions::{FAIL, JSON_EQ, REGEXP};
use regex::Regex;
use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};

pub(crate) use self::failure::failed;

/// What `den_regexp` says of a pattern that cannot be compiled; `classify` looks for it.
pub(crate) const PATTERN_TOO_LARGE: &str = "the regular expression is too large";

/// So many compiled patterns are kept for each connection.
const PATTERNS: usize = 64;

/// Adds the functions to a connection.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(JSON_EQ, 2, flags, json_eq)?;
    let patterns = Mutex::new(HashMap::new());
    connection
        .create_scalar_function(REGEXP, 2, flags, move |context| regexp(context, &patterns))?;
    compute::register(connection, flags)?;
    patch::register(connection, flags)?;
    aggregate::register(connection, flags)?;
    // Not deterministic: what is may be computed ahead of time, for a row that it is not meant for.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(FAIL, 1, flags, fail)
}

fn json_eq(context: &Context<'_>) -> Result<bool> {
    // An operand that is the same for the whole statement is parsed once.
    let parse = |argument: i32| context.get_or_create_aux(argument, parse_json);
    let (left, right) = (parse(0)?, parse(1)?);
    Ok(match (&*left, &*right) {
        (Some(left), Some(right)) => left == right,
        (None, _) | (_, None) => false,
    })
}

fn parse_json(text: ValueRef<'_>) -> Result<Option<Value>> {
    Ok(text_of(text).and_then(|it| serde_json::from_str(it).ok()))
}

fn regexp(context: &Context<'_>, patterns: &Mutex<HashMap<String, Arc<Regex>>>) -> Result<bool> {
    let pattern: Arc<Option<Arc<Regex>>> =
        context.get_or_create_aux(0, |pattern| match text_of(pattern) {
            Some(pattern) => compile(pattern, patterns).map(Some),
            None => Ok(None),
        })?;
    let text = text_of(context.get_raw(1));
    Ok(match (&*pattern, text) {
        (Some(pattern), Some(text)) => pattern.is_match(text),
        (None, _) | (_, None) => false,
    })
}

fn compile(pattern: &str, patterns: &Mutex<HashMap<String, Arc<Regex>>>) -> Result<Arc<Regex>> {
    // Only the thread that holds the connection comes here: nobody ever waits for the lock.
    let mut patterns = patterns.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = patterns.get(pattern) {
        return Ok(Arc::clone(found));
    }
    let compiled = Regex::new(pattern)
        .map_err(|_| rusqlite::Error::UserFunctionError(PATTERN_TOO_LARGE.into()))?;
    if patterns.len() >= PATTERNS {
        patterns.clear();
    }
    let compiled = Arc::new(compiled);
    patterns.insert(pattern.to_owned(), Arc::clone(&compiled));
    Ok(compiled)
}

fn fail(context: &Context<'_>) -> Result<bool> {
    let message = text_of(context.get_raw(0)).unwrap_or(FAIL);
    Err(rusqlite::Error::UserFunctionError(message.into()))
}

fn text_of(value: ValueRef<'_>) -> Option<&str> {
    value.as_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(sql: &str) -> Option<i64> {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn json_is_compared_by_value() {
        for (a, b, equal) in [
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1.0}"#, 1),
            ("9007199254740993", "9007199254740992.0", 0),
            (r#""1""#, "1", 0),
            ("null", "null", 1),
            ("oops", "oops", 0),
        ] {
            let connection = Connection::open_in_memory().unwrap();
            register(&connection).unwrap();
            let answer: i64 = connection
                .query_row("SELECT den_json_eq(?1, ?2)", [a, b], |row| row.get(0))
                .unwrap();
            assert_eq!(answer, equal, "{a} {b}");
        }
        assert_eq!(eval("SELECT den_json_eq(NULL, 'null')"), Some(0));
    }

    #[test]
    fn a_failure_says_the_text_it_is_given() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let sql = "SELECT CASE WHEN value = 'b' THEN den_fail('no ' || value) ELSE 1 END
            FROM json_each(?1)";
        let ask = |json: &str| connection.query_row(sql, [json], |row| row.get::<_, i64>(0));
        assert_eq!(ask(r#"["a"]"#), Ok(1));
        let rusqlite::Error::SqliteFailure(_, message) = ask(r#"["b"]"#).unwrap_err() else {
            panic!("another error");
        };
        assert_eq!(message.as_deref(), Some("no b"));
    }

    #[test]
    fn patterns_are_found_anywhere() {
        assert_eq!(eval("SELECT den_regexp('b+', 'abbc')"), Some(1));
        assert_eq!(eval("SELECT den_regexp('^b', 'abbc')"), Some(0));
        assert_eq!(eval("SELECT den_regexp('b', NULL)"), Some(0));
        assert_eq!(eval("SELECT den_regexp('1', 1)"), Some(0));
        let rows = "SELECT sum(den_regexp('^a', value)) FROM json_each('[\"a\",\"b\",\"ab\"]')";
        assert_eq!(eval(rows), Some(2));
    }
}
