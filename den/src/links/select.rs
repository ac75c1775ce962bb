//! What a query says about the links of its documents.

use den_backend::{Error, ErrorKind, Result};

use super::{LinkPlan, plan::Mode};
use crate::{Document, Executor, Field, QuerySet, executor::Handle, fields::path::Path};

/// What [`QuerySet::with_links`] takes: a link field of `D`, a field with links in it, or a tuple of
/// these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no links of `{D}`",
    label = "expected a field, or a tuple of up to 6",
    note = "name fields with links in them: `with_links(|p| (p.maker, p.parts))`"
)]
pub trait LinkSelection<D> {
    /// The ways to the fields.
    #[doc(hidden)]
    fn __paths(self) -> Vec<Path>;
}

impl<D, T, N> LinkSelection<D> for Field<D, T, N> {
    fn __paths(self) -> Vec<Path> {
        vec![self.to_path()]
    }
}

macro_rules! selections {
    ($($name:ident)+) => {
        #[allow(non_snake_case, reason = "a name for the type and for its value")]
        impl<D, $($name: LinkSelection<D>),+> LinkSelection<D> for ($($name,)+) {
            fn __paths(self) -> Vec<Path> {
                let ($($name,)+) = self;
                let mut paths = Vec::new();
                $(paths.extend($name.__paths());)+
                paths
            }
        }
    };
}

selections!(A);
selections!(A B);
selections!(A B C);
selections!(A B C E);
selections!(A B C E F);
selections!(A B C E F G);

impl<D: Document> QuerySet<D> {
    /// Loads these links with the documents, besides those that are `#[den(eager)]`; several calls
    /// add up.
    ///
    /// # Behavior
    ///
    /// - One call of the database per target type and level, whatever the number of documents,
    ///   fields and ids. Documents that several links point to are loaded once and shared.
    /// - Of the documents that are loaded, eager links are loaded as well, three levels deep in all
    ///   unless [`link_depth`](Self::link_depth) says otherwise; that is also where cycles end.
    /// - Documents that are marked as deleted are loaded too.
    ///
    /// # Errors
    ///
    /// The terminal fails with `InvalidQuery` for a field without links in it, with
    /// `DanglingLink`, naming collection and id, for a link to a document that is not there
    /// (see [`allow_dangling`](Self::allow_dangling)), and with `NotRegistered` if the type of the
    /// target is not registered.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Maker { #[serde(flatten)] base: Base<Maker>, name: String }
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, maker: Link<Maker>, parts: Vec<Link<Product>> }
    /// async fn with_makers(db: &Db) -> den::Result<Vec<Product>> {
    ///     Product::query(db).with_links(|p| (p.maker, p.parts)).all().await
    /// }
    /// ```
    pub fn with_links<S: LinkSelection<D>>(mut self, fields: impl FnOnce(&D::Fields) -> S) -> Self {
        let plan = &mut self.links;
        let paths = fields(D::__fields()).__paths();
        let named: Result<()> = paths.into_iter().try_for_each(|it| plan.name::<D>(it));
        if let Err(error) = named {
            self.mistake(error);
        }
        self
    }

    /// Loads all links with the documents, and those of the documents they point to, as deep as
    /// [`link_depth`](Self::link_depth) says.
    pub fn with_all_links(mut self) -> Self {
        self.links.set_mode(Mode::All);
        self
    }

    /// Loads no links, not even those that are `#[den(eager)]`, but for those that are named after
    /// this.
    pub fn without_links(mut self) -> Self {
        self.links.set_mode(Mode::None);
        self
    }

    /// How many levels of links are loaded, where one is the links of the documents themselves;
    /// three unless this is said. Zero is a mistake.
    pub fn link_depth(mut self, levels: usize) -> Self {
        if levels == 0 {
            self.mistake(Error::new(
                ErrorKind::InvalidQuery,
                "a link depth of zero loads nothing; say `without_links()`",
            ));
        }
        self.links.set_depth(levels);
        self
    }

    /// Leaves links to documents that are not there as they are, instead of failing with
    /// `DanglingLink`.
    pub fn allow_dangling(mut self) -> Self {
        self.links.leave_dangling();
        self
    }
}

/// Loads all links of these documents, and none of the documents they point to: one call of the
/// database per target type.
///
/// # Behavior
///
/// - What is loaded already is kept, and empty links are skipped.
///
/// # Errors
///
/// `DanglingLink`, naming collection and id, for a link to a document that is not there; nothing is
/// loaded then.
///
/// ```
/// # use den::prelude::*;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// # struct Maker { #[serde(flatten)] base: Base<Maker>, name: String }
/// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, maker: Link<Maker> }
/// async fn print(db: &Db, products: &mut [Product]) -> den::Result<()> {
///     den::fetch_links(db, products).await?;
///     for product in products {
///         println!("{:?}", product.maker.get().map(|it| &it.name));
///     }
///     Ok(())
/// }
/// ```
pub async fn fetch_links<D: Document>(
    executor: &(impl Executor + ?Sized),
    documents: &mut [D],
) -> Result<()> {
    fetch_links_of(&executor.__handle(), documents).await
}

pub(crate) async fn fetch_links_of<D: Document>(
    handle: &Handle,
    documents: &mut [D],
) -> Result<()> {
    handle.db().registered::<D>()?;
    super::fill(handle, documents, &LinkPlan::one_level()).await
}
