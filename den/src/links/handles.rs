//! Link fields in filters.

use den_backend::{Expr, FieldKind, Result};

use super::Link;
use crate::{
    Document, Field, FieldType, Filter, Id, IntoId, Operand, QuerySet, Required,
    fields::{path::Path, schema::Schema},
};

impl<T> Link<T> {
    #[doc(hidden)]
    pub const fn __den_at<D, N>(path: Path) -> Field<D, Self, N> {
        Field::__new(path, FieldKind::Text)
    }
}

impl<T> FieldType for Link<T> {
    type Handle<D, N> = Field<D, Self, N>;

    const KIND: FieldKind = FieldKind::Text;

    fn handle<D, N>(path: Path) -> Field<D, Self, N> {
        Self::__den_at::<D, N>(path)
    }

    fn describe(schema: &mut Schema, path: Path) {
        schema.field(path, Self::KIND);
    }
}

// A link is compared with a link (see `Operand`), with an id, or with a document.

macro_rules! ids {
    ($([$($generics:tt)*] $type:ty),+ $(,)?) => {$(
        impl<$($generics)* D, T> Operand<D, Link<T>> for $type {
            type Nulls = Required;

            fn into_operand(self) -> Result<Expr> {
                let id: Id<T> = self.into_id();
                Ok(Expr::Value(id.into_string().into()))
            }
        }
    )+};
}

ids!([] Id<T>, [] &Id<T>, [] &str, [] String, [] &String);

impl<D, T: Document> Operand<D, Link<T>> for &T {
    type Nulls = Required;

    fn into_operand(self) -> Result<Expr> {
        Ok(Expr::Value(self.id().as_str().into()))
    }
}

impl<D, T: Document, N> Field<D, Link<T>, N> {
    /// True if the linked document passes the filter; false for an empty link, and for one to a
    /// document that is not there.
    ///
    /// # Behavior
    ///
    /// - Part of the one statement of the query; nothing is loaded for it.
    /// - Documents that are marked as deleted are seen like others; add `is_null()` of
    ///   `deleted_at` to leave them out.
    ///
    /// # Errors
    ///
    /// The terminal fails with `Unsupported` on a backend that cannot do it, and with
    /// `NotRegistered` if the collection of the linked documents is not there.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Maker { #[serde(flatten)] base: Base<Maker>, country: String }
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, maker: Link<Maker>, price: f64 }
    /// async fn cheap_norwegian(db: &Db) -> den::Result<Vec<Product>> {
    ///     let (p, m) = (Product::fields(), Maker::fields());
    ///     let norwegian = p.maker.matches(m.country.eq("Norway"));
    ///     Product::query(db).filter(norwegian & p.price.lt(5.0)).all().await
    /// }
    /// ```
    pub fn matches(self, filter: Filter<T>) -> Filter<D> {
        Filter::new(linked::<T>(self.expr(), filter))
    }
}

impl<D, T: Document, N> Field<D, Vec<Link<T>>, N> {
    /// True if one of the linked documents passes the filter; see
    /// [`matches`](Field::matches).
    ///
    /// ```
    /// # use den::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Tag { #[serde(flatten)] base: Base<Tag>, name: String }
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Post { #[serde(flatten)] base: Base<Post>, tags: Vec<Link<Tag>> }
    /// async fn about(db: &Db, name: &str) -> den::Result<Vec<Post>> {
    ///     let (p, t) = (Post::fields(), Tag::fields());
    ///     Post::query(db).filter(p.tags.any_matches(t.name.eq(name))).all().await
    /// }
    /// ```
    pub fn any_matches(self, filter: Filter<T>) -> Filter<D> {
        self.any_element(|link| link.matches(filter))
    }
}

fn linked<T: Document>(operand: Box<Expr>, filter: Filter<T>) -> Result<Expr> {
    Ok(Expr::Linked {
        operand,
        collection: T::COLLECTION.to_owned(),
        predicate: Box::new(filter.into_expr()?),
    })
}

impl<D, T> Field<D, Link<T>, Required> {
    /// True if the link is empty or missing, which it may be without being an `Option`.
    pub fn is_null(self) -> Filter<D> {
        Filter::new(Ok(Expr::IsNull(self.expr())))
    }

    /// True if the link points to something.
    pub fn is_not_null(self) -> Filter<D> {
        !self.is_null()
    }
}

/// A field with links in it that a query can look for: a `Link<T>`, an `Option` of one, or a
/// `Vec<Link<T>>`.
pub trait LinkField<D> {
    /// The type of the documents that are linked to.
    type Target;

    /// True if a link in the field points to the document with this id.
    #[doc(hidden)]
    fn __links_to(self, id: Id<Self::Target>) -> Filter<D>;
}

impl<D, T, N> LinkField<D> for Field<D, Link<T>, N> {
    type Target = T;

    fn __links_to(self, id: Id<T>) -> Filter<D> {
        self.eq(id)
    }
}

impl<D, T, N> LinkField<D> for Field<D, Vec<Link<T>>, N> {
    type Target = T;

    fn __links_to(self, id: Id<T>) -> Filter<D> {
        self.contains(id)
    }
}

impl<D: Document> QuerySet<D> {
    /// Keeps the documents that link to the document with this id: back-links.
    ///
    /// # Behavior
    ///
    /// - For links in a list of embedded structs, say
    ///   `filter(p.lines.any_element(|line| line.product.eq(id)))`.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Tag { #[serde(flatten)] base: Base<Tag>, name: String }
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Post { #[serde(flatten)] base: Base<Post>, #[den(index)] tags: Vec<Link<Tag>> }
    /// async fn tagged(db: &Db, tag: &Tag) -> den::Result<Vec<Post>> {
    ///     let p = Post::fields();
    ///     Post::query(db).linking_to(p.tags, tag.id()).all().await
    /// }
    /// ```
    pub fn linking_to<F: LinkField<D>>(self, field: F, id: impl IntoId<F::Target>) -> Self {
        self.filter(field.__links_to(id.into_id()))
    }
}
