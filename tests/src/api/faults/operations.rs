//! The operations of the sweeps: everything that writes, with all that may follow from it.

use den::{BulkMode, DeleteOptions, Result, SaveOptions, prelude::*};
use futures_util::future::BoxFuture;

use super::cast::{Author, Book, Cast, Note, a_note, author};

/// An operation on the documents of an attempt.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Changes documents in memory before the call.
    pub(super) prepare: fn(&mut Cast),
    pub(super) call: for<'a> fn(&'a dyn Executor, &'a mut Cast) -> BoxFuture<'a, Result<()>>,
}

macro_rules! operation {
    ($name:literal, |$on:ident, $cast:ident| $call:expr) => {
        operation!($name, |_cast| {}, |$on, $cast| $call)
    };
    ($name:literal, |$before:ident| $prepare:expr, |$on:ident, $cast:ident| $call:expr) => {
        Operation {
            name: $name,
            prepare: |$before: &mut Cast| $prepare,
            call: |$on, $cast| {
                Box::pin(async move {
                    $call;
                    Ok(())
                })
            },
        }
    };
}

fn rename(cast: &mut Cast) {
    cast.author.name = "Eva".to_owned();
    cast.learner.name = "Fay".to_owned();
    cast.book.name = "Four".to_owned();
    for (note, name) in cast.notes.iter_mut().zip(["n5", "n6"]) {
        note.name = name.to_owned();
    }
}

/// Changes what links carry.
fn touch(cast: &mut Cast) {
    rename(cast);
    for book in [&mut cast.book, &mut cast.new_book] {
        if let Some(author) = book.author.as_mut().and_then(Link::get_mut) {
            author.name = "Gil".to_owned();
        }
    }
    cast.book.notes.push(Link::new(a_note("n7")));
}

fn with_links() -> SaveOptions {
    SaveOptions::new().with_links()
}

/// All of them.
pub(super) const OPERATIONS: &[Operation] = &[
    operation!("insert", |on, cast| cast.new.insert(on).await?),
    operation!("insert with links", |it| touch(it), |on, cast| {
        cast.new_book.insert_with(on, with_links()).await?;
    }),
    operation!("save", |it| rename(it), |on, cast| cast
        .book
        .save(on)
        .await?),
    operation!("update", |it| rename(it), |on, cast| cast
        .author
        .update(on)
        .await?),
    operation!("save with links", |it| touch(it), |on, cast| {
        cast.book.save_with(on, with_links()).await?;
    }),
    operation!("save_all", |it| rename(it), |on, cast| {
        let mut all = [cast.author.clone(), cast.new.clone(), cast.learner.clone()];
        let outcome = Author::save_all(on, &mut all).await;
        [cast.author, cast.new, cast.learner] = all;
        outcome?;
    }),
    operation!("replace with hooks", |it| rename(it), |on, cast| {
        cast.author.replace(on).await?;
    }),
    operation!("replace without hooks", |it| rename(it), |on, cast| {
        cast.notes[0].replace(on).await?;
    }),
    operation!("save_changes with hooks", |it| rename(it), |on, cast| {
        cast.author.save_changes(on).await?;
    }),
    operation!("save_changes without hooks", |it| rename(it), |on, cast| {
        cast.notes[0].save_changes(on).await?;
    }),
    operation!("save_all without hooks", |it| rename(it), |on, cast| {
        Note::save_all(on, &mut cast.notes).await?;
    }),
    operation!("delete", |on, cast| cast.author.delete(on).await?),
    operation!("delete for good", |on, cast| {
        let options = DeleteOptions::new().hard();
        cast.author.delete_with(on, options).await?;
    }),
    operation!("delete with links", |on, cast| {
        let options = DeleteOptions::new().with_links().hard();
        cast.book.delete_with(on, options).await?;
    }),
    operation!("delete_all with hooks", |on, cast| {
        let mut all = [cast.learner.clone(), cast.author.clone()];
        let outcome = Author::delete_all(on, &mut all).await;
        [cast.learner, cast.author] = all;
        outcome?;
    }),
    operation!("delete a query with hooks", |on, _cast| {
        Author::query(on).all_rows().delete().await?;
    }),
    operation!("delete a query without hooks", |on, _cast| {
        Author::query(on)
            .all_rows()
            .without_hooks()
            .delete()
            .await?;
    }),
    operation!("soft delete with hooks", |on, cast| cast
        .book
        .delete(on)
        .await?),
    operation!("soft delete of a query with hooks", |on, _cast| {
        Book::query(on).all_rows().delete().await?;
    }),
    operation!("soft delete", |on, cast| cast.notes[0].delete(on).await?),
    operation!("soft delete of several", |on, cast| {
        Note::delete_all(on, &mut cast.notes).await?;
    }),
    operation!("soft delete of a query", |on, _cast| {
        Note::query(on).all_rows().delete().await?;
    }),
    operation!("update a query with hooks", |on, _cast| {
        let a = Author::fields();
        Author::query(on)
            .all_rows()
            .update()
            .set(a.name, "Eva")
            .await?;
    }),
    operation!("update a query with hooks, returning", |on, _cast| {
        let a = Author::fields();
        let update = Author::query(on).all_rows().update().set(a.name, "Eva");
        update.returning_old().await?;
    }),
    operation!("update a query without hooks", |on, _cast| {
        let a = Author::fields();
        let query = Author::query(on).all_rows().without_hooks();
        query.update().set(a.name, "Eva").await?;
    }),
    operation!("update the only one", |on, _cast| {
        let n = Note::fields();
        let one = Note::query(on).filter(n.name.eq("n1")).update_one();
        one.set(n.name, "n9").await?;
    }),
    operation!("claim with hooks", |on, _cast| {
        let b = Book::fields();
        let claim = Book::query(on).filter(b.name.eq("two")).claim(5);
        claim.set(b.name, "Four").await?;
    }),
    operation!("upsert with hooks of a new one", |on, _cast| {
        let mut new = author("Cyd");
        new.base.id = Id::new("cyd");
        Author::upsert(on, new).on_id().ignore().await?;
    }),
    operation!("upsert with hooks of a stored one", |on, cast| {
        let a = Author::fields();
        let upsert = Author::upsert(on, cast.author.clone()).on_id();
        upsert.update(|u, _| u.set(a.name, "Eva")).await?;
    }),
    operation!("upsert that replaces", |on, _cast| {
        let n = Note::fields();
        Note::upsert(on, a_note("n1")).on(n.name).replace().await?;
    }),
    operation!("upsert of a stored one", |on, _cast| {
        let n = Note::fields();
        let upsert = Note::upsert(on, a_note("n1")).on(n.name);
        upsert.update(|u, _| u.set(n.name, "n9")).await?;
    }),
    operation!("get_or_create", |on, _cast| {
        let n = Note::fields();
        Note::get_or_create(on, a_note("n9")).on(n.name).await?;
    }),
    operation!("insert_many_with", |on, _cast| {
        let mut notes = [a_note("n8"), a_note("n9")];
        notes[0].base.id = Id::new("n1");
        Note::insert_many_with(on, &mut notes, BulkMode::SkipExisting).await?;
    }),
    operation!("upsert_many with hooks", |on, cast| {
        let mut all = [author("Cyd"), cast.learner.clone()];
        all[0].base.id = Id::new("ada");
        Author::upsert_many(on, &mut all).await?;
    }),
    operation!("restore", |on, cast| cast.marked.restore(on).await?),
    operation!("restore a query", |on, _cast| {
        Note::query(on).all_rows().restore().await?;
    }),
    operation!("purge", |on, _cast| {
        let later = Timestamp::now() + std::time::Duration::from_secs(60);
        Note::query(on)
            .all_rows()
            .purge_deleted_before(later)
            .await?;
    }),
];
