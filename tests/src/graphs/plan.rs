//! What is done to which graph: made by chance, and made smaller where it fails.

use den::{Json, OnDelete};

use super::{chance::Chance, slots::Kind};

/// A graph, and what is done to it.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) given: Vec<Vertex>,
    pub(super) turns: Vec<Turn>,
}

/// A document.
#[derive(Debug, Clone)]
pub(super) struct Vertex {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) name: Option<&'static str>,
    /// Whether it is marked as deleted.
    pub(super) marked: bool,
    /// Ids, with the place of the field among the slots of the kind.
    pub(super) links: Vec<(usize, String)>,
}

/// A step, and where it is done.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) step: Step,
    pub(super) place: Place,
}

/// Where a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the database.
    Db,
    /// In a transaction that is committed.
    Commit,
    /// In a transaction that is rolled back.
    Rollback,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Insert(Vertex),
    Replace(Vertex),
    Delete(Kind, String, How),
    DeleteAll(Kind, Vec<String>, How),
    DeleteQuery(Kind, Which, How),
    Purge(Kind),
    Restore(Kind, String),
    RestoreQuery(Kind, Vec<String>),
}

/// How something is deleted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct How {
    pub(super) hard: bool,
    /// Whether it says by whom and why.
    pub(super) traced: bool,
    pub(super) links_here: Option<OnDelete>,
    pub(super) with_links: bool,
}

/// Which documents a query finds.
#[derive(Debug, Clone)]
pub(super) struct Which {
    /// All, if this is none.
    pub(super) ids: Option<Vec<String>>,
    pub(super) deleted: Deleted,
    pub(super) limit: Option<u64>,
    pub(super) hooks: bool,
}

/// What a query does with documents that are marked as deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deleted {
    LeftOut,
    Included,
    Only,
}

/// Ids go so far; not all of them are there.
const IDS: u64 = 5;

impl Plan {
    /// A plan by chance.
    pub(super) fn random(chance: &mut Chance, turns: usize) -> Self {
        let mut given = Vec::new();
        for kind in Kind::ALL {
            for number in 1..=IDS {
                if chance.one_in(6) {
                    continue;
                }
                let mut it = vertex(chance, kind, kind.id(number));
                it.marked = kind.marks() && chance.one_in(6);
                // Names are unique.
                it.name = None;
                given.push(it);
            }
        }
        let turns = (0..turns).map(|_| Turn {
            step: step(chance),
            place: *chance.pick(&[Place::Db, Place::Db, Place::Commit, Place::Rollback]),
        });
        Self {
            turns: turns.collect(),
            given,
        }
    }

    /// Plans that are a little smaller.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut it = self.clone();
            change(&mut it);
            all.push(it);
        };
        for at in (0..self.turns.len()).rev() {
            add(&|it| drop(it.turns.remove(at)));
        }
        for (at, vertex) in self.given.iter().enumerate() {
            add(&|it| drop(it.given.remove(at)));
            for link in 0..vertex.links.len() {
                add(&|it| drop(it.given[at].links.remove(link)));
            }
            if vertex.marked {
                add(&|it| it.given[at].marked = false);
            }
        }
        for (at, turn) in self.turns.iter().enumerate() {
            if turn.place != Place::Db {
                add(&|it| it.turns[at].place = Place::Db);
            }
            match &turn.step {
                Step::Insert(vertex) | Step::Replace(vertex) => {
                    for link in 0..vertex.links.len() {
                        add(&|it| {
                            if let Step::Insert(it) | Step::Replace(it) = &mut it.turns[at].step {
                                it.links.remove(link);
                            }
                        });
                    }
                }
                Step::DeleteAll(_, ids, _) | Step::RestoreQuery(_, ids) => {
                    for id in 0..ids.len() {
                        add(&|it| {
                            if let Step::DeleteAll(_, ids, _) | Step::RestoreQuery(_, ids) =
                                &mut it.turns[at].step
                            {
                                ids.remove(id);
                            }
                        });
                    }
                }
                Step::Delete(..) | Step::DeleteQuery(..) | Step::Purge(_) | Step::Restore(..) => {}
            }
        }
        all
    }
}

impl Vertex {
    /// The document, without what den fills in.
    pub(super) fn document(&self) -> Json {
        let mut document = self.kind.blank(&self.id);
        document["name"] = self.name.into();
        // The first link of each slot goes into the first part, and so on.
        let mut parts: Vec<Json> = Vec::new();
        let slots = self.kind.slots();
        for (at, slot) in slots.iter().enumerate() {
            let ids = self.links.iter().filter(|it| it.0 == at).map(|it| &it.1);
            for (place, id) in ids.enumerate() {
                match slot.path {
                    [key] => document[*key] = id.as_str().into(),
                    [key, "*"] => push(&mut document[*key], id),
                    ["parts", "*", key, rest @ ..] => {
                        if place == parts.len() {
                            parts.push(self.kind.blank_part());
                        }
                        match rest {
                            [] => parts[place][*key] = id.as_str().into(),
                            _ => push(&mut parts[place][*key], id),
                        }
                    }
                    other => panic!("no document has {other:?}"),
                }
            }
        }
        document["parts"] = parts.into();
        document
    }
}

fn push(list: &mut Json, id: &str) {
    list.as_array_mut().unwrap().push(id.into());
}

fn any_id(chance: &mut Chance, kind: Kind) -> String {
    kind.id(chance.below(IDS) + 1)
}

fn some_ids(chance: &mut Chance, kind: Kind) -> Vec<String> {
    (0..=chance.below(3))
        .map(|_| any_id(chance, kind))
        .collect()
}

fn vertex(chance: &mut Chance, kind: Kind, id: String) -> Vertex {
    let mut links = Vec::new();
    for (at, slot) in kind.slots().iter().enumerate() {
        let most = match slot.is_list() {
            true => chance.below(3),
            false => 1,
        };
        let odds = match slot.rule {
            // Too many of these, and every delete is refused.
            OnDelete::Restrict => 7,
            OnDelete::Ignore | OnDelete::Cascade | OnDelete::SetNull => 3,
        };
        for _ in 0..most {
            if chance.one_in(odds) {
                links.push((at, any_id(chance, slot.target)));
            }
        }
    }
    Vertex {
        kind,
        id,
        name: *chance.pick(&[None, None, Some("x"), Some("y")]),
        marked: false,
        links,
    }
}

fn how(chance: &mut Chance) -> How {
    let rules = [
        OnDelete::Ignore,
        OnDelete::Cascade,
        OnDelete::Restrict,
        OnDelete::SetNull,
    ];
    How {
        hard: chance.one_in(3),
        traced: chance.one_in(4),
        links_here: chance.one_in(5).then(|| *chance.pick(&rules)),
        with_links: chance.one_in(6),
    }
}

fn step(chance: &mut Chance) -> Step {
    let what = chance.below(20);
    let mut kind = *chance.pick(&Kind::ALL);
    if what >= 17 && !kind.marks() && !chance.one_in(6) {
        kind = *chance.pick(&[Kind::Soft, Kind::Full]);
    }
    let id = any_id(chance, kind);
    match what {
        0..=3 => Step::Insert(vertex(chance, kind, id)),
        4 => Step::Replace(vertex(chance, kind, id)),
        5..=10 => Step::Delete(kind, id, how(chance)),
        11..=13 => Step::DeleteAll(kind, some_ids(chance, kind), how(chance)),
        14..=16 => {
            let which = Which {
                ids: (!chance.one_in(6)).then(|| some_ids(chance, kind)),
                deleted: match kind.marks() || chance.one_in(6) {
                    true => *chance.pick(&[Deleted::LeftOut, Deleted::Included, Deleted::Only]),
                    false => Deleted::LeftOut,
                },
                limit: chance.one_in(4).then(|| 1 + chance.below(2)),
                hooks: !chance.one_in(4),
            };
            Step::DeleteQuery(kind, which, how(chance))
        }
        17 => Step::Purge(kind),
        18 => Step::Restore(kind, id),
        _ => Step::RestoreQuery(kind, some_ids(chance, kind)),
    }
}
