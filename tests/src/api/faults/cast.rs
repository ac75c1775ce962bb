//! The documents of the sweeps, and what hooks do beside.

use std::sync::{Arc, Mutex};

use den::{Json, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

tokio::task_local! {
    /// What ran after a commit.
    pub(super) static DONE: Arc<Mutex<Vec<String>>>;
}

/// What hooks write.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "entries")]
pub(super) struct Entry {
    #[serde(flatten)]
    base: Base<Entry>,
    text: String,
}

/// Owned by an author.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "desks", revision)]
pub(super) struct Desk {
    #[serde(flatten)]
    pub(super) base: Base<Desk>,
    pub(super) name: String,
}

/// Has everything that is deleted for good may have.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "authors", hooks, revision)]
pub(super) struct Author {
    #[serde(flatten)]
    pub(super) base: Base<Author>,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    pub(super) name: String,
    pub(super) slug: String,
    #[den(owned)]
    pub(super) desk: Option<Link<Desk>>,
    #[den(on_delete = "set_null")]
    pub(super) mentor: Option<Link<Author>>,
}

/// Is marked as deleted, and goes with its author.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "books", hooks)]
pub(super) struct Book {
    #[serde(flatten)]
    pub(super) base: Base<Book>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    pub(super) name: String,
    pub(super) slug: String,
    #[den(on_delete = "cascade")]
    pub(super) author: Option<Link<Author>>,
    pub(super) notes: Vec<Link<Note>>,
}

/// Is marked as deleted, and concerns nobody.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "slips", revision)]
pub(super) struct Note {
    #[serde(flatten)]
    pub(super) base: Base<Note>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    #[serde(skip)]
    pub(super) tracked: Tracked,
    #[den(unique)]
    pub(super) name: String,
}

pub(super) type All = (Entry, Desk, Author, Book, Note);

pub(super) const COLLECTIONS: [&str; 5] = ["entries", "desks", "authors", "books", "slips"];

async fn note(cx: &HookContext, text: String) -> den::Result<()> {
    let done = DONE.with(Arc::clone);
    let later = text.clone();
    cx.after_commit(move || async move {
        done.lock().unwrap().push(later);
    })?;
    let mut entry = Entry {
        text,
        ..Entry::default()
    };
    entry.insert(cx).await
}

macro_rules! hooks {
    ($($name:ident),+) => {$(
        impl Hooks for $name {
            async fn before_save(&mut self, cx: &HookContext) -> den::Result<()> {
                self.slug = self.name.to_lowercase();
                note(cx, format!("before_save {}", self.slug)).await
            }

            async fn after_save(&mut self, cx: &HookContext) -> den::Result<()> {
                self.slug.push('!');
                note(cx, format!("after_save {}", self.slug)).await
            }

            async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                self.name.push_str(" (late)");
                note(cx, format!("before_delete {}", self.slug)).await
            }

            async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                note(cx, format!("after_delete {}", self.slug)).await
            }
        }
    )+};
}

hooks!(Author, Book);

/// All documents that the operations use.
#[derive(Debug, Clone)]
pub(super) struct Cast {
    /// Has a desk, two books and somebody who learns from her.
    pub(super) author: Author,
    pub(super) learner: Author,
    pub(super) book: Book,
    pub(super) notes: Vec<Note>,
    pub(super) marked: Note,
    /// New, with a new desk.
    pub(super) new: Author,
    /// New, with a new note and a stored author.
    pub(super) new_book: Book,
}

pub(super) fn author(name: &str) -> Author {
    Author {
        name: name.to_owned(),
        ..Author::default()
    }
}

pub(super) fn a_note(name: &str) -> Note {
    Note {
        name: name.to_owned(),
        ..Note::default()
    }
}

pub(super) fn desk(name: &str) -> Desk {
    Desk {
        name: name.to_owned(),
        ..Desk::default()
    }
}

impl Cast {
    /// Stores what is there at first.
    pub(super) async fn store(db: &Db) -> den::Result<()> {
        let mut ada = Author {
            desk: Some(Link::new(desk("old"))),
            ..author("Ada")
        };
        ada.base.id = Id::new("ada");
        ada.save(db).await?;
        let mut bob = Author {
            mentor: Some(Link::to(&ada)),
            ..author("Bob")
        };
        bob.base.id = Id::new("bob");
        bob.save(db).await?;
        for id in ["one", "two"] {
            let mut book = Book {
                name: id.to_owned(),
                author: Some(Link::to(&ada)),
                ..Book::default()
            };
            book.base.id = Id::new(id);
            book.save(db).await?;
        }
        for id in ["n1", "n2", "n3"] {
            let mut it = a_note(id);
            it.base.id = Id::new(id);
            it.save(db).await?;
            if id == "n3" {
                it.delete(db).await?;
            }
        }
        Ok(())
    }

    /// The documents in hand: loaded, or new.
    pub(super) async fn load(db: &Db) -> den::Result<Self> {
        let author = Author::find(db, "ada").await?;
        let mut book = Book::find(db, "one").await?;
        if let Some(link) = &mut book.author {
            link.fetch(db).await?;
        }
        Ok(Self {
            learner: Author::find(db, "bob").await?,
            notes: Note::get_many(db, ["n1", "n2"]).await?,
            marked: Note::find(db, "n3").await?,
            new: Author {
                desk: Some(Link::new(desk("new"))),
                ..self::author("Cyd")
            },
            new_book: Book {
                name: "Three".to_owned(),
                author: book.author.clone(),
                notes: vec![Link::new(a_note("n4"))],
                ..Book::default()
            },
            author,
            book,
        })
    }

    /// All there is to know of the documents. What is looked at is what a document says of itself,
    /// or, if `literal`, its public fields as well: they return late from a transaction.
    pub(super) fn view(&self, literal: bool) -> Vec<Json> {
        let mut all = vec![
            view_author(&self.author),
            view_author(&self.learner),
            view_author(&self.new),
            view_book(&self.book),
            view_book(&self.new_book),
        ];
        let notes = self.notes.iter().chain([&self.marked]);
        all.extend(notes.map(view_note));
        if literal {
            all.push(format!("{self:?}").into());
        }
        all
    }
}

fn view<D: Tracking>(it: &D) -> Json {
    json!({
        "document": it,
        "id": it.id().as_str(),
        "is stored": it.base().is_stored(),
        "is changed": it.is_changed().ok(),
    })
}

fn view_author(it: &Author) -> Json {
    let desk = it.desk.as_ref().and_then(Link::get);
    json!([view(it), desk, desk.map(|it| it.base.is_stored())])
}

fn view_book(it: &Book) -> Json {
    let author = it.author.as_ref().and_then(Link::get).map(view_author);
    let notes: Vec<Json> = it
        .notes
        .iter()
        .filter_map(Link::get)
        .map(view_note)
        .collect();
    json!([view(it), author, notes, it.deletion.is_deleted()])
}

fn view_note(it: &Note) -> Json {
    json!([view(it), it.deletion.is_deleted()])
}
