//! Selected values: tuples, structs, JSON; pages and streams of them.

use den::{ErrorKind, Projection, field, prelude::*, projection};
use futures_util::TryStreamExt;
use serde::Deserialize;
use serde_json::json;

use super::support::{
    Address, Item, Place, given, given_numbered, item, numbered, recorded, refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(one_value),
    case!(tuples),
    case!(tuples_of_twelve_and_of_tuples),
    case!(filters_and_whole_structs),
    case!(structs),
    case!(structs_without_a_document),
    case!(json_by_label),
    case!(rows_of_serde_by_label),
    case!(terminals),
    case!(pages_of_values),
    case!(streams_of_values),
    case!(a_list_of_values),
    case!(labels_are_asked_for),
    case!(what_does_not_read_is_corrupt),
    case!(only_the_values_travel),
    case!(marked_documents_stay_out),
];

async fn one_value(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    let p = Item::fields();
    let query = || Item::query(db).sort(p.n.desc());
    assert_eq!(
        query().select(p.name).all().await.unwrap(),
        ["i3", "i2", "i1"]
    );
    assert_eq!(query().select(p.n * 2).await.unwrap(), [6, 4, 2]);
    assert_eq!(
        query().select(p.category).all().await.unwrap(),
        [None, None, None]
    );
    assert_eq!(query().values(p.n + 1).await.unwrap(), [4, 3, 2]);
    assert_eq!(
        query()
            .select(den::value("x"))
            .limit(1)
            .all()
            .await
            .unwrap(),
        ["x"]
    );
    let ids = query().select(p.base.id).all().await.unwrap();
    assert_eq!(ids, query().ids().await.unwrap());
}

async fn tuples(on: &TestDb) {
    let category = Some("c".to_owned());
    let db = given(
        on,
        [
            Item {
                category,
                ..numbered(2)
            },
            numbered(1),
        ],
    )
    .await;
    let p = Item::fields();
    let rows: Vec<(String, f64, Option<String>)> = Item::query(db)
        .filter(p.n.gt(0))
        .sort(p.n.asc())
        .select((p.name, p.price * p.n, p.category))
        .all()
        .await
        .unwrap();
    assert_eq!(
        rows,
        [
            ("i1".to_owned(), 1.5, None),
            ("i2".to_owned(), 5.0, Some("c".to_owned()))
        ]
    );
}

async fn tuples_of_twelve_and_of_tuples(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let n = Item::fields().n;
    let twelve = (
        n,
        n + 1,
        n + 2,
        n + 3,
        n + 4,
        n + 5,
        n + 6,
        n + 7,
        n + 8,
        n + 9,
        n + 10,
        n + 11,
    );
    let row = Item::query(db).select(twelve).one().await.unwrap();
    assert_eq!(row, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    let nested = (n, (n + 1, n + 2), (n + 3,));
    let row = Item::query(db).select(nested).one().await.unwrap();
    assert_eq!(row, (1, (2, 3), (4,)));
}

async fn filters_and_whole_structs(on: &TestDb) {
    let address = Address {
        city: "Oslo".into(),
        ..Default::default()
    };
    let db = given(
        on,
        [Item {
            address: address.clone(),
            tags: vec!["a".into()],
            ..numbered(3)
        }],
    )
    .await;
    let p = Item::fields();
    let row: (bool, bool, i64, Vec<String>, Json) = Item::query(db)
        .select((
            p.n.gt(2),
            p.tags.contains("b"),
            p.tags.len().coalesce(0),
            p.tags,
            field("address"),
        ))
        .one()
        .await
        .unwrap();
    let expected = serde_json::to_value(&address).unwrap();
    assert_eq!(row, (true, false, 1, vec!["a".to_owned()], expected));
}

#[derive(Debug, PartialEq, Projection)]
#[den(document = Item)]
struct Card {
    name: String,
    #[den(path = "address.city")]
    city: String,
    #[den(path = "address.place.door")]
    door: Option<i64>,
    #[den(path = ["address", "zip code"])]
    zip: Option<String>,
    #[den(path = "price")]
    cost: Option<f64>,
    #[den(value = |p| p.price * p.n)]
    worth: f64,
    #[den(value = |p| p.n.gt(1))]
    several: bool,
    #[den(path = ["address"])]
    address: Address,
}

async fn structs(on: &TestDb) {
    let place = Place {
        floor: 2,
        door: Some(3),
    };
    let address = Address {
        city: "Oslo".into(),
        zip: Some("0150".into()),
        place,
    };
    let db = given(
        on,
        [
            Item {
                address: address.clone(),
                ..numbered(2)
            },
            numbered(1),
        ],
    )
    .await;
    let p = Item::fields();
    let cards = Item::query(db)
        .sort(p.n.desc())
        .project::<Card>()
        .all()
        .await
        .unwrap();
    let [first, second] = cards.as_slice() else {
        panic!("{cards:?}")
    };
    let expected = Card {
        name: "i2".into(),
        city: "Oslo".into(),
        door: Some(3),
        zip: Some("0150".into()),
        cost: Some(2.5),
        worth: 5.0,
        several: true,
        address,
    };
    assert_eq!(*first, expected);
    assert_eq!(
        (second.door, second.several, second.city.as_str()),
        (None, false, "")
    );
    // In a tuple, and as JSON by the names of its fields.
    let both = Item::query(db)
        .sort(p.n.desc())
        .select((p.n, projection::<_, Card>()));
    assert_eq!(both.first().await.unwrap().unwrap(), (2, expected));
    let json = Item::query(db)
        .sort(p.n.desc())
        .project::<Card>()
        .json()
        .first()
        .await;
    assert_eq!(json.unwrap().unwrap()["worth"], 5.0);
}

#[derive(Debug, PartialEq, Projection)]
struct Anything {
    name: String,
    #[den(path = "address.zip code")]
    zip: Option<String>,
    nothing: Option<i64>,
}

async fn structs_without_a_document(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let expected = Anything {
        name: "i1".into(),
        zip: None,
        nothing: None,
    };
    assert_eq!(
        Item::query(db).project::<Anything>().one().await.unwrap(),
        expected
    );
    let items = db.collection("items");
    assert_eq!(
        items.query().project::<Anything>().one().await.unwrap(),
        expected
    );
}

async fn json_by_label(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let p = Item::fields();
    let rows = Item::query(db)
        .sort(p.n.asc())
        .select((
            p.address.city,
            (p.n * 2).label("double"),
            p.category.label("a \"b\""),
        ))
        .json()
        .await
        .unwrap();
    assert_eq!(
        rows,
        [
            json!({"address.city": "", "double": 2, "a \"b\"": null}),
            json!({"address.city": "", "double": 4, "a \"b\"": null}),
        ]
    );
}

#[derive(Debug, PartialEq, Deserialize)]
struct Row {
    name: String,
    double: i64,
    #[serde(rename = "address.city")]
    city: String,
    #[serde(default)]
    nothing: bool,
}

async fn rows_of_serde_by_label(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let p = Item::fields();
    let query = Item::query(db).select(((p.n * 2).label("double"), p.address.city, p.name));
    let expected = Row {
        name: "i1".into(),
        double: 2,
        city: String::new(),
        nothing: false,
    };
    assert_eq!(query.clone().rows::<Row>().one().await.unwrap(), expected);
    let wrong = query
        .rows::<std::collections::BTreeMap<String, bool>>()
        .one()
        .await;
    refused(wrong, ErrorKind::Corrupt);
}

async fn terminals(on: &TestDb) {
    let db = given_numbered(on, 4).await;
    let p = Item::fields();
    let query = || {
        Item::query(db)
            .select((p.name, p.n))
            .sort(p.n.desc())
            .filter(p.n.lt(4))
    };
    assert_eq!(query().first().await.unwrap(), Some(("i3".to_owned(), 3)));
    assert_eq!(
        query().skip(1).limit(1).all().await.unwrap(),
        [("i2".to_owned(), 2)]
    );
    assert_eq!(query().count().await.unwrap(), 3);
    refused(query().one().await, ErrorKind::MultipleMatches);
    refused(query().filter(p.n.gt(9)).one().await, ErrorKind::NotFound);
    assert_eq!(query().filter(p.n.gt(9)).first().await.unwrap(), None);
    refused(query().limit(0).all().await, ErrorKind::InvalidQuery);
}

async fn pages_of_values(on: &TestDb) {
    let db = given_numbered(on, 7).await;
    let p = Item::fields();
    // The order is by what is not selected.
    let query = || Item::query(db).sort((p.n * -1).asc()).select(p.name);
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let request = PageRequest::first(3).after_opt(token).with_total();
        let page = query().page(request).await.unwrap();
        assert_eq!(page.total, Some(7));
        pages.push(page.items.join(" "));
        token = page.next;
        if token.is_none() {
            let request = PageRequest::first(3).before(page.prev.unwrap());
            let before = query().page(request).await.unwrap();
            assert_eq!(before.items.join(" "), "i4 i3 i2");
            break;
        }
    }
    assert_eq!(pages, ["i7 i6 i5", "i4 i3 i2", "i1"]);
}

async fn streams_of_values(on: &TestDb) {
    let db = on.with::<(Item,)>().await;
    let mut items: Vec<Item> = (0..1200).map(numbered).collect();
    Item::insert_many(db, &mut items).await.unwrap();
    let p = Item::fields();
    let expected: Vec<i64> = (0..1200).rev().collect();
    let rows = Item::query(db).sort(p.price.desc()).select(p.n).stream();
    assert_eq!(rows.try_collect::<Vec<_>>().await.unwrap(), expected);
    // Page by page in a transaction, with other calls in between.
    let rows = db
        .transaction(async |tx| {
            let mut rows = Item::query(&tx).sort(p.price.desc()).select(p.n).stream();
            let mut all = Vec::new();
            while let Some(n) = rows.try_next().await? {
                if n % 500 == 0 {
                    Item::query(&tx).filter(p.n.eq(n)).one().await?;
                }
                all.push(n);
            }
            Ok::<_, Error>(all)
        })
        .await;
    assert_eq!(rows.unwrap(), expected);
}

async fn a_list_of_values(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    let paths = ["name", "n", "nothing"];
    let row = Item::query(db)
        .sort(Item::fields().n.desc())
        .select(paths.map(field).to_vec())
        .first()
        .await;
    assert_eq!(row.unwrap().unwrap(), [json!("i2"), json!(2), json!(null)]);
    let none = Item::query(db)
        .select(Vec::<den::Untyped>::new())
        .all()
        .await;
    refused(none, ErrorKind::InvalidQuery);
}

async fn labels_are_asked_for(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let query = || Item::query(&db);
    let unlabelled = query().select((p.name, p.n * 2)).json().all().await;
    let error = refused(unlabelled, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("selected value 2"), "{error}");
    let twice = query()
        .select((p.name, p.n.label("name")))
        .rows::<Row>()
        .all()
        .await;
    let error = refused(twice, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("`name`"), "{error}");
    let empty = query().select(p.name.label("")).json().all().await;
    refused(empty, ErrorKind::InvalidQuery);
    let stream = query().select(p.n * 2).json().stream();
    refused(
        stream.try_collect::<Vec<_>>().await,
        ErrorKind::InvalidQuery,
    );
    assert_eq!(recorder.calls().len(), 0);
    // Without names no labels are needed.
    query()
        .select((p.name, p.name, p.n * 2))
        .all()
        .await
        .unwrap();
}

async fn what_does_not_read_is_corrupt(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let id = db
        .collection("items")
        .insert(json!({"name": "half", "n": "x"}))
        .await
        .unwrap();
    let p = Item::fields();
    let query = || Item::query(db).filter(p.name.eq("half"));
    let error = refused(
        query().select((p.name, p.n)).all().await,
        ErrorKind::Corrupt,
    );
    assert_eq!(error.id(), Some(id.as_str()));
    assert_eq!(error.collection(), Some("items"));
    assert!(error.to_string().contains("`n`"), "{error}");
    // Null for what is required, as arithmetic on text is.
    refused(query().values(p.n + 1).await, ErrorKind::Corrupt);
    refused(query().values(p.price).await, ErrorKind::Corrupt);
    assert_eq!(query().values((p.n + 1).coalesce(0)).await.unwrap(), [0]);
    assert_eq!(query().values((p.n + 1).nullable()).await.unwrap(), [None]);
}

async fn only_the_values_travel(on: &TestDb) {
    given(on, [item("x")]).await;
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let query = || Item::query(&db).select((p.name, p.n * 2));
    query().all().await.unwrap();
    assert_eq!(recorder.calls().len(), 1);
    // The rest of the document is not even read: it may be no item at all.
    let broken = json!({"name": "y", "n": 1, "price": "none"});
    db.collection("items").insert(broken).await.unwrap();
    refused(Item::query(&db).all().await, ErrorKind::Corrupt);
    assert_eq!(
        query().all().await.unwrap(),
        [("x".to_owned(), 0), ("y".to_owned(), 2)]
    );
    if db.backend_name() != "memory" {
        let statement = query().to_sql().await.unwrap().statement;
        assert!(statement.contains("name"), "{statement}");
    }
}

async fn marked_documents_stay_out(on: &TestDb) {
    #[derive(Debug, Clone, Default, serde::Serialize, Deserialize, Document)]
    #[den(collection = "pages")]
    struct Note {
        #[serde(flatten)]
        base: Base<Note>,
        #[serde(flatten)]
        deletion: SoftDelete,
        text: String,
        tags: Vec<String>,
    }
    let db = on.with::<(Note,)>().await;
    for text in ["kept", "gone"] {
        let tags = vec!["t".to_owned()];
        let mut note = Note {
            text: text.into(),
            tags,
            ..Default::default()
        };
        note.insert(db).await.unwrap();
        if text == "gone" {
            note.delete(db).await.unwrap();
        }
    }
    let n = Note::fields();
    let query = || Note::query(db);
    assert_eq!(query().select(n.text).all().await.unwrap(), ["kept"]);
    assert_eq!(query().distinct(n.text).await.unwrap(), ["kept"]);
    assert_eq!(query().count_distinct(n.text).await.unwrap(), 1);
    assert_eq!(query().aggregate(den::count()).await.unwrap(), 1);
    assert_eq!(query().distinct_by(n.text).all().await.unwrap().len(), 1);
    assert_eq!(query().unwind(n.tags).count().await.unwrap(), 1);
    let tag = n.tags.element();
    let tags = query()
        .unwind(n.tags)
        .group_by(tag)
        .select((tag, den::count()));
    assert_eq!(tags.all().await.unwrap(), [("t".to_owned(), 1)]);
    assert_eq!(
        query().with_deleted().max(n.text).await.unwrap().unwrap(),
        "kept"
    );
    assert_eq!(
        query()
            .with_deleted()
            .aggregate(den::count())
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        query().only_deleted().select(n.text).all().await.unwrap(),
        ["gone"]
    );
    refused(
        given(on, [])
            .await
            .clone()
            .collection("_den_x")
            .query()
            .select(field("x"))
            .all()
            .await,
        ErrorKind::NotRegistered,
    );
}
