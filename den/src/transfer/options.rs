//! What a transfer is told, and what it says of itself.

use std::{fmt, sync::Arc};

/// What becomes of what the collections hold already.
///
/// # Behavior
///
/// | mode | a collection that holds documents | an id that is taken | after a failure half way |
/// |---|---|---|---|
/// | `RequireEmpty` | refused, before anything is written | refused | the batches that were committed are there; go on with `resume` |
/// | `Append` | keeps them | refused | the same |
/// | `Upsert` | keeps them | the document is overwritten | the same; doing it again gives the same end |
/// | `Replace` | loses them | refused: it was there twice | everything is as it was before |
///
/// - A batch is written wholly or not at all. `Replace` is one transaction from the first delete to the
///   last document: others see the old content until all of the new is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They must not hold any document.
    #[default]
    RequireEmpty,
    /// They keep theirs, and get more.
    Append,
    /// They get the new ones in place of theirs.
    Replace,
    /// They keep theirs but for those with the id of a new one.
    Upsert,
}

impl Mode {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::RequireEmpty => "require_empty",
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Upsert => "upsert",
        }
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// The collection it is at.
    pub collection: String,
    /// How many documents of it are done.
    pub documents: u64,
    /// How many there are, if that is known.
    pub total_documents: Option<u64>,
    /// How many bytes were read from the source, in an import.
    pub bytes: u64,
    /// How many there are, if that is known.
    pub total_bytes: Option<u64>,
}

/// What a transfer is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Documents go out of a database.
    Export,
    /// An archive is read from end to end, before anything of it is stored.
    Check,
    /// Documents come into a database.
    Import,
    /// Documents go from one database into another.
    Copy,
    /// What was stored is read again and compared.
    Verify,
    /// Two databases are compared.
    Compare,
}

/// Who is told how far it is; nobody at first.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<Tell>>);

type Tell = dyn Fn(&Progress) + Send + Sync;

impl Observer {
    pub(super) fn new(tell: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(super) fn tell(&self, progress: &Progress) {
        if let Some(tell) = &self.0 {
            tell(progress);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some" } else { "None" })
    }
}

impl Progress {
    /// At the start of a collection.
    pub(super) fn new(stage: Stage, collection: &str, total_documents: Option<u64>) -> Self {
        Self {
            stage,
            collection: collection.to_owned(),
            documents: 0,
            total_documents,
            bytes: 0,
            total_bytes: None,
        }
    }
}

/// What was transferred.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Transferred {
    /// Collection by collection, in the order in which they were done.
    pub collections: Vec<TransferredCollection>,
}

/// What was transferred of one collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TransferredCollection {
    /// The name.
    pub name: String,
    /// How many documents were written.
    pub documents: u64,
    /// How many were left out because an earlier try has stored them.
    pub resumed: u64,
    /// How many could not be stored, and are in the file of bad lines.
    pub bad: u64,
    /// The SHA-256 of the documents as canonical JSON in order of id, each followed by a line break;
    /// where they came out of a database or an archive.
    pub sha256: Option<String>,
}

impl Transferred {
    /// How many documents were written.
    pub fn documents(&self) -> u64 {
        self.collections.iter().map(|it| it.documents).sum()
    }

    /// How many could not be stored, and are in the file of bad lines.
    pub fn bad(&self) -> u64 {
        self.collections.iter().map(|it| it.bad).sum()
    }

    /// One collection.
    pub fn collection(&self, name: &str) -> Option<&TransferredCollection> {
        self.collections.iter().find(|it| it.name == name)
    }

    /// The entry of a collection, made if there is none.
    pub(super) fn of(&mut self, name: &str) -> &mut TransferredCollection {
        let at = self.collections.iter().position(|it| it.name == name);
        let at = at.unwrap_or_else(|| {
            self.collections.push(TransferredCollection {
                name: name.to_owned(),
                ..Default::default()
            });
            self.collections.len() - 1
        });
        &mut self.collections[at]
    }
}
