//! What a backend sends: text, and what to bind to its placeholders.

/// SQL text with its parameters in order.
///
/// The placeholders are `?1`, `?2` .. for SQLite and `$1`, `$2` .. for PostgreSQL; one parameter
/// may occur several times in the text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// What to bind, the first to placeholder 1.
    pub params: Vec<Param>,
}

/// One bound value.
///
/// On PostgreSQL every placeholder is cast in the text (`$1::numeric`), so its type is the one
/// named here whatever the driver infers.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    /// SQLite `INTEGER` 0 or 1; PostgreSQL `boolean`.
    Bool(bool),
    /// SQLite `INTEGER`; PostgreSQL `numeric`.
    Int(i64),
    /// SQLite `REAL`; PostgreSQL `numeric`, spelled by
    /// [`float_text`](den_backend::value::float_text) so that no digit is lost.
    Float(f64),
    /// SQLite `INTEGER`; PostgreSQL `bigint`: a number of rows.
    Rows(i64),
    /// `TEXT`; PostgreSQL `text`.
    Text(String),
    /// JSON text: SQLite `TEXT`; PostgreSQL `jsonb`.
    Json(String),
    /// PostgreSQL `text[]`; never in a SQLite statement.
    TextArray(Vec<String>),
    /// Decimal numbers as text: PostgreSQL `numeric[]`; never in a SQLite statement.
    NumericArray(Vec<String>),
    /// JSON texts: PostgreSQL `jsonb[]`; never in a SQLite statement.
    JsonArray(Vec<String>),
}

impl Param {
    /// The cast that gives a PostgreSQL placeholder its type.
    pub const fn postgres_cast(&self) -> &'static str {
        match self {
            Self::Bool(_) => "::boolean",
            Self::Int(_) | Self::Float(_) => "::numeric",
            Self::Rows(_) => "::bigint",
            Self::Text(_) => "::text",
            Self::Json(_) => "::jsonb",
            Self::TextArray(_) => "::text[]",
            Self::NumericArray(_) => "::numeric[]",
            Self::JsonArray(_) => "::jsonb[]",
        }
    }
}

/// A number of rows as the engines count them.
pub(crate) fn rows(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
