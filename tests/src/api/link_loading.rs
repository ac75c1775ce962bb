//! Links that are loaded with the documents of a query.

use std::sync::Arc;

use den::{ErrorKind, PageRequest, prelude::*};
use futures_util::TryStreamExt;

use super::{
    linked::{
        All, Eager, Maker, Node, Product, Tag, calls, country, given_product, maker, product,
        recorded, stored, tag,
    },
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(eager_links_are_loaded_by_every_read),
    case!(without_links_nothing_is_loaded),
    case!(named_links_are_loaded_besides_eager_ones),
    case!(links_in_embedded_structs_are_loaded),
    case!(all_links_are_loaded_on_request),
    case!(a_field_without_links_is_refused),
    case!(every_terminal_loads_named_links),
    case!(one_call_per_target_and_level),
    case!(loaded_documents_are_shared),
    case!(eager_links_go_three_levels_deep),
    case!(depth_is_limited_on_request),
    case!(cycles_end),
];

async fn given_eager(db: &Db) -> Eager {
    let cart = given_product(db).await;
    let it = Eager {
        maker: cart.maker,
        tags: cart.tags,
        lazy: Some(Link::to(&stored(db, tag("lazy")).await)),
        ..Default::default()
    };
    stored(db, it).await
}

#[track_caller]
fn is_loaded_eagerly(it: &Eager) {
    let acme = it.maker.get().expect("the maker is loaded");
    assert_eq!(acme.name, "Acme");
    assert!(acme.country.as_ref().unwrap().is_loaded());
    assert_eq!(it.tags[0].get().expect("the tags are loaded").name, "red");
    assert!(!it.lazy.as_ref().unwrap().is_loaded());
}

async fn eager_links_are_loaded_by_every_read(on: &TestDb) {
    let db = on.with::<All>().await;
    let it = given_eager(db).await;
    let query = || Eager::query(db);
    is_loaded_eagerly(&query().all().await.unwrap()[0]);
    is_loaded_eagerly(&query().await.unwrap()[0]);
    is_loaded_eagerly(&query().first().await.unwrap().unwrap());
    is_loaded_eagerly(&query().one().await.unwrap());
    is_loaded_eagerly(&query().all_with_count().await.unwrap().0[0]);
    let page = query().page(PageRequest::first(5)).await.unwrap();
    is_loaded_eagerly(&page.items[0]);
    let streamed: Vec<Eager> = query().stream().try_collect().await.unwrap();
    is_loaded_eagerly(&streamed[0]);
    is_loaded_eagerly(&Eager::get(db, it.id()).await.unwrap().unwrap());
    is_loaded_eagerly(&Eager::find(db, it.id()).await.unwrap());
    is_loaded_eagerly(&Eager::get_many(db, [it.id()]).await.unwrap()[0]);
    let mut again = it.clone();
    again.refresh(db).await.unwrap();
    is_loaded_eagerly(&again);
    let outcome: den::Result<()> = db
        .transaction(async |tx| {
            is_loaded_eagerly(&Eager::query(&tx).all().await?[0]);
            is_loaded_eagerly(&Eager::find(&tx, it.id()).await?);
            let streamed: Vec<Eager> = Eager::query(&tx).stream().try_collect().await?;
            is_loaded_eagerly(&streamed[0]);
            Ok(())
        })
        .await;
    outcome.unwrap();
}

async fn without_links_nothing_is_loaded(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given_eager(&db).await;
    calls(&recorder);
    let query = || Eager::query(&db).without_links();
    let mut found = query().all().await.unwrap();
    found.push(query().first().await.unwrap().unwrap());
    found.push(query().one().await.unwrap());
    assert_eq!(calls(&recorder), ["query eagers"; 3]);
    found.extend(query().all_with_count().await.unwrap().0);
    found.extend(query().page(PageRequest::first(5)).await.unwrap().items);
    found.extend(query().stream().try_collect::<Vec<_>>().await.unwrap());
    assert!(!calls(&recorder).iter().any(|it| it.contains("get_many")));
    assert_eq!(found.len(), 6);
    for it in found {
        assert!(!it.maker.is_loaded() && !it.tags[0].is_loaded());
    }
    // What is named after it is loaded, and nothing below.
    let it = query().with_links(|e| e.maker).one().await.unwrap();
    assert!(
        !it.maker
            .get()
            .unwrap()
            .country
            .as_ref()
            .unwrap()
            .is_loaded()
    );
    assert!(!it.tags[0].is_loaded());
    assert_eq!(calls(&recorder), ["query eagers", "get_many makers"]);
}

async fn named_links_are_loaded_besides_eager_ones(on: &TestDb) {
    let db = on.with::<All>().await;
    let cart = given_product(db).await;
    let p = Product::fields();
    let query = || Product::query(db).filter(p.base.id.eq(cart.id()));
    let it = query().with_links(|p| p.maker).one().await.unwrap();
    assert_eq!(it.maker.get().unwrap().name, "Acme");
    assert!(it.origin.as_ref().unwrap().is_loaded());
    assert!(!it.tags[0].is_loaded() && !it.store.owner.as_ref().unwrap().is_loaded());
    let it = query()
        .with_links(|p| (p.maker, p.tags))
        .with_links(|p| p.regions)
        .one()
        .await
        .unwrap();
    assert!(it.maker.is_loaded() && it.tags[1].is_loaded());
    assert!(it.regions["north"].is_loaded() && !it.lines[0].part.is_loaded());
}

async fn links_in_embedded_structs_are_loaded(on: &TestDb) {
    let db = on.with::<All>().await;
    let cart = given_product(db).await;
    let p = Product::fields();
    let query = || Product::query(db).filter(p.base.id.eq(cart.id()));
    let it = query().with_links(|p| p.store.owner).one().await.unwrap();
    assert!(it.store.owner.as_ref().unwrap().is_loaded());
    assert!(!it.store.shelf.country.as_ref().unwrap().is_loaded());
    let it = query()
        .with_links(|p| (p.store.shelf.country, p.lines))
        .one()
        .await
        .unwrap();
    assert!(!it.store.owner.as_ref().unwrap().is_loaded());
    assert!(it.store.shelf.country.as_ref().unwrap().is_loaded());
    assert_eq!(it.lines[0].part.get().unwrap().name, "wheel");
}

async fn all_links_are_loaded_on_request(on: &TestDb) {
    let db = on.with::<All>().await;
    given_eager(db).await;
    let it = Eager::query(db).with_all_links().one().await.unwrap();
    assert!(it.maker.is_loaded() && it.tags[0].is_loaded());
    assert!(it.lazy.as_ref().unwrap().is_loaded());
    let found = Product::query(db).with_all_links().all().await.unwrap();
    let cart = found.iter().find(|it| it.name == "cart").unwrap();
    let wheel = cart.lines[0].part.get().unwrap();
    assert_eq!(wheel.maker.get().unwrap().name, "Acme");
    let norway = wheel.maker.get().unwrap().country.as_ref().unwrap();
    assert!(norway.is_loaded());
}

async fn a_field_without_links_is_refused(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let outcome = Product::query(&db).with_links(|p| p.name).all().await;
    let error = refused(outcome, ErrorKind::InvalidQuery);
    assert_eq!(
        error.to_string(),
        "there is no link in the field `name`, so there is nothing to load: products"
    );
    let outcome = Product::query(&db).link_depth(0).all().await;
    refused(outcome, ErrorKind::InvalidQuery);
    assert!(calls(&recorder).is_empty());
}

async fn every_terminal_loads_named_links(on: &TestDb) {
    let db = on.with::<All>().await;
    given_eager(db).await;
    let query = || Eager::query(db).with_links(|e| e.lazy);
    let mut found = query().all().await.unwrap();
    found.push(query().first().await.unwrap().unwrap());
    found.push(query().one().await.unwrap());
    found.extend(query().all_with_count().await.unwrap().0);
    found.extend(query().page(PageRequest::first(5)).await.unwrap().items);
    found.extend(query().stream().try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(found.len(), 6);
    for it in found {
        assert!(it.lazy.as_ref().unwrap().is_loaded());
    }
}

async fn one_call_per_target_and_level(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let norway = stored(&db, country("Norway")).await;
    let mut makers: Vec<Maker> = (0..30)
        .map(|n| Maker {
            country: Some(Link::to(&norway)),
            ..maker(&format!("m{n}"))
        })
        .collect();
    Maker::insert_many(&db, &mut makers).await.unwrap();
    // Makers are linked to from three fields of 300 documents.
    let mut products: Vec<Product> = (0..300)
        .map(|n| {
            let mut it = product(&format!("p{n}"));
            it.maker = Link::to(&makers[n % 30]);
            it.store.owner = Some(Link::to(&makers[(n + 1) % 30]));
            it.regions
                .insert("x".into(), Link::to(&makers[(n + 2) % 30]));
            it.origin = Some(Link::to(&norway));
            it
        })
        .collect();
    Product::insert_many(&db, &mut products).await.unwrap();
    recorder.clear();
    let found = Product::query(&db)
        .with_links(|p| (p.maker, p.store.owner, p.regions))
        .all()
        .await
        .unwrap();
    assert_eq!(found.len(), 300);
    let made = recorder.statements();
    let ids: Vec<(String, Option<u64>)> = made.iter().map(|it| (it.to_string(), it.rows)).collect();
    let mut first_level = ids[1..3].to_vec();
    first_level.sort();
    assert_eq!(
        first_level,
        [
            ("get_many countries".to_owned(), Some(1)),
            ("get_many makers".to_owned(), Some(30))
        ]
    );
    assert_eq!(ids[0].0, "query products");
    assert_eq!(ids[3..], [("get_many countries".to_owned(), Some(1))]);
}

async fn loaded_documents_are_shared(on: &TestDb) {
    let db = on.with::<All>().await;
    let acme = stored(db, maker("Acme")).await;
    let red = stored(db, tag("red")).await;
    for name in ["a", "b"] {
        let it = Product {
            maker: Link::to(&acme),
            tags: vec![Link::to(&red), Link::to(&red)],
            ..product(name)
        };
        stored(db, it).await;
    }
    let found = Product::query(db)
        .with_links(|p| (p.maker, p.tags))
        .all()
        .await
        .unwrap();
    let makers = [&found[0].maker, &found[1].maker].map(|it| it.shared().unwrap());
    assert!(Arc::ptr_eq(&makers[0], &makers[1]));
    let tags: Vec<Arc<Tag>> = found
        .iter()
        .flat_map(|it| &it.tags)
        .map(|it| it.shared().unwrap())
        .collect();
    assert_eq!(tags.len(), 4);
    assert!(tags.iter().all(|it| Arc::ptr_eq(it, &tags[0])));
}

/// Nodes `a` to `f`, each linking to the next.
async fn given_chain(db: &Db) -> Node {
    let mut next: Option<Node> = None;
    for name in ["f", "e", "d", "c", "b", "a"] {
        let node = Node {
            name: name.into(),
            next: next.as_ref().map(Link::to),
            ..Default::default()
        };
        next = Some(stored(db, node).await);
    }
    next.unwrap()
}

/// The names of the nodes that are loaded, from this one on.
fn chain(node: &Node) -> String {
    let mut names = node.name.clone();
    let mut node = node;
    while let Some(next) = node.next.as_ref().and_then(Link::get) {
        names.push_str(&next.name);
        node = next;
    }
    names
}

async fn eager_links_go_three_levels_deep(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    let a = given_chain(&db).await;
    calls(&recorder);
    assert_eq!(chain(&Node::find(&db, a.id()).await.unwrap()), "abcd");
    assert_eq!(
        calls(&recorder),
        [
            "get nodes",
            "get_many nodes",
            "get_many nodes",
            "get_many nodes"
        ]
    );
}

async fn depth_is_limited_on_request(on: &TestDb) {
    let db = on.with::<All>().await;
    let a = given_chain(db).await;
    let n = Node::fields();
    for (depth, expected) in [
        (1, "ab"),
        (2, "abc"),
        (4, "abcde"),
        (5, "abcdef"),
        (9, "abcdef"),
    ] {
        let query = Node::query(db).filter(n.name.eq("a"));
        let found = query.link_depth(depth).one().await.unwrap();
        assert_eq!(chain(&found), expected);
    }
    let mut link = Link::to(&a);
    assert_eq!(chain(link.fetch(db).await.unwrap()), "abc");
}

async fn cycles_end(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut a = stored(
        db,
        Node {
            name: "a".into(),
            ..Default::default()
        },
    )
    .await;
    let b = Node {
        name: "b".into(),
        next: Some(Link::to(&a)),
        ..Default::default()
    };
    let b = stored(db, b).await;
    a.next = Some(Link::to(&b));
    a.save(db).await.unwrap();
    assert_eq!(chain(&Node::find(db, a.id()).await.unwrap()), "abab");
    // A document that links to itself, and two that link to each other where nothing is eager.
    let mut one = stored(db, maker("one")).await;
    one.rival = Some(Link::to(&one));
    one.save(db).await.unwrap();
    let found = Maker::query(db).with_all_links().one().await.unwrap();
    let second = found.rival.as_ref().unwrap().get().unwrap();
    let third = second.rival.as_ref().unwrap().get().unwrap();
    let fourth = third.rival.as_ref().unwrap().get().unwrap();
    assert!(!fourth.rival.as_ref().unwrap().is_loaded());
}
