//! The databases that cases run on.

use std::env;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// The in-memory reference backend.
    Memory,
    /// SQLite in a file.
    SqliteFile,
    /// SQLite in memory.
    SqliteMemory,
    /// PostgreSQL, in the database that `DEN_POSTGRES_URL` names.
    Postgres,
    /// PostgreSQL with another default collation, in the database that `DEN_POSTGRES_ICU_URL` names.
    PostgresIcu,
}

/// What a kind of database runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Plain Rust.
    Memory,
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Memory,
        Self::SqliteFile,
        Self::SqliteMemory,
        Self::Postgres,
        Self::PostgresIcu,
    ];

    /// The name, the first part of the names of the tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::SqliteFile => "sqlite",
            Self::SqliteMemory => "sqlite_memory",
            Self::Postgres => "postgres",
            Self::PostgresIcu => "postgres_icu",
        }
    }

    /// What it runs on.
    pub const fn engine(self) -> Engine {
        match self {
            Self::Memory => Engine::Memory,
            Self::SqliteFile | Self::SqliteMemory => Engine::Sqlite,
            Self::Postgres | Self::PostgresIcu => Engine::Postgres,
        }
    }

    /// Whether it can be opened here.
    pub fn is_there(self) -> bool {
        self.variable().is_none_or(|it| env::var_os(it).is_some())
    }

    /// Whether a second handle can be opened on the same database by its URL.
    pub const fn can_be_opened_twice(self) -> bool {
        match self {
            Self::Memory | Self::SqliteFile | Self::Postgres | Self::PostgresIcu => true,
            Self::SqliteMemory => false,
        }
    }

    /// The environment variable that names the server.
    pub(super) const fn variable(self) -> Option<&'static str> {
        match self {
            Self::Memory | Self::SqliteFile | Self::SqliteMemory => None,
            Self::Postgres => Some("DEN_POSTGRES_URL"),
            Self::PostgresIcu => Some("DEN_POSTGRES_ICU_URL"),
        }
    }

    /// The URL of the server.
    ///
    /// # Panics
    ///
    /// If there is none; see [`is_there`](Self::is_there).
    pub fn server(self) -> String {
        let variable = self
            .variable()
            .expect("only servers have a URL of their own");
        env::var(variable).unwrap_or_else(|_| panic!("set {variable} to the URL of a database"))
    }
}
