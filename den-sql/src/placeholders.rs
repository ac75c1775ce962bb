//! Statements that an application wrote itself: which are refused, and how their placeholders become
//! those of the engine.

use den_backend::{
    Error, ErrorKind, Result, Value,
    raw::{RawPiece, RawText, Syntax},
};

use crate::{dialect::Dialect, writer::Placeholders};

/// A statement of an application's own, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// The text.
    pub sql: String,
    /// What to bind, the first to placeholder 1. On PostgreSQL null is part of the text instead, where
    /// it fits any type.
    pub parameters: Vec<Value>,
    /// The first word, in upper case.
    pub verb: String,
    /// Whether it changes and locks nothing, but for what the functions do that it calls.
    pub reads: bool,
}

/// Makes a statement of an application's own ready for an engine.
///
/// # Behavior
///
/// - On PostgreSQL each placeholder gets the type of its parameter (`bigint`, `float8`, `text`,
///   `boolean`, `jsonb`): the driver binds nothing else than what is announced.
///
/// # Errors
///
/// `InvalidQuery` for a text that is not one statement, for parameters that are not used, for
/// placeholders without a parameter, and for what would disturb the connections that a backend keeps:
/// control of transactions, settings, prepared statements, `COPY`, `ATTACH`, `PRAGMA`.
pub fn raw(dialect: &dyn Dialect, text: &str, parameters: &[Value]) -> Result<Raw> {
    let engine = dialect.placeholders();
    let (syntax, refused) = match engine {
        Placeholders::Question => (Syntax::Sqlite, REFUSED_SQLITE),
        Placeholders::Dollar => (Syntax::Postgres, REFUSED_POSTGRES),
    };
    let parsed = RawText::parse(text, syntax)?;
    check_verb(&parsed, syntax, refused)?;
    parsed.check_parameters(parameters.len())?;
    let pieces = parsed.pieces();
    let mut raw = Raw {
        sql: String::with_capacity(text.len() + 8 * pieces.len()),
        parameters: Vec::with_capacity(parameters.len()),
        verb: parsed.word(0).to_owned(),
        reads: parsed.reads(),
    };
    // The number that each parameter is bound to, once it is.
    let mut numbers: Vec<Option<usize>> = vec![None; parameters.len()];
    for piece in pieces {
        let index = match piece {
            RawPiece::Text(text) => {
                raw.sql.push_str(text);
                continue;
            }
            RawPiece::Parameter(index) => index,
        };
        let (Some(value), Some(number)) = (parameters.get(index), numbers.get_mut(index)) else {
            continue;
        };
        if engine == Placeholders::Dollar && value.is_null() {
            raw.sql.push_str("NULL");
            continue;
        }
        let number = *number.get_or_insert_with(|| {
            raw.parameters.push(value.clone());
            raw.parameters.len()
        });
        push_placeholder(&mut raw.sql, engine, number, value);
    }
    Ok(raw)
}

const TRANSACTIONS: &str =
    "transactions and savepoints are begun and ended through the database handle";
const SETTINGS: &str = "it would outlast the statement, on a connection that others use next; in a \
     transaction, `SET LOCAL` does not";
const STATEMENTS: &str = "den keeps the prepared statements and cursors of its connections itself";
const NOTIFICATIONS: &str = "what it asks for would arrive at a connection that nobody listens to";
const COPIES: &str =
    "its rows do not travel as those of other statements do; take a connection of your own";
const ONE_CONNECTION: &str = "it would concern one of several connections only";

/// Verbs that are refused, and why.
type Refused = &'static [(&'static [&'static str], &'static str)];

const REFUSED_POSTGRES: Refused = &[
    (
        &[
            "BEGIN",
            "START",
            "COMMIT",
            "END",
            "ABORT",
            "ROLLBACK",
            "SAVEPOINT",
            "RELEASE",
        ],
        TRANSACTIONS,
    ),
    (&["SET", "RESET", "DISCARD", "LOAD"], SETTINGS),
    (
        &[
            "PREPARE",
            "EXECUTE",
            "DEALLOCATE",
            "DECLARE",
            "FETCH",
            "MOVE",
            "CLOSE",
        ],
        STATEMENTS,
    ),
    (&["LISTEN", "UNLISTEN"], NOTIFICATIONS),
    (&["COPY"], COPIES),
];

const REFUSED_SQLITE: Refused = &[
    (
        &["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"],
        TRANSACTIONS,
    ),
    (&["ATTACH", "DETACH", "PRAGMA"], ONE_CONNECTION),
];

fn check_verb(text: &RawText<'_>, syntax: Syntax, refused: Refused) -> Result<()> {
    let verb = text.word(0);
    if verb.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "there is no statement in the text",
        ));
    }
    let is_local = syntax == Syntax::Postgres && ["LOCAL", "CONSTRAINTS"].contains(&text.word(1));
    if verb == "SET" && is_local {
        return Ok(());
    }
    if let Some((_, why)) = refused.iter().find(|(verbs, _)| verbs.contains(&verb)) {
        return Err(refusal(verb, why));
    }
    // What ends the transaction when it fails would end the caller's.
    if syntax == Syntax::Sqlite && text.rolls_back() {
        return Err(refusal("ROLLBACK", TRANSACTIONS));
    }
    Ok(())
}

fn push_placeholder(sql: &mut String, engine: Placeholders, number: usize, value: &Value) {
    let (before, cast) = match (engine, value) {
        (Placeholders::Question, _) => ("?", ""),
        // In parentheses, because `$1::jsonb[0]` would name an array type.
        (Placeholders::Dollar, Value::Bool(_)) => ("($", "::boolean)"),
        (Placeholders::Dollar, Value::Int(_)) => ("($", "::bigint)"),
        (Placeholders::Dollar, Value::Float(_)) => ("($", "::float8)"),
        (Placeholders::Dollar, Value::Null | Value::Text(_)) => ("($", "::text)"),
        (Placeholders::Dollar, Value::Array(_) | Value::Object(_)) => ("($", "::jsonb)"),
    };
    sql.push_str(before);
    sql.push_str(&number.to_string());
    sql.push_str(cast);
}

fn refusal(verb: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::InvalidQuery,
        format!("`{verb}` is not run as a raw statement: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use crate::{POSTGRES, SQLITE};

    use super::*;

    #[test]
    fn placeholders_become_the_engines_own() {
        let values = [
            Value::Int(1),
            Value::Null,
            Value::from("x"),
            Value::Float(0.5),
            Value::Bool(true),
            Value::Array(Vec::new()),
        ];
        let text = "SELECT $6, $2, $1, $3, $4, $5, $1 -- $7";
        let sqlite = raw(SQLITE, text, &values).unwrap();
        assert_eq!(sqlite.sql, "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?3 -- $7");
        assert_eq!(sqlite.parameters.len(), 6);
        assert_eq!(sqlite.parameters[2], Value::Int(1));
        let postgres = raw(POSTGRES, text, &values).unwrap();
        assert_eq!(
            postgres.sql,
            "SELECT ($1::jsonb), NULL, ($2::bigint), ($3::text), ($4::float8), ($5::boolean), \
             ($2::bigint) -- $7"
        );
        assert_eq!(postgres.parameters.len(), 5);
        assert_eq!((postgres.verb.as_str(), postgres.reads), ("SELECT", true));
    }

    #[test]
    fn what_disturbs_connections_is_refused() {
        for text in [
            "BEGIN",
            "commit;",
            "/* a */ RollBack",
            "SAVEPOINT a",
            "RELEASE a",
            "END",
        ] {
            for dialect in [SQLITE, POSTGRES] {
                let error = raw(dialect, text, &[]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{text}");
                assert!(error.to_string().contains("transactions"), "{error}");
            }
        }
        for text in [
            "PRAGMA user_version",
            "ATTACH 'a' AS a",
            "INSERT OR ROLLBACK INTO a VALUES (1)",
            "CREATE TABLE a (b UNIQUE ON CONFLICT ROLLBACK)",
        ] {
            assert!(raw(SQLITE, text, &[]).is_err(), "{text}");
        }
        for text in [
            "SET work_mem = '1GB'",
            "SET SESSION a = 1",
            "RESET ALL",
            "DISCARD ALL",
            "DEALLOCATE ALL",
            "PREPARE TRANSACTION 'a'",
            "LISTEN a",
            "COPY a TO STDOUT",
        ] {
            assert!(raw(POSTGRES, text, &[]).is_err(), "{text}");
        }
        assert!(raw(POSTGRES, "SET LOCAL work_mem = '1GB'", &[]).is_ok());
        for dialect in [SQLITE, POSTGRES] {
            for text in ["", " ; ", "-- a"] {
                assert!(raw(dialect, text, &[]).is_err());
            }
        }
    }
}
