//! Declared rules and hooks: what runs before what.

use std::sync::{Arc, Mutex};

use den::{ErrorKind, Violation, prelude::*};
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{
    support::{count, recorded, refused},
    validation::{codes, nothing_was_written},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(hooks_run_before_rules_and_rules_before_validate),
    case!(hooks_can_fill_in_what_is_required),
    case!(a_hook_reports_violations_too),
    case!(batches_with_hooks_are_all_or_nothing),
];

/// What ran, kept beside the document, because a refused write takes back what hooks changed.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn note(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

impl PartialEq for Log {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// Has rules and hooks; `before_insert` fills in an empty name with the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "guarded", hooks, validate)]
struct Guarded {
    #[serde(flatten)]
    base: Base<Guarded>,
    #[validate(length(min = 1))]
    name: String,
    default: Option<String>,
    approved: bool,
    #[serde(skip)]
    log: Log,
}

impl Hooks for Guarded {
    async fn before_insert(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.note("before_insert");
        if let Some(default) = &self.default {
            self.name.clone_from(default);
        }
        Ok(())
    }

    async fn before_update(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.note("before_update");
        self.approved = self.default.is_some();
        Ok(())
    }

    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.note("before_save");
        Ok(())
    }

    async fn validate(&self, _cx: &HookContext) -> den::Result<()> {
        self.log.note("validate");
        if self.approved {
            return Ok(());
        }
        Err(Error::validation([
            Violation::new("approved", "approval", "must be approved"),
            Violation::new("", "whole", "is no good"),
        ]))
    }

    async fn after_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.log.note("after_save");
        Ok(())
    }
}

fn guarded(name: &str, approved: bool) -> Guarded {
    Guarded {
        name: name.to_owned(),
        approved,
        ..Default::default()
    }
}

async fn hooks_run_before_rules_and_rules_before_validate(on: &TestDb) {
    let (db, recorder) = recorded::<Guarded>(on).await;
    let mut it = guarded("", false);
    let before = it.clone();
    let error = refused(it.save(&db).await, ErrorKind::Validation);
    assert_eq!(codes(&error), ["name length"]);
    assert_eq!(it.log.take(), "before_insert before_save");
    assert_eq!(it, before);

    it.name = "a".into();
    let error = refused(it.save(&db).await, ErrorKind::Validation);
    assert_eq!(codes(&error), ["approved approval", "whole"]);
    assert_eq!(it.log.take(), "before_insert before_save validate");
    nothing_was_written(&recorder);

    it.approved = true;
    it.save(&db).await.unwrap();
    assert_eq!(
        it.log.take(),
        "before_insert before_save validate after_save"
    );

    let before = it.clone();
    let error = refused(it.update(&db).await, ErrorKind::Validation);
    assert_eq!(codes(&error), ["approved approval", "whole"]);
    assert_eq!(it.log.take(), "before_update before_save validate");
    assert_eq!(it, before);
    assert_eq!(Guarded::query(&db).one().await.unwrap(), it);
}

async fn hooks_can_fill_in_what_is_required(on: &TestDb) {
    let db = on.with::<Guarded>().await;
    let mut it = guarded("", true);
    it.default = Some("filled in".into());
    it.save(db).await.unwrap();
    assert_eq!(it.name, "filled in");
    // `before_update` gives the approval that `validate` asks for.
    it.approved = false;
    it.save(db).await.unwrap();
    assert!(Guarded::query(db).one().await.unwrap().approved);
}

async fn a_hook_reports_violations_too(on: &TestDb) {
    let db = on.with::<Guarded>().await;
    let error = refused(guarded("a", false).insert(db).await, ErrorKind::Validation);
    let text = error.to_string();
    let expected = "validation failed: approved: must be approved (and 1 more)";
    assert!(text.starts_with(expected), "{text}");
    assert_eq!(error.violations()[1].message, "is no good");
}

async fn batches_with_hooks_are_all_or_nothing(on: &TestDb) {
    let db = on.with::<Guarded>().await;
    let mut batch = [guarded("a", true), guarded("", true), guarded("c", true)];
    let before = batch.clone();
    for outcome in [
        Guarded::insert_many(db, &mut batch).await,
        Guarded::save_all(db, &mut batch).await,
    ] {
        let error = refused(outcome, ErrorKind::Validation);
        assert_eq!(codes(&error), ["name length"]);
        let text = error.to_string();
        assert!(text.starts_with("document 2 of 3: validation"), "{text}");
    }
    assert_eq!(batch, before);
    assert_eq!(batch[2].log.take(), "");
    assert_eq!(count::<Guarded>(db).await, 0);
}
