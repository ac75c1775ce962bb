//! A write with all that belongs to it: hooks, rules, links.

use den_backend::Result;

use crate::{
    Document, HookContext, Tx,
    attachments::counting::{self, Held},
    executor::Handle,
    hooks::Hook,
    links::{SaveRun, cascade},
    write::{
        draft::{check, invalid, prepare, written},
        mark::settle,
        put::{Intent, keep, kept_of_stored},
        refusal::{accept, no_id},
    },
};

/// Writes a document on behalf of another one, with all that belongs to it.
///
/// If it fails, the caller rolls `tx` back to where it began and puts the document back.
pub(crate) async fn put_within<D: Document>(
    run: &SaveRun,
    tx: &Tx,
    document: &mut D,
    intent: Intent,
) -> Result<()> {
    tx.db().registered::<D>()?;
    settle(document);
    put_in(run, tx, document, intent, false).await
}

/// The whole chain of one document. If it fails, the caller puts the document back.
pub(super) async fn put_in<D: Document>(
    run: &SaveRun,
    tx: &Tx,
    document: &mut D,
    intent: Intent,
    with_links: bool,
) -> Result<()> {
    counting::check::<D>(tx.db())?;
    let is_insert = intent.is_insert(document);
    if !is_insert && document.id().is_empty() {
        return Err(no_id::<D>());
    }
    let kept = match intent {
        Intent::Replace => Some(kept_of_stored(tx, document).await?),
        Intent::Insert
        | Intent::Update
        | Intent::Save
        | Intent::Overwrite
        | Intent::OverwriteStored => None,
    };
    // Taken first, because a hook may give the document its id.
    let before = document.base().snapshot();
    before_write(run, tx, document, is_insert, with_links).await?;
    if let Some(kept) = kept {
        keep(tx, document, kept);
    }
    // Decided already, so that a hook does not decide it anew.
    let intent = match intent {
        Intent::Save if is_insert => Intent::Insert,
        Intent::Save => Intent::Update,
        Intent::Insert
        | Intent::Update
        | Intent::Replace
        | Intent::Overwrite
        | Intent::OverwriteStored => intent,
    };
    let write = prepare(document, intent, tx.db().now())?;
    let held = match is_insert {
        true => Held::default(),
        false => counting::held_by_stored(tx, document).await?,
    };
    let outcome = tx.session().await?.put(D::COLLECTION, write.put()).await?;
    accept::<D>(&write, outcome)?;
    counting::count_written::<D>(tx, &write.id, &held, &write.body).await?;
    written(document, Some(&tx.scope()), before, &write.body);
    after_write(tx, document, is_insert).await
}

/// What comes before the write of a document.
pub(super) async fn before_write<D: Document>(
    run: &SaveRun,
    tx: &Tx,
    document: &mut D,
    is_insert: bool,
    with_links: bool,
) -> Result<()> {
    if D::OWNED || D::LINKS && with_links {
        cascade::on_save(run, tx, document, with_links).await?;
    }
    if !D::HOOKS {
        return check(document);
    }
    let cx = HookContext::new(Handle::Tx(tx.clone()));
    let first = match is_insert {
        true => Hook::BeforeInsert,
        false => Hook::BeforeUpdate,
    };
    document.__run_hook(first, &cx).await?;
    document.__run_hook(Hook::BeforeSave, &cx).await?;
    check(document)?;
    let validated = document.__run_hook(Hook::Validate, &cx).await;
    validated.map_err(|it| invalid(document, it))
}

/// What comes after the write of a document.
pub(super) async fn after_write<D: Document>(
    tx: &Tx,
    document: &mut D,
    is_insert: bool,
) -> Result<()> {
    if !D::HOOKS {
        return Ok(());
    }
    let cx = HookContext::new(Handle::Tx(tx.clone()));
    let first = match is_insert {
        true => Hook::AfterInsert,
        false => Hook::AfterUpdate,
    };
    document.__run_hook(first, &cx).await?;
    document.__run_hook(Hook::AfterSave, &cx).await
}
