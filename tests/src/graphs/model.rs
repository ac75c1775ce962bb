//! The rules of links as the documentation gives them, followed one after the other over all
//! documents: slow, and without any order in which things are deleted.

use std::collections::{BTreeMap, BTreeSet};

use den::{ErrorKind, Json, OnDelete};

use super::{
    plan::{Deleted, How, Step, Vertex, Which},
    slots::{Kind, Slot, ids_at, take_out},
};

/// A document's name.
pub(super) type Key = (Kind, String);

/// All documents, without what den fills in; one that is marked as deleted has `_deleted_at: true`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Model {
    pub(super) documents: BTreeMap<Key, Json>,
}

/// What a step leads to.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) after: Model,
    /// How many documents, where that is answered.
    pub(super) count: Option<u64>,
    /// How often each hook of a delete runs.
    pub(super) hooks: BTreeMap<String, u32>,
    /// What is saved, of the types with hooks.
    pub(super) saved: BTreeSet<String>,
}

/// The reasons for which a step may be refused.
pub(super) type Refused = Vec<ErrorKind>;

impl Expected {
    fn new(after: Model) -> Self {
        Self {
            after,
            count: None,
            hooks: BTreeMap::new(),
            saved: BTreeSet::new(),
        }
    }

    fn saved(&mut self, (kind, id): &Key) {
        if kind.has_hooks() {
            self.saved.insert(format!("saved {id}"));
        }
    }
}

impl Model {
    pub(super) fn of(given: &[Vertex]) -> Self {
        let documents = given.iter().map(|it| {
            let mut document = it.document();
            if it.marked {
                document["_deleted_at"] = true.into();
            }
            ((it.kind, it.id.clone()), document)
        });
        Self {
            documents: documents.collect(),
        }
    }

    /// How many documents are there otherwise, or only in one of the two.
    pub(super) fn differences(&self, other: &Self) -> usize {
        let keys: BTreeSet<&Key> = self
            .documents
            .keys()
            .chain(other.documents.keys())
            .collect();
        let differ = |key: &&&Key| self.documents.get(**key) != other.documents.get(**key);
        keys.iter().filter(differ).count()
    }

    /// What this step leads to, or why it is refused.
    pub(super) fn after(&self, step: &Step) -> Result<Expected, Refused> {
        match step {
            Step::Insert(it) => self.insert(it),
            Step::Replace(it) => self.replace(it),
            Step::Delete(kind, id, how) => self.delete_listed(*kind, std::slice::from_ref(id), how),
            Step::DeleteAll(kind, ids, how) => self.delete_listed(*kind, ids, how),
            Step::DeleteQuery(kind, which, how) => self.delete_found(*kind, which, how),
            Step::Purge(kind) => {
                let which = Which {
                    ids: None,
                    deleted: Deleted::Only,
                    limit: None,
                    hooks: true,
                };
                let how = How {
                    hard: true,
                    ..How::default()
                };
                self.delete_found(*kind, &which, &how)
            }
            Step::Restore(kind, id) => self.restore_one(*kind, id),
            Step::RestoreQuery(kind, ids) => self.restore_found(*kind, ids),
        }
    }

    fn is_live(&self, key: &Key) -> bool {
        let found = self.documents.get(key);
        found.is_some_and(|it| it.get("_deleted_at").is_none())
    }

    fn is_marked(&self, key: &Key) -> bool {
        self.documents.contains_key(key) && !self.is_live(key)
    }

    /// Unique among live documents.
    fn check_names(&self) -> Result<(), Refused> {
        let mut seen = BTreeSet::new();
        for (key, document) in &self.documents {
            if let Some(name) = document["name"].as_str()
                && key.0.has_unique_name()
                && self.is_live(key)
                && !seen.insert((key.0, name.to_owned()))
            {
                return Err(vec![ErrorKind::Duplicate]);
            }
        }
        Ok(())
    }

    fn put(&self, it: &Vertex, document: Json) -> Result<Expected, Refused> {
        let key = (it.kind, it.id.clone());
        let mut after = self.clone();
        after.documents.insert(key.clone(), document);
        after.check_names()?;
        let mut expected = Expected::new(after);
        expected.saved(&key);
        Ok(expected)
    }

    fn insert(&self, it: &Vertex) -> Result<Expected, Refused> {
        if self.documents.contains_key(&(it.kind, it.id.clone())) {
            return Err(vec![ErrorKind::Duplicate]);
        }
        self.put(it, it.document())
    }

    fn replace(&self, it: &Vertex) -> Result<Expected, Refused> {
        let Some(stored) = self.documents.get(&(it.kind, it.id.clone())) else {
            return Err(vec![ErrorKind::NotFound]);
        };
        // A mark is not the client's to set or to take away.
        let mut document = it.document();
        for name in ["_deleted_at", "_deleted_by", "_delete_reason"] {
            if let Some(value) = stored.get(name) {
                document[name] = value.clone();
            }
        }
        self.put(it, document)
    }

    fn restore_one(&self, kind: Kind, id: &str) -> Result<Expected, Refused> {
        if !kind.marks() {
            return Err(vec![ErrorKind::InvalidQuery]);
        }
        let key = (kind, id.to_owned());
        if !self.is_marked(&key) {
            return Err(vec![ErrorKind::NotFound]);
        }
        self.restore(&[key])
    }

    fn restore_found(&self, kind: Kind, ids: &[String]) -> Result<Expected, Refused> {
        if !kind.marks() {
            return Err(vec![ErrorKind::InvalidQuery]);
        }
        let keys: BTreeSet<Key> = ids.iter().map(|id| (kind, id.clone())).collect();
        let marked: Vec<Key> = keys.into_iter().filter(|it| self.is_marked(it)).collect();
        let mut expected = self.restore(&marked)?;
        expected.count = Some(marked.len() as u64);
        Ok(expected)
    }

    fn restore(&self, keys: &[Key]) -> Result<Expected, Refused> {
        let mut after = self.clone();
        for key in keys {
            if let Some(fields) = after.documents.get_mut(key).and_then(Json::as_object_mut) {
                fields.retain(|name, _| !name.starts_with("_delete"));
            }
        }
        after.check_names()?;
        Ok(Expected::new(after))
    }

    /// The documents that are in hand; one given twice is deleted once.
    fn delete_listed(&self, kind: Kind, ids: &[String], how: &How) -> Result<Expected, Refused> {
        let keys: BTreeSet<Key> = ids.iter().map(|id| (kind, id.clone())).collect();
        let marks = kind.marks() && !how.hard;
        let can_be = |key: &Key| match marks {
            true => self.is_live(key),
            false => self.documents.contains_key(key),
        };
        let mut refused = Vec::new();
        if !keys.iter().all(can_be) {
            refused.push(ErrorKind::NotFound);
        }
        match self.delete(&keys, how, true) {
            Ok(expected) if refused.is_empty() => Ok(expected),
            Ok(_) => Err(refused),
            Err(more) => {
                refused.extend(more);
                Err(refused)
            }
        }
    }

    fn delete_found(&self, kind: Kind, which: &Which, how: &How) -> Result<Expected, Refused> {
        let marks = kind.marks() && !how.hard;
        if which.deleted != Deleted::LeftOut && !kind.marks()
            || which.deleted == Deleted::Only && marks
        {
            return Err(vec![ErrorKind::InvalidQuery]);
        }
        let found = self.documents.keys().filter(|key| {
            key.0 == kind
                && which.ids.as_ref().is_none_or(|ids| ids.contains(&key.1))
                && match which.deleted {
                    Deleted::LeftOut => self.is_live(key),
                    Deleted::Included => !marks || self.is_live(key),
                    Deleted::Only => self.is_marked(key),
                }
        });
        let limit = which
            .limit
            .map_or(usize::MAX, |it| usize::try_from(it).unwrap());
        let keys: BTreeSet<Key> = found.take(limit).cloned().collect();
        let mut expected = self.delete(&keys, how, which.hooks)?;
        expected.count = Some(keys.len() as u64);
        Ok(expected)
    }

    /// Whether a document of a run is deleted: not for a second time, but for good.
    fn can_go(&self, key: &Key, how: &How) -> bool {
        self.is_live(key) || how.hard && self.documents.contains_key(key)
    }

    fn delete(&self, top: &BTreeSet<Key>, how: &How, hooks: bool) -> Result<Expected, Refused> {
        let mut refused = Vec::new();
        if how.links_here == Some(OnDelete::SetNull)
            && top.iter().any(|it| !all_links_can_be_taken_out(it.0))
        {
            refused.push(ErrorKind::InvalidQuery);
        }
        let rule_for = |declared: OnDelete, target: &Key| match how.links_here {
            Some(rule) if top.contains(target) => rule,
            Some(_) | None => declared,
        };
        let going = self.going(top, how, &rule_for);
        let mut expected = Expected::new(self.clone());
        for key in &going {
            let marks = key.0.marks() && !how.hard;
            if key.0.has_hooks() && (hooks || !top.contains(key)) {
                let softly = ["before_soft_delete", "after_soft_delete"];
                let names = ["before_delete", "after_delete"].into_iter();
                for name in names.chain(softly.into_iter().filter(|_| marks)) {
                    expected.hooks.insert(format!("{name} {}", key.1), 1);
                }
            }
            if !marks {
                expected.after.documents.remove(key);
                continue;
            }
            if let Some(document) = expected.after.documents.get_mut(key) {
                document["_deleted_at"] = true.into();
                if how.traced {
                    document["_deleted_by"] = "ada".into();
                    document["_delete_reason"] = "spring".into();
                }
            }
        }
        for (from, slot, to) in self.links() {
            if !going.contains(&to) {
                continue;
            }
            match rule_for(slot.rule, &to) {
                OnDelete::Restrict if self.is_live(&from) && !going.contains(&from) => {
                    refused.push(ErrorKind::Restricted);
                }
                OnDelete::SetNull if !expected.after.documents.contains_key(&to) => {
                    if let Some(document) = expected.after.documents.get_mut(&from) {
                        take_out(document, slot.path, &to.1);
                        expected.saved(&from);
                    }
                }
                OnDelete::SetNull | OnDelete::Restrict | OnDelete::Ignore | OnDelete::Cascade => {}
            }
        }
        match refused.is_empty() {
            true => Ok(expected),
            false => Err(refused),
        }
    }

    /// All that is deleted along with these, and they themselves.
    fn going(
        &self,
        top: &BTreeSet<Key>,
        how: &How,
        rule_for: &dyn Fn(OnDelete, &Key) -> OnDelete,
    ) -> BTreeSet<Key> {
        let links = self.links();
        let mut going: BTreeSet<Key> = top.clone();
        going.retain(|it| self.can_go(it, how));
        // A mark destroys nothing.
        let follows = |one: &Key, other: &Key| how.hard || !other.0.marks() || one.0.marks();
        loop {
            let mut more = Vec::new();
            for (from, slot, to) in &links {
                if going.contains(to)
                    && rule_for(slot.rule, to) == OnDelete::Cascade
                    && follows(from, to)
                    && self.can_go(from, how)
                {
                    more.push(from.clone());
                }
                let is_owner = slot.owned || how.with_links && top.contains(from);
                let goes_along = is_owner && follows(to, from);
                if going.contains(from) && goes_along && self.can_go(to, how) {
                    more.push(to.clone());
                }
            }
            let before = going.len();
            going.extend(more);
            if going.len() == before {
                return going;
            }
        }
    }

    /// All links: from where, the field, to where.
    fn links(&self) -> Vec<(Key, &'static Slot, Key)> {
        let mut links = Vec::new();
        for (from, document) in &self.documents {
            for slot in from.0.slots() {
                for id in ids_at(document, slot.path) {
                    links.push((from.clone(), slot, (slot.target, id)));
                }
            }
        }
        links
    }
}

/// Whether every field that links to documents of this kind can do without the link.
fn all_links_can_be_taken_out(kind: Kind) -> bool {
    let slots = Kind::ALL.into_iter().flat_map(Kind::slots);
    slots.filter(|it| it.target == kind).all(|it| it.can_lose)
}
