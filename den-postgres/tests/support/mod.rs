//! A schema of its own for each test, and a plain connection beside den's.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{
    env, process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use den_backend::{
    Backend, CollectionMeta, CompareOp, DatabaseUrl, Direction, Expectation, Expr, Field,
    FieldKind, FieldMeta, FieldPath, IndexKind, IndexMeta, OpenOptions, Put, ReadWrite, Result,
    Root, Value,
};
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Names the server to use, which may be written to.
pub(crate) const URL_VARIABLE: &str = "DEN_POSTGRES_URL";

/// The server's URL, if one is named.
pub(crate) fn url() -> Option<String> {
    env::var(URL_VARIABLE).ok().filter(|it| !it.is_empty())
}

/// A schema that no other test uses.
pub(crate) struct Schema {
    name: String,
    url: String,
    /// A connection beside den's, working in the same schema.
    pub(crate) plain: Client,
}

impl Schema {
    pub(crate) async fn create() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let url = url().expect("the caller looked whether a server is named");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("den test {} {number}", process::id());
        let plain = connect(&url).await;
        let quoted = quote(&name);
        let text = ["CREATE SCHEMA ", &quoted, "; SET search_path = ", &quoted].concat();
        plain.batch_execute(&text).await.unwrap();
        Self { name, url, plain }
    }

    /// den's URL for this schema, with more parameters.
    pub(crate) fn url(&self, parameters: &str) -> String {
        let application = ["application_name=", &self.application()].concat();
        let separator = if self.url.contains('?') { "&" } else { "?" };
        let schema = self.name.replace(' ', "%20");
        [
            &self.url,
            separator,
            &["schema=", &schema].concat(),
            "&",
            &application,
            "&",
            parameters,
        ]
        .concat()
    }

    /// By which this test's connections are told from others on the server.
    pub(crate) fn application(&self) -> String {
        self.name.replace(' ', "_")
    }

    /// How many of den's connections are in this state.
    pub(crate) fn count_in_state(&self, state: &str) -> String {
        [
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '",
            &self.application(),
            "' AND state LIKE '",
            state,
            "'",
        ]
        .concat()
    }

    /// Ends all of den's connections.
    pub(crate) async fn terminate(&self) {
        self.ask(
            &[
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '",
                &self.application(),
                "'",
            ]
            .concat(),
        )
        .await;
    }

    pub(crate) async fn open(&self, parameters: &str) -> Arc<dyn Backend> {
        open(&self.url(parameters)).await.unwrap()
    }

    pub(crate) async fn remove(self) {
        let text = ["DROP SCHEMA ", &quote(&self.name), " CASCADE"].concat();
        self.plain.batch_execute(&text).await.unwrap();
    }

    /// The first column of the first row, as text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let rows = self.plain.simple_query(sql).await.unwrap();
        let value = rows.iter().find_map(|it| {
            let SimpleQueryMessage::Row(row) = it else {
                return None;
            };
            row.get(0).map(str::to_owned)
        });
        value.unwrap_or_default()
    }
}

/// Opens a database through den.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Backend>> {
    (den_postgres::DRIVER.open)(DatabaseUrl::parse(url)?, OpenOptions::default()).await
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    drop(tokio::spawn(connection));
    client
}

fn quote(name: &str) -> String {
    ["\"", name, "\""].concat()
}

/// The collection that most tests use: one number, one unique text.
pub(crate) fn things() -> CollectionMeta {
    let mut meta = CollectionMeta::new("things");
    meta.indexes = vec![
        index("things_n", IndexKind::Plain, "n", FieldKind::Number),
        index("things_code", IndexKind::Unique, "code", FieldKind::Text),
    ];
    meta
}

pub(crate) fn index(name: &str, kind: IndexKind, path: &str, of: FieldKind) -> IndexMeta {
    let field = FieldMeta {
        path: FieldPath::parse(path).unwrap(),
        kind: of,
    };
    IndexMeta {
        name: name.to_owned(),
        fields: vec![(field, Direction::Asc)],
        kind,
        filter: Expr::always(),
        search: None,
    }
}

/// The filter `n <op> value`.
pub(crate) fn n(op: CompareOp, value: impl Into<Value>) -> Expr {
    let field = Field {
        root: Root::Document,
        path: FieldPath::parse("n").unwrap(),
        kind: FieldKind::Number,
    };
    Expr::Compare {
        op,
        left: Box::new(Expr::Field(field)),
        right: Box::new(Expr::Value(value.into())),
    }
}

/// The JSON of a thing.
pub(crate) fn thing(id: &str, n: i64, code: &str) -> String {
    format!(r#"{{"_id":"{id}","n":{n},"code":"{code}"}}"#)
}

/// A put of that JSON.
pub(crate) fn put<'a>(id: &'a str, body: &'a str, expect: Expectation<'a>) -> Put<'a> {
    Put {
        id,
        body: body.as_bytes(),
        expect,
    }
}

/// Writes a thing, whatever there is.
pub(crate) async fn write(
    on: &(impl ReadWrite + ?Sized),
    id: &str,
    n: i64,
    code: &str,
) -> Result<()> {
    let body = thing(id, n, code);
    on.put("things", put(id, &body, Expectation::Any)).await?;
    Ok(())
}

/// Waits until a question to the server is answered so.
pub(crate) async fn until(schema: &Schema, sql: &str, expected: &str) {
    for _ in 0..200 {
        if schema.ask(sql).await == expected {
            return;
        }
        sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(schema.ask(sql).await, expected, "{sql}");
}
