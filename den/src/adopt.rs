//! Databases of den's predecessor, den for Go.
//!
//! They have the same tables, so they open, and their documents are read, as they are; registering a type
//! adds den's indexes beside those that are there. What is left is put right once by [`adopt`]:
//!
//! - The predecessor wrote times with any offset and up to nine digits, of which the last are left out if
//!   they are zero. As text, such times do not sort as times, so filters and sorts on them are wrong until
//!   they are normalised to what [`Timestamp`] stores.
//! - On SQLite, its own index of full text is brought in line with the documents: one that was made late
//!   made every update of an older document fail.
//! - On PostgreSQL, its ids compare as the database's locale says; den's order is that of the bytes.
//!
//! The predecessor still reads and writes such a database afterwards; times that it writes are to be
//! adopted again.
//!
//! ```
//! # use den::prelude::*;
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
//! # #[den(collection = "article")]
//! # struct Article { #[serde(flatten)] base: Base<Article>, title: String }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let db = Db::open("sqlite://:memory:").await?; // the file that the predecessor wrote
//! let adopted = den::adopt::adopt::<(Article,)>(&db).await?;
//! assert!(adopted.unreadable.is_empty(), "{adopted:?}");
//! println!("{} of {} documents changed", adopted.changed, adopted.documents);
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

use den_backend::{
    Capability, Change, CompareOp, Expr, Field, FieldKind, FieldPath, LockMode, Patch, Query,
    RawDocument, Result, Returning, Root, Seek, TxOptions, Value,
};
use futures_util::TryStreamExt as _;

use crate::{Db, Document, Documents, Timestamp, document::decode_body};

/// So many documents are read at once.
const PAGE: u64 = 500;

/// The predecessor's own times, in each of its documents.
const BASE_TIMES: [&str; 3] = ["_created_at", "_updated_at", "_deleted_at"];

/// What was done to a database of the predecessor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adopted {
    /// So many documents were looked at.
    pub documents: u64,
    /// In so many of them times were normalised.
    pub changed: u64,
    /// Those that the type cannot read, as `collection/id`: of their times only den's own were normalised.
    pub unreadable: Vec<String>,
}

/// The types of documents to adopt: one, or a tuple of up to 12.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a document type, or a tuple of them",
    note = "each type derives `Document`: `adopt::<(Product, Maker)>(&db)`"
)]
pub trait Adoptable: Documents {
    /// Adopts each of them.
    #[doc(hidden)]
    fn adopt(db: &Db, adopted: &mut Adopted) -> impl Future<Output = Result<()>> + Send;
}

/// Registers document types in a database of the predecessor, and puts right what it wrote otherwise.
///
/// # Behavior
///
/// - A time is what the type reads as a time and writes as den does: the stored text is replaced if both
///   mean the same moment, down to the microsecond. Nothing else of a document changes, neither its
///   revision nor fields that the type does not know. Links, revisions and soft deletes are the same in
///   both.
/// - Can be repeated, and goes on where it was interrupted; others may write meanwhile.
///
/// # Errors
///
/// `Unsupported` for a backend without patches, and all that registering may say.
pub async fn adopt<D: Adoptable>(db: &Db) -> Result<Adopted> {
    db.require(Capability::Patches)?;
    #[cfg(feature = "sqlite")]
    if den_sqlite::sqlite::is_sqlite(db.backend()) {
        den_sqlite::sqlite::adopt(db.backend()).await?;
    }
    #[cfg(feature = "postgres")]
    if den_postgres::pg::is_postgres(db.backend()) {
        den_postgres::pg::adopt(db.backend()).await?;
    }
    db.register::<D>().await?;
    let mut adopted = Adopted::default();
    D::adopt(db, &mut adopted).await?;
    Ok(adopted)
}

impl<D: Document> Adoptable for D {
    async fn adopt(db: &Db, adopted: &mut Adopted) -> Result<()> {
        let mut after: Option<String> = None;
        loop {
            let mut query = Query::new(D::COLLECTION);
            query.limit = Some(PAGE);
            query.seek = after.take().map(|id| Seek {
                keys: Vec::new(),
                id,
            });
            let rows: Vec<RawDocument> = db.backend().query(&query).await?.try_collect().await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.id.clone());
            adopt_page::<D>(db, &rows, adopted).await?;
        }
    }
}

macro_rules! adoptable {
    ($($name:ident)+) => {
        impl<$($name: Document),+> Adoptable for ($($name,)+) {
            async fn adopt(db: &Db, adopted: &mut Adopted) -> Result<()> {
                $(<$name as Adoptable>::adopt(db, adopted).await?;)+
                Ok(())
            }
        }
    };
}

adoptable!(A);
adoptable!(A B);
adoptable!(A B C);
adoptable!(A B C E);
adoptable!(A B C E F);
adoptable!(A B C E F G);
adoptable!(A B C E F G H);
adoptable!(A B C E F G H I);
adoptable!(A B C E F G H I J);
adoptable!(A B C E F G H I J K);
adoptable!(A B C E F G H I J K L);
adoptable!(A B C E F G H I J K L M);

/// So often a page is tried again that others were in the way of.
const TRIES: usize = 5;

/// Adopts the documents of a page that need it, in a transaction that locks each of them.
async fn adopt_page<D: Document>(
    db: &Db,
    rows: &[RawDocument],
    adopted: &mut Adopted,
) -> Result<()> {
    let mut late = Vec::new();
    for row in rows {
        adopted.documents += 1;
        let times = times_of::<D>(row);
        if !times.is_read {
            adopted
                .unreadable
                .push(format!("{}/{}", D::COLLECTION, row.id));
        }
        if !times.changes.is_empty() {
            late.push(row.id.as_str());
        }
    }
    if late.is_empty() {
        return Ok(());
    }
    let mut tries = 1;
    loop {
        match write::<D>(db, &late).await {
            Ok(changed) => {
                adopted.changed += changed;
                return Ok(());
            }
            Err(error) if error.is_retryable() && tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn write<D: Document>(db: &Db, ids: &[&str]) -> Result<u64> {
    let tx = db.backend().begin(TxOptions::default()).await?;
    let mut changed = 0;
    for id in ids {
        let locked = tx.get_for_update(D::COLLECTION, id, LockMode::Wait).await?;
        let Some(row) = locked else { continue };
        let changes = times_of::<D>(&row).changes;
        if changes.is_empty() {
            continue;
        }
        let mut query = Query::new(D::COLLECTION);
        query.filter = with_id(id)?;
        let patch = Patch::new(changes);
        changed += tx.update(&query, &patch, Returning::Nothing).await?.count;
    }
    tx.commit().await?;
    Ok(changed)
}

fn with_id(id: &str) -> Result<Expr> {
    Ok(Expr::Compare {
        op: CompareOp::Eq,
        left: Box::new(Expr::Field(Field {
            root: Root::Document,
            path: FieldPath::parse("_id")?,
            kind: FieldKind::Text,
        })),
        right: Box::new(Expr::Value(Value::from(id))),
    })
}

/// The times of a document that are to be written otherwise.
struct Times {
    changes: Vec<Change>,
    /// Whether the type reads the document.
    is_read: bool,
}

fn times_of<D: Document>(row: &RawDocument) -> Times {
    let Ok(stored) = serde_json::from_slice::<Value>(&row.body) else {
        return Times {
            changes: Vec::new(),
            is_read: false,
        };
    };
    let read = decode_body::<D>(&row.id, &row.body).ok();
    let typed = read.and_then(|it| serde_json::to_vec(&it).ok());
    let typed = typed.and_then(|it| serde_json::from_slice::<Value>(&it).ok());
    let mut changes = Vec::new();
    if let Value::Object(members) = &stored {
        for name in BASE_TIMES {
            if let Some(Value::Text(text)) = members.get(name)
                && let Some(time) = normalised(text)
            {
                changes.extend(set(&[name.to_owned()], Value::Text(time)));
            }
        }
    }
    if let Some(typed) = &typed {
        collect(&stored, typed, &mut Vec::new(), &mut changes);
    }
    Times {
        changes,
        is_read: typed.is_some(),
    }
}

/// Finds the times that the type wrote otherwise. Those in an array are set with the whole array, which is
/// what a path leads to.
fn collect(stored: &Value, typed: &Value, path: &mut Vec<String>, changes: &mut Vec<Change>) {
    if let (Value::Object(stored), Value::Object(typed)) = (stored, typed) {
        for (key, value) in stored {
            let is_base = path.is_empty() && BASE_TIMES.contains(&key.as_str());
            if let Some(typed) = typed.get(key).filter(|_| !is_base) {
                path.push(key.clone());
                collect(value, typed, path, changes);
                path.pop();
            }
        }
        return;
    }
    if let Some(value) = merged(stored, typed) {
        changes.extend(set(path, value));
    }
}

/// The stored value with the times as the type writes them; none if there are no other than are stored.
fn merged(stored: &Value, typed: &Value) -> Option<Value> {
    if let (Value::Text(stored), Value::Text(typed)) = (stored, typed) {
        let time = normalised(stored)?;
        return (time == *typed).then_some(Value::Text(time));
    }
    if let (Value::Array(stored), Value::Array(typed)) = (stored, typed) {
        if stored.len() != typed.len() {
            return None;
        }
        let pairs = stored.iter().zip(typed);
        let merged: Vec<Option<Value>> = pairs.map(|(it, typed)| merged(it, typed)).collect();
        return merged.iter().any(Option::is_some).then(|| {
            let all = stored.iter().zip(merged);
            Value::Array(
                all.map(|(it, other)| other.unwrap_or_else(|| it.clone()))
                    .collect(),
            )
        });
    }
    if let (Value::Object(stored), Value::Object(typed)) = (stored, typed) {
        let mut all = stored.clone();
        let mut is_other = false;
        for (key, value) in &mut all {
            if let Some(other) = typed.get(key).and_then(|it| merged(value, it)) {
                *value = other;
                is_other = true;
            }
        }
        return is_other.then_some(Value::Object(all));
    }
    None
}

/// A time as den writes it; none for other text, and for one that is written so already.
fn normalised(text: &str) -> Option<String> {
    // Cheaper than to parse every text: `2006-01-02T..`.
    let begins = text.as_bytes().get(..5)?;
    if begins[4] != b'-' || !begins[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let time = Timestamp::parse(text).ok()?.to_string();
    (time != text).then_some(time)
}

/// None for a path that nothing can be set at: a key that no path has, such as an empty one.
fn set(path: &[String], value: Value) -> Option<Change> {
    let path = FieldPath::from_segments(path.to_vec()).ok()?;
    Some(Change::Set { path, value })
}
