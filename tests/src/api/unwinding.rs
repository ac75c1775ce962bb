//! Queries with a row for each element of a list.

use den::{ErrorKind, field, prelude::*};
use serde_json::json;

use super::support::{Item, Line, given, item, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_row_for_each_element),
    case!(elements_and_documents_side_by_side),
    case!(elements_are_filtered),
    case!(elements_are_counted),
    case!(elements_are_grouped),
    case!(elements_with_fields),
    case!(different_elements),
    case!(untyped_elements),
    case!(what_is_no_list_has_no_elements),
    case!(in_a_transaction),
    case!(what_makes_no_sense_is_refused),
];

async fn given_tags(on: &TestDb) -> &Db {
    let it = |name: &str, n, tags: &[&str]| Item {
        n,
        tags: tags.iter().map(|it| (*it).to_owned()).collect(),
        ..item(name)
    };
    given(
        on,
        [
            it("a", 1, &["x", "y", "x"]),
            it("b", 2, &[]),
            it("c", 3, &["y"]),
        ],
    )
    .await
}

async fn a_row_for_each_element(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let rows: Vec<(String, String)> = Item::query(db)
        .unwind(p.tags)
        .select((p.name, tag))
        .all()
        .await
        .unwrap();
    let rows: Vec<String> = rows.into_iter().map(|(name, tag)| name + &tag).collect();
    assert_eq!(rows, ["ax", "ay", "ax", "cy"]);
    let window = Item::query(db)
        .unwind(p.tags)
        .select(tag)
        .skip(1)
        .limit(2)
        .all()
        .await;
    assert_eq!(window.unwrap(), ["y", "x"]);
}

async fn elements_and_documents_side_by_side(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let rows = Item::query(db)
        .unwind(p.tags)
        .select((
            tag.upper().concat(p.name).label("name"),
            (p.n * 2).label("n"),
        ))
        .json()
        .all()
        .await
        .unwrap();
    let row = |name: &str, n: i64| json!({"name": name, "n": n});
    assert_eq!(
        rows,
        [row("Xa", 2), row("Ya", 2), row("Xa", 2), row("Yc", 6)]
    );
}

async fn elements_are_filtered(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let query = || Item::query(db).unwind(p.tags);
    let names = query()
        .filter(tag.eq("y"))
        .select(p.name)
        .all()
        .await
        .unwrap();
    assert_eq!(names, ["a", "c"]);
    let names = query()
        .filter(tag.eq("y") & p.n.gt(1))
        .select(p.name)
        .all()
        .await
        .unwrap();
    assert_eq!(names, ["c"]);
    let names = query()
        .filter(!tag.eq("y"))
        .select(tag)
        .all()
        .await
        .unwrap();
    assert_eq!(names, ["x", "x"]);
}

async fn elements_are_counted(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let query = || Item::query(db).unwind(p.tags);
    assert_eq!(query().count().await.unwrap(), 4);
    assert_eq!(query().filter(tag.eq("x")).count().await.unwrap(), 2);
    assert!(query().filter(tag.eq("y")).exists().await.unwrap());
    assert!(!query().filter(tag.eq("z")).exists().await.unwrap());
    assert_eq!(query().count_distinct(tag).await.unwrap(), 2);
    assert_eq!(query().max(tag).await.unwrap().unwrap(), "y");
    assert_eq!(query().sum(p.n).await.unwrap(), 6);
}

async fn elements_are_grouped(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let groups = Item::query(db)
        .unwind(p.tags)
        .group_by(tag)
        .select((tag, den::count(), p.base.id.count_distinct(), p.n.sum()))
        .sort(den::count().asc())
        .sort(tag.desc())
        .all()
        .await
        .unwrap();
    assert_eq!(
        groups,
        [("y".to_owned(), 2, 2, 4), ("x".to_owned(), 2, 1, 2)]
    );
    let groups = Item::query(db)
        .unwind(p.tags)
        .group_by(tag)
        .select(tag)
        .having(tag.gt("x"));
    assert_eq!(groups.all().await.unwrap(), ["y"]);
}

async fn elements_with_fields(on: &TestDb) {
    let line = |sku: &str, count| Line {
        sku: sku.to_owned(),
        count,
    };
    let items = [
        Item {
            n: 10,
            lines: vec![line("s", 1), line("t", 2)],
            ..item("a")
        },
        Item {
            n: 20,
            lines: vec![line("s", 3)],
            ..item("b")
        },
    ];
    let db = given(on, items).await;
    let p = Item::fields();
    let line = p.lines.element();
    let groups = Item::query(db)
        .unwind(p.lines)
        .filter(line.count.lt(5))
        .group_by(line.sku)
        .select((line.sku, line.count.sum(), (line.count * p.n).sum()))
        .sort(line.count.sum().desc())
        .all()
        .await
        .unwrap();
    assert_eq!(groups, [("s".to_owned(), 4, 70), ("t".to_owned(), 2, 20)]);
}

async fn different_elements(on: &TestDb) {
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let tags = Item::query(db).unwind(p.tags).distinct(tag).await.unwrap();
    assert_eq!(tags, ["x", "y"]);
}

async fn untyped_elements(on: &TestDb) {
    let data = json!({"list": [{"k": 1}, {"k": 2}, 7, null]});
    let db = given(on, [Item { data, ..item("a") }]).await;
    let list = field("data.list");
    let rows = db
        .collection("items")
        .query()
        .unwind(list.clone())
        .select((list.element(), list.element().key("k") + 1))
        .all()
        .await
        .unwrap();
    assert_eq!(
        rows,
        [
            (json!({"k": 1}), json!(2)),
            (json!({"k": 2}), json!(3)),
            (json!(7), json!(null)),
            (json!(null), json!(null)),
        ]
    );
}

async fn what_is_no_list_has_no_elements(on: &TestDb) {
    let data = [json!({"a": 1}), json!("text"), json!(null), json!([])];
    let db = given(on, data.map(|data| Item { data, ..item("x") })).await;
    let rows = Item::query(db)
        .unwind(field("data"))
        .select(field("data").element())
        .all()
        .await;
    assert_eq!(rows.unwrap(), [] as [Json; 0]);
    assert_eq!(
        Item::query(db)
            .unwind(field("no.where"))
            .count()
            .await
            .unwrap(),
        0
    );
}

async fn in_a_transaction(on: &TestDb) {
    use futures_util::TryStreamExt;
    let db = given_tags(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let tags = db
        .transaction(async |tx| {
            let stream = Item::query(&tx).unwind(p.tags).select(tag).stream();
            stream.try_collect::<Vec<_>>().await
        })
        .await;
    assert_eq!(tags.unwrap(), ["x", "y", "x", "y"]);
}

async fn what_makes_no_sense_is_refused(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let tag = p.tags.element();
    let invalid = ErrorKind::InvalidQuery;
    let query = || Item::query(&db).unwind(p.tags);
    refused(query().all().await, invalid);
    refused(query().ids().await, invalid);
    refused(query().sort(p.n.asc()).select(tag).all().await, invalid);
    refused(
        query().select(tag).page(PageRequest::first(2)).await,
        invalid,
    );
    refused(Item::query(&db).select(tag).all().await, invalid);
    refused(Item::query(&db).filter(tag.eq("x")).all().await, invalid);
    refused(
        Item::query(&db).group_by(tag).select(tag).all().await,
        invalid,
    );
    refused(query().all_rows().delete().await, invalid);
    refused(query().filter(tag.eq("x")).delete().await, invalid);
    refused(Item::query(&db).unwind(field("")).count().await, invalid);
    refused(
        Item::query(&db).unwind(field("n") + 1).count().await,
        invalid,
    );
    refused(Item::query(&db).unwind(field("_id")).count().await, invalid);
    assert_eq!(recorder.calls().len(), 0);
}
