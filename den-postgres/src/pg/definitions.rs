//! Extensions and GIN indexes.

use den_backend::{
    Backend, Error, ErrorKind, FieldPath, IndexMeta, Result, check::check_collection,
};
use den_sql::postgres_only::{self, GinKey};

use super::{check_name, check_word, shared};
use crate::{
    call::Call,
    ddl::{run_all, within_ddl},
    runner::Runner as _,
    values::{Bound, column},
};

/// What a GIN index is over.
#[derive(Debug, Clone, PartialEq)]
pub enum GinTarget {
    /// The whole document: serves [`jsonb_contains`](super::jsonb_contains) and its like over
    /// [`doc()`](super::doc).
    Document,
    /// The JSON at a path: serves them over the field, or [`jsonb_path`](super::jsonb_path).
    Path(FieldPath),
    /// The words of the text at a path: serves [`tsvector_matches`](super::tsvector_matches) over
    /// [`to_tsvector`](super::to_tsvector) of that field with the same configuration.
    TsVector {
        /// The text search configuration.
        configuration: String,
        /// The path.
        path: FieldPath,
    },
}

impl GinTarget {
    /// The JSON at a dotted path.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for what is no path.
    pub fn path(path: &str) -> Result<Self> {
        FieldPath::parse(path).map(Self::Path)
    }

    /// The words of the text at a dotted path.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for what is no path.
    pub fn words(configuration: &str, path: &str) -> Result<Self> {
        Ok(Self::TsVector {
            configuration: configuration.to_owned(),
            path: FieldPath::parse(path)?,
        })
    }
}

/// What has the name that an index is to have, if anything.
const NAME_IS_TAKEN: &str = "SELECT (i.indrelid IS NOT NULL AND t.relname = $2::text)
FROM pg_catalog.pg_class AS c
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = $1::text";

/// Makes an extension exist in this database.
///
/// # Behavior
///
/// - Idempotent, and safe when many processes do it at once. It lands in the schema that den works in,
///   unless the database has it already.
///
/// # Errors
///
/// - `InvalidQuery` for a name other than lower case letters, digits, `_` and `-`.
/// - `Unsupported` on another database than PostgreSQL.
/// - What the server says: it does not have the extension, or the user may not make it.
pub async fn create_extension(backend: &dyn Backend, name: &str) -> Result<()> {
    let shared = shared(backend, "pg::create_extension")?;
    check_word(name, "an extension", &['-'])?;
    let sql = postgres_only::create_extension(name);
    within_ddl(shared, None, async |on| run_all(on, vec![sql]).await).await
}

/// Makes a GIN index on a collection.
///
/// # Behavior
///
/// - Idempotent by its name; a changed target under the same name is not noticed.
/// - Writers of the collection wait while it is built. From then on every update of a document writes to
///   the index, whatever it changes.
/// - Without an operator class the type's own is used; `jsonb_path_ops` is smaller and faster, and serves
///   `jsonb_contains` only.
/// - A field that later gets a column of its own (by a declared index) is read from there: make the
///   index anew then.
///
/// # Errors
///
/// - `InvalidQuery` for a bad name, or one that something else has.
/// - `NotRegistered` for a collection that does not exist.
/// - `Unsupported` on another database than PostgreSQL.
pub async fn create_gin_index(
    backend: &dyn Backend,
    collection: &str,
    name: &str,
    target: &GinTarget,
    operator_class: Option<&str>,
) -> Result<()> {
    let shared = shared(backend, "pg::create_gin_index")?;
    check_collection(collection)?;
    check_name(name, "an index")?;
    if name.len() > IndexMeta::MAX_NAME {
        let message = format!("{name:?} is longer than the 50 bytes that an index name may have");
        return Err(Error::new(ErrorKind::InvalidQuery, message));
    }
    if let Some(class) = operator_class {
        check_word(class, "an operator class", &[])?;
    }
    let key = match target {
        GinTarget::Document => GinKey::Document,
        GinTarget::Path(path) => GinKey::Json(path),
        GinTarget::TsVector {
            configuration,
            path,
        } => {
            check_word(configuration, "a text search configuration", &[])?;
            GinKey::Words(configuration, path)
        }
    };
    let found = shared.collections.find(collection, shared).await?;
    let sql = postgres_only::create_gin_index(&found.layout, name, key, operator_class);
    within_ddl(shared, Some(collection), async |on| {
        let params = vec![
            Bound::Text(name.to_owned()),
            Bound::Text(collection.to_owned()),
        ];
        let answer = on.run(Call::read(NAME_IS_TAKEN.into(), params)).await?;
        match answer.rows.first() {
            Some(row) if column::<bool>(row, 0)? => Ok(()),
            Some(_) => Err(Error::new(
                ErrorKind::InvalidQuery,
                format!("the name {name:?} belongs to something else in this schema"),
            )),
            None => run_all(on, vec![sql]).await,
        }
    })
    .await
}
