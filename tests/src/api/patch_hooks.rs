//! Changes by query to documents with hooks, rules, links and a memory.

use den::prelude::*;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::{
    attached::{Mail, mail, worlds},
    hooked::{Entry, Memo, Post, UPDATE, given, memo, post, ran, up_to},
    support::{count, recorded, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(the_chain_runs_for_each),
    case!(hooks_may_change_what_is_changed),
    case!(an_error_in_a_hook_takes_everything_back),
    case!(hooks_stay_away_on_request),
    case!(documents_come_back_as_reads_give_them),
    case!(one_by_one_means_the_same),
    case!(marked_documents_are_left_alone),
    case!(update_one_runs_the_chain),
    case!(hooks_see_what_is_about_to_change),
    case!(documents_that_a_hook_took_away_are_left_out),
    case!(an_update_may_move_rows_within_its_order),
    case!(rules_are_checked),
    case!(rules_cost_a_transaction),
    case!(rules_are_checked_without_hooks),
    case!(links_are_loaded),
    case!(what_is_remembered_is_what_is_stored),
    case!(attachments_are_counted),
];

async fn posts(db: &Db, titles: &[&str]) -> Vec<Post> {
    let mut posts: Vec<Post> = titles.iter().map(|it| post(it)).collect();
    Post::insert_many(db, &mut posts).await.unwrap();
    posts
}

async fn the_chain_runs_for_each(on: &TestDb) {
    let db = given(on).await;
    posts(db, &["a", "b", "c"]).await;
    let p = Post::fields();
    let update = Post::query(db).filter(p.title.ne("b")).update();
    let (names, changed) = ran(async { update.inc(p.n, 1).await }).await;
    assert_eq!(changed.unwrap(), 2);
    let each = ["after_load", UPDATE].join(" ");
    assert_eq!(names, [each.clone(), each].join(" "));
    let ns: Vec<i64> = Post::query(db).values(p.n).await.unwrap();
    assert_eq!(ns, [1, 0, 1]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "pages", hooks, revision)]
struct Page {
    #[serde(flatten)]
    base: Base<Page>,
    #[serde(skip)]
    tracked: Tracked,
    title: String,
    slug: String,
    n: i64,
    tags: Vec<String>,
    /// What a hook takes away.
    victim: Option<String>,
    #[serde(skip)]
    changed: Vec<String>,
}

impl Hooks for Page {
    async fn before_save(&mut self, cx: &HookContext) -> den::Result<()> {
        self.slug = self.title.to_lowercase();
        if let Some(victim) = &self.victim
            && let Some(mut it) = Page::get(cx, victim.as_str()).await?
        {
            it.delete(cx).await?;
        }
        Ok(())
    }

    async fn before_update(&mut self, _cx: &HookContext) -> den::Result<()> {
        let changes = self.changes()?;
        self.tags = changes.iter().map(|it| it.path.to_string()).collect();
        Ok(())
    }
}

fn page(title: &str) -> Page {
    Page {
        title: title.to_owned(),
        ..Page::default()
    }
}

async fn hooks_may_change_what_is_changed(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut it = page("A");
    it.insert(db).await.unwrap();
    let p = Page::fields();
    let update = Page::query(db).all_rows().update().set(p.title, "NEW");
    let now = update.returning().await.unwrap().remove(0);
    assert_eq!((now.title.as_str(), now.slug.as_str()), ("NEW", "new"));
    assert_ne!(now.base.rev, it.base.rev);
    assert!(now.base.updated_at > it.base.updated_at);
    assert_eq!(now.base.created_at, it.base.created_at);
    assert_eq!(Page::find(db, it.id()).await.unwrap(), now);
}

async fn an_error_in_a_hook_takes_everything_back(on: &TestDb) {
    let db = given(on).await;
    let p = Post::fields();
    for (at, hook) in UPDATE.split(' ').enumerate() {
        let mut two = [post(&format!("a{at}")), post(&format!("b{at}"))];
        Post::insert_many(db, &mut two).await.unwrap();
        let before = Post::query(db).all().await.unwrap();
        let entries = count::<Entry>(db).await;
        // The second fails at this hook.
        let update = || {
            Post::query(db)
                .filter(p.title.is_in([&two[0].title, &two[1].title]))
                .update()
                .inc(p.n, 1)
                .set(p.fail_at, hook)
        };
        let (names, outcome) = ran(async { update().await }).await;
        let error = refused(outcome, ErrorKind::Hook);
        assert!(error.to_string().contains(hook), "{error}");
        assert_eq!(names, ["after_load ", &up_to(UPDATE, hook)].concat());
        assert_eq!(Post::query(db).all().await.unwrap(), before);
        assert_eq!(count::<Entry>(db).await, entries);
        // A transaction of the caller stays usable.
        let tx = db.begin().await.unwrap();
        post("kept").insert(&tx).await.unwrap();
        let update = Post::query(&tx).filter(p.title.eq(&two[1].title)).update();
        let update = update.set(p.fail_at, hook);
        refused(update.await, ErrorKind::Hook);
        tx.commit().await.unwrap();
        Post::query(db)
            .filter(p.title.eq("kept"))
            .without_hooks()
            .delete()
            .await
            .unwrap();
    }
}

async fn hooks_stay_away_on_request(on: &TestDb) {
    let (db, recorder) = recorded::<(Post, Memo, Entry)>(on).await;
    posts(&db, &["a", "b"]).await;
    let p = Post::fields();
    recorder.clear();
    let update = || Post::query(&db).all_rows().without_hooks().update();
    let (names, changed) = ran(async { update().inc(p.n, 1).await }).await;
    assert_eq!((names.as_str(), changed.unwrap()), ("", 2));
    assert_eq!(recorder.take(), ["update posts"]);
    // A document that comes back was read all the same.
    let (names, changed) = ran(async { update().inc(p.n, 1).returning().await }).await;
    assert_eq!(names, "after_load after_load");
    assert!(changed.unwrap().iter().all(|it| it.is_loaded && it.n == 2));
}

async fn documents_come_back_as_reads_give_them(on: &TestDb) {
    let db = given(on).await;
    posts(db, &["a", "b"]).await;
    let p = Post::fields();
    let update = || {
        let query = Post::query(db).all_rows().sort(p.title.desc());
        query.update().inc(p.n, 1)
    };
    let read = || async { Post::query(db).sort(p.title.desc()).all().await.unwrap() };
    let before = read().await;
    assert_eq!(update().returning_old().await.unwrap(), before);
    let new = update().returning().await.unwrap();
    assert_eq!(new, read().await);
    assert!(new.iter().all(|it| it.is_loaded && it.n == 2));
}

async fn one_by_one_means_the_same(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut pages = vec![page("a"), page("b")];
    Page::insert_many(db, &mut pages).await.unwrap();
    let p = Page::fields();
    // Stored as nobody should store it.
    let bad = serde_json::json!({
        "_id": "bad", "_rev": "1", "title": "c", "slug": "c", "n": "many", "tags": [],
    });
    on.plant("pages", "bad", &bad).await;
    let update = || Page::query(db).all_rows().update().inc(p.n, 1);
    let one_by_one = refused(update().await, ErrorKind::InvalidDocument);
    let at_once = Page::query(db).all_rows().without_hooks().update();
    let at_once = refused(at_once.inc(p.n, 1).await, ErrorKind::InvalidDocument);
    assert_eq!(one_by_one.to_string(), at_once.to_string());
    assert_eq!(one_by_one.id(), Some("bad"));
    let good = Page::query(db).filter(p.title.is_in(["a", "b"])).update();
    let good = good.set_expr(p.n, p.n + 5).push(p.tags, "x").inc(p.n, 1);
    let changed = good.returning().await.unwrap();
    assert!(changed.iter().all(|it| it.n == 6));
    let mut odd = Page::query(db).filter(p.title.eq("a")).update();
    odd = odd.with_unknown_fields().set(field("title"), 5);
    let error = refused(odd.await, ErrorKind::InvalidDocument);
    assert_eq!(error.id(), Some(pages[0].id().as_str()));
}

async fn marked_documents_are_left_alone(on: &TestDb) {
    let db = given(on).await;
    let mut both = [memo("a"), memo("b")];
    Memo::insert_many(db, &mut both).await.unwrap();
    both[1].delete(db).await.unwrap();
    let m = Memo::fields();
    let update = |query: QuerySet<Memo>| query.all_rows().update().set(m.slug, "x");
    assert_eq!(update(Memo::query(db)).await.unwrap(), 1);
    let changed = update(Memo::query(db).only_deleted()).returning().await;
    let changed = changed.unwrap();
    assert_eq!(changed[0].title, "b");
    assert!(changed[0].deletion.is_deleted());
}

async fn update_one_runs_the_chain(on: &TestDb) {
    let db = given(on).await;
    let posts = posts(db, &["a", "b"]).await;
    let p = Post::fields();
    let by_id = Post::update_by_id(db, posts[0].id()).inc(p.n, 1);
    let (names, outcome) = ran(async { by_id.await }).await;
    outcome.unwrap();
    assert_eq!(names, ["after_load ", UPDATE].concat());
    let several = Post::query(db).all_rows().update_one().inc(p.n, 1);
    let (names, outcome) = ran(async { several.await }).await;
    refused(outcome, ErrorKind::MultipleMatches);
    assert_eq!(names, "");
    let none = Post::update_by_id(db, "nope").inc(p.n, 1);
    let error = refused(none.await, ErrorKind::NotFound);
    assert_eq!(error.id(), Some("nope"));
    assert_eq!(Post::find(db, posts[0].id()).await.unwrap().n, 1);
}

async fn hooks_see_what_is_about_to_change(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut it = page("a");
    it.insert(db).await.unwrap();
    let p = Page::fields();
    let update = Page::update_by_id(db, it.id())
        .inc(p.n, 1)
        .set(p.title, "b");
    let now = update.returning().await.unwrap();
    assert_eq!(now.tags, ["n", "title"]);
    assert!(!now.is_changed().unwrap());
}

async fn documents_that_a_hook_took_away_are_left_out(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut pages = vec![page("a"), page("b"), page("c")];
    for (it, id) in pages.iter_mut().zip(["1", "2", "3"]) {
        it.base.id = Id::new(id);
    }
    Page::insert_many(db, &mut pages).await.unwrap();
    let p = Page::fields();
    let query = || Page::query(db).all_rows();
    let update = query().limit(1).update().set(p.victim, "2");
    assert_eq!(update.await.unwrap(), 1);
    assert_eq!(count::<Page>(db).await, 2);
    pages[1].base = Base::default();
    pages[1].base.id = Id::new("2");
    pages[1].insert(db).await.unwrap();
    let changed = query().update().inc(p.n, 1).returning().await.unwrap();
    let ids: Vec<&str> = changed.iter().map(|it| it.id().as_str()).collect();
    assert_eq!(ids, ["1", "3"]);
}

async fn an_update_may_move_rows_within_its_order(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut pages: Vec<Page> = (0..300).map(|n| Page { n, ..page("a") }).collect();
    Page::insert_many(db, &mut pages).await.unwrap();
    let p = Page::fields();
    let query = Page::query(db).filter(p.n.ge(0)).sort(p.n.asc());
    let changed = query.update().inc(p.n, 1000).returning().await.unwrap();
    let ns: Vec<i64> = changed.iter().map(|it| it.n).collect();
    assert_eq!(ns, (1000..1300).collect::<Vec<_>>());
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "ruled", validate)]
struct Ruled {
    #[serde(flatten)]
    base: Base<Ruled>,
    #[serde(skip)]
    tracked: Tracked,
    #[validate(length(min = 2))]
    name: String,
    #[validate(range(min = 0, max = 10))]
    n: i64,
}

fn ruled(name: &str, n: i64) -> Ruled {
    Ruled {
        name: name.to_owned(),
        n,
        ..Ruled::default()
    }
}

async fn rules_are_checked(on: &TestDb) {
    let db = on.with::<Ruled>().await;
    let mut all = vec![ruled("aa", 1), ruled("bb", 8), ruled("cc", 2)];
    Ruled::insert_many(db, &mut all).await.unwrap();
    let r = Ruled::fields();
    let add = |n: i64| Ruled::query(db).all_rows().update().inc(r.n, n);
    for outcome in [
        add(3).await.map(drop),
        add(3).returning().await.map(drop),
        add(3).returning_old().await.map(drop),
        Ruled::query(db)
            .filter(r.n.eq(8))
            .update_one()
            .inc(r.n, 3)
            .await,
        Ruled::update_by_id(db, all[1].id()).inc(r.n, 3).await,
        Ruled::query(db)
            .filter(r.n.eq(8))
            .claim(1)
            .inc(r.n, 3)
            .await
            .map(drop),
    ] {
        let error = refused(outcome, ErrorKind::Validation);
        assert_eq!(error.violations()[0].path, "n");
        assert_eq!(error.id(), Some(all[1].id().as_str()));
        assert_eq!(error.collection(), Some("ruled"));
    }
    assert_eq!(Ruled::query(db).all().await.unwrap(), all);
    let tx = db.begin().await.unwrap();
    let update = |n: i64| Ruled::query(&tx).all_rows().update().inc(r.n, n);
    refused(update(5).await, ErrorKind::Validation);
    assert_eq!(update(1).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let old = add(1).returning_old().await.unwrap();
    let ns = |all: &[Ruled]| all.iter().map(|it| it.n).collect::<Vec<_>>();
    assert_eq!(ns(&old), [2, 9, 3]);
    let new = add(-3).returning().await.unwrap();
    assert_eq!(ns(&new), [0, 7, 1]);
    assert!(!new[0].is_changed().unwrap());
    // What would not read any more is no document of the type.
    let update = Ruled::query(db).all_rows().update().with_unknown_fields();
    let outcome = update.set(field("n"), "many").await;
    refused(outcome, ErrorKind::InvalidDocument);
    assert_eq!(Ruled::query(db).all().await.unwrap(), new);
}

async fn rules_cost_a_transaction(on: &TestDb) {
    let (db, recorder) = recorded::<(Ruled,)>(on).await;
    let mut it = ruled("aa", 1);
    it.insert(&db).await.unwrap();
    recorder.clear();
    let r = Ruled::fields();
    Ruled::update_by_id(&db, it.id()).inc(r.n, 1).await.unwrap();
    assert_eq!(recorder.take(), ["begin", "tx update ruled", "tx commit"]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document, Validate)]
#[den(collection = "both", validate, hooks)]
struct Both {
    #[serde(flatten)]
    base: Base<Both>,
    #[validate(range(max = 10))]
    n: i64,
    hooked: bool,
}

impl Hooks for Both {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.hooked = true;
        self.n = self.n.min(10);
        Ok(())
    }
}

async fn rules_are_checked_without_hooks(on: &TestDb) {
    let db = on.with::<Both>().await;
    let b = Both::fields();
    let mut it = Both::default();
    it.insert(db).await.unwrap();
    // The hook makes it right before it is checked.
    let update = |n: i64| Both::query(db).all_rows().update().set(b.n, n);
    assert_eq!(update(50).returning().await.unwrap()[0].n, 10);
    let bare = |n: i64| {
        let query = Both::query(db).all_rows().without_hooks();
        query.update().set(b.n, n).set(b.hooked, false)
    };
    refused(bare(50).await, ErrorKind::Validation);
    let now = bare(7).returning().await.unwrap().remove(0);
    assert_eq!((now.n, now.hooked), (7, false));
    refused(bare(50).returning_old().await, ErrorKind::Validation);
    let old = bare(8).returning_old().await.unwrap().remove(0);
    assert_eq!((old.n, old.hooked), (7, false));
    let now = Both::find(db, it.id()).await.unwrap();
    assert_eq!((now.n, now.hooked), (8, false));
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "owners")]
struct Owner {
    #[serde(flatten)]
    base: Base<Owner>,
    name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "things")]
struct Thing {
    #[serde(flatten)]
    base: Base<Thing>,
    #[den(eager)]
    owner: Link<Owner>,
    helper: Option<Link<Owner>>,
    others: Vec<Link<Owner>>,
    n: i64,
}

async fn links_are_loaded(on: &TestDb) {
    let (db, recorder) = recorded::<(Owner, Thing)>(on).await;
    let owner = |name: &str| Owner {
        name: name.to_owned(),
        ..Owner::default()
    };
    let mut owners = vec![owner("Ada"), owner("Bob")];
    Owner::insert_many(&db, &mut owners).await.unwrap();
    let [ada, bob] = owners.as_slice() else {
        panic!("{owners:?}");
    };
    let mut thing = Thing {
        owner: Link::to(ada),
        ..Thing::default()
    };
    thing.insert(&db).await.unwrap();
    let t = Thing::fields();
    recorder.clear();
    let plain = Thing::update_by_id(&db, thing.id()).set(t.owner, bob);
    plain.await.unwrap();
    assert_eq!(recorder.take(), ["update things"]);
    let new = Thing::update_by_id(&db, thing.id())
        .set(t.helper, ada.id())
        .push(t.others, ada)
        .push(t.others, Link::to(bob))
        .returning()
        .await
        .unwrap();
    let calls = recorder.take();
    assert_eq!(calls.len(), 4, "{calls:?}");
    assert_eq!(new.owner.get().unwrap().name, "Bob");
    assert!(new.helper.as_ref().unwrap().get().is_none());
    assert_eq!(new.others.len(), 2);
    // Which links are loaded is said by the query.
    let query = Thing::query(&db).filter(t.n.eq(0));
    let update = query.clone().with_links(|t| t.helper).update();
    let new = update.set(t.n, 0).returning().await.unwrap().remove(0);
    assert_eq!(new.helper.unwrap().get().unwrap().name, "Ada");
    let update = query.clone().without_links().update();
    let new = update.set(t.n, 0).returning().await.unwrap().remove(0);
    assert!(new.owner.get().is_none());
    // A link that leads nowhere takes the change back.
    let update = query.update().set(t.owner, "nobody").inc(t.n, 1);
    refused(update.returning().await, ErrorKind::DanglingLink);
    assert_eq!(Thing::find(&db, thing.id()).await.unwrap().n, 0);
    let unstored = Thing::query(&db).filter(t.n.eq(0)).update();
    let outcome = unstored.set(t.owner, &owner("new")).await;
    refused(outcome, ErrorKind::InvalidDocument);
    let unstored = Thing::query(&db).filter(t.n.eq(0)).update();
    let outcome = unstored.set(t.owner, Link::new(owner("new"))).await;
    let error = refused(outcome, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("not stored yet"), "{error}");
    let empty = Thing::query(&db).filter(t.n.eq(0)).update().unset(t.helper);
    assert_eq!(empty.await.unwrap(), 1);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "tracked", revision)]
struct Remembering {
    #[serde(flatten)]
    base: Base<Remembering>,
    #[serde(skip)]
    tracked: Tracked,
    n: i64,
    name: Option<String>,
}

async fn what_is_remembered_is_what_is_stored(on: &TestDb) {
    let db = on.with::<Remembering>().await;
    let mut it = Remembering::default();
    it.insert(db).await.unwrap();
    let r = Remembering::fields();
    let update = Remembering::update_by_id(db, it.id()).inc(r.n, 1);
    let mut now = update.set(r.name, "x").returning().await.unwrap();
    assert!(!now.is_changed().unwrap());
    now.n = 5;
    assert_eq!(now.changes().unwrap().len(), 1);
    assert!(now.save_changes(db).await.unwrap());
    let old = Remembering::update_by_id(db, it.id()).inc(r.n, 1);
    let mut old = old.returning_old().await.unwrap();
    assert!(!old.is_changed().unwrap());
    old.n = 7;
    refused(old.save_changes(db).await, ErrorKind::RevisionConflict);
}

async fn attachments_are_counted(on: &TestDb) {
    for it in worlds(on).await {
        let (old, new) = (it.put("old").await, it.put("new").await);
        let mut mail = mail(&old);
        mail.subject = Some("a".to_owned());
        mail.insert(&it.db).await.unwrap();
        let m = Mail::fields();
        let all = || Mail::query(&it.db).all_rows();
        let changed = all()
            .update()
            .set(field("picture"), &new)
            .push(m.files, &old)
            .returning()
            .await
            .unwrap();
        assert_eq!(changed[0].picture.as_ref(), Some(&new));
        assert_eq!(changed[0].files, std::slice::from_ref(&old));
        it.expect(&old, 1).await;
        it.expect(&new, 1).await;
        all().update().pop_first(m.files).await.unwrap();
        it.expect(&old, 0).await;
        // Content that is not there stops all.
        let nowhere = it.put_elsewhere("nowhere").await;
        let update = all().without_hooks().update().push(m.files, &nowhere);
        refused(update.await, ErrorKind::InvalidDocument);
        let upsert = Mail::upsert(&it.db, mail.clone()).on(m.subject);
        let upsert = upsert.update(|u, _| u.push(m.files, &nowhere));
        refused(upsert.await, ErrorKind::InvalidDocument);
        let upsert = Mail::upsert(&it.db, mail.clone()).on(m.subject);
        let upsert = upsert.update(|u, _| u.set(field("picture"), Json::Null));
        assert!(!upsert.await.unwrap().is_inserted());
        it.expect(&new, 0).await;
        all().delete().await.unwrap();
    }
}
