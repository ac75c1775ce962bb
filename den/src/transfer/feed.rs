//! Items, made into batches of documents.

use std::{collections::BTreeSet, sync::Arc};

use den_backend::{Error, ErrorKind, Result};

use crate::transfer::{
    document::{Bad, Item, Reading},
    files::Hash,
    items::Items,
    position::Position,
    put::{BATCH, BATCH_BYTES},
};

/// A source that is read.
pub(super) struct Feed {
    items: Box<dyn Items>,
    reading: Reading,
    mark: Mark,
    /// What belongs to the next batch already.
    pending: Option<Read>,
}

/// How much of a source was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    pub(super) items: u64,
    pub(super) bytes: u64,
    pub(super) hash: Hash,
}

struct Read {
    collection: Arc<str>,
    done: Result<Item, Bad>,
}

/// Documents of one collection, and what cannot be one.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) collection: Arc<str>,
    pub(super) items: Vec<Item>,
    pub(super) bad: Vec<Bad>,
    /// How much was read, this batch included.
    pub(super) mark: Mark,
}

impl Feed {
    pub(super) fn new(items: Box<dyn Items>, reading: Reading) -> Self {
        Self {
            items,
            reading,
            mark: Mark::default(),
            pending: None,
        }
    }

    /// Goes to where an earlier try was.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` if the source is another than it was then.
    pub(super) fn skip(&mut self, to: &Position) -> Result<()> {
        while self.mark.items < to.items {
            let Some(raw) = self.items.next()? else {
                return Err(changed(to));
            };
            self.mark.items += 1;
            self.mark.bytes += raw.bytes;
            match &raw.text {
                Ok(it) => self.mark.hash.line(it.trim()),
                Err(it) => self.mark.hash.line(&it.text),
            }
        }
        if self.mark.hash.hex() != to.sha256 {
            return Err(changed(to));
        }
        Ok(())
    }

    /// The next documents; none at the end.
    pub(super) fn batch(&mut self) -> Result<Option<Batch>> {
        let mut mark = self.mark.clone();
        let Some(first) = self.next()? else {
            return Ok(None);
        };
        let mut batch = Batch {
            collection: Arc::clone(&first.collection),
            items: Vec::new(),
            bad: Vec::new(),
            mark: mark.clone(),
        };
        let (mut ids, mut bytes) = (BTreeSet::new(), 0);
        let mut next = Some(first);
        while let Some(it) = next {
            let is_new = match &it.done {
                Ok(item) => ids.insert(item.id.clone()),
                Err(_) => true,
            };
            if it.collection != batch.collection || !is_new {
                self.pending = Some(it);
                batch.mark = mark;
                return Ok(Some(batch));
            }
            match it.done {
                Ok(item) => {
                    bytes += item.body.len();
                    batch.items.push(item);
                }
                Err(bad) => {
                    bytes += bad.text.len();
                    batch.bad.push(bad);
                }
            }
            if batch.items.len() + batch.bad.len() >= BATCH || bytes >= BATCH_BYTES {
                break;
            }
            mark = self.mark.clone();
            next = self.next()?;
        }
        batch.mark = self.mark.clone();
        Ok(Some(batch))
    }

    fn next(&mut self) -> Result<Option<Read>> {
        if let Some(it) = self.pending.take() {
            return Ok(Some(it));
        }
        let Some(raw) = self.items.next()? else {
            return Ok(None);
        };
        self.mark.items += 1;
        self.mark.bytes += raw.bytes;
        match &raw.text {
            Ok(it) => self.mark.hash.line(it.trim()),
            Err(it) => self.mark.hash.line(&it.text),
        }
        let collection = Arc::clone(&raw.collection);
        let done = self.reading.read(raw);
        Ok(Some(Read { collection, done }))
    }
}

fn changed(position: &Position) -> Error {
    let message = format!(
        "the source is not the one that `{}` was reading: its first {} items are others; import it \
         without `resume` to start over",
        position.name, position.items
    );
    Error::new(ErrorKind::InvalidQuery, message)
}
