//! The functions that compute values: `den_backend::evaluate` is what they mean.

use std::sync::{Arc, Mutex, PoisonError};

use den_backend::{
    Error, ErrorKind, Expr, Value,
    evaluate::{Scope, Sets, aggregate::key},
};
use den_sql::sqlite_functions::{JSON, KEY, SCALAR, VALUE};
use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
    types::{self, ValueRef},
};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use super::{failure::failure, text_of};

/// A document of more bytes is not kept.
const KEPT: usize = 256 * 1024;

/// The document that was looked at last: a statement asks for several values of each row.
#[derive(Debug, Default)]
struct Last(Mutex<Option<(String, Arc<Value>)>>);

/// An expression that is evaluated for each row.
#[derive(Debug)]
struct Prepared {
    expr: Expr,
    sets: Sets,
}

impl<'de> Deserialize<'de> for Prepared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let expr = Expr::deserialize(deserializer)?;
        let sets = Sets::of(&expr);
        Ok(Self { expr, sets })
    }
}

/// Adds the functions to a connection.
pub(super) fn register(connection: &Connection, flags: FunctionFlags) -> Result<()> {
    let last = Arc::new(Last::default());
    let of_scalars = Arc::clone(&last);
    connection.create_scalar_function(VALUE, 3, flags, move |context| {
        compute(context, &last, Value::to_string)
    })?;
    connection.create_scalar_function(SCALAR, 4, flags, move |context| {
        let wanted = text_of(context.get_raw(3)).unwrap_or_default();
        compute(context, &of_scalars, |value| scalar(value, wanted))
    })?;
    connection.create_scalar_function(JSON, 1, flags, |context| {
        Ok(value_of(context.get_raw(0)).to_string())
    })?;
    connection.create_scalar_function(KEY, 1, flags, |context| {
        let value = json(context.get_raw(0), "a value")?;
        Ok(key(&value.unwrap_or_default()))
    })
}

/// What a function has been given as JSON, parsed; none for SQL `NULL`.
pub(super) fn json(text: ValueRef<'_>, what: &'static str) -> Result<Option<Value>> {
    let Some(text) = text_of(text) else {
        return Ok(None);
    };
    unlimited(text).map(Some).map_err(|_| {
        let message = format!("the JSON of {what} cannot be read");
        failure(&Error::new(ErrorKind::Corrupt, message), None)
    })
}

/// Reads JSON, however deep it nests: `Query::check` knows how deep expressions may be, which is deeper
/// than documents; and a document of another program's must not stand in the way of others. SQLite
/// itself reads no JSON deeper than 1000 levels.
fn unlimited<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.disable_recursion_limit();
    let value = T::deserialize(&mut json)?;
    json.end().map(|()| value)
}

/// What is the same for a whole statement, such as an expression, parsed once.
pub(super) fn parsed<T: DeserializeOwned + Send + Sync + 'static>(
    context: &Context<'_>,
    argument: i32,
) -> Result<Arc<T>> {
    context.get_or_create_aux(argument, |text| {
        unlimited(text_of(text).unwrap_or_default())
    })
}

/// The value of an SQL value.
pub(super) fn value_of(sql: ValueRef<'_>) -> Value {
    match sql {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(it) => Value::Int(it),
        ValueRef::Real(it) => Value::Float(it),
        ValueRef::Text(_) => text_of(sql).map_or(Value::Null, Value::from),
        ValueRef::Blob(_) => Value::Null,
    }
}

fn compute<T>(context: &Context<'_>, last: &Last, then: impl Fn(&Value) -> T) -> Result<T> {
    let Prepared { expr, sets } = &*parsed(context, 0)?;
    let document = last.parse(context.get_raw(1))?;
    let element = json(context.get_raw(2), "an element")?;
    let scope = Scope {
        element: element.as_ref(),
        sets: Some(sets),
        ..Scope::of(&document)
    };
    let value = scope.value(expr).map_err(|error| failure(&error, None))?;
    Ok(then(&value))
}

/// A value of the type that is wanted.
fn scalar(value: &Value, wanted: &str) -> types::Value {
    match (value, wanted) {
        (Value::Text(it), "text") => types::Value::Text(it.clone()),
        (Value::Int(it), "number") => types::Value::Integer(*it),
        (Value::Float(it), "number") => types::Value::Real(*it),
        (Value::Bool(it), "bool") => types::Value::Integer(i64::from(*it)),
        (
            Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Text(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => types::Value::Null,
    }
}

impl Last {
    /// A document, parsed unless it is the same as before.
    fn parse(&self, document: ValueRef<'_>) -> Result<Arc<Value>> {
        let Some(text) = text_of(document) else {
            return Ok(Arc::default());
        };
        // Only the thread that holds the connection comes here: nobody ever waits for the lock.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, value)) = &*last
            && of == text
        {
            return Ok(Arc::clone(value));
        }
        let value = Arc::new(json(document, "a document")?.unwrap_or_default());
        *last = (text.len() <= KEPT).then(|| (text.to_owned(), Arc::clone(&value)));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::{ToSql, types::FromSql};

    use super::*;
    use crate::functions;

    fn ask<T: FromSql>(sql: &str, params: &[&dyn ToSql]) -> Result<T> {
        let connection = Connection::open_in_memory().unwrap();
        functions::register(&connection).unwrap();
        connection.query_row(sql, params, |row| row.get(0))
    }

    /// `n + 1`
    const SUM: &str = r#"{"arithmetic":{"op":"add",
        "left":{"field":{"root":"document","path":["n"],"kind":"number"}},
        "right":{"value":1}}}"#;

    const ELEMENT: &str = r#"{"field":{"root":"element","path":[],"kind":"any"}}"#;

    #[test]
    fn values_are_computed() {
        let value = |expr, document| -> String {
            ask("SELECT den_value(?1, ?2, NULL)", &[&expr, &document]).unwrap()
        };
        assert_eq!(value(SUM, r#"{"n":1}"#), "2");
        assert_eq!(value(SUM, r#"{"n":1.5}"#), "2.5");
        assert_eq!(value(SUM, r#"{"n":"1"}"#), "null");
        assert_eq!(value(SUM, "{}"), "null");
        let element: String = ask("SELECT den_value(?1, '{}', '[1.50]')", &[&ELEMENT]).unwrap();
        assert_eq!(element, "[1.5]");
    }

    #[test]
    fn a_scalar_has_its_type_or_is_null() {
        let scalar = |document: &str, wanted: &str| -> types::Value {
            let sql = "SELECT den_scalar(?1, '{}', ?2, ?3)";
            ask(sql, &[&ELEMENT, &document, &wanted]).unwrap()
        };
        assert_eq!(scalar("1", "number"), types::Value::Integer(1));
        assert_eq!(scalar("1.0", "number"), types::Value::Real(1.0));
        assert_eq!(scalar("true", "bool"), types::Value::Integer(1));
        assert_eq!(scalar("\"a\"", "text"), types::Value::Text("a".into()));
        for (document, wanted) in [
            ("1", "text"),
            ("\"1\"", "number"),
            ("1", "bool"),
            ("null", "text"),
            ("[]", "text"),
        ] {
            assert_eq!(scalar(document, wanted), types::Value::Null, "{document}");
        }
    }

    #[test]
    fn a_number_out_of_range_is_told() {
        let document = r#"{"n":9223372036854775807}"#;
        let error = ask::<String>("SELECT den_value(?1, ?2, NULL)", &[&SUM, &document]);
        let error = functions::failed(&error.unwrap_err().to_string()).unwrap();
        assert_eq!(error.kind(), ErrorKind::OutOfRange);
    }

    #[test]
    fn each_row_has_its_own_value() {
        let sql = "SELECT group_concat(den_scalar(?1, value, NULL, 'number') || ':'
                || den_scalar(?2, value, NULL, 'number')) FROM json_each(?3)";
        let rows = r#"[{"n":1},{"n":2},{"n":2},{}]"#;
        let two = SUM.replace(":1}", ":2}");
        let answer: String = ask(sql, &[&SUM, &two, &rows]).unwrap();
        assert_eq!(answer, "2:3,3:4,3:4");
    }

    #[test]
    fn a_long_list_is_searched() {
        let values: Vec<String> = (0..5000).map(|it| (it * 2).to_string()).collect();
        let expr = format!(
            r#"{{"in":{{"operand":{SUM},"values":[{}]}}}}"#,
            values.join(",")
        );
        let rows: Vec<String> = (0..20_000).map(|it| format!(r#"{{"n":{it}}}"#)).collect();
        let rows = format!("[{}]", rows.join(","));
        let sql = "SELECT sum(den_scalar(?1, value, NULL, 'bool')) FROM json_each(?2)";
        let began = std::time::Instant::now();
        let answer: i64 = ask(sql, &[&expr, &rows]).unwrap();
        assert_eq!(answer, 4999);
        // Comparing each value with each of the list takes many times as long.
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn a_deep_expression_is_read() {
        let depth = 100;
        let deep = [
            &r#"{"coalesce":[{"arithmetic":{"op":"add","left":"#.repeat(depth),
            r#"{"value":1}"#,
            &r#","right":{"value":1}}}]}"#.repeat(depth),
        ]
        .concat();
        let answer: String = ask("SELECT den_value(?1, '{}', NULL)", &[&deep]).unwrap();
        assert_eq!(answer, "101");
    }

    #[test]
    fn json_has_all_digits() {
        let json = |sql: &str| -> String { ask(sql, &[]).unwrap() };
        assert_eq!(json("SELECT den_json(0.1)"), "0.1");
        assert_eq!(json("SELECT den_json(1e300)"), "1e300");
        assert_eq!(
            json("SELECT den_json(9007199254740993)"),
            "9007199254740993"
        );
        assert_eq!(json("SELECT den_json('a\"b')"), "\"a\\\"b\"");
        assert_eq!(json("SELECT den_json(NULL)"), "null");
        assert_eq!(
            json("SELECT den_key('{\"b\":1.0,\"a\":[2]}')"),
            r#"{"a":[2],"b":1}"#
        );
    }
}
