//! A schema of its own for each case, made and dropped beside den.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::NoTls;

use crate::Target;

/// What only den understands in a URL.
const NOT_OF_THE_DRIVER: &[&str] = &[
    "max_connections",
    "acquire_timeout",
    "statement_cache",
    "schema",
    "synchronous_commit",
    "sslmode",
];

/// Eight cases at once, each with two handles, fit into the 100 connections a server takes.
const CONNECTIONS: &str = "max_connections=5";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A schema, empty at first.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    target: Target,
    name: String,
}

impl Schema {
    /// Makes a schema with a name that no other run uses.
    pub(super) async fn create(target: Target) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let stamp = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |it| it.as_micros());
        let schema = Self {
            target,
            name: format!("den_test_{stamp:x}_{}_{number}", std::process::id()),
        };
        schema.execute("CREATE SCHEMA ", "").await;
        schema
    }

    pub(super) async fn drop(&self) {
        self.execute("DROP SCHEMA ", " CASCADE").await;
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What den opens.
    pub(super) fn url(&self) -> String {
        let server = self.target.server();
        let join = if server.contains('?') { "&" } else { "?" };
        [&server, join, "schema=", &self.name, "&", CONNECTIONS].concat()
    }

    async fn execute(&self, before: &str, after: &str) {
        let client = connect(self.target).await;
        let statement = [before, "\"", &self.name, "\"", after].concat();
        client.batch_execute(&statement).await.unwrap();
    }
}

/// A plain connection to the server of a target, with the driver alone.
pub(super) async fn connect(target: Target) -> tokio_postgres::Client {
    let url = plain_url(&target.server());
    let (client, connection) = tokio_postgres::connect(&url, NoTls)
        .await
        .unwrap_or_else(|why| panic!("{target:?} cannot be reached: {why:?}"));
    // It ends when the client is dropped.
    tokio::spawn(connection);
    client
}

fn plain_url(url: &str) -> String {
    let Some((base, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let is_plain = |pair: &&str| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        !NOT_OF_THE_DRIVER.contains(&name)
    };
    let pairs: Vec<&str> = query.split('&').filter(is_plain).collect();
    [base, "?", &pairs.join("&")].concat()
}
