//! Hooks: their order, what they may do, and what an error in one of them leaves behind.

use std::time::Duration;

use den::{Error, ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    hooked::*,
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_order_of_an_insert),
    case!(the_order_of_an_update),
    case!(the_order_of_a_delete),
    case!(the_order_where_documents_are_marked),
    case!(an_error_in_a_hook_of_an_insert_undoes_everything),
    case!(an_error_in_a_hook_of_an_update_undoes_everything),
    case!(an_error_in_a_hook_of_a_delete_undoes_everything),
    case!(an_error_in_a_hook_of_a_mark_undoes_everything),
    case!(an_error_in_a_hook_leaves_the_callers_transaction_usable),
    case!(an_error_of_the_database_undoes_what_hooks_did),
    case!(what_a_hook_fills_in_is_validated_and_stored),
    case!(validate_says_what_is_wrong),
    case!(an_error_of_validate_names_the_document),
    case!(an_id_that_a_hook_gave_is_taken_back),
    case!(a_failed_insert_is_repeated_as_an_insert),
    case!(a_document_with_an_id_of_its_own_is_inserted),
    case!(a_cancelled_write_leaves_the_document_as_it_was),
    case!(hooks_see_how_a_document_is_deleted),
    case!(a_rollback_of_the_caller_reaches_the_document),
];

async fn the_order_of_an_insert(on: &TestDb) {
    let db = given(on).await;
    let (names, ()) = ran(async { post("a").insert(db).await.unwrap() }).await;
    assert_eq!(names, INSERT);
    let (names, ()) = ran(async { post("b").save(db).await.unwrap() }).await;
    assert_eq!(names, INSERT);
    assert_eq!(count::<Post>(db).await, 2);
    assert_eq!(count::<Entry>(db).await, 10);
}

async fn the_order_of_an_update(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("a");
    it.save(db).await.unwrap();
    it.title = "b".into();
    assert_eq!(ran(it.update(db)).await.0, UPDATE);
    it.title = "c".into();
    assert_eq!(ran(it.save(db)).await.0, UPDATE);
    it.title = "d".into();
    assert_eq!(ran(it.replace(db)).await.0, UPDATE);
    assert_eq!(Post::find(db, it.id()).await.unwrap().title, "d");
}

async fn the_order_of_a_delete(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("a");
    it.save(db).await.unwrap();
    let (names, outcome) = ran(it.delete(db)).await;
    outcome.unwrap();
    assert_eq!(names, DELETE);
    assert_eq!(count::<Post>(db).await, 0);
    refused(it.delete(db).await, ErrorKind::NotFound);
}

async fn the_order_where_documents_are_marked(on: &TestDb) {
    let db = given(on).await;
    let mut it = memo("a");
    it.save(db).await.unwrap();
    let (names, outcome) = ran(it.delete(db)).await;
    outcome.unwrap();
    assert_eq!(names, MARK);
    assert!(it.deletion.is_deleted());
    assert!(Memo::find(db, it.id()).await.unwrap().deletion.is_deleted());
    let (names, outcome) = ran(it.delete_with(db, DeleteOptions::new().hard())).await;
    outcome.unwrap();
    assert_eq!(names, DELETE);
    assert_eq!(Memo::get(db, it.id()).await.unwrap(), None);
}

async fn an_error_in_a_hook_of_an_insert_undoes_everything(on: &TestDb) {
    let db = given(on).await;
    for hook in INSERT.split(' ') {
        let mut it = post("a");
        it.fail_at = Some(hook.into());
        let before = it.clone();
        let (names, outcome) = ran(it.save(db)).await;
        let error = refused(outcome, ErrorKind::Hook);
        assert_eq!(error.to_string(), format!("{hook} says no"));
        assert_eq!(names, up_to(INSERT, hook));
        assert_eq!(it, before);
        assert!(!it.base.is_stored() && it.id().is_empty());
        assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (0, 0));
    }
}

async fn an_error_in_a_hook_of_an_update_undoes_everything(on: &TestDb) {
    let db = given(on).await;
    let mut stored = memo("a");
    stored.save(db).await.unwrap();
    let entries = count::<Entry>(db).await;
    for hook in UPDATE.split(' ') {
        let mut it = stored.clone();
        it.title = "b".into();
        it.fail_at = Some(hook.into());
        let before = it.clone();
        let (names, outcome) = ran(it.save(db)).await;
        refused(outcome, ErrorKind::Hook);
        assert_eq!(names, up_to(UPDATE, hook));
        assert_eq!(it, before);
        assert_eq!(Memo::find(db, it.id()).await.unwrap().title, "a");
        assert_eq!(count::<Entry>(db).await, entries);
        // The revision is still the stored one.
        it.fail_at = None;
        it.title = "a".into();
        it.clone().save(db).await.unwrap();
        stored.refresh(db).await.unwrap();
        Entry::query(db)
            .all_rows()
            .skip(entries)
            .delete()
            .await
            .unwrap();
    }
}

async fn an_error_in_a_hook_of_a_delete_undoes_everything(on: &TestDb) {
    let db = given(on).await;
    for hook in DELETE.split(' ') {
        let mut it = post("a");
        it.save(db).await.unwrap();
        it.fail_at = Some(hook.into());
        let (before, entries) = (it.clone(), count::<Entry>(db).await);
        let (names, outcome) = ran(it.delete(db)).await;
        refused(outcome, ErrorKind::Hook);
        assert_eq!(names, up_to(DELETE, hook));
        assert_eq!(it, before);
        assert!(Post::get(db, it.id()).await.unwrap().is_some());
        assert_eq!(count::<Entry>(db).await, entries);
    }
}

async fn an_error_in_a_hook_of_a_mark_undoes_everything(on: &TestDb) {
    let db = given(on).await;
    for hook in MARK.split(' ') {
        let mut it = memo("a");
        it.save(db).await.unwrap();
        it.fail_at = Some(hook.into());
        let (before, entries) = (it.clone(), count::<Entry>(db).await);
        let (names, outcome) = ran(it.delete(db)).await;
        refused(outcome, ErrorKind::Hook);
        assert_eq!(names, up_to(MARK, hook));
        assert_eq!(it, before);
        assert!(!it.deletion.is_deleted());
        assert!(!Memo::find(db, it.id()).await.unwrap().deletion.is_deleted());
        assert_eq!(count::<Entry>(db).await, entries);
        it.fail_at = None;
        it.save(db).await.unwrap();
    }
}

async fn an_error_in_a_hook_leaves_the_callers_transaction_usable(on: &TestDb) {
    let db = given(on).await;
    for hook in INSERT.split(' ') {
        let mut it = post("failed");
        let tx = db.begin().await.unwrap();
        post("before").save(&tx).await.unwrap();
        it.fail_at = Some(hook.into());
        let before = it.clone();
        refused(it.save(&tx).await, ErrorKind::Hook);
        assert_eq!(it, before);
        it.fail_at = None;
        it.title = "after".into();
        it.save(&tx).await.unwrap();
        tx.commit().await.unwrap();
        let titles = Post::query(db).sort(Post::fields().title.asc());
        let titles: Vec<String> = titles.values(Post::fields().title).await.unwrap();
        assert_eq!(titles, ["after", "before"]);
        assert_eq!(count::<Entry>(db).await, 10);
        Post::query(db)
            .all_rows()
            .without_hooks()
            .delete()
            .await
            .unwrap();
        Entry::query(db).all_rows().delete().await.unwrap();
    }
}

async fn an_error_of_the_database_undoes_what_hooks_did(on: &TestDb) {
    let db = given(on).await;
    let taken = || Post {
        slug: Some("taken".into()),
        ..post("a")
    };
    taken().save(db).await.unwrap();
    let entries = count::<Entry>(db).await;
    let mut it = taken();
    let before = it.clone();
    refused(it.save(db).await, ErrorKind::Duplicate);
    assert_eq!(it, before);
    assert_eq!(count::<Entry>(db).await, entries);
    let tx = db.begin().await.unwrap();
    refused(it.save(&tx).await, ErrorKind::Duplicate);
    assert_eq!(it, before);
    it.slug = None;
    it.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count::<Post>(db).await, 2);
    assert_eq!(count::<Entry>(db).await, entries + 5);
}

/// A document that a hook completes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "articles", hooks)]
pub(super) struct Article {
    #[serde(flatten)]
    pub(super) base: Base<Article>,
    pub(super) title: String,
    pub(super) slug: String,
    pub(super) saves: i64,
}

impl Hooks for Article {
    async fn before_insert(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.slug = self.title.to_lowercase().replace(' ', "-");
        Ok(())
    }

    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.saves += 1;
        Ok(())
    }

    async fn validate(&self, _cx: &HookContext) -> den::Result<()> {
        match self.slug.as_str() {
            "" => Err(Error::new(ErrorKind::Validation, "an article needs a slug")),
            _ => Ok(()),
        }
    }

    async fn after_insert(&mut self, cx: &HookContext) -> den::Result<()> {
        // A chain of articles: each names the next by its title.
        if let Some(next) = self.title.strip_prefix("then ") {
            let mut next = Self {
                title: next.to_owned(),
                ..Default::default()
            };
            next.save(cx).await?;
        }
        if self.title == "through the database" {
            let mut other = Self {
                title: "other".into(),
                ..Default::default()
            };
            other.save(cx.db()).await?;
        }
        Ok(())
    }
}

async fn what_a_hook_fills_in_is_validated_and_stored(on: &TestDb) {
    let db = on.with::<Article>().await;
    let mut it = Article {
        title: "Hello World".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    assert_eq!((it.slug.as_str(), it.saves), ("hello-world", 1));
    assert_eq!(Article::find(db, it.id()).await.unwrap(), it);
    it.save(db).await.unwrap();
    assert_eq!(Article::find(db, it.id()).await.unwrap().saves, 2);
    it.slug.clear();
    refused(it.save(db).await, ErrorKind::Validation);
    // What the hooks had changed is as it was.
    assert_eq!(it.saves, 2);
    let mut nameless = Article::default();
    refused(nameless.save(db).await, ErrorKind::Validation);
    assert_eq!(nameless, Article::default());
    assert_eq!(count::<Article>(db).await, 1);
}

async fn validate_says_what_is_wrong(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("empty");
    let error = refused(it.save(db).await, ErrorKind::Validation);
    let [violation] = error.violations() else {
        panic!("{error:?}")
    };
    assert_eq!(
        (violation.path.as_str(), violation.code.as_str()),
        ("slug", "required")
    );
    it.slug = Some("s".into());
    it.save(db).await.unwrap();
    it.slug = None;
    refused(it.update(db).await, ErrorKind::Validation);
    refused(it.replace(db).await, ErrorKind::Validation);
    let error = refused(
        Post::insert_many(db, &mut [post("fine"), post("empty")]).await,
        ErrorKind::Validation,
    );
    assert!(error.to_string().contains("document 2 of 2"), "{error}");
    assert_eq!(count::<Post>(db).await, 1);
}

async fn a_failed_insert_is_repeated_as_an_insert(on: &TestDb) {
    let db = given(on).await;
    let taken = || Post {
        slug: Some("taken".into()),
        ..post("a")
    };
    taken().save(db).await.unwrap();
    let mut it = taken();
    refused(it.save(db).await, ErrorKind::Duplicate);
    it.slug = Some("free".into());
    let (names, outcome) = ran(it.save(db)).await;
    outcome.unwrap();
    assert_eq!(names, INSERT);
    let mut it = post("b");
    let tx = db.begin().await.unwrap();
    it.save(&tx).await.unwrap();
    tx.rollback().await.unwrap();
    let (names, outcome) = ran(it.save(db)).await;
    outcome.unwrap();
    assert_eq!(names, INSERT);
}

async fn a_document_with_an_id_of_its_own_is_inserted(on: &TestDb) {
    let db = given(on).await;
    let mut it = memo("a");
    it.base.id = Id::new("mine");
    let (names, outcome) = ran(it.save(db)).await;
    outcome.unwrap();
    assert_eq!(names, INSERT);
    assert_ne!(it.base.created_at, Timestamp::default());
    assert!(it.base.rev.is_some());
    assert_eq!(ran(it.save(db)).await.0, UPDATE);
}

async fn a_cancelled_write_leaves_the_document_as_it_was(on: &TestDb) {
    let db = given(on).await;
    let mut it = post("a");
    it.fail_at = Some("hang".into());
    let before = it.clone();
    let outcome = tokio::time::timeout(Duration::from_millis(100), it.save(db)).await;
    assert!(outcome.is_err());
    assert_eq!(it, before);
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (0, 0));
    let tx = db.begin().await.unwrap();
    let outcome = tokio::time::timeout(Duration::from_millis(100), it.save(&tx)).await;
    assert!(outcome.is_err());
    it.fail_at = None;
    it.save(&tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (1, 5));
}

/// A document that looks at how it is deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "files", hooks)]
struct File {
    #[serde(flatten)]
    base: Base<File>,
    #[serde(skip)]
    said: String,
}

impl Hooks for File {
    async fn before_save(&mut self, cx: &HookContext) -> den::Result<()> {
        assert!(cx.delete_options().is_none());
        Ok(())
    }

    async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        let options = cx.delete_options().unwrap();
        self.said = format!(
            "{:?} {:?} {}",
            options.who(),
            options.reason(),
            options.is_hard()
        );
        // Looking at the database is part of the transaction.
        assert_eq!(count::<File>(cx).await, 1);
        Ok(())
    }
}

async fn hooks_see_how_a_document_is_deleted(on: &TestDb) {
    let db = on.with::<File>().await;
    let mut it = File::default();
    it.save(db).await.unwrap();
    let options = DeleteOptions::new().by("ada").because("spam");
    it.delete_with(db, options).await.unwrap();
    assert_eq!(it.said, r#"Some("ada") Some("spam") false"#);
}

async fn a_rollback_of_the_caller_reaches_the_document(on: &TestDb) {
    let db = given(on).await;
    let mut it = memo("a");
    it.save(db).await.unwrap();
    let rev = it.base.rev.clone();
    let tx = db.begin().await.unwrap();
    it.title = "b".into();
    it.save(&tx).await.unwrap();
    it.delete(&tx).await.unwrap();
    assert!(it.deletion.is_deleted());
    tx.rollback().await.unwrap();
    assert!(!it.deletion.is_deleted());
    it.deletion.settle();
    it.base.settle();
    assert_eq!((it.deletion.deleted_at, &it.base.rev), (None, &rev));
    it.save(db).await.unwrap();
    assert_eq!(Memo::find(db, it.id()).await.unwrap().title, "b");
}

async fn an_error_of_validate_names_the_document(on: &TestDb) {
    let db = on.with::<Article>().await;
    let error = refused(Article::default().save(db).await, ErrorKind::Validation);
    assert_eq!((error.collection(), error.id()), (Some("articles"), None));
    let mut it = Article {
        title: "A".into(),
        ..Default::default()
    };
    it.save(db).await.unwrap();
    it.slug.clear();
    let error = refused(it.update(db).await, ErrorKind::Validation);
    assert_eq!(error.collection(), Some("articles"));
    assert_eq!(error.id(), Some(it.id().as_str()));
    let text = error.to_string();
    assert!(
        text.starts_with("an article needs a slug: articles/"),
        "{text}"
    );
    let error = refused(
        Article::save_all(db, std::slice::from_mut(&mut it)).await,
        ErrorKind::Validation,
    );
    assert_eq!(error.id(), Some(it.id().as_str()));
}

/// A document whose hook gives it its id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "pages", hooks)]
struct Page {
    #[serde(flatten)]
    base: Base<Page>,
    name: String,
}

impl Hooks for Page {
    async fn before_insert(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.base.id = Id::new(self.name.as_str());
        Ok(())
    }
}

async fn an_id_that_a_hook_gave_is_taken_back(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut it = Page {
        name: "home".into(),
        ..Default::default()
    };
    let tx = db.begin().await.unwrap();
    it.save(&tx).await.unwrap();
    assert_eq!(it.id().as_str(), "home");
    tx.rollback().await.unwrap();
    assert!(it.id().is_empty() && !it.base.is_stored());
    it.save(db).await.unwrap();
    assert_eq!(Page::find(db, "home").await.unwrap(), it);
    let mut second = Page {
        name: "home".into(),
        ..Default::default()
    };
    refused(second.save(db).await, ErrorKind::Duplicate);
    assert!(second.id().is_empty());
}
