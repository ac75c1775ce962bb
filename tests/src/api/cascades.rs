//! What saves and deletes do to the documents that links carry or own.

use den::{DeleteOptions, ErrorKind, SaveOptions, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    linked::{calls, recorded, stored},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(new_documents_in_links_are_inserted_first),
    case!(owned_links_are_saved_without_asking),
    case!(changed_documents_in_links_are_updated),
    case!(hooks_of_the_target_run_before_those_of_the_holder),
    case!(a_target_that_breaks_a_rule_stops_everything),
    case!(a_refused_holder_takes_its_targets_back),
    case!(a_rolled_back_transaction_takes_both_back),
    case!(a_refused_cascade_leaves_the_transaction_usable),
    case!(a_document_that_several_links_share_is_saved_once),
    case!(saving_with_links_goes_one_level),
    case!(owned_documents_are_deleted_with_their_owner),
    case!(links_are_deleted_on_request),
    case!(other_links_are_kept),
    case!(owned_documents_that_are_gone_are_no_matter),
    case!(owned_documents_are_marked_where_they_can_be),
    case!(owned_documents_are_deleted_for_good_on_request),
];

/// What hooks wrote down, in the transaction they ran in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "notes_of_hooks")]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) base: Base<Entry>,
    pub(super) text: String,
}

pub(super) async fn note(cx: &HookContext, text: &str) -> den::Result<()> {
    let mut entry = Entry {
        text: text.to_owned(),
        ..Default::default()
    };
    entry.insert(cx).await
}

/// What hooks wrote down, and forgets it.
pub(super) async fn noted(db: &Db) -> String {
    let entries = Entry::query(db).all().await.unwrap();
    Entry::query(db).all_rows().delete().await.unwrap();
    let texts: Vec<&str> = entries.iter().map(|it| it.text.as_str()).collect();
    texts.join(", ")
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "houses", hooks)]
pub(super) struct House {
    #[serde(flatten)]
    pub(super) base: Base<House>,
    #[den(unique)]
    pub(super) name: String,
    #[den(owned)]
    pub(super) door: Option<Link<Door>>,
    pub(super) garden: Option<Link<Door>>,
    pub(super) rooms: Vec<Room>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
pub(super) struct Room {
    #[den(owned)]
    pub(super) lamps: Vec<Link<Lamp>>,
}

/// Of this no hook is noted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "lamps")]
pub(super) struct Lamp {
    #[serde(flatten)]
    pub(super) base: Base<Lamp>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    pub(super) name: String,
    pub(super) spare: Option<Link<Door>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "doors", hooks)]
pub(super) struct Door {
    #[serde(flatten)]
    pub(super) base: Base<Door>,
    pub(super) kind: String,
    pub(super) slug: String,
}

impl Hooks for House {
    async fn before_save(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "house").await
    }

    async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "house goes").await
    }

    async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "house gone").await
    }
}

impl Hooks for Door {
    async fn before_insert(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "door insert").await
    }

    async fn before_update(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "door update").await
    }

    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.slug = self.kind.to_lowercase();
        Ok(())
    }

    async fn validate(&self, _cx: &HookContext) -> den::Result<()> {
        match self.kind.as_str() {
            "" => Err(Error::new(ErrorKind::Validation, "a door has a kind")),
            _ => Ok(()),
        }
    }

    async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "door gone").await
    }
}

type Houses = (Entry, House, Door, Lamp);

pub(super) fn house(name: &str) -> House {
    House {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(super) fn door(kind: &str) -> Door {
    Door {
        kind: kind.to_owned(),
        ..Default::default()
    }
}

pub(super) fn lamp(name: &str) -> Lamp {
    Lamp {
        name: name.to_owned(),
        ..Default::default()
    }
}

fn with_links() -> SaveOptions {
    SaveOptions::new().with_links()
}

async fn new_documents_in_links_are_inserted_first(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        garden: Some(Link::new(door("Gate"))),
        ..house("a")
    };
    it.save_with(db, with_links()).await.unwrap();
    let gate = it.garden.as_ref().unwrap();
    assert!(!gate.id().is_empty());
    let carried = gate.get().unwrap();
    assert_eq!(carried.id(), gate.id());
    assert_eq!(carried.slug, "gate");
    assert!(carried.base.is_stored());
    assert_ne!(carried.base.created_at, Timestamp::default());
    let found = House::find(db, it.id()).await.unwrap();
    assert_eq!(found.garden, it.garden);
    assert_eq!(Door::find(db, gate.id()).await.unwrap(), *carried);
    let mut other = House {
        garden: Some(Link::new(door("Fence"))),
        ..house("b")
    };
    other.insert_with(db, with_links()).await.unwrap();
    assert_eq!(count::<Door>(db).await, 2);
}

async fn owned_links_are_saved_without_asking(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        door: Some(Link::new(door("Front"))),
        rooms: vec![Room {
            lamps: vec![Link::new(lamp("one")), Link::new(lamp("two"))],
        }],
        ..house("a")
    };
    it.save(db).await.unwrap();
    assert_eq!((count::<Door>(db).await, count::<Lamp>(db).await), (1, 2));
    let found = House::find(db, it.id()).await.unwrap();
    assert_eq!(found, it);
    assert!(!found.rooms[0].lamps[1].id().is_empty());
}

async fn changed_documents_in_links_are_updated(on: &TestDb) {
    let (db, recorder) = recorded::<Houses>(on).await;
    let mut it = House {
        door: Some(Link::new(door("Front"))),
        rooms: vec![Room {
            lamps: vec![Link::new(lamp("one")), Link::new(lamp("two"))],
        }],
        ..house("a")
    };
    it.save(&db).await.unwrap();
    calls(&recorder);
    // Nothing was changed: nothing is saved along.
    it.save_with(&db, with_links()).await.unwrap();
    let made = calls(&recorder);
    assert!(!made.iter().any(|it| it.contains("doors")), "{made:?}");
    it.rooms[0].lamps[1].get_mut().unwrap().name = "three".into();
    it.save(&db).await.unwrap();
    let made = calls(&recorder);
    let lamps = made.iter().filter(|it| it.contains("lamps")).count();
    assert_eq!(lamps, 1, "{made:?}");
    let id = it.rooms[0].lamps[1].id();
    assert_eq!(Lamp::find(&db, id).await.unwrap().name, "three");
    // What is at hand is the current one: it can be changed again.
    it.rooms[0].lamps[1].get_mut().unwrap().name = "four".into();
    it.update_with(&db, with_links()).await.unwrap();
    let id = it.rooms[0].lamps[1].id();
    assert_eq!(Lamp::find(&db, id).await.unwrap().name, "four");
}

async fn hooks_of_the_target_run_before_those_of_the_holder(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        door: Some(Link::new(door("Front"))),
        ..house("a")
    };
    it.save(db).await.unwrap();
    assert_eq!(noted(db).await, "door insert, house");
    it.door.as_mut().unwrap().get_mut().unwrap().kind = "Back".into();
    it.save(db).await.unwrap();
    assert_eq!(noted(db).await, "door update, house");
    let found = Door::query(db).one().await.unwrap();
    assert_eq!((found.kind.as_str(), found.slug.as_str()), ("Back", "back"));
}

async fn a_target_that_breaks_a_rule_stops_everything(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        rooms: vec![Room {
            lamps: vec![Link::new(lamp("one"))],
        }],
        door: Some(Link::new(door(""))),
        ..house("a")
    };
    let before = it.clone();
    refused(it.save(db).await, ErrorKind::Validation);
    assert_eq!(it, before);
    assert!(it.base.id.is_empty() && it.door.as_ref().unwrap().id().is_empty());
    assert!(it.rooms[0].lamps[0].id().is_empty());
    let totals = (count::<House>(db).await, count::<Lamp>(db).await);
    assert_eq!(totals, (0, 0));
    assert_eq!(noted(db).await, "");
    it.door.as_mut().unwrap().get_mut().unwrap().kind = "Front".into();
    it.save(db).await.unwrap();
    assert_eq!(count::<Door>(db).await, 1);
}

async fn a_refused_holder_takes_its_targets_back(on: &TestDb) {
    let db = on.with::<Houses>().await;
    stored(db, house("taken")).await;
    noted(db).await;
    let mut it = House {
        door: Some(Link::new(door("Front"))),
        ..house("taken")
    };
    let before = it.clone();
    for _ in 0..2 {
        refused(it.save(db).await, ErrorKind::Duplicate);
        assert_eq!(it, before);
        let link = it.door.as_ref().unwrap();
        assert!(link.id().is_empty());
        assert_eq!(link.get().unwrap().slug, "");
        assert_eq!(count::<Door>(db).await, 0);
    }
    assert_eq!(noted(db).await, "");
    it.name = "free".into();
    it.save(db).await.unwrap();
    let id = it.door.as_ref().unwrap().id();
    assert_eq!(Door::find(db, id).await.unwrap().slug, "front");
    // The same for one that was stored before and is changed.
    it.door.as_mut().unwrap().get_mut().unwrap().kind = "Back".into();
    it.name = "taken".into();
    refused(it.save(db).await, ErrorKind::Duplicate);
    assert_eq!(Door::query(db).one().await.unwrap().kind, "Front");
    it.name = "free".into();
    it.save(db).await.unwrap();
    assert_eq!(Door::query(db).one().await.unwrap().kind, "Back");
}

async fn a_rolled_back_transaction_takes_both_back(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        door: Some(Link::new(door("Front"))),
        rooms: vec![Room {
            lamps: vec![Link::new(lamp("one"))],
        }],
        ..house("a")
    };
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            it.save(&tx).await?;
            assert!(!it.door.as_ref().unwrap().id().is_empty());
            it.rooms[0].lamps[0].get_mut().unwrap().name = "two".into();
            it.save(&tx).await?;
            Err(Error::custom("back"))
        })
        .await;
    refused(outcome, ErrorKind::Hook);
    let totals = (count::<House>(db).await, count::<Door>(db).await);
    assert_eq!(totals, (0, 0));
    assert!(it.id().is_empty());
    assert!(it.door.as_ref().unwrap().id().is_empty());
    assert!(it.rooms[0].lamps[0].id().is_empty());
    it.save(db).await.unwrap();
    assert_eq!((count::<Door>(db).await, count::<Lamp>(db).await), (1, 1));
    assert_eq!(House::find(db, it.id()).await.unwrap(), it);
}

async fn a_refused_cascade_leaves_the_transaction_usable(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            let mut it = House {
                rooms: vec![Room {
                    lamps: vec![Link::new(lamp("one"))],
                }],
                door: Some(Link::new(door(""))),
                ..house("a")
            };
            refused(it.save(&tx).await, ErrorKind::Validation);
            assert!(it.rooms[0].lamps[0].id().is_empty());
            assert_eq!(count::<Lamp>(&tx).await, 0);
            it.door = None;
            it.save(&tx).await
        })
        .await;
    outcome.unwrap();
    assert_eq!((count::<House>(db).await, count::<Lamp>(db).await), (1, 1));
}

async fn a_document_that_several_links_share_is_saved_once(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let shared = Link::new(lamp("shared"));
    let lamps = || vec![shared.clone(), shared.clone()];
    let mut houses = ["a", "b"].map(|name| House {
        rooms: vec![Room { lamps: lamps() }, Room { lamps: lamps() }],
        ..house(name)
    });
    House::save_all(db, &mut houses).await.unwrap();
    assert_eq!(count::<Lamp>(db).await, 1);
    let id = Lamp::query(db).one().await.unwrap().base.id;
    for link in houses
        .iter()
        .flat_map(|it| &it.rooms)
        .flat_map(|it| &it.lamps)
    {
        assert_eq!(*link.id(), id);
        assert!(link.is_loaded());
    }
}

async fn saving_with_links_goes_one_level(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = House {
        rooms: vec![Room {
            lamps: vec![Link::new(Lamp {
                spare: Some(Link::new(door("Deep"))),
                ..lamp("one")
            })],
        }],
        ..house("a")
    };
    let error = refused(
        it.save_with(db, with_links()).await,
        ErrorKind::InvalidDocument,
    );
    assert!(error.to_string().starts_with("`spare` links"), "{error}");
    assert_eq!(count::<Lamp>(db).await, 0);
}

pub(super) async fn given_house(db: &Db) -> House {
    let it = House {
        door: Some(Link::new(door("Front"))),
        garden: Some(Link::to(&stored(db, door("Gate")).await)),
        rooms: vec![Room {
            lamps: vec![Link::new(lamp("one")), Link::new(lamp("two"))],
        }],
        ..house("a")
    };
    let it = stored(db, it).await;
    noted(db).await;
    House::find(db, it.id()).await.unwrap()
}

async fn owned_documents_are_deleted_with_their_owner(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = given_house(db).await;
    it.delete(db).await.unwrap();
    assert_eq!(noted(db).await, "house goes, door gone, house gone");
    assert_eq!(count::<House>(db).await, 0);
    // The gate is not owned.
    assert_eq!(Door::query(db).one().await.unwrap().kind, "Gate");
    assert_eq!(count::<Lamp>(db).await, 0);
}

async fn links_are_deleted_on_request(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = given_house(db).await;
    it.delete_with(db, DeleteOptions::new().with_links())
        .await
        .unwrap();
    assert_eq!(count::<Door>(db).await, 0);
}

async fn other_links_are_kept(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let spare = stored(db, door("Spare")).await;
    let it = Lamp {
        spare: Some(Link::to(&spare)),
        ..lamp("one")
    };
    let mut it = stored(db, it).await;
    it.delete(db).await.unwrap();
    assert_eq!(count::<Door>(db).await, 1);
    // One level: what a deleted target links to stays.
    let it = Lamp {
        spare: Some(Link::to(&spare)),
        ..lamp("two")
    };
    let mut it = House {
        rooms: vec![Room {
            lamps: vec![Link::new(it)],
        }],
        ..house("a")
    };
    it.save(db).await.unwrap();
    it.delete_with(db, DeleteOptions::new().with_links())
        .await
        .unwrap();
    assert_eq!((count::<Lamp>(db).await, count::<Door>(db).await), (0, 1));
}

async fn owned_documents_that_are_gone_are_no_matter(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = given_house(db).await;
    Door::query(db).all_rows().delete().await.unwrap();
    it.rooms[0].lamps.push(Link::to_id("never there"));
    it.delete(db).await.unwrap();
    assert_eq!((count::<House>(db).await, count::<Lamp>(db).await), (0, 0));
}

async fn owned_documents_are_marked_where_they_can_be(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = given_house(db).await;
    it.delete_with(db, DeleteOptions::new().by("ada").because("old"))
        .await
        .unwrap();
    let lamps = Lamp::query(db).only_deleted().all().await.unwrap();
    assert_eq!(lamps.len(), 2);
    for it in lamps {
        assert_eq!(it.deletion.deleted_by.as_deref(), Some("ada"));
        assert_eq!(it.deletion.delete_reason.as_deref(), Some("old"));
    }
}

async fn owned_documents_are_deleted_for_good_on_request(on: &TestDb) {
    let db = on.with::<Houses>().await;
    let mut it = given_house(db).await;
    it.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    assert_eq!(Lamp::query(db).with_deleted().count().await.unwrap(), 0);
}
