//! What an update returns, and what it leaves alone.

use super::*;

pub(super) async fn limit_skip_and_sort_apply(on: &TestDb) {
    let db = given_numbered(on, 9).await;
    let p = Item::fields();
    let changed = Item::query(db)
        .filter(p.n.gt(1))
        .sort(p.n.desc())
        .skip(1)
        .limit(3)
        .update()
        .set(p.active, true)
        .await
        .unwrap();
    assert_eq!(changed, 3);
    let active = || Item::query(db).filter(p.active.eq(true));
    assert_eq!(found(active()).await, "i6 i7 i8");
    let changed = active()
        .sort(p.n.asc())
        .limit(1)
        .update()
        .set(p.active, false)
        .returning_old()
        .await
        .unwrap();
    assert_eq!(changed[0].name, "i6");
    assert_eq!(found(active()).await, "i7 i8");
}

pub(super) async fn every_row_when_that_is_said(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let error = refused(
        Item::query(db).update().inc(p.n, 1).await,
        ErrorKind::InvalidQuery,
    );
    assert!(error.to_string().contains("all_rows"), "{error}");
    assert_eq!(error.collection(), Some("items"));
    let changed = Item::query(db).all_rows().update().inc(p.n, 1).await;
    assert_eq!(changed.unwrap(), 3);
    let free = db.collection("items");
    let update = free.query().update().inc(field("n"), 1);
    refused(update.await, ErrorKind::InvalidQuery);
    let update = free.query().all_rows().update().inc(field("n"), 1);
    assert_eq!(update.await.unwrap(), 3);
}

pub(super) async fn each_write_is_noted(on: &TestDb) {
    let db = on.with::<(Note, Item)>().await;
    let mut notes = vec![note("a"), note("b"), note("c")];
    Note::insert_many(db, &mut notes).await.unwrap();
    let p = Note::fields();
    let changed = Note::query(db)
        .filter(p.slug.ne("c"))
        .update()
        .set(p.text, "new")
        .returning()
        .await
        .unwrap();
    for (before, now) in notes.iter().zip(&changed) {
        assert_ne!(before.base.rev, now.base.rev);
        assert!(now.base.updated_at > before.base.updated_at);
        assert_eq!(now.base.created_at, before.base.created_at);
    }
    // A copy from before is stale, one that came back is not.
    let mut stale = notes[0].clone();
    refused(stale.save(db).await, ErrorKind::RevisionConflict);
    changed[0].clone().save(db).await.unwrap();
    let untouched = Note::find(db, notes[2].id()).await.unwrap();
    assert_eq!(untouched, notes[2]);
    // Without a revision there is none afterwards.
    let mut plain = item("a");
    plain.insert(db).await.unwrap();
    Item::update_by_id(db, plain.id())
        .inc(Item::fields().n, 1)
        .await
        .unwrap();
    let stored = db.collection("items").get(plain.id()).await.unwrap();
    assert!(stored.unwrap().get("_rev").is_none());
}

pub(super) async fn one_bad_document_stops_all(on: &TestDb) {
    let db = on.with::<Free>().await;
    let free = db.collection("free");
    for n in [json!(1), json!("two"), json!(3)] {
        free.insert(json!({ "n": n })).await.unwrap();
    }
    let all = || async { free.query().all().await.unwrap() };
    let before = all().await;
    let update = || {
        let update = free.query().all_rows().update();
        update.set(field("seen"), true).inc(field("n"), 1)
    };
    let error = refused(update().await, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("`n`"), "{error}");
    assert_eq!(error.id(), before[1]["_id"].as_str());
    assert_eq!(all().await, before);
    // A transaction stays usable.
    let tx = db.begin().await.unwrap();
    let inside = tx.collection("free");
    inside.insert(json!({"n": 4})).await.unwrap();
    let update = inside.query().all_rows().update().inc(field("n"), 1);
    refused(update.await, ErrorKind::InvalidDocument);
    let update = inside
        .query()
        .filter(field("n").ge(1))
        .update()
        .inc(field("n"), 1);
    assert_eq!(update.await.unwrap(), 3);
    tx.commit().await.unwrap();
}

pub(super) async fn a_taken_value_stops_all(on: &TestDb) {
    let db = on.with::<Note>().await;
    let mut notes = vec![note("a"), note("b"), note("c")];
    Note::insert_many(db, &mut notes).await.unwrap();
    let p = Note::fields();
    let update = Note::query(db).all_rows().update().set(p.slug, "x");
    let error = refused(update.await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["slug"]);
    let update = Note::query(db)
        .filter(p.slug.eq("a"))
        .update()
        .set(p.slug, "b");
    refused(update.await, ErrorKind::Duplicate);
    assert_eq!(Note::query(db).all().await.unwrap(), notes);
    let update = Note::query(db).all_rows().update().unset(p.slug);
    assert_eq!(update.await.unwrap(), 3);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "softs", revision)]
pub(super) struct Soft {
    #[serde(flatten)]
    base: Base<Soft>,
    #[serde(flatten)]
    deletion: SoftDelete,
    n: i64,
}

pub(super) async fn marked_documents_are_left_alone(on: &TestDb) {
    let db = on.with::<Soft>().await;
    let mut both = vec![Soft::default(), Soft::default()];
    Soft::insert_many(db, &mut both).await.unwrap();
    both[1].delete(db).await.unwrap();
    let p = Soft::fields();
    let update = |query: QuerySet<Soft>| query.all_rows().update().inc(p.n, 1);
    assert_eq!(update(Soft::query(db)).await.unwrap(), 1);
    assert_eq!(update(Soft::query(db).only_deleted()).await.unwrap(), 1);
    assert_eq!(update(Soft::query(db).with_deleted()).await.unwrap(), 2);
    let by_id = Soft::update_by_id(db, both[1].id()).inc(p.n, 1);
    refused(by_id.await, ErrorKind::NotFound);
    let both = Soft::query(db).with_deleted().all().await.unwrap();
    assert_eq!(both.iter().map(|it| it.n).sum::<i64>(), 4);
}

pub(super) async fn fifty_increments_count_fifty(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let first = Item::query(db).first().await.unwrap().unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..50 {
        let (db, id) = (db.clone(), first.id().clone());
        tasks.spawn(async move {
            let p = Item::fields();
            let update = Item::update_by_id(&db, &id).inc(p.n, 1).push(p.tags, "x");
            match at % 2 {
                0 => update.await,
                _ => update.returning().await.map(|_| ()),
            }
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    let now = Item::find(db, first.id()).await.unwrap();
    assert_eq!((now.n, now.tags.len()), (51, 50));
}

pub(super) async fn odd_names_are_only_names(on: &TestDb) {
    let db = on.with::<Free>().await;
    let free = db.collection("free");
    let names = [
        "x'; DROP TABLE free; --",
        "a\"b",
        "a`b",
        "$.a",
        "{a,b}",
        "a[0]",
        "#>>",
        "?",
        "$1",
        "a\\b",
        "é 😀",
        "US Gross",
        "a.b",
        "0",
        "null",
        "data",
        "d",
        "id",
        "__proto__",
    ];
    for name in names {
        let id = free.insert(json!({"keep": 1})).await.unwrap();
        let other = [name, "2"].concat();
        let update = free.query().filter(field("_id").eq(&id)).update_one();
        update
            .set(field([name]), name)
            .inc(field(["n", name]), 1)
            .push(field(["list", name]), name)
            .add_to_set(field(["list", name]), name)
            .set_expr(field(["copy", name]), field(["keep"]))
            .rename(field([name]), field([&other]))
            .await
            .unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let now = free.get(&id).await.unwrap().unwrap();
        let expected = json!({
            "keep": 1,
            "n": {name: 1},
            "list": {name: [name]},
            "copy": {name: 1},
            (other.as_str()): name,
        });
        assert_eq!(content(&now), content(&expected), "{name}");
        let update = free.query().filter(field([&other]).eq(name)).update();
        assert_eq!(update.unset(field([&other])).await.unwrap(), 1, "{name}");
    }
    assert_eq!(free.query().count().await.unwrap(), names.len() as u64);
    for bad in ["", "a..b", "a.", "x\0", "x\n"] {
        let update = free.query().all_rows().update().set(field(bad), 1);
        refused(update.await, ErrorKind::InvalidQuery);
    }
}

pub(super) async fn without_a_type_the_revision_changes_too(on: &TestDb) {
    let (first, _) = recorded::<(Note, Item)>(on).await;
    let mut it = note("a");
    it.insert(&first).await.unwrap();
    let mut plain = item("b");
    plain.insert(&first).await.unwrap();
    // Where the type is registered, and where it is not.
    let second = on.another_handle().await;
    for db in [&first, &second] {
        let before = Note::find(&first, it.id()).await.unwrap();
        let update = db.collection("notes").query().all_rows().update();
        assert_eq!(update.set(field("text"), "x").await.unwrap(), 1);
        let now = Note::find(&first, it.id()).await.unwrap();
        assert_ne!(now.base.rev, before.base.rev);
        assert!(now.base.updated_at > before.base.updated_at);
        let update = db.collection("items").query().all_rows().update();
        assert_eq!(update.inc(field("n"), 1).await.unwrap(), 1);
    }
    let stored = first.collection("items").get(plain.id()).await.unwrap();
    let stored = stored.unwrap();
    assert_eq!(stored["n"], 2);
    assert!(stored.get("_rev").is_none());
    // Any field may be changed where nobody knows the type.
    let update = second.collection("items").query().all_rows().update();
    update.set(field("unheard_of"), 1).await.unwrap();
}

pub(super) async fn a_rolled_back_update_never_was(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let before = Item::query(db).all().await.unwrap();
    let tx = db.begin().await.unwrap();
    let update = Item::query(&tx).all_rows().update().inc(p.n, 1);
    assert_eq!(update.await.unwrap(), 3);
    assert_eq!(found(Item::query(&tx).filter(p.n.eq(4))).await, "i3");
    tx.rollback().await.unwrap();
    assert_eq!(Item::query(db).all().await.unwrap(), before);
}

pub(super) async fn many_rows_in_one_call(on: &TestDb) {
    let db = given_numbered(on, 1500).await;
    let p = Item::fields();
    let update = Item::query(db).filter(p.n.le(1100)).update();
    let changed = update.inc(p.n, 10_000).push(p.tags, "x").returning();
    assert_eq!(changed.await.unwrap().len(), 1100);
    let left = Item::query(db).filter(p.n.le(1500)).count().await.unwrap();
    assert_eq!(left, 400);
}
