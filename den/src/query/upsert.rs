//! Upserts: insert a document, or do something about the one that is in the way.

use std::{future::IntoFuture, pin::Pin};

use den_backend::{Error, ErrorKind, FieldPath, IndexKind, Result};

use crate::{
    Document, Field, Untyped, Update,
    document::schema_of,
    executor::Handle,
    query::update_check::Draft,
    write::{self, Aim, OnHit},
};

/// A document to be inserted; [`on`](Self::on) says what would be in its way. Made by
/// [`Document::upsert`].
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, #[den(unique)] sku: String, name: String, seen: i64 }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// let p = Product::fields();
/// for name in ["Widget", "Widget 2"] {
///     let product = Product { sku: "w-1".into(), name: name.into(), seen: 1, ..Default::default() };
///     let upserted = Product::upsert(&db, product)
///         .on(p.sku)
///         .update(|u, new| u.inc(p.seen, 1).set(p.name, &new.name))
///         .await?;
///     assert_eq!(upserted.is_inserted(), name == "Widget");
/// }
/// let product = Product::query(&db).one().await?;
/// assert_eq!((product.name.as_str(), product.seen), ("Widget 2", 2));
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "an upsert does nothing until it is awaited"]
pub struct Upsert<D> {
    handle: Handle,
    document: D,
}

/// A document to be inserted, and what would be in its way; still to be said is what to do then.
#[derive(Debug)]
#[must_use = "an upsert does nothing until it is awaited"]
pub struct UpsertOn<D> {
    handle: Handle,
    document: D,
    aim: Result<Aim>,
}

/// A document to be found or created; [`on`](Self::on) says by what. Made by
/// [`Document::get_or_create`].
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Tag { #[serde(flatten)] base: Base<Tag>, #[den(unique)] name: String }
/// async fn tag(db: &Db, name: &str) -> den::Result<Tag> {
///     let tag = Tag { name: name.to_owned(), ..Default::default() };
///     let found = Tag::get_or_create(db, tag).on(Tag::fields().name).await?;
///     Ok(found.into_document())
/// }
/// ```
#[derive(Debug)]
#[must_use = "this does nothing until it is awaited"]
pub struct GetOrCreate<D> {
    handle: Handle,
    document: D,
}

/// An upsert that is ready to be awaited.
#[derive(Debug)]
#[must_use = "an upsert does nothing until it is awaited"]
pub struct ReadyUpsert<D> {
    handle: Handle,
    document: D,
    aim: Result<Aim>,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Update(Draft),
    Keep,
    Replace,
    Get,
}

/// What an upsert did, with the document as it is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upserted<D> {
    /// The document was inserted.
    Inserted(D),
    /// Another one was in the way and was changed or replaced.
    Updated(D),
    /// Another one is in the way and was left alone.
    Kept(D),
}

/// The fields of a unique index: a handle, or a tuple of up to six.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no fields of `{D}`",
    label = "expected a field of this document, or a tuple of some",
    note = "give the fields of a unique index: `.on(p.sku)`, `.on((p.shop, p.number))`; for the id, say `.on_id()`"
)]
pub trait UniqueFields<D> {
    /// Where they lie.
    #[doc(hidden)]
    fn __paths(self) -> Result<Vec<FieldPath>>;
}

impl<D, T, N> UniqueFields<D> for Field<D, T, N> {
    fn __paths(self) -> Result<Vec<FieldPath>> {
        Ok(vec![self.path()])
    }
}

impl<D> UniqueFields<D> for Untyped {
    fn __paths(self) -> Result<Vec<FieldPath>> {
        Ok(vec![self.to_contract()?.path])
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)+) => {$(
        impl<Doc, $($name: UniqueFields<Doc>),+> UniqueFields<Doc> for ($($name,)+) {
            fn __paths(self) -> Result<Vec<FieldPath>> {
                #[expect(non_snake_case, reason = "the names of the types")]
                let ($($name,)+) = self;
                let mut paths = Vec::new();
                $(paths.extend($name.__paths()?);)+
                Ok(paths)
            }
        }
    )+};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

impl<D: Document> Upsert<D> {
    pub(crate) fn new(handle: Handle, document: D) -> Self {
        Self { handle, document }
    }

    /// A stored document with the same values in these fields is in the way: those of a declared
    /// unique index.
    pub fn on(self, fields: impl UniqueFields<D>) -> UpsertOn<D> {
        UpsertOn {
            handle: self.handle,
            document: self.document,
            aim: aim::<D>(fields.__paths()),
        }
    }

    /// A stored document with the same id is in the way, also one that is marked as deleted.
    pub fn on_id(self) -> UpsertOn<D> {
        UpsertOn {
            handle: self.handle,
            document: self.document,
            aim: Ok(Aim::Id),
        }
    }
}

impl<D: Document> UpsertOn<D> {
    /// Changes the document that is in the way: `changes` is given no changes and the document to be
    /// inserted, and answers with changes.
    ///
    /// # Behavior
    ///
    /// - As [`QuerySet::update`](crate::QuerySet::update) in what is changed and checked. What
    ///   `set_expr` reads is the stored document.
    pub fn update(self, changes: impl FnOnce(Update<D>, &D) -> Update<D>) -> ReadyUpsert<D> {
        let changes = changes(Update::empty(), &self.document);
        self.ready(Action::Update(changes.draft))
    }

    /// Leaves the document that is in the way alone.
    pub fn ignore(self) -> ReadyUpsert<D> {
        self.ready(Action::Keep)
    }

    /// Puts the document in place of the one that is in the way, as [`Document::replace`] does: id,
    /// creation time and mark of deletion of the stored document stay.
    ///
    /// # Behavior
    ///
    /// - In a transaction of its own, where it is given `&db`.
    pub fn replace(self) -> ReadyUpsert<D> {
        self.ready(Action::Replace)
    }

    fn ready(self, action: Action) -> ReadyUpsert<D> {
        ReadyUpsert {
            handle: self.handle,
            document: self.document,
            aim: self.aim,
            action,
        }
    }
}

impl<D: Document> GetOrCreate<D> {
    pub(crate) fn new(handle: Handle, document: D) -> Self {
        Self { handle, document }
    }

    /// Looks for the stored document with the same values in these fields: those of a declared
    /// unique index.
    pub fn on(self, fields: impl UniqueFields<D>) -> ReadyUpsert<D> {
        let aim = aim::<D>(fields.__paths());
        Upsert::new(self.handle, self.document).with_aim(aim)
    }

    /// Looks for the stored document with the same id.
    pub fn on_id(self) -> ReadyUpsert<D> {
        Upsert::new(self.handle, self.document).with_aim(Ok(Aim::Id))
    }
}

impl<D: Document> Upsert<D> {
    fn with_aim(self, aim: Result<Aim>) -> ReadyUpsert<D> {
        ReadyUpsert {
            handle: self.handle,
            document: self.document,
            aim,
            action: Action::Get,
        }
    }
}

impl<D: Document> IntoFuture for ReadyUpsert<D> {
    type Output = Result<Upserted<D>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let aim = self.aim?;
            let on_hit = match self.action {
                Action::Update(changes) => OnHit::Update(changes),
                Action::Keep => OnHit::Keep,
                Action::Replace => OnHit::Replace,
                Action::Get => OnHit::Get,
            };
            write::upsert(&self.handle, self.document, &aim, on_hit).await
        })
    }
}

impl<D> Upserted<D> {
    /// Whether the document was inserted.
    pub const fn is_inserted(&self) -> bool {
        match self {
            Self::Inserted(_) => true,
            Self::Updated(_) | Self::Kept(_) => false,
        }
    }

    /// The document as it is stored now.
    pub const fn document(&self) -> &D {
        match self {
            Self::Inserted(it) | Self::Updated(it) | Self::Kept(it) => it,
        }
    }

    /// The document as it is stored now.
    pub fn into_document(self) -> D {
        match self {
            Self::Inserted(it) | Self::Updated(it) | Self::Kept(it) => it,
        }
    }
}

/// The unique index over these fields, in whatever order.
fn aim<D: Document>(paths: Result<Vec<FieldPath>>) -> Result<Aim> {
    let mut paths = paths?;
    if let [only] = paths.as_slice()
        && only.is_id()
    {
        return Ok(Aim::Id);
    }
    let mut indexes = schema_of::<D>().indexes;
    indexes.retain(|it| it.kind == IndexKind::Unique);
    paths.sort();
    let found = indexes.iter().position(|index| {
        let mut fields: Vec<&FieldPath> = index.fields.iter().map(|(it, _)| &it.path).collect();
        fields.sort();
        fields.into_iter().eq(&paths)
    });
    if let Some(found) = found {
        return Ok(Aim::Index(Box::new(indexes.swap_remove(found))));
    }
    let join = |paths: &mut dyn Iterator<Item = &FieldPath>| {
        let paths: Vec<String> = paths.map(ToString::to_string).collect();
        format!("`{}`", paths.join(", "))
    };
    let there_are: Vec<String> = indexes
        .iter()
        .map(|it| join(&mut it.fields.iter().map(|(field, _)| &field.path)))
        .collect();
    let there_are = match there_are.as_slice() {
        [] => "there is none; declare one with `#[den(unique)]`".to_owned(),
        _ => format!("there are unique indexes over {}", there_are.join(" and ")),
    };
    Err(Error::new(
        ErrorKind::InvalidQuery,
        format!(
            "no unique index is over {}, so nothing would be in the way: {there_are}",
            join(&mut paths.iter())
        ),
    )
    .with_collection(D::COLLECTION))
}
