//! Loading several links at once.

use den_backend::Result;

use super::{Link, load};
use crate::{Document, Executor};

/// Several links, as in a `Vec<Link<T>>`.
pub trait Links<T> {
    /// Loads all documents that are not at hand with one call of the database, and returns them in
    /// the order of the links; empty links have none.
    ///
    /// # Behavior
    ///
    /// - Several links to one document share it. Their eager links are loaded as well.
    ///
    /// # Errors
    ///
    /// `DanglingLink`, naming collection and id, if one points to a document that is not there;
    /// nothing is loaded then.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Tag { #[serde(flatten)] base: Base<Tag>, name: String }
    /// # #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    /// # struct Post { #[serde(flatten)] base: Base<Post>, tags: Vec<Link<Tag>> }
    /// async fn print_tags(db: &Db, post: &mut Post) -> den::Result<()> {
    ///     for tag in post.tags.fetch_all(db).await? {
    ///         println!("{}", tag.name);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    fn fetch_all<'a>(
        &'a mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<Vec<&'a T>>> + Send
    where
        T: 'a;
}

impl<T: Document + Clone> Links<T> for [Link<T>] {
    fn fetch_all<'a>(
        &'a mut self,
        executor: &(impl Executor + ?Sized),
    ) -> impl Future<Output = Result<Vec<&'a T>>> + Send
    where
        T: 'a,
    {
        let handle = executor.__handle();
        async move {
            load::fetch(&handle, self).await?;
            Ok(self.iter().filter_map(Link::get).collect())
        }
    }
}
