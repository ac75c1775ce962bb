//! Predicates over the document that an id leads to.

use crate::{Backend, ErrorKind, Expr, Field, FieldKind::Text, Value, conformance::support::*};

pub(super) const CASES: &[Case] = &[
    case!(a_link_is_followed: LinkedPredicates),
    case!(only_text_is_a_link: LinkedPredicates),
    case!(a_link_may_be_asked_for_alone: LinkedPredicates),
    case!(a_negated_link_includes_what_leads_nowhere: LinkedPredicates),
    case!(fields_in_a_link_are_those_of_the_other_document: LinkedPredicates),
    case!(links_join_with_other_predicates: LinkedPredicates),
    case!(every_operator_works_in_a_link: LinkedPredicates),
    case!(a_link_may_lead_into_its_own_collection: LinkedPredicates),
    case!(links_nest: LinkedPredicates),
    case!(links_nest_eight_deep: LinkedPredicates),
    case!(links_lie_in_elements: LinkedPredicates, ElementPredicates),
    case!(elements_lie_in_links: LinkedPredicates, ElementPredicates),
    case!(links_and_elements_nest_deep: LinkedPredicates, ElementPredicates),
    case!(an_id_or_a_literal_may_be_the_link: LinkedPredicates),
];

pub(super) const PEOPLE: &str = "people";

pub(super) async fn given_people(backend: &dyn Backend) {
    let people = [
        (
            "p",
            r#"{"name":"Ada","age":36,"x":"q","tags":["a","b"],"city":"rome"}"#,
        ),
        (
            "q",
            r#"{"name":"Bob","age":"36","x":"nobody","tags":"a","city":"oslo"}"#,
        ),
        ("r", r#"{"name":null,"tags":[],"city":null}"#),
        ("1", r#"{"name":"One","age":1}"#),
        ("true", r#"{"name":"True","age":1}"#),
        ("null", r#"{"name":"Null","age":1}"#),
        ("[\"p\"]", r#"{"name":"List","age":1}"#),
    ];
    insert_into(backend, PEOPLE, &people).await;
}

/// What leads somewhere, and what does not: `a`, `b`, `c` do.
pub(super) const LINKS: &[&str] = &[
    r#"{"x":"p","y":1}"#,
    r#"{"x":"q","y":2}"#,
    r#"{"x":"r","y":3}"#,
    r#"{"x":"nobody","name":"Ada","age":36}"#,
    r#"{"x":""}"#,
    r#"{}"#,
    r#"{"x":null}"#,
    r#"{"x":1}"#,
    r#"{"x":true}"#,
    r#"{"x":["p"]}"#,
    r#"{"x":{"p":"p","_id":"p"}}"#,
    r#"{"x":"P"}"#,
    r#"{"x":"p "}"#,
];

pub(super) fn to_people(predicate: Expr) -> Expr {
    linked(field("x"), PEOPLE, predicate)
}

pub(super) fn name_is(name: &str) -> Expr {
    eq(field("name"), Expr::Value(Value::from(name)))
}

async fn a_link_is_followed(backend: &dyn Backend) {
    given_people(backend).await;
    given_scalars(backend, LINKS).await;
    check(backend, to_people(name_is("Ada")), "a").await;
    check(backend, to_people(name_is("Bob")), "b").await;
    check(backend, to_people(name_is("One")), "").await;
    check(backend, to_people(ge(field("age"), literal("1"))), "a").await;
    check(backend, to_people(is_null(field("name"))), "c").await;
    check(backend, to_people(is_null(field("age"))), "c").await;
}

async fn only_text_is_a_link(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    // Nothing leads to `1`, `true`, `null` and `["p"]`, though documents have these ids.
    check(backend, to_people(eq(field("age"), literal("1"))), "").await;
    let len = Expr::Len(Box::new(field("x")));
    check(backend, linked(len, PEOPLE, Expr::always()), "").await;
    check(backend, linked(field("y"), PEOPLE, Expr::always()), "").await;
    insert(backend, "z", r#"{"x":"1"}"#).await;
    check(backend, to_people(eq(field("age"), literal("1"))), "z").await;
}

async fn a_link_may_be_asked_for_alone(backend: &dyn Backend) {
    given_people(backend).await;
    given_scalars(backend, LINKS).await;
    check(backend, to_people(Expr::always()), "a b c").await;
    check(backend, to_people(Expr::never()), "").await;
    check(backend, to_people(literal("true")), "a b c").await;
    ensure(backend, "nobody at all").await;
    check(
        backend,
        linked(field("x"), "nobody at all", Expr::always()),
        "",
    )
    .await;
}

async fn a_negated_link_includes_what_leads_nowhere(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let ada = || name_is("Ada");
    check(backend, to_people(ada()).not(), "b c d e f g h i j k l m").await;
    // The negation inside speaks of documents that are there.
    check(backend, to_people(Expr::Not(Box::new(ada()))), "b c").await;
    let neither = Expr::Not(Box::new(to_people(Expr::Not(Box::new(ada())))));
    check(backend, neither, "a d e f g h i j k l m").await;
}

async fn fields_in_a_link_are_those_of_the_other_document(backend: &dyn Backend) {
    given_people(backend).await;
    given_scalars(backend, LINKS).await;
    // Both collections have `x`, `name` and `_id`.
    check(backend, to_people(eq(field("x"), literal("\"q\""))), "a").await;
    check(backend, to_people(eq(field("x"), literal("\"p\""))), "").await;
    check(backend, to_people(eq(field("_id"), literal("\"q\""))), "b").await;
    check(backend, to_people(eq(field("y"), literal("1"))), "").await;
    check(backend, to_people(eq(field("x"), field("_id"))), "").await;
}

async fn links_join_with_other_predicates(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let (ada, bob) = (|| to_people(name_is("Ada")), || to_people(name_is("Bob")));
    check(backend, ada().or(bob()), "a b").await;
    check(backend, ada().and(bob()), "").await;
    check(backend, ada().and(eq(field("y"), literal("1"))), "a").await;
    check(backend, ada().and(eq(field("y"), literal("2"))), "").await;
    check(backend, bob().or(eq(field("y"), literal("3"))), "b c").await;
    check(backend, bob().or(name_is("Ada")), "b d").await;
    let inside = to_people(name_is("Ada").or(name_is("Bob")));
    check(backend, inside, "a b").await;
}

async fn every_operator_works_in_a_link(backend: &dyn Backend) {
    given_people(backend).await;
    given(backend, LINKS).await;
    let inside = |predicate| to_people(predicate);
    check(backend, inside(lt(field("age"), literal("37"))), "a").await;
    check(backend, inside(eq(field("age"), literal("\"36\""))), "b").await;
    check(backend, inside(is_in(field("age"), r#"[36,"36"]"#)), "a b").await;
    check(backend, inside(is_in(field("age"), "[]")), "").await;
    check(backend, inside(Expr::Exists(place("city"))), "a b c").await;
    check(backend, inside(Expr::Exists(place("age"))), "a b").await;
    let text = |op, ignore_case, needle: &str| Expr::Text {
        op,
        ignore_case,
        operand: Box::new(field("name")),
        needle: needle.to_owned(),
    };
    check(
        backend,
        inside(text(crate::TextOp::StartsWith, false, "A")),
        "a",
    )
    .await;
    check(
        backend,
        inside(text(crate::TextOp::EndsWith, true, "B")),
        "b",
    )
    .await;
    check(
        backend,
        inside(text(crate::TextOp::Contains, false, "%")),
        "",
    )
    .await;
    check(backend, inside(contains(field("tags"), "\"a\"")), "a").await;
    check(backend, inside(Expr::IsEmpty(Box::new(field("tags")))), "c").await;
    let two = eq(Expr::Len(Box::new(field("tags"))), literal("2"));
    check(backend, inside(two), "a").await;
    check(backend, inside(eq(field("tags.1"), literal("\"b\""))), "a").await;
    check(
        backend,
        inside(eq(field("tags"), literal(r#"["a","b"]"#))),
        "a",
    )
    .await;
}

async fn a_link_may_lead_into_its_own_collection(backend: &dyn Backend) {
    let documents = [
        r#"{"x":"b","n":1}"#,
        r#"{"x":"c","n":2}"#,
        r#"{"x":"c","n":3}"#,
        r#"{"x":"z","n":4}"#,
    ];
    given(backend, &documents).await;
    let parent = |predicate| linked(field("x"), ITEMS, predicate);
    check(backend, parent(eq(field("n"), literal("3"))), "b c").await;
    check(backend, parent(ge(field("n"), literal("1"))), "a b c").await;
    check(
        backend,
        parent(parent(eq(field("n"), literal("3")))),
        "a b c",
    )
    .await;
    check(backend, parent(parent(parent(Expr::always())).not()), "").await;
    check(backend, parent(Expr::always()).not(), "d").await;
    // The two rows are told apart: a document whose parent is itself.
    check(backend, parent(eq(field("x"), field("_id"))), "b c").await;
}

async fn links_nest(backend: &dyn Backend) {
    given_people(backend).await;
    let cities = [
        ("rome", r#"{"name":"Rome","country":"it"}"#),
        ("oslo", r#"{"name":"Oslo","country":"no"}"#),
    ];
    insert_into(backend, "cities", &cities).await;
    insert_into(
        backend,
        "countries",
        &[("it", r#"{"eu":true}"#), ("no", r#"{"eu":false}"#)],
    )
    .await;
    given_scalars(backend, LINKS).await;
    let in_city = |predicate| to_people(linked(field("city"), "cities", predicate));
    check(backend, in_city(name_is("Rome")), "a").await;
    check(backend, in_city(name_is("Ada")), "").await;
    check(backend, in_city(Expr::always()), "a b").await;
    let eu = || {
        linked(
            field("country"),
            "countries",
            eq(field("eu"), literal("true")),
        )
    };
    check(backend, in_city(eu()), "a").await;
    check(backend, in_city(Expr::Not(Box::new(eu()))), "b").await;
    let both = linked(field("city"), "cities", eu()).and(ge(field("age"), literal("36")));
    check(backend, to_people(both), "a").await;
    let friend_in_oslo = to_people(to_people(eq(field("city"), literal("\"oslo\""))));
    check(backend, friend_in_oslo, "a").await;
}

async fn links_nest_eight_deep(backend: &dyn Backend) {
    let documents: Vec<String> = ('a'..='j')
        .zip('b'..)
        .map(|(_, next)| format!("{{\"x\":\"{next}\"}}"))
        .collect();
    let documents: Vec<&str> = documents.iter().map(|it| &**it).collect();
    given(backend, &documents).await;
    let deep = |depth, at: &str| {
        let innermost = eq(field("_id"), Expr::Value(Value::from(at)));
        (0..depth).fold(innermost, |inner, _| linked(field("x"), ITEMS, inner))
    };
    check(backend, deep(8, "i"), "a").await;
    check(backend, deep(8, "j"), "b").await;
    check(backend, deep(1, "j"), "i").await;
    let too_deep = filtered(deep(9, "j"));
    let checked = too_deep.check(backend.capabilities());
    assert_eq!(kind_of(checked), ErrorKind::InvalidQuery);
}

async fn links_lie_in_elements(backend: &dyn Backend) {
    given_people(backend).await;
    let documents = [
        r#"{"x":["p"]}"#,
        r#"{"x":["q","p","p"]}"#,
        r#"{"x":["q",null,1]}"#,
        r#"{"x":[]}"#,
        r#"{"x":"p"}"#,
        r#"{"x":{"p":"p"}}"#,
        r#"{"x":null}"#,
        "{}",
        r#"{"x":[1,true,["p"],{"by":"p"}]}"#,
        r#"{"x":[{"by":"q"},{"by":"p","n":1}]}"#,
        r#"{"x":["nobody"]}"#,
    ];
    given_arrays(backend, &documents).await;
    let any = |predicate| any_element(field("x"), linked(element(), PEOPLE, predicate));
    let all = |predicate| all_elements(field("x"), linked(element(), PEOPLE, predicate));
    check(backend, any(name_is("Ada")), "a b").await;
    check(backend, any(name_is("Bob")), "b c").await;
    check(backend, any(eq(field("age"), literal("1"))), "").await;
    check(backend, any(Expr::always()), "a b c").await;
    check(backend, any(Expr::Not(Box::new(name_is("Ada")))), "b c").await;
    let not_linked = linked(element(), PEOPLE, name_is("Ada")).not();
    check(backend, any_element(field("x"), not_linked), "b c i j k").await;
    check(backend, all(name_is("Ada")), "a d").await;
    check(backend, all(Expr::always()), "a b d").await;
    let by = |predicate| any_element(field("x"), linked(element_field("by"), PEOPLE, predicate));
    check(backend, by(name_is("Ada")), "i j").await;
    let with_n = linked(element_field("by"), PEOPLE, name_is("Ada"))
        .and(eq(element_field("n"), literal("1")));
    check(backend, any_element(field("x"), with_n), "j").await;
    // A field of the document, in a predicate over its elements.
    let own = linked(field("x.0"), PEOPLE, name_is("Ada"));
    check(backend, any_element(field("x"), own), "a").await;
}

async fn elements_lie_in_links(backend: &dyn Backend) {
    given_people(backend).await;
    let documents = [
        r#"{"x":"p","list":["c"]}"#,
        r#"{"x":"q","list":["a"]}"#,
        r#"{"x":"r","list":["a"]}"#,
        r#"{"x":["p"],"list":["a"]}"#,
    ];
    given(backend, &documents).await;
    let tag = |name| eq(element(), Expr::Value(Value::from(name)));
    check(
        backend,
        to_people(any_element(field("tags"), tag("a"))),
        "a",
    )
    .await;
    check(
        backend,
        to_people(all_elements(field("tags"), tag("a"))),
        "c",
    )
    .await;
    check(backend, to_people(any_element(field("list"), tag("a"))), "").await;
    // An element of an element of a link: each is its own.
    let friends = [
        ("s", r#"{"friends":[{"id":"p","tags":["z"]},{"id":"q"}]}"#),
        ("t", r#"{"friends":[{"id":"q","tags":["a"]}]}"#),
    ];
    insert_into(backend, "groups", &friends).await;
    let inner = linked(
        element_field("id"),
        PEOPLE,
        any_element(field("tags"), tag("a")),
    );
    let query = any_element(
        field("g"),
        linked(element(), "groups", any_element(field("friends"), inner)),
    );
    insert(backend, "y", r#"{"g":["t","s"]}"#).await;
    insert(backend, "z", r#"{"g":["t"]}"#).await;
    check(backend, query, "y").await;
}

async fn links_and_elements_nest_deep(backend: &dyn Backend) {
    given(
        backend,
        &[r#"{"x":["b","c"]}"#, r#"{"x":["a"]}"#, r#"{"x":[]}"#],
    )
    .await;
    let innermost = eq(field("_id"), literal("\"a\""));
    let step = |inner, _| any_element(field("x"), linked(element(), ITEMS, inner));
    check(backend, (0..2).fold(innermost.clone(), step), "a").await;
    check(backend, (0..7).fold(innermost.clone(), step), "b").await;
    check(backend, (0..8).fold(innermost, step), "a").await;
}

async fn an_id_or_a_literal_may_be_the_link(backend: &dyn Backend) {
    given(backend, &["{}", "{}", "{}"]).await;
    let details = [("a", r#"{"n":1}"#), ("c", r#"{"n":3}"#)];
    insert_into(backend, "details", &details).await;
    let own = |predicate| linked(field("_id"), "details", predicate);
    check(backend, own(Expr::always()), "a c").await;
    check(backend, own(eq(field("n"), literal("3"))), "c").await;
    let typed = Expr::Field(Field::document(path("_id"), Text));
    check(backend, linked(typed, "details", Expr::always()), "a c").await;
    let fixed = |id: &str| linked(literal(id), "details", ge(field("n"), literal("1")));
    check(backend, fixed("\"a\""), "a b c").await;
    check(backend, fixed("\"b\""), "").await;
    check(backend, fixed("1"), "").await;
    check(backend, fixed("null"), "").await;
}
