//! A fresh database, and the command run on it.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use assert_cmd::Command;
use den::{
    Db, Json,
    raw::{ExecuteRaw as _, RawSql},
    site,
};
use tempfile::TempDir;

const SERVER: &str = "DEN_POSTGRES_URL";

static NEXT: AtomicU32 = AtomicU32::new(0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// Whether it can be used here.
    pub(crate) fn is_there(self) -> bool {
        self == Self::Sqlite || std::env::var_os(SERVER).is_some()
    }
}

/// A fresh database of an engine, and a folder for files.
pub(crate) struct Place {
    pub(crate) engine: Engine,
    pub(crate) folder: TempDir,
    /// What den opens.
    pub(crate) url: String,
    schema: Option<String>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new(engine: Engine) -> Self {
        let folder = TempDir::with_prefix("den-cli-").unwrap();
        let (url, schema) = match engine {
            Engine::Sqlite => {
                let file = folder.path().join("test.db");
                (["sqlite:///", file.to_str().unwrap()].concat(), None)
            }
            Engine::Postgres => {
                let name = schema_name();
                on_server(&["CREATE SCHEMA \"", &name, "\""].concat());
                (url_of(&name), Some(name))
            }
        };
        Self {
            engine,
            folder,
            url,
            schema,
        }
    }

    /// The command, with this database as `DEN_URL`.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_den"));
        command.env("DEN_URL", &self.url);
        self.prepared(command)
    }

    /// The command as an application embeds it.
    pub(crate) fn embedded(&self, which: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(super::embedded::VARIABLE, which);
        command.env("DEN_URL", &self.url);
        self.prepared(command)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path());
        command.env_remove("NO_COLOR");
        command.timeout(Duration::from_secs(120));
        command
    }

    /// Runs the command.
    pub(crate) fn den(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments))
    }

    /// Runs the command, which has to end well, and returns what it wrote.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let run = self.den(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
        run.out
    }

    /// The lines of JSON that the command wrote.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Json> {
        lines(&self.ok(arguments))
    }

    /// Stores documents, a JSON list, in a collection that is made if it is not there.
    pub(crate) fn put(&self, collection: &str, documents: &Json) {
        self.ok(&["put", "--create", collection, &documents.to_string()]);
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a statement below den.
    pub(crate) fn execute(&self, sqlite: &'static str, postgres: &'static str) {
        self.run_below(RawSql::new().sqlite(sqlite).postgres(postgres));
    }

    /// The same for a text that was made here.
    pub(crate) fn run_below(&self, statement: RawSql) {
        on(&self.url, async |db| {
            db.execute_raw(site!("cli_tests_execute"), statement, ())
                .await
                .unwrap();
        });
    }

    pub(crate) fn remove(self) {
        if let Some(name) = self.schema {
            on_server(&["DROP SCHEMA \"", &name, "\" CASCADE"].concat());
        }
    }
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

/// Each line as JSON.
pub(crate) fn lines(text: &str) -> Vec<Json> {
    text.lines()
        .map(|it| serde_json::from_str(it).unwrap_or_else(|why| panic!("{why}: {it}")))
        .collect()
}

fn schema_name() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let stamp = std::time::UNIX_EPOCH.elapsed().unwrap().as_micros();
    format!("den_cli_{stamp:x}_{}_{number}", std::process::id())
}

fn url_of(schema: &str) -> String {
    let server = std::env::var(SERVER).unwrap();
    let join = if server.contains('?') { "&" } else { "?" };
    [&server, join, "schema=", schema, "&max_connections=4"].concat()
}

fn on_server(statement: &str) {
    let statement = RawSql::assert_safe(statement);
    on(&std::env::var(SERVER).unwrap(), async |db| {
        db.execute_raw(site!("cli_tests_schema"), statement, ())
            .await
            .unwrap();
    });
}

fn on<F>(url: &str, work: F)
where
    F: AsyncFnOnce(Db),
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let db = Db::open(url).await.unwrap();
        work(db.clone()).await;
        db.close().await.unwrap();
    });
}
