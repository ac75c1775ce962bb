//! Links that lead nowhere, or to very much.

use std::time::{Duration, Instant};

use den::{ErrorKind, prelude::*};
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    linked::{
        All, Country, Line, Maker, Product, Tag, calls, given_product, maker, product, recorded,
        stored, tag,
    },
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_dangling_link_is_an_error_that_names_it),
    case!(a_dangling_link_is_left_on_request),
    case!(ids_that_no_document_can_have_dangle),
    case!(an_unregistered_target_is_named),
    case!(a_target_that_cannot_be_read_is_named),
    case!(more_ids_than_an_engine_has_parameters),
    case!(streams_load_links_in_chunks),
    case!(a_stream_ends_at_a_dangling_link),
    case!(links_in_a_transaction_see_its_writes),
    case!(a_marked_target_is_loaded),
    case!(after_load_of_a_target_sees_its_links),
    case!(many_callers_share_few_connections, except: [SqliteMemory]),
];

async fn a_dangling_link_is_an_error_that_names_it(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut cart = given_product(db).await;
    cart.lines.push(Line {
        part: Link::to_id("gone"),
        count: 1,
    });
    cart.save(db).await.unwrap();
    let check = |error: Error| {
        assert_eq!(
            (error.collection(), error.id()),
            (Some("products"), Some("gone"))
        );
        assert_eq!(
            error.to_string(),
            "`lines.part` links to a document that is not there: products/gone"
        );
    };
    let query = || Product::query(db).with_links(|p| p.lines);
    check(refused(query().all().await, ErrorKind::DanglingLink));
    check(refused(
        query().all_with_count().await,
        ErrorKind::DanglingLink,
    ));
    let stream = query().stream().try_collect::<Vec<_>>().await;
    check(refused(stream, ErrorKind::DanglingLink));
    let before = cart.clone();
    check(refused(cart.fetch_links(db).await, ErrorKind::DanglingLink));
    assert_eq!(cart, before);
    assert!(!cart.maker.is_loaded());
}

async fn a_dangling_link_is_left_on_request(on: &TestDb) {
    let db = on.with::<All>().await;
    let red = stored(db, tag("red")).await;
    let it = Product {
        tags: vec![Link::to_id("gone"), Link::to(&red)],
        ..product("a")
    };
    stored(db, it).await;
    let found = Product::query(db)
        .with_links(|p| p.tags)
        .allow_dangling()
        .one()
        .await
        .unwrap();
    assert!(!found.tags[0].is_loaded());
    assert_eq!(found.tags[0].id().as_str(), "gone");
    assert_eq!(found.tags[1].get().unwrap().name, "red");
}

async fn ids_that_no_document_can_have_dangle(on: &TestDb) {
    let db = on.with::<All>().await;
    let error = refused(
        Link::<Maker>::to_id("a\nb").fetch(db).await,
        ErrorKind::DanglingLink,
    );
    assert_eq!(error.id(), Some("a\nb"));
}

async fn an_unregistered_target_is_named(on: &TestDb) {
    let db = on.with::<(Product, Country, Tag)>().await;
    let it = Product {
        maker: Link::to_id("m1"),
        ..product("a")
    };
    stored(db, it).await;
    // Without loading links there is nothing to miss.
    Product::query(db).all().await.unwrap();
    let outcome = Product::query(db).with_links(|p| p.maker).all().await;
    let error = refused(outcome, ErrorKind::NotRegistered);
    assert_eq!(error.collection(), Some("makers"));
    assert!(error.to_string().contains("Maker"), "{error}");
    refused(
        Link::<Maker>::to_id("m1").fetch(db).await,
        ErrorKind::NotRegistered,
    );
}

async fn a_target_that_cannot_be_read_is_named(on: &TestDb) {
    let db = on.with::<All>().await;
    on.plant("tags", "t1", &json!({"_id": "t1", "name": 5}))
        .await;
    let it = Product {
        tags: vec![Link::to_id("t1")],
        ..product("a")
    };
    stored(db, it).await;
    let outcome = Product::query(db).with_links(|p| p.tags).all().await;
    let error = refused(outcome, ErrorKind::Corrupt);
    assert_eq!((error.collection(), error.id()), (Some("tags"), Some("t1")));
}

async fn more_ids_than_an_engine_has_parameters(on: &TestDb) {
    const COUNT: usize = 70_000;
    let (db, recorder) = recorded::<All>(on).await;
    let mut tags: Vec<Tag> = (0..COUNT).map(|n| tag(&n.to_string())).collect();
    Tag::insert_many(&db, &mut tags).await.unwrap();
    let it = Product {
        tags: tags.iter().map(Link::to).collect(),
        ..product("all")
    };
    stored(&db, it).await;
    calls(&recorder);
    let found = Product::query(&db).with_links(|p| p.tags).one().await;
    let found = found.unwrap();
    assert_eq!(calls(&recorder), ["query products", "get_many tags"]);
    assert_eq!(found.tags.len(), COUNT);
    for (link, tag) in found.tags.iter().zip(&tags) {
        assert_eq!(link.get(), Some(tag));
    }
}

async fn streams_load_links_in_chunks(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let mut tags: Vec<Tag> = (0..40).map(|n| tag(&n.to_string())).collect();
    Tag::insert_many(&db, &mut tags).await.unwrap();
    let mut products: Vec<Product> = (0..1000)
        .map(|n| Product {
            tags: vec![Link::to(&tags[n % 40])],
            ..product(&n.to_string())
        })
        .collect();
    Product::insert_many(&db, &mut products).await.unwrap();
    calls(&recorder);
    let found: Vec<Product> = Product::query(&db)
        .with_links(|p| p.tags)
        .stream()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(found.len(), 1000);
    for (n, it) in found.iter().enumerate() {
        assert_eq!(it.name, n.to_string());
        assert_eq!(it.tags[0].get().unwrap().name, (n % 40).to_string());
    }
    let made = calls(&recorder);
    assert!(made.len() < 12, "{made:?}");
    let found: Vec<Product> = db
        .transaction(async |tx| {
            let stream = Product::query(&tx).with_links(|p| p.tags).stream();
            stream.try_collect().await
        })
        .await
        .unwrap();
    assert!(found.iter().all(|it| it.tags[0].is_loaded()));
    let made = calls(&recorder);
    assert!(made.len() < 14, "{made:?}");
}

async fn a_stream_ends_at_a_dangling_link(on: &TestDb) {
    let db = on.with::<All>().await;
    for _ in 0..3 {
        let it = Product {
            maker: Link::to_id("gone"),
            ..product("a")
        };
        stored(db, it).await;
    }
    let mut stream = Product::query(db).with_links(|p| p.maker).stream();
    refused(stream.try_next().await, ErrorKind::DanglingLink);
    assert!(stream.try_next().await.unwrap().is_none());
}

async fn links_in_a_transaction_see_its_writes(on: &TestDb) {
    let db = on.with::<All>().await;
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            let acme = stored(&tx, maker("Acme")).await;
            let it = Product {
                maker: Link::to(&acme),
                ..product("a")
            };
            stored(&tx, it).await;
            let mut found = Product::query(&tx).with_links(|p| p.maker).one().await?;
            assert_eq!(found.maker.get().unwrap().name, "Acme");
            let streamed: Vec<Product> = Product::query(&tx)
                .with_links(|p| p.maker)
                .stream()
                .try_collect()
                .await?;
            assert!(streamed[0].maker.is_loaded());
            found.maker.unload();
            found.maker.fetch(&tx).await?;
            Err(Error::custom("back"))
        })
        .await;
    refused(outcome, ErrorKind::Hook);
    assert_eq!(super::support::count::<Maker>(db).await, 0);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "marked")]
struct Marked {
    #[serde(flatten)]
    base: Base<Marked>,
    #[serde(flatten)]
    deletion: SoftDelete,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "marks")]
struct Marks {
    #[serde(flatten)]
    base: Base<Marks>,
    #[den(eager)]
    marked: Link<Marked>,
}

async fn a_marked_target_is_loaded(on: &TestDb) {
    let db = on.with::<(Marked, Marks)>().await;
    let mut target = stored(db, Marked::default()).await;
    let it = Marks {
        marked: Link::to(&target),
        ..Default::default()
    };
    stored(db, it).await;
    target.delete(db).await.unwrap();
    let found = Marks::query(db).one().await.unwrap();
    assert!(found.marked.get().unwrap().deletion.is_deleted());
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "loud", hooks)]
struct Loud {
    #[serde(flatten)]
    base: Base<Loud>,
    name: String,
    #[den(eager)]
    next: Option<Link<Loud>>,
    #[serde(skip)]
    seen: Option<String>,
}

impl Hooks for Loud {
    async fn after_load(&mut self, _cx: &HookContext) -> den::Result<()> {
        let next = self.next.as_ref().and_then(Link::get);
        let below = next.map_or("-", |it| it.seen.as_deref().unwrap_or("?"));
        self.seen = Some(format!("{}{below}", self.name));
        Ok(())
    }
}

async fn after_load_of_a_target_sees_its_links(on: &TestDb) {
    let db = on.with::<Loud>().await;
    let mut next: Option<Loud> = None;
    for name in ["c", "b", "a"] {
        let it = Loud {
            name: name.into(),
            next: next.as_ref().map(Link::to),
            ..Default::default()
        };
        next = Some(stored(db, it).await);
    }
    let a = next.unwrap();
    let found = Loud::find(db, a.id()).await.unwrap();
    assert_eq!(found.seen.as_deref(), Some("abc-"));
    let mut link = Link::to(&a);
    assert_eq!(link.fetch(db).await.unwrap().seen.as_deref(), Some("abc-"));
}

async fn many_callers_share_few_connections(on: &TestDb) {
    let Some(db) = few_connections(on).await else {
        return;
    };
    for _ in 0..10 {
        given_product(&db).await;
    }
    let begun = Instant::now();
    let callers = (0..4).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            let query = Product::query(&db).with_all_links().link_depth(1);
            query.all_with_count().await
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        let (found, total) = caller.await.unwrap().unwrap();
        assert_eq!((found.len(), total), (20, 20));
        assert!(found.iter().all(|it| it.maker.is_loaded()));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    db.close().await.unwrap();
}

async fn few_connections(on: &TestDb) -> Option<Db> {
    let db = Db::builder()
        .url(on.url())
        .max_connections(2)
        .register::<All>()
        .open()
        .await;
    Some(db.unwrap())
}
