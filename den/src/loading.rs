//! What is done with documents that were read, before the application gets them.

use den_backend::Result;

use crate::{
    Document, HookContext,
    executor::Handle,
    hooks::Hook,
    links::{self, LinkPlan},
    transaction::inside,
};

/// Whether there is anything to do for documents of this type.
pub(crate) const fn is_needed<D: Document>() -> bool {
    D::LINKS || D::HOOKS
}

/// Loads links as the plan says, then runs `after_load`. Every typed read ends here.
pub(crate) async fn finish<D: Document>(
    handle: &Handle,
    documents: &mut [D],
    plan: &LinkPlan,
) -> Result<()> {
    if documents.is_empty() {
        return Ok(());
    }
    if D::LINKS {
        links::fill(handle, documents, plan).await?;
    }
    after_load(handle, documents).await
}

/// Runs `after_load` for each.
pub(crate) async fn after_load<D: Document>(handle: &Handle, documents: &mut [D]) -> Result<()> {
    if !D::HOOKS {
        return Ok(());
    }
    let cx = HookContext::new(handle.clone());
    let run = async {
        for document in documents {
            document.__run_hook(Hook::AfterLoad, &cx).await?;
        }
        Ok(())
    };
    match handle {
        Handle::Db(_) => run.await,
        Handle::Tx(tx) => inside(tx.db(), run).await,
    }
}
