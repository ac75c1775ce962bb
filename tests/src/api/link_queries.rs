//! Queries through links: back-links, and filters on what is linked to.

use den::{ErrorKind, prelude::*};

use super::{
    linked::{
        All, Country, Line, Maker, Product, Store, Tag, calls, country, maker, product, recorded,
        stored, tag,
    },
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(back_links_of_a_single_link),
    case!(back_links_of_many_documents),
    case!(back_links_through_a_list),
    case!(back_links_through_a_list_of_structs),
    case!(back_links_through_embedded_structs),
    case!(without_back_links_there_is_nothing),
    case!(a_deleted_document_links_no_more),
    case!(back_links_load_eager_links),
    case!(a_link_equals_a_link_an_id_and_a_document),
    case!(a_link_is_in_a_list_of_ids),
    case!(an_empty_link_is_null),
    case!(comparing_with_an_empty_link_is_refused),
    case!(many_to_many_in_both_directions),
    case!(a_filter_reaches_through_a_link),
    case!(a_filter_reaches_through_a_list_of_links),
    case!(a_filter_reaches_through_a_list_of_structs),
    case!(filters_reach_through_several_links),
    case!(a_filter_through_a_link_is_one_statement),
    case!(a_negated_filter_through_a_link_is_the_complement),
    case!(a_filter_through_a_link_serves_every_terminal),
    case!(a_mistake_in_a_linked_filter_is_reported),
    case!(a_linked_collection_must_be_there),
];

/// The names of the products a query finds.
async fn found(query: QuerySet<Product>) -> String {
    let p = Product::fields();
    let found = query.sort(p.name.asc()).all().await.unwrap();
    let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
    names.join(" ")
}

async fn passing(db: &Db, filter: Filter<Product>) -> String {
    let passing = found(Product::query(db).filter(filter.clone())).await;
    let others = found(Product::query(db).filter(!filter)).await;
    let both = format!("{passing} {others}");
    let mut all: Vec<&str> = both.split_whitespace().collect();
    all.sort_unstable();
    assert_eq!(all.join(" "), found(Product::query(db)).await);
    passing
}

struct Scene {
    acme: Maker,
    bolt: Maker,
    red: Tag,
    new: Tag,
}

/// `a` and `b` of Acme in Norway, `c` of Bolt in Spain, `d` of nobody; `e` of a maker that is gone.
async fn given(db: &Db) -> Scene {
    let mut makers = Vec::new();
    for (name, place) in [("Acme", "Norway"), ("Bolt", "Spain")] {
        let place = stored(db, country(place)).await;
        let it = Maker {
            country: Some(Link::to(&place)),
            ..maker(name)
        };
        makers.push(stored(db, it).await);
    }
    let (red, new) = (stored(db, tag("red")).await, stored(db, tag("new")).await);
    let mut parts = Vec::new();
    for (name, maker, tags) in [
        ("a", Link::to(&makers[0]), vec![Link::to(&red)]),
        (
            "b",
            Link::to(&makers[0]),
            vec![Link::to(&red), Link::to(&new)],
        ),
        ("c", Link::to(&makers[1]), vec![Link::to(&new)]),
        ("d", Link::default(), vec![]),
        ("e", Link::to_id("gone"), vec![Link::to_id("gone")]),
    ] {
        let lines = parts.iter().map(|part| Line {
            part: Link::to(part),
            count: 1,
        });
        let it = Product {
            store: Store {
                owner: (!maker.is_empty()).then(|| maker.clone()),
                ..Store::default()
            },
            lines: lines.collect(),
            maker,
            tags,
            ..product(name)
        };
        parts.push(stored(db, it).await);
    }
    let bolt = makers.pop().unwrap();
    let acme = makers.pop().unwrap();
    Scene {
        acme,
        bolt,
        red,
        new,
    }
}

async fn back_links_of_a_single_link(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let query = Product::query(db).linking_to(p.maker, scene.bolt.id());
    assert_eq!(found(query).await, "c");
}

async fn back_links_of_many_documents(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let acme = scene.acme.id();
    assert_eq!(
        found(Product::query(db).linking_to(p.maker, acme)).await,
        "a b"
    );
    let link = Link::to(&scene.acme);
    assert_eq!(
        found(Product::query(db).linking_to(p.maker, &link)).await,
        "a b"
    );
    let named = Product::query(db)
        .linking_to(p.maker, acme.as_str())
        .filter(p.name.eq("b"));
    assert_eq!(found(named).await, "b");
}

async fn back_links_through_a_list(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let tagged = |it: &Tag| Product::query(db).linking_to(p.tags, it.id());
    assert_eq!(found(tagged(&scene.red)).await, "a b");
    assert_eq!(found(tagged(&scene.new)).await, "b c");
    assert_eq!(tagged(&scene.new).count().await.unwrap(), 2);
    assert_eq!(passing(db, p.tags.contains(&scene.red)).await, "a b");
    let either = p.tags.contains_any([scene.red.id(), scene.new.id()]);
    assert_eq!(passing(db, either).await, "a b c");
    let both = p.tags.contains_all([scene.red.id(), scene.new.id()]);
    assert_eq!(passing(db, both).await, "b");
}

async fn back_links_through_a_list_of_structs(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let p = Product::fields();
    let b = Product::query(db)
        .filter(p.name.eq("b"))
        .one()
        .await
        .unwrap();
    let holding = p
        .lines
        .any_element(|line| line.part.eq(b.id()) & line.count.eq(1));
    assert_eq!(passing(db, holding).await, "c d e");
    let holding = p.lines.any_element(|line| line.part.is_in([b.id()]));
    assert_eq!(passing(db, holding).await, "c d e");
}

async fn back_links_through_embedded_structs(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let owned = Product::query(db).linking_to(p.store.owner, scene.acme.id());
    assert_eq!(found(owned).await, "a b");
}

async fn without_back_links_there_is_nothing(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let p = Product::fields();
    assert_eq!(
        found(Product::query(db).linking_to(p.maker, "nobody")).await,
        ""
    );
    assert_eq!(
        found(Product::query(db).linking_to(p.tags, "nobody")).await,
        ""
    );
}

async fn a_deleted_document_links_no_more(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let query = || Product::query(db).linking_to(p.maker, scene.acme.id());
    let mut first = query().first().await.unwrap().unwrap();
    first.delete(db).await.unwrap();
    assert_eq!(found(query()).await, "b");
}

async fn back_links_load_eager_links(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let country = scene.acme.country.as_ref().unwrap().id();
    let makers = Maker::query(db)
        .linking_to(Maker::fields().country, country)
        .all()
        .await
        .unwrap();
    assert_eq!(makers, [scene.acme]);
    assert!(makers[0].country.as_ref().unwrap().is_loaded());
}

async fn a_link_equals_a_link_an_id_and_a_document(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let acme = &scene.acme;
    for filter in [
        p.maker.eq(acme),
        p.maker.eq(acme.id()),
        p.maker.eq(acme.id().clone()),
        p.maker.eq(acme.id().as_str()),
        p.maker.eq(acme.id().to_string()),
        p.maker.eq(Link::to(acme)),
        p.maker.eq(Link::new(acme.clone())),
        p.store.owner.eq(acme),
    ] {
        assert_eq!(passing(db, filter).await, "a b");
    }
    assert_eq!(passing(db, p.maker.ne(acme)).await, "c d e");
    assert_eq!(passing(db, p.maker.eq(p.maker)).await, "a b c e");
}

async fn a_link_is_in_a_list_of_ids(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let ids = [scene.acme.id(), scene.bolt.id()];
    assert_eq!(passing(db, p.maker.is_in(ids)).await, "a b c");
    assert_eq!(passing(db, p.maker.not_in(ids)).await, "d e");
    assert_eq!(passing(db, p.maker.is_in([&scene.bolt])).await, "c");
    assert_eq!(
        passing(db, p.maker.is_in(Vec::<Id<Maker>>::new())).await,
        ""
    );
}

async fn an_empty_link_is_null(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let p = Product::fields();
    assert_eq!(passing(db, p.maker.is_null()).await, "d");
    assert_eq!(passing(db, p.maker.is_not_null()).await, "a b c e");
    assert_eq!(passing(db, p.store.owner.is_null()).await, "d");
}

async fn comparing_with_an_empty_link_is_refused(on: &TestDb) {
    let db = on.with::<All>().await;
    let p = Product::fields();
    let query = Product::query(db).filter(p.maker.eq(Link::<Maker>::default()));
    refused(query.all().await, ErrorKind::InvalidQuery);
}

async fn many_to_many_in_both_directions(on: &TestDb) {
    let db = on.with::<All>().await;
    let scene = given(db).await;
    let p = Product::fields();
    let mut b = Product::query(db)
        .filter(p.name.eq("b"))
        .one()
        .await
        .unwrap();
    let tags = b.tags.fetch_all(db).await.unwrap();
    assert_eq!(
        tags.iter().map(|it| &it.name).collect::<Vec<_>>(),
        ["red", "new"]
    );
    assert_eq!(
        found(Product::query(db).linking_to(p.tags, scene.red.id())).await,
        "a b"
    );
    b.tags.retain(|it| it.id() != scene.red.id());
    b.save(db).await.unwrap();
    assert_eq!(
        found(Product::query(db).linking_to(p.tags, scene.red.id())).await,
        "a"
    );
}

async fn a_filter_reaches_through_a_link(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let (p, m) = (Product::fields(), Maker::fields());
    assert_eq!(passing(db, p.maker.matches(m.name.eq("Acme"))).await, "a b");
    assert_eq!(passing(db, p.maker.matches(m.name.ne("Acme"))).await, "c");
    assert_eq!(
        passing(db, p.maker.matches(Filter::always())).await,
        "a b c"
    );
    assert_eq!(passing(db, p.maker.matches(Filter::never())).await, "");
    assert_eq!(
        passing(db, p.store.owner.matches(m.name.eq("Bolt"))).await,
        "c"
    );
    let both = p.maker.matches(m.name.eq("Acme")) & p.name.eq("b");
    assert_eq!(passing(db, both).await, "b");
}

async fn a_filter_reaches_through_a_list_of_links(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let (p, t) = (Product::fields(), Tag::fields());
    assert_eq!(
        passing(db, p.tags.any_matches(t.name.eq("new"))).await,
        "b c"
    );
    assert_eq!(
        passing(db, p.tags.any_matches(Filter::always())).await,
        "a b c"
    );
    let all_new = p.tags.all_elements(|tag| tag.matches(t.name.eq("new")));
    assert_eq!(passing(db, all_new).await, "c d");
}

async fn a_filter_reaches_through_a_list_of_structs(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let p = Product::fields();
    let holding = p
        .lines
        .any_element(|line| line.part.matches(p.name.eq("c")) & line.count.ge(1));
    assert_eq!(passing(db, holding).await, "d e");
}

async fn filters_reach_through_several_links(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let (p, m, c) = (Product::fields(), Maker::fields(), Country::fields());
    let norwegian = m.country.matches(c.name.eq("Norway"));
    assert_eq!(passing(db, p.maker.matches(norwegian.clone())).await, "a b");
    assert_eq!(passing(db, p.maker.matches(!norwegian)).await, "c");
}

async fn a_filter_through_a_link_is_one_statement(on: &TestDb) {
    let (db, recorder) = recorded::<All>(on).await;
    given(&db).await;
    calls(&recorder);
    let (p, m) = (Product::fields(), Maker::fields());
    let query = Product::query(&db).filter(p.maker.matches(m.name.eq("Acme")));
    assert_eq!(query.all().await.unwrap().len(), 2);
    assert_eq!(calls(&recorder), ["query products"]);
}

async fn a_negated_filter_through_a_link_is_the_complement(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let (p, m) = (Product::fields(), Maker::fields());
    assert_eq!(
        passing(db, !p.maker.matches(m.name.eq("Acme"))).await,
        "c d e"
    );
}

async fn a_filter_through_a_link_serves_every_terminal(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    let (p, m) = (Product::fields(), Maker::fields());
    let query = || Product::query(db).filter(p.maker.matches(m.name.eq("Acme")));
    assert_eq!(query().count().await.unwrap(), 2);
    assert!(query().exists().await.unwrap());
    assert_eq!(query().ids().await.unwrap().len(), 2);
    assert_eq!(query().all_with_count().await.unwrap().1, 2);
    assert_eq!(query().delete().await.unwrap(), 2);
    assert_eq!(found(Product::query(db)).await, "c d e");
}

async fn a_mistake_in_a_linked_filter_is_reported(on: &TestDb) {
    let db = on.with::<All>().await;
    let (p, m) = (Product::fields(), Maker::fields());
    let query = Product::query(db).filter(p.maker.matches(m.name.matches("(")));
    refused(query.all().await, ErrorKind::InvalidQuery);
}

async fn a_linked_collection_must_be_there(on: &TestDb) {
    let db = on.with::<(Product, Tag)>().await;
    let (p, m) = (Product::fields(), Maker::fields());
    let query = Product::query(db).filter(p.maker.matches(m.name.eq("Acme")));
    let error = refused(query.all().await, ErrorKind::NotRegistered);
    assert_eq!(error.collection(), Some("makers"));
}
