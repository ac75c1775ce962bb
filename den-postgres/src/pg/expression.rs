//! Expressions that PostgreSQL alone can compute.
//!
//! Arguments are fields, filters and computed values of `den`, other expressions of this module, and plain
//! values, which are bound.

use den_backend::{
    ArgumentMode, CompareOp, Expr, Field, FieldKind, FieldPath, Native, NativeKind, Piece, Result,
    native::IntoExpr,
};

use super::check_word;

const ENGINE: &str = "postgres";

/// An expression that PostgreSQL alone can compute, or a mistake that was made while it was built, which
/// the query then reports.
#[derive(Debug, Clone)]
#[must_use = "an expression does nothing until it is given to a query"]
pub struct PgExpr(Result<Expr>);

impl IntoExpr for PgExpr {
    fn into_expr(self) -> Result<Expr> {
        self.0
    }
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $op:ident),+) => {
        impl PgExpr {
            $($(#[$doc])*
            pub fn $name(self, other: impl IntoExpr) -> Self {
                Self(self.0.and_then(|left| {
                    Ok(Expr::compare(CompareOp::$op, left, other.into_expr()?))
                }))
            })+
        }
    };
}

comparisons!(
    /// Whether the two are equal; as their own type has it, if both were cast to one.
    eq Eq,
    /// Whether this is less.
    lt Lt,
    /// Whether this is less or equal.
    le Le,
    /// Whether this is greater.
    gt Gt,
    /// Whether this is greater or equal.
    ge Ge
);

/// Puts pieces and arguments together.
struct Builder {
    feature: &'static str,
    pieces: Vec<Piece>,
    arguments: Vec<Expr>,
    mistake: Result<()>,
}

impl Builder {
    fn new(feature: &'static str) -> Self {
        Self {
            feature,
            pieces: Vec::new(),
            arguments: Vec::new(),
            mistake: Ok(()),
        }
    }

    fn sql(mut self, text: &'static str) -> Self {
        self.pieces.push(Piece::Sql(text));
        self
    }

    fn name(mut self, name: &str) -> Self {
        self.pieces.push(Piece::Name(name.to_owned()));
        self
    }

    fn argument(mut self, argument: impl IntoExpr, mode: ArgumentMode) -> Self {
        match argument.into_expr() {
            Ok(argument) => {
                self.pieces
                    .push(Piece::Argument(self.arguments.len(), mode));
                self.arguments.push(argument);
            }
            Err(error) => self.mistake = self.mistake.and(Err(error)),
        }
        self
    }

    /// An argument as it is best cast: by its text, or as what it is.
    fn cast_argument(self, argument: impl IntoExpr) -> Self {
        let argument = argument.into_expr();
        let mode = argument.as_ref().map(|it| match (it, it.kind()) {
            (Expr::Native(_), _) => Some(ArgumentMode::Native),
            (_, FieldKind::Text) => Some(ArgumentMode::Text),
            (_, FieldKind::Number) => Some(ArgumentMode::Number),
            (_, FieldKind::Bool) => Some(ArgumentMode::Bool),
            (_, FieldKind::Array | FieldKind::Object | FieldKind::Any) => None,
        });
        match mode {
            Ok(Some(mode)) => self.argument(argument, mode),
            Ok(None) | Err(_) => self
                .sql("(")
                .argument(argument, ArgumentMode::Json)
                .sql(" #>> '{}')"),
        }
    }

    fn build(self, kind: NativeKind) -> PgExpr {
        PgExpr(self.mistake.map(|()| {
            Expr::Native(Native {
                engine: ENGINE,
                feature: self.feature,
                pieces: self.pieces,
                arguments: self.arguments,
                kind,
            })
        }))
    }
}

macro_rules! casts {
    ($($(#[$doc:meta])* $name:ident $cast:literal $kind:ident),+) => {$(
        $(#[$doc])*
        ///
        /// A value that is not written as one fails the query; null stays null.
        pub fn $name(value: impl IntoExpr) -> PgExpr {
            Builder::new(concat!("pg::", stringify!($name)))
                .cast_argument(value)
                .sql($cast)
                .build(NativeKind::$kind)
        }
    )+};
}

casts!(
    /// The value as a `uuid`.
    uuid "::uuid" Other,
    /// The value as a `timestamptz`.
    timestamptz "::timestamptz" Other,
    /// The value as `text`: of anything but text, its JSON.
    text "::text" Text,
    /// The value as an `integer`; a fraction is rounded.
    int "::integer" Number,
    /// The value as a `bigint`; a fraction is rounded.
    bigint "::bigint" Number,
    /// The value as a `double precision`.
    float8 "::float8" Number,
    /// The value as a `numeric`.
    numeric "::numeric" Number
);

/// The value as `jsonb`.
pub fn jsonb(value: impl IntoExpr) -> PgExpr {
    let value = value.into_expr();
    let build = Builder::new("pg::jsonb");
    match &value {
        Ok(Expr::Native(_)) => build
            .sql("to_jsonb(")
            .argument(value, ArgumentMode::Native)
            .sql(")"),
        Ok(_) | Err(_) => build.argument(value, ArgumentMode::Json),
    }
    .build(NativeKind::Json)
}

/// The value as a type by name, such as `citext` or `numeric(10,2)`.
///
/// # Behavior
///
/// - The name has lower case letters, digits and `_`, maybe numbers in parentheses, maybe `[]` at its
///   end; anything else is `InvalidQuery`, reported by the query.
/// - As a value it is a number, a bool or JSON for the types that are, else its text.
pub fn cast(value: impl IntoExpr, to: &str) -> PgExpr {
    let base = to.split('(').next().unwrap_or(to);
    let kind = match base {
        // An array of whatever type.
        _ if to.ends_with(']') => NativeKind::Other,
        "text" | "varchar" | "bpchar" | "name" => NativeKind::Text,
        "int" | "integer" | "smallint" | "bigint" | "int2" | "int4" | "int8" | "numeric"
        | "decimal" | "real" | "float4" | "float8" => NativeKind::Number,
        "bool" | "boolean" => NativeKind::Bool,
        "jsonb" => NativeKind::Json,
        _ => NativeKind::Other,
    };
    let mut it = Builder::new("pg::cast")
        .cast_argument(value)
        .sql("::")
        .name(to);
    it.mistake = it.mistake.and_then(|()| check_type(to));
    it.build(kind)
}

/// The whole document, as it is stored.
pub fn doc() -> PgExpr {
    // The argument is not looked at.
    let id = FieldPath::parse("_id").map(|it| Expr::Field(Field::document(it, FieldKind::Text)));
    Builder::new("pg::doc")
        .argument(id, ArgumentMode::Document)
        .build(NativeKind::Json)
}

/// What the document has at a dotted path; null where there is nothing.
pub fn jsonb_path(path: &str) -> PgExpr {
    let field = FieldPath::parse(path).map(|it| Expr::Field(Field::document(it, FieldKind::Any)));
    Builder::new("pg::jsonb_path")
        .argument(field, ArgumentMode::Json)
        .build(NativeKind::Json)
}

/// Whether the left JSON holds the right: `@>`. A GIN index over the left serves it, see
/// [`create_gin_index`](super::create_gin_index).
pub fn jsonb_contains(left: impl IntoExpr, right: impl IntoExpr) -> PgExpr {
    Builder::new("pg::jsonb_contains")
        .argument(left, ArgumentMode::Json)
        .sql(" @> ")
        .argument(right, ArgumentMode::Json)
        .build(NativeKind::Bool)
}

/// Whether the JSON has this text as a key, or as an element of an array: `?`.
pub fn jsonb_exists(value: impl IntoExpr, key: impl IntoExpr) -> PgExpr {
    Builder::new("pg::jsonb_exists")
        .argument(value, ArgumentMode::Json)
        .sql(" ? ")
        .argument(key, ArgumentMode::Text)
        .build(NativeKind::Bool)
}

/// Whether an SQL/JSON path, such as `$.lines[*] ? (@.count > 2)`, leads to anything. A path that is none
/// fails the query; errors within it count as nothing found.
pub fn jsonb_path_exists(value: impl IntoExpr, path: impl IntoExpr) -> PgExpr {
    Builder::new("pg::jsonb_path_exists")
        .sql("jsonb_path_exists(")
        .argument(value, ArgumentMode::Json)
        .sql(", (")
        .argument(path, ArgumentMode::Text)
        .sql(")::text::jsonpath, '{}', true)")
        .build(NativeKind::Bool)
}

macro_rules! configured {
    ($($(#[$doc:meta])* $name:ident $call:literal),+) => {$(
        $(#[$doc])*
        ///
        /// The configuration is a name in lower case, such as `english` or `simple`.
        pub fn $name(configuration: &str, text: impl IntoExpr) -> PgExpr {
            let mut it = Builder::new(concat!("pg::", stringify!($name)))
                .sql($call)
                .name(configuration)
                .sql("'::regconfig, ")
                .argument(text, ArgumentMode::Text)
                .sql(")");
            let checked = check_word(configuration, "a text search configuration", &[]);
            it.mistake = it.mistake.and(checked);
            it.build(NativeKind::Other)
        }
    )+};
}

configured!(
    /// The words of a text.
    to_tsvector "to_tsvector('",
    /// A query for all of the words in a text.
    plainto_tsquery "plainto_tsquery('",
    /// A query as people write them: words, `"phrases"`, `or`, `-not`.
    websearch_to_tsquery "websearch_to_tsquery('"
);

/// Whether the words match the query: `@@`.
pub fn tsvector_matches(vector: impl IntoExpr, query: impl IntoExpr) -> PgExpr {
    Builder::new("pg::tsvector_matches")
        .argument(vector, ArgumentMode::Native)
        .sql(" @@ ")
        .argument(query, ArgumentMode::Native)
        .build(NativeKind::Bool)
}

/// How well the words match the query; more is better.
pub fn ts_rank(vector: impl IntoExpr, query: impl IntoExpr) -> PgExpr {
    Builder::new("pg::ts_rank")
        .sql("ts_rank(")
        .argument(vector, ArgumentMode::Native)
        .sql(", ")
        .argument(query, ArgumentMode::Native)
        .sql(")")
        .build(NativeKind::Number)
}

/// The hash of a password. It is the right one if hashing it with the stored hash as the salt gives that
/// hash again. Needs the extension `pgcrypto`.
///
/// The password is bound, so it reaches the server: where it logs parameters, they are in its log.
pub fn crypt(password: impl IntoExpr, salt: impl IntoExpr) -> PgExpr {
    Builder::new("pg::crypt")
        .sql("crypt(")
        .argument(password, ArgumentMode::Text)
        .sql(", ")
        .argument(salt, ArgumentMode::Text)
        .sql(")")
        .build(NativeKind::Text)
}

/// A fresh salt for [`crypt`]: of the algorithm `bf`, `md5`, `xdes` or `des`, with so many rounds if the
/// algorithm takes them. Needs the extension `pgcrypto`.
pub fn gen_salt(algorithm: &str, rounds: Option<u16>) -> PgExpr {
    let build = Builder::new("pg::gen_salt")
        .sql("gen_salt(")
        .argument(algorithm, ArgumentMode::Text);
    match rounds {
        Some(rounds) => build
            .sql(", (")
            .argument(i64::from(rounds), ArgumentMode::Number)
            .sql(")::integer)"),
        None => build.sql(")"),
    }
    .build(NativeKind::Text)
}

fn check_type(name: &str) -> Result<()> {
    let base = name.strip_suffix("[]").unwrap_or(name);
    let Some((word, rest)) = base.split_once('(') else {
        return check_word(base, "a type", &[]);
    };
    let numbers = rest.strip_suffix(')');
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    match numbers.is_some_and(|it| it.split(',').all(is_number)) {
        true => check_word(word, "a type", &[]),
        // Which it is not, with a parenthesis in it.
        false => check_word(base, "a type", &[]),
    }
}
