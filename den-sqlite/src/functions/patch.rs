//! The function that patches a document: [`den_backend::evaluate::apply`] is what it means.

use std::sync::Arc;

use den_backend::{
    Patch, Value,
    evaluate::{apply, apply_from},
};
use den_sql::sqlite_functions::{NATIVES, PATCH};
use rusqlite::{
    Connection, Result,
    functions::{Context, FunctionFlags},
};

use super::{
    compute::{json, parsed},
    failure::failure,
    text_of,
};

/// Adds the function to a connection.
pub(super) fn register(connection: &Connection, flags: FunctionFlags) -> Result<()> {
    connection.create_scalar_function(PATCH, 4, flags, patch)
}

fn patch(context: &Context<'_>) -> Result<String> {
    let patch: Arc<Patch> = parsed(context, 0)?;
    let mut document = json(context.get_raw(1), "a document")?.unwrap_or_default();
    let natives = json(context.get_raw(3), "the engine's own values")?;
    let patched = match natives {
        None => apply(&patch, &mut document),
        Some(natives) => {
            // Beside the document, which may have a key of that name itself.
            let mut from = document.clone();
            if let Value::Object(map) = &mut from {
                map.insert(NATIVES.to_owned(), natives);
            }
            apply_from(&patch, &from, &mut document)
        }
    };
    patched.map_err(|error| failure(&error, text_of(context.get_raw(2))))?;
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use den_backend::ErrorKind;

    use super::*;
    use crate::functions;

    #[test]
    fn a_document_that_is_too_deep_is_patched() {
        let deep = |inner: &str| {
            let (open, close) = ("[".repeat(990), "]".repeat(990));
            format!("{{\"a\":{open}{close},\"n\":{inner}}}")
        };
        let patched = std::thread::spawn(move || {
            let connection = Connection::open_in_memory().unwrap();
            functions::register(&connection).unwrap();
            let sql = "SELECT json(jsonb(den_patch(?1, json(jsonb(?2)), 'x', NULL)))";
            let inc = r#"{"changes":[{"inc":{"path":["n"],"by":2}}]}"#;
            let ask = (inc, deep("1"));
            let patched = connection.query_row(sql, ask, |row| row.get::<_, String>(0));
            assert_eq!(patched.unwrap(), deep("3"));
        });
        patched.join().unwrap();
    }

    #[test]
    fn a_document_is_patched() {
        let connection = Connection::open_in_memory().unwrap();
        functions::register(&connection).unwrap();
        let ask = |patch: &str, document: &str, natives: Option<&str>| {
            let sql = "SELECT den_patch(?1, ?2, 'x:1', ?3)";
            connection.query_row(sql, (patch, document, natives), |row| {
                row.get::<_, String>(0)
            })
        };
        let inc = r#"{"changes":[{"inc":{"path":["a","n"],"by":2}}]}"#;
        assert_eq!(
            ask(inc, r#"{"a":{"n":1}}"#, None).unwrap(),
            r#"{"a":{"n":3}}"#
        );
        assert_eq!(ask(inc, "{}", None).unwrap(), r#"{"a":{"n":2}}"#);

        let set = r#"{"changes":[{"set_expr":{"path":["b"],"value":
            {"field":{"root":"document","path":["_den:native","0"],"kind":"any"}}}}]}"#;
        assert_eq!(
            ask(set, r#"{"a":1}"#, Some("[5]")).unwrap(),
            r#"{"a":1,"b":5}"#
        );

        // A key of the document's own stays.
        let of_that_name = r#"{"_den:native":"mine","a":1}"#;
        assert_eq!(
            ask(inc, r#"{"_den:native":"mine"}"#, None).unwrap(),
            r#"{"_den:native":"mine","a":{"n":2}}"#
        );
        assert_eq!(
            ask(set, of_that_name, Some("[5]")).unwrap(),
            r#"{"_den:native":"mine","a":1,"b":5}"#
        );

        for (document, kind) in [
            (r#"{"a":{"n":"1"}}"#, ErrorKind::InvalidDocument),
            (r#"{"a":5}"#, ErrorKind::InvalidDocument),
            (r#"{"a":{"n":9223372036854775807}}"#, ErrorKind::OutOfRange),
        ] {
            let error = ask(inc, document, None).unwrap_err().to_string();
            let error = functions::failed(&error).unwrap();
            assert_eq!(
                (error.kind(), error.id()),
                (kind, Some("x:1")),
                "{document}"
            );
        }
    }
}
