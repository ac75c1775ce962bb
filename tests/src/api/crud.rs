//! Reading and writing one document in hand.

use den::{ErrorKind, prelude::*};
use serde_json::json;

use super::support::{Address, Item, Line, Note, Place, count, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(insert_fills_in_the_base),
    case!(insert_keeps_a_preset_id),
    case!(insert_keeps_a_preset_creation_time),
    case!(insert_of_a_taken_id_is_duplicate),
    case!(insert_after_delete_stores_it_again),
    case!(a_document_comes_back_as_it_was),
    case!(markup_and_quotes_come_back_as_they_were),
    case!(escapes_written_by_others_are_read),
    case!(missing_ids),
    case!(get_many_answers_in_the_order_of_the_ids),
    case!(save_inserts_what_is_new),
    case!(save_inserts_what_is_new_with_a_preset_id),
    case!(save_updates_what_is_stored),
    case!(save_never_resurrects),
    case!(update_of_a_missing_document_is_not_found),
    case!(update_without_an_id_is_refused),
    case!(each_write_is_later_than_the_one_before),
    case!(delete_removes_the_document),
    case!(delete_of_a_missing_document_is_not_found),
    case!(delete_without_an_id_is_refused),
    case!(refresh_picks_up_what_others_wrote),
    case!(refresh_replaces_every_field),
    case!(refresh_of_a_deleted_document_changes_nothing),
    case!(a_clone_remembers_that_it_is_stored),
    case!(ids_of_any_text),
    case!(the_same_script_works_on_db_and_tx),
];

async fn insert_fills_in_the_base(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let before = Timestamp::now();
    let mut it = item("a");
    assert!(it.id().is_empty() && !it.base.is_stored());
    it.insert(db).await.unwrap();
    assert_eq!(it.id().as_str().len(), 26);
    assert!(it.base.is_stored());
    assert_eq!(it.base.created_at, it.base.updated_at);
    assert!(before <= it.base.created_at && it.base.created_at <= Timestamp::now());
    assert_eq!(it.base.rev, None);
    assert_eq!(Item::find(db, it.id()).await.unwrap(), it);

    let mut note = note("n");
    note.insert(db).await.unwrap();
    assert!(note.base.rev.as_ref().is_some_and(|it| !it.is_empty()));
    assert_eq!(Note::find(db, note.id()).await.unwrap(), note);
}

async fn insert_keeps_a_preset_id(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let mut it = item("a");
    it.base.id = Id::new("custom-123");
    it.insert(db).await.unwrap();
    assert_eq!(it.id(), &"custom-123");
    assert_ne!(it.base.created_at, Timestamp::default());
    assert_eq!(Item::find(db, "custom-123").await.unwrap(), it);

    let mut it = note("n");
    it.base.id = Id::new("custom-123");
    it.insert(db).await.unwrap();
    assert!(it.base.rev.is_some());
    assert_eq!(Note::find(db, "custom-123").await.unwrap(), it);
}

async fn insert_keeps_a_preset_creation_time(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let long_ago: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let mut it = item("imported");
    it.base.created_at = long_ago;
    it.insert(db).await.unwrap();
    assert_eq!(it.base.created_at, long_ago);
    assert!(it.base.updated_at > long_ago);
    assert_eq!(Item::find(db, it.id()).await.unwrap(), it);
}

async fn insert_of_a_taken_id_is_duplicate(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut first = item("first");
    first.base.id = Id::new("x");
    first.insert(db).await.unwrap();
    let mut second = item("second");
    second.base.id = Id::new("x");
    let error = refused(second.insert(db).await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["_id"]);
    assert_eq!((error.collection(), error.id()), (Some("items"), Some("x")));
    assert_eq!(Item::find(db, "x").await.unwrap().name, "first");
}

async fn insert_after_delete_stores_it_again(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    it.insert(db).await.unwrap();
    let id = it.id().clone();
    it.delete(db).await.unwrap();
    it.insert(db).await.unwrap();
    assert_eq!(it.id(), &id);
    assert_eq!(count::<Item>(db).await, 1);
}

async fn a_document_comes_back_as_it_was(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    for (n, price) in [
        (i64::MIN, f64::MIN),
        (i64::MAX, f64::MAX),
        (9_007_199_254_740_993, f64::MIN_POSITIVE),
        (-1, -0.1),
        (0, 1e-300),
        (1, 5e-324),
        (2, 0.1 + 0.2),
        (3, 1e22),
        (4, 123_456_789.0),
    ] {
        let mut it = Item {
            n,
            price,
            category: Some(String::new()),
            tags: vec!["é".into(), String::new(), "日本 🎉".into()],
            active: true,
            at: Some("2024-02-29T23:59:59.999999Z".parse().unwrap()),
            address: Address {
                city: "São Paulo".into(),
                zip: Some("01\t\n\u{1f}".into()),
                place: Place {
                    floor: -3,
                    door: None,
                },
            },
            attributes: [("a b".into(), 1), ("".into(), 2), ("ключ".into(), i64::MIN)].into(),
            lines: vec![Line {
                sku: "\\ \" '".into(),
                count: 0,
            }],
            data: json!({"deep": [1, [2.5, {"x": null}], "t", true], "": {}}),
            ..item("round trip")
        };
        it.save(db).await.unwrap();
        let back = Item::find(db, it.id()).await.unwrap();
        assert_eq!(back, it);
        assert_eq!(back.price.to_bits(), it.price.to_bits(), "{price:e}");
    }
}

async fn markup_and_quotes_come_back_as_they_were(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let text = r#"<a href="x">&amp; 'q' \u003c \ / %_</a>"#;
    let mut it = item(text);
    it.save(db).await.unwrap();
    assert_eq!(Item::find(db, it.id()).await.unwrap().name, text);
    let p = Item::fields();
    let found = Item::query(db).filter(p.name.eq(text)).one().await.unwrap();
    assert_eq!(found, it);
}

async fn escapes_written_by_others_are_read(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("x");
    it.save(db).await.unwrap();
    let mut body = serde_json::to_string(&it).unwrap();
    body = body.replace("\"x\"", r#""\u003cb\u003e \u00e9 \ud83c\udf89""#);
    let put = den_backend::Put {
        id: it.id().as_str(),
        body: body.as_bytes(),
        expect: den_backend::Expectation::Present,
    };
    on.backend.put("items", put).await.unwrap();
    assert_eq!(Item::find(db, it.id()).await.unwrap().name, "<b> é 🎉");
}

async fn missing_ids(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    assert_eq!(Item::get(db, "nope").await.unwrap(), None);
    assert_eq!(Item::get(db, "").await.unwrap(), None);
    let error = refused(Item::find(db, "nope").await, ErrorKind::NotFound);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("items"), Some("nope"))
    );
}

async fn get_many_answers_in_the_order_of_the_ids(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut items = ["a", "b", "c"].map(item);
    Item::insert_many(db, &mut items).await.unwrap();
    let [a, b, c] = items;
    let found = Item::get_many(
        db,
        [c.id().as_str(), "nope", a.id().as_str(), c.id().as_str()],
    )
    .await
    .unwrap();
    assert_eq!(found, [c, a]);
    let found = Item::get_many(db, [b.id()]).await.unwrap();
    assert_eq!(found, [b]);
    assert_eq!(
        Item::get_many(db, Vec::<Id<Item>>::new()).await.unwrap(),
        []
    );
    assert_eq!(Item::get_many(db, ["nope"]).await.unwrap(), []);
}

async fn save_inserts_what_is_new(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    it.save(db).await.unwrap();
    assert_eq!(count::<Item>(db).await, 1);
    assert_eq!(it.base.created_at, it.base.updated_at);
}

async fn save_inserts_what_is_new_with_a_preset_id(on: &TestDb) {
    let db = on.with::<(Note,)>().await;
    let mut it = note("a");
    it.base.id = Id::new("mine");
    it.save(db).await.unwrap();
    assert_ne!(it.base.created_at, Timestamp::default());
    it.text = "again".into();
    it.save(db).await.unwrap();
    assert_eq!(Note::find(db, "mine").await.unwrap().text, "again");

    let mut other = note("b");
    other.base.id = Id::new("mine");
    refused(other.save(db).await, ErrorKind::Duplicate);
}

async fn save_updates_what_is_stored(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    it.save(db).await.unwrap();
    let (id, created) = (it.id().clone(), it.base.created_at);
    it.n = 7;
    it.save(db).await.unwrap();
    assert_eq!((it.id(), it.base.created_at), (&id, created));

    let mut loaded = Item::find(db, &id).await.unwrap();
    loaded.name = "b".into();
    loaded.save(db).await.unwrap();
    let stored = Item::find(db, &id).await.unwrap();
    assert_eq!((stored.name.as_str(), stored.n), ("b", 7));
    assert_eq!(stored.base.created_at, created);
    assert_eq!(count::<Item>(db).await, 1);
}

async fn save_never_resurrects(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let mut it = item("a");
    it.save(db).await.unwrap();
    let mut ghost = it.clone();
    it.delete(db).await.unwrap();
    let error = refused(ghost.save(db).await, ErrorKind::NotFound);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("items"), Some(it.id().as_str()))
    );
    refused(it.save(db).await, ErrorKind::NotFound);
    assert_eq!(count::<Item>(db).await, 0);

    let mut it = note("n");
    it.save(db).await.unwrap();
    let mut ghost = it.clone();
    it.delete(db).await.unwrap();
    refused(ghost.save(db).await, ErrorKind::NotFound);
    assert_eq!(count::<Note>(db).await, 0);
}

async fn update_of_a_missing_document_is_not_found(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let mut it = item("a");
    it.base.id = Id::new("nope");
    refused(it.update(db).await, ErrorKind::NotFound);
    let mut it = note("a");
    it.base.id = Id::new("nope");
    refused(it.update(db).await, ErrorKind::NotFound);
    assert_eq!(count::<Item>(db).await + count::<Note>(db).await, 0);
}

async fn update_without_an_id_is_refused(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let error = refused(item("a").update(db).await, ErrorKind::InvalidDocument);
    assert!(error.to_string().contains("no id"), "{error}");
    assert_eq!(count::<Item>(db).await, 0);
}

async fn each_write_is_later_than_the_one_before(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    it.insert(db).await.unwrap();
    let created = it.base.created_at;
    for n in 0..20 {
        let before = it.base.updated_at;
        it.n = n;
        it.update(db).await.unwrap();
        assert!(it.base.updated_at > before);
    }
    let stored = Item::find(db, it.id()).await.unwrap();
    assert_eq!(stored.base.created_at, created);
    assert_eq!(stored.base.updated_at, it.base.updated_at);
}

async fn delete_removes_the_document(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut items = ["a", "b"].map(item);
    Item::insert_many(db, &mut items).await.unwrap();
    items[0].delete(db).await.unwrap();
    assert_eq!(Item::get(db, items[0].id()).await.unwrap(), None);
    assert_eq!(Item::query(db).one().await.unwrap(), items[1]);
}

async fn delete_of_a_missing_document_is_not_found(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let mut it = item("a");
    it.save(db).await.unwrap();
    it.delete(db).await.unwrap();
    let error = refused(it.delete(db).await, ErrorKind::NotFound);
    assert_eq!(
        (error.collection(), error.id()),
        (Some("items"), Some(it.id().as_str()))
    );
    let mut it = note("a");
    it.save(db).await.unwrap();
    it.clone().delete(db).await.unwrap();
    refused(it.delete(db).await, ErrorKind::NotFound);
}

async fn delete_without_an_id_is_refused(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    item("kept").insert(db).await.unwrap();
    refused(item("a").delete(db).await, ErrorKind::InvalidDocument);
    assert_eq!(count::<Item>(db).await, 1);
}

async fn refresh_picks_up_what_others_wrote(on: &TestDb) {
    let db = on.with::<(Note,)>().await;
    let mut mine = note("a");
    mine.save(db).await.unwrap();
    let mut theirs = Note::find(db, mine.id()).await.unwrap();
    theirs.text = "theirs".into();
    theirs.save(db).await.unwrap();
    mine.refresh(db).await.unwrap();
    assert_eq!(mine, theirs);
    mine.text = "mine".into();
    mine.save(db).await.unwrap();
}

async fn refresh_replaces_every_field(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut mine = Item {
        category: Some("c".into()),
        tags: vec!["t".into()],
        attributes: [("k".into(), 1)].into(),
        ..item("a")
    };
    mine.save(db).await.unwrap();
    let mut theirs = Item::find(db, mine.id()).await.unwrap();
    theirs.category = None;
    theirs.tags.clear();
    theirs.attributes.clear();
    theirs.save(db).await.unwrap();
    mine.address.zip = Some("only here".into());
    mine.refresh(db).await.unwrap();
    assert_eq!(mine, theirs);
    assert_eq!(mine.address.zip, None);
}

async fn refresh_of_a_deleted_document_changes_nothing(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    it.save(db).await.unwrap();
    it.clone().delete(db).await.unwrap();
    let before = it.clone();
    refused(it.refresh(db).await, ErrorKind::NotFound);
    assert_eq!(it, before);
    refused(item("new").refresh(db).await, ErrorKind::NotFound);
}

async fn a_clone_remembers_that_it_is_stored(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut it = item("a");
    let mut twin = it.clone();
    it.save(db).await.unwrap();
    it.clone().save(db).await.unwrap();
    assert_eq!(count::<Item>(db).await, 1);
    twin.save(db).await.unwrap();
    assert_eq!(count::<Item>(db).await, 2);
    assert_ne!(it.id(), twin.id());
}

async fn ids_of_any_text(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let ids = [
        " ",
        "a b",
        "a/b",
        "'; DROP TABLE items; --",
        "\"",
        "ÄÖ",
        "日本",
        "%",
        "_",
        "\\",
        "0",
        "-1",
        "null",
        "a.b",
        &"x".repeat(500),
    ];
    for id in ids {
        let mut it = item(id);
        it.base.id = Id::new(id);
        it.insert(db).await.unwrap();
        it.n = 1;
        it.save(db).await.unwrap();
        assert_eq!(Item::find(db, id).await.unwrap(), it);
    }
    let found = Item::get_many(db, ids).await.unwrap();
    assert_eq!(
        found.iter().map(|it| it.id().as_str()).collect::<Vec<_>>(),
        ids
    );
    let p = Item::fields();
    for id in ids {
        let one = Item::query(db)
            .filter(p.base.id.eq(id))
            .one()
            .await
            .unwrap();
        assert_eq!(one.id(), &id);
    }
    let mut in_order = ids;
    in_order.sort_unstable();
    let sorted = Item::query(db).ids().await.unwrap();
    assert_eq!(sorted.iter().map(Id::as_str).collect::<Vec<_>>(), in_order);
}

async fn the_same_script_works_on_db_and_tx(on: &TestDb) {
    async fn script(on: &dyn Executor) -> den::Result<()> {
        let mut it = note("script");
        it.save(on).await?;
        it.text = "changed".into();
        it.save(on).await?;
        assert_eq!(Note::find(on, it.id()).await?, it);
        assert_eq!(Note::get_many(on, [it.id()]).await?, [it.clone()]);
        assert_eq!(count::<Note>(on).await, 1);
        it.refresh(on).await?;
        it.replace(on).await?;
        it.delete(on).await?;
        assert_eq!(Note::get(on, it.id()).await?, None);
        Ok(())
    }
    let db = on.with::<(Note,)>().await;
    script(db).await.unwrap();
    db.transaction(async |tx| script(&tx).await).await.unwrap();
    assert_eq!(count::<Note>(db).await, 0);
}
