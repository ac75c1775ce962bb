//! How many calls of the database an operation makes, and which.

use den::{DeleteOptions, SaveOptions, prelude::*, testing::Recorder};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::linked::{
    All, Country, Eager, Maker, Node, Product, Store, calls, country, maker, product, recorded,
    stored, tag,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(plain_writes_are_one_call),
    case!(hooks_cost_a_transaction),
    case!(saving_links_adds_one_call_for_each),
    case!(plain_deletes_are_one_call),
    case!(marks_are_one_call),
    case!(changes_are_one_call),
    case!(plain_deletes_of_queries_are_one_call),
    case!(plain_updates_are_one_call),
    case!(hooked_updates_cost_a_transaction),
    case!(a_rule_costs_one_question),
    case!(reads_without_links_are_one_call),
    case!(eager_links_are_one_call_more),
    case!(many_parents_cost_no_more_than_one),
    case!(each_level_is_one_call_for_each_type),
    case!(streams_load_links_in_chunks),
    case!(a_filter_through_a_link_is_one_call),
];

/// Nothing follows from its writes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "plain")]
struct Plain {
    #[serde(flatten)]
    base: Base<Plain>,
    n: i64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "hooked", hooks)]
struct Hooked {
    #[serde(flatten)]
    base: Base<Hooked>,
    n: i64,
}

impl Hooks for Hooked {}

/// Is marked as deleted, and remembers what is stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "soft", revision)]
struct Soft {
    #[serde(flatten)]
    base: Base<Soft>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[serde(skip)]
    tracked: Tracked,
    n: i64,
}

/// May not be deleted while something in `plain` links to it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "wards")]
struct Ward {
    #[serde(flatten)]
    base: Base<Ward>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "guards")]
struct Guard {
    #[serde(flatten)]
    base: Base<Guard>,
    #[den(index, on_delete = "restrict")]
    ward: Option<Link<Ward>>,
}

type Types = (Plain, Hooked, Soft, Ward, Guard);

/// All calls so far, as text.
fn all(recorder: &Recorder) -> Vec<String> {
    let calls = recorder.take();
    calls.iter().map(ToString::to_string).collect()
}

async fn plain_writes_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = Plain::default();
    it.insert(&db).await.unwrap();
    assert_eq!(all(&recorder), ["put plain"]);
    it.save(&db).await.unwrap();
    assert_eq!(all(&recorder), ["put plain"]);
    it.update(&db).await.unwrap();
    assert_eq!(all(&recorder), ["put plain"]);
    let mut many = vec![Plain::default(); 50];
    Plain::save_all(&db, &mut many).await.unwrap();
    assert_eq!(all(&recorder), ["put_many plain"]);
    // A link costs nothing, a rule neither.
    let mut guard = Guard::default();
    guard
        .save_with(&db, SaveOptions::new().with_links())
        .await
        .unwrap();
    recorder.clear();
    guard.save(&db).await.unwrap();
    assert_eq!(all(&recorder), ["put guards"]);
    Soft::default().save(&db).await.unwrap();
    assert_eq!(all(&recorder), ["put soft"]);
}

async fn hooks_cost_a_transaction(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = Hooked::default();
    it.save(&db).await.unwrap();
    assert_eq!(all(&recorder), ["begin", "tx put hooked", "tx commit"]);
    let mut two = [Hooked::default(), Hooked::default()];
    Hooked::save_all(&db, &mut two).await.unwrap();
    let expected = ["begin", "tx put hooked", "tx put hooked", "tx commit"];
    assert_eq!(all(&recorder), expected);
    it.delete(&db).await.unwrap();
    assert_eq!(all(&recorder), ["begin", "tx delete hooked", "tx commit"]);
    let tx = db.begin().await.unwrap();
    recorder.clear();
    two[0].save(&tx).await.unwrap();
    assert_eq!(
        all(&recorder),
        ["tx savepoint", "tx put hooked", "tx release"]
    );
    tx.commit().await.unwrap();
}

async fn saving_links_adds_one_call_for_each(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = Guard {
        ward: Some(Link::new(Ward::default())),
        ..Guard::default()
    };
    let options = || SaveOptions::new().with_links();
    it.save_with(&db, options()).await.unwrap();
    let expected = ["begin", "tx put wards", "tx put guards", "tx commit"];
    assert_eq!(all(&recorder), expected);
    it.save_with(&db, options()).await.unwrap();
    assert_eq!(all(&recorder), ["begin", "tx put guards", "tx commit"]);
}

async fn plain_deletes_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = stored(&db, Plain::default()).await;
    recorder.clear();
    it.delete(&db).await.unwrap();
    assert_eq!(all(&recorder), ["delete plain"]);
    let mut it = stored(&db, Soft::default()).await;
    recorder.clear();
    it.delete_with(&db, DeleteOptions::new().hard())
        .await
        .unwrap();
    assert_eq!(all(&recorder), ["delete soft"]);
}

async fn marks_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = stored(&db, Soft::default()).await;
    recorder.clear();
    it.delete(&db).await.unwrap();
    assert_eq!(all(&recorder), ["update soft"]);
    it.restore(&db).await.unwrap();
    assert_eq!(all(&recorder), ["update soft"]);
}

async fn changes_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = stored(&db, Soft::default()).await;
    recorder.clear();
    assert!(!it.save_changes(&db).await.unwrap());
    it.n = 5;
    assert!(it.is_changed().unwrap());
    assert!(all(&recorder).is_empty());
    assert!(it.save_changes(&db).await.unwrap());
    assert_eq!(all(&recorder), ["update soft"]);
}

async fn plain_deletes_of_queries_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    Soft::insert_many(&db, &mut vec![Soft::default(); 20])
        .await
        .unwrap();
    Plain::insert_many(&db, &mut vec![Plain::default(); 20])
        .await
        .unwrap();
    recorder.clear();
    let count = Soft::query(&db).all_rows().delete().await.unwrap();
    assert_eq!(
        (count, all(&recorder)),
        (20, vec!["update soft".to_owned()])
    );
    let count = Soft::query(&db).all_rows().restore().await.unwrap();
    assert_eq!(
        (count, all(&recorder)),
        (20, vec!["update soft".to_owned()])
    );
    let hard = DeleteOptions::new().hard();
    Soft::query(&db).all_rows().delete_with(hard).await.unwrap();
    assert_eq!(all(&recorder), ["delete_matching soft"]);
    Plain::query(&db).all_rows().delete().await.unwrap();
    assert_eq!(all(&recorder), ["delete_matching plain"]);
    Hooked::insert_many(&db, &mut vec![Hooked::default(); 20])
        .await
        .unwrap();
    recorder.clear();
    let query = Hooked::query(&db).all_rows().without_hooks();
    query.delete().await.unwrap();
    assert_eq!(all(&recorder), ["delete_matching hooked"]);
}

async fn plain_updates_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    Soft::insert_many(&db, &mut vec![Soft::default(); 20])
        .await
        .unwrap();
    recorder.clear();
    let s = Soft::fields();
    let update = || Soft::query(&db).all_rows().update().inc(s.n, 1);
    assert_eq!(update().await.unwrap(), 20);
    assert_eq!(all(&recorder), ["update soft"]);
    // What comes back is read before it is there for good.
    let with_answer = ["begin", "tx update soft", "tx commit"];
    assert_eq!(update().returning().await.unwrap().len(), 20);
    assert_eq!(all(&recorder), with_answer);
    assert_eq!(update().returning_old().await.unwrap().len(), 20);
    assert_eq!(all(&recorder), with_answer);
    let query = Soft::query(&db).filter(s.n.eq(3));
    assert_eq!(query.claim(5).inc(s.n, 1).await.unwrap().len(), 5);
    assert_eq!(all(&recorder), with_answer);
    let untyped = db.collection("soft").query().all_rows().update();
    assert_eq!(untyped.inc(field("n"), 1).await.unwrap(), 20);
    assert_eq!(all(&recorder), ["update soft"]);
    let query = Hooked::query(&db).all_rows().without_hooks();
    query.update().inc(Hooked::fields().n, 1).await.unwrap();
    assert_eq!(all(&recorder), ["update hooked"]);
}

async fn hooked_updates_cost_a_transaction(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    Hooked::insert_many(&db, &mut vec![Hooked::default(); 2])
        .await
        .unwrap();
    recorder.clear();
    let update = Hooked::query(&db).all_rows().update();
    assert_eq!(update.inc(Hooked::fields().n, 1).await.unwrap(), 2);
    let expected = [
        "begin",
        "tx query hooked",
        "tx get_many hooked",
        "tx put hooked",
        "tx get hooked",
        "tx put hooked",
        "tx commit",
    ];
    assert_eq!(all(&recorder), expected);
}

async fn a_rule_costs_one_question(on: &TestDb) {
    let (db, recorder) = recorded::<Types>(on).await;
    let mut it = stored(&db, Ward::default()).await;
    recorder.clear();
    it.delete(&db).await.unwrap();
    let expected = ["begin", "tx delete wards", "tx query guards", "tx commit"];
    assert_eq!(all(&recorder), expected);
    // However many documents are deleted.
    let mut many = vec![Ward::default(); 30];
    Ward::insert_many(&db, &mut many).await.unwrap();
    recorder.clear();
    Ward::delete_all(&db, &mut many).await.unwrap();
    let made = all(&recorder);
    let questions = made.iter().filter(|it| it.contains("guards")).count();
    assert_eq!((questions, made.len()), (1, 33), "{made:?}");
}

async fn reads_without_links_are_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let acme = stored(&db, maker("Acme")).await;
    recorder.clear();
    // Its eager link is empty.
    Maker::find(&db, acme.id()).await.unwrap();
    assert_eq!(all(&recorder), ["get makers"]);
    Maker::query(&db).all().await.unwrap();
    assert_eq!(all(&recorder), ["query makers"]);
}

/// Acme of Norway, and products of it.
async fn given_products(db: &Db, count: usize) -> Vec<Product> {
    let mut products = Vec::new();
    for n in 0..3 {
        let land = stored(db, country(&format!("c{n}"))).await;
        let acme = Maker {
            country: Some(Link::to(&land)),
            ..maker(&format!("m{n}"))
        };
        let acme = stored(db, acme).await;
        products.push(Product {
            maker: Link::to(&acme),
            origin: Some(Link::to(&land)),
            store: Store {
                owner: Some(Link::to(&acme)),
                ..Store::default()
            },
            ..product("x")
        });
    }
    let mut products: Vec<Product> = products.into_iter().cycle().take(count).collect();
    Product::insert_many(db, &mut products).await.unwrap();
    products
}

async fn eager_links_are_one_call_more(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let products = given_products(&db, 1).await;
    recorder.clear();
    let found = Product::find(&db, products[0].id()).await.unwrap();
    assert!(found.origin.unwrap().is_loaded());
    assert_eq!(all(&recorder), ["get products", "get_many countries"]);
    Product::query(&db).without_links().all().await.unwrap();
    assert_eq!(all(&recorder), ["query products"]);
}

async fn many_parents_cost_no_more_than_one(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given_products(&db, 20).await;
    recorder.clear();
    let query = Product::query(&db).with_links(|p| (p.maker, p.origin, p.store.owner));
    let found = query.link_depth(1).all().await.unwrap();
    assert_eq!(found.len(), 20);
    assert!(found.iter().all(|it| it.maker.is_loaded()));
    let mut made = calls(&recorder);
    made.sort_unstable();
    let expected = ["get_many countries", "get_many makers", "query products"];
    assert_eq!(made, expected);
}

async fn each_level_is_one_call_for_each_type(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given_products(&db, 20).await;
    recorder.clear();
    // The makers' countries are eager: a second level.
    Product::query(&db)
        .with_links(|p| p.maker)
        .without_links()
        .all()
        .await
        .unwrap();
    assert_eq!(calls(&recorder), ["query products"]);
    let found = Product::query(&db)
        .with_links(|p| p.maker)
        .all()
        .await
        .unwrap();
    let maker = found[0].maker.get().unwrap();
    assert!(maker.country.as_ref().unwrap().is_loaded());
    let made = calls(&recorder);
    let countries = made.iter().filter(|it| it.ends_with("countries")).count();
    let makers = made.iter().filter(|it| it.ends_with("makers")).count();
    assert_eq!((makers, made.len()), (1, 2 + countries), "{made:?}");
    assert!(countries <= 2, "{made:?}");
    // A chain: one call for each level, up to the depth.
    let mut last = stored(&db, Node::default()).await;
    for _ in 0..6 {
        let next = Node {
            next: Some(Link::to(&last)),
            ..Node::default()
        };
        last = stored(&db, next).await;
    }
    recorder.clear();
    Node::find(&db, last.id()).await.unwrap();
    let three = vec!["get_many nodes"; 3];
    assert_eq!(calls(&recorder), [vec!["get nodes"], three].concat());
    let of_last = |db: &Db| Node::query(db).filter(Node::fields().base.id.eq(last.id()));
    of_last(&db).link_depth(5).all().await.unwrap();
    assert_eq!(calls(&recorder).len(), 6);
}

async fn streams_load_links_in_chunks(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let acme = stored(&db, maker("Acme")).await;
    let red = stored(&db, tag("red")).await;
    let one = Eager {
        maker: Link::to(&acme),
        tags: vec![Link::to(&red)],
        ..Eager::default()
    };
    Eager::insert_many(&db, &mut vec![one; 1000]).await.unwrap();
    recorder.clear();
    let mut rows = Eager::query(&db).stream();
    let mut count = 0;
    while let Some(it) = rows.try_next().await.unwrap() {
        assert!(it.maker.is_loaded() && it.tags[0].is_loaded());
        count += 1;
    }
    assert_eq!(count, 1000);
    let made = calls(&recorder);
    for target in ["makers", "tags"] {
        let loads = made
            .iter()
            .filter(|it| **it == format!("get_many {target}"));
        // At most 256 rows at a time.
        let loads = loads.count();
        assert!((1..=4).contains(&loads), "{loads} of {target}: {made:?}");
    }
    let reads = made.iter().filter(|it| it.contains("query eagers")).count();
    assert!(reads <= 5, "{made:?}");
}

async fn a_filter_through_a_link_is_one_call(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given_products(&db, 20).await;
    recorder.clear();
    let filter = Product::fields()
        .maker
        .matches(Maker::fields().name.eq("m1"));
    let count = Product::query(&db).filter(filter).count().await.unwrap();
    assert_eq!(count, 7);
    assert_eq!(calls(&recorder), ["count products"]);
    let land = Country::query(&db).first().await.unwrap().unwrap();
    let linking = Product::query(&db).linking_to(Product::fields().origin, land.id());
    recorder.clear();
    linking.count().await.unwrap();
    assert_eq!(calls(&recorder), ["count products"]);
}
