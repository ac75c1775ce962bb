//! What a cascade asks of the write pipeline: the full chain of the other document's type.

use den_backend::Result;

use super::run::{DeleteRun, SaveRun};
use crate::{
    Document, Tx,
    write::{self, Intent},
};

/// Inserts or updates a document that a link carries.
pub(super) async fn save<D: Document>(run: &SaveRun, tx: &Tx, document: &mut D) -> Result<()> {
    write::put_within(run, tx, document, Intent::Save).await
}

/// Updates a document that lost a link.
pub(super) async fn update<D: Document>(tx: &Tx, document: &mut D) -> Result<()> {
    write::put_within(&SaveRun::default(), tx, document, Intent::Update).await
}

/// Deletes a document.
pub(super) async fn delete<D: Document>(run: &DeleteRun, tx: &Tx, document: &mut D) -> Result<()> {
    write::delete_one(run, tx, document).await
}
