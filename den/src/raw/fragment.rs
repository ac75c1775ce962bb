//! Conditions in the database's own language.

use std::borrow::Cow;

use den_backend::{
    ArgumentMode, Capability, Error, ErrorKind, Expr, Native, NativeKind, Piece, Query, Result,
    Value,
    raw::{RawPiece, RawText, Syntax},
};
use serde::Serialize;

use super::{RawSql, Site, params};
use crate::{Executor, Filter};

impl<D> Filter<D> {
    /// A condition in the language of the database at hand, beside other filters of a query on it.
    ///
    /// # Behavior
    ///
    /// - `d.id` is the id of the document and `d.data` the document, as PostgreSQL's `jsonb` and
    ///   SQLite's binary JSON. Null counts as false.
    /// - Placeholders are `$1`, `$2` and so on, as in [raw statements](crate::raw); on PostgreSQL a
    ///   number is bound as `numeric`. The text is `&'static str`, and its parentheses go together.
    /// - It is about the documents of the query: not of use within a filter through a link or over
    ///   elements.
    ///
    /// # Errors
    ///
    /// Reported by the terminal: as for [raw statements](crate::raw::ExecuteRaw); `Unsupported` on a query
    /// on another engine than that of `executor`.
    ///
    /// ```
    /// # use den::{prelude::*, site};
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// let p = Product::fields();
    /// let odd = Filter::raw(&db, site!("odd_names"), "length(d.data->>'name') % $1 = 1", (2,));
    /// let found = Product::query(&db).filter(odd | p.price.lt(1.0)).all().await?;
    /// # assert!(found.is_empty());
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn raw(
        executor: &(impl Executor + ?Sized),
        site: Site,
        sql: impl Into<RawSql>,
        params: impl Serialize,
    ) -> Self {
        let handle = executor.__handle();
        let db = handle.db();
        let native = db.require(Capability::RawStatements).and_then(|()| {
            let values = params::values(&params)?;
            fragment(db.backend_name(), site, sql.into(), values)
        });
        let named = |error: Error| error.with_context(["raw filter `", site.name(), "`"].concat());
        Self::new(native.map(Expr::Native).map_err(named))
    }
}

/// What is put around a condition; it ends on a line of its own, because the text may end in a comment.
const AROUND: (&str, &str) = ("(", "\n)");

/// Says which raw conditions a query has, where an engine refused it.
pub(crate) fn named_in(query: &Query) -> impl Fn(Error) -> Error + Copy {
    move |error| {
        if !matches!(error.kind(), ErrorKind::InvalidQuery | ErrorKind::Backend) {
            return error;
        }
        let mut names = Vec::new();
        collect_names(&query.filter, &mut names);
        match names.is_empty() {
            true => error,
            false => error.with_context(["raw filter `", &names.join("`, `"), "`"].concat()),
        }
    }
}

fn collect_names(expr: &Expr, names: &mut Vec<&'static str>) {
    if let Expr::Native(native) = expr
        && native.pieces.first() == Some(&Piece::Sql(AROUND.0))
        && native.pieces.last() == Some(&Piece::Sql(AROUND.1))
        && !names.contains(&native.feature)
    {
        names.push(native.feature);
    }
    expr.parts().for_each(|it| collect_names(it, names));
}

fn fragment(engine: &'static str, site: Site, sql: RawSql, values: Vec<Value>) -> Result<Native> {
    let Cow::Borrowed(text) = sql.text_for(engine)? else {
        return Err(invalid(
            "the text of a condition is `&'static str`; what changes is a parameter",
        ));
    };
    let parsed = RawText::parse(text, Syntax::of(engine))?;
    parsed.check_parameters(values.len())?;
    // What is closed here would end the condition, and with it what den adds to the query.
    parsed.check_parentheses()?;
    if text.trim().is_empty() || text.trim_end().ends_with(';') {
        return Err(invalid("the text is no condition"));
    }
    let mut pieces = Vec::new();
    pieces.push(Piece::Sql(AROUND.0));
    for piece in parsed.pieces() {
        match piece {
            RawPiece::Text("") => {}
            RawPiece::Text(text) => pieces.push(Piece::Sql(text)),
            RawPiece::Parameter(index) => {
                let mode = values.get(index).map_or(ArgumentMode::Text, mode_of);
                pieces.push(Piece::Argument(index, mode));
            }
        }
    }
    pieces.push(Piece::Sql(AROUND.1));
    Ok(Native {
        engine,
        feature: site.name(),
        pieces,
        arguments: values.into_iter().map(Expr::Value).collect(),
        kind: NativeKind::Bool,
    })
}

fn mode_of(value: &Value) -> ArgumentMode {
    match value {
        Value::Null | Value::Text(_) => ArgumentMode::Text,
        Value::Bool(_) => ArgumentMode::Bool,
        Value::Int(_) | Value::Float(_) => ArgumentMode::Number,
        Value::Array(_) | Value::Object(_) => ArgumentMode::Json,
    }
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}
