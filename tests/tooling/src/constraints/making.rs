//! Constraints that are made, listed, dropped and kept.

use super::*;

pub(super) async fn offenders_are_listed_and_nothing_is_left(on: &TestDb) {
    let db = on.with::<Product>().await;
    for (id, sku) in [("1", "a"), ("2", "b"), ("3", "b")] {
        let mut it = product(sku);
        it.base.id = Id::new(id);
        if id == "1" {
            it.name = None;
        }
        it.save(db).await.unwrap();
    }
    let schema = db.schema();
    for (rule, kind, offenders) in [
        (
            constraint::required("name"),
            ErrorKind::Validation,
            &["1"][..],
        ),
        (
            constraint::unique(["sku"]),
            ErrorKind::Duplicate,
            &["2", "3"],
        ),
        (constraint::key(["sku"]), ErrorKind::Duplicate, &["2", "3"]),
        (
            constraint::of_type("price", [JsonType::Integer]),
            ErrorKind::Validation,
            &["1", "2", "3"],
        ),
    ] {
        let made = schema.create_constraint("products", rule.clone()).await;
        let error = made.unwrap_err();
        assert_eq!(error.kind(), kind, "{rule:?}");
        assert_eq!(error.offenders(), offenders, "{rule:?}");
        assert!(error.constraint().is_some());
        let text = error.to_string();
        assert!(text.contains("was not made, because documents"), "{text}");
        assert!(text.contains(&format!("`{}`", offenders[0])), "{text}");
    }
    assert_eq!(schema.constraints("products").await.unwrap(), []);
    assert!(schema.plan().await.unwrap().is_empty());
    let mut other = product("b");
    other.name = None;
    other.save(db).await.unwrap();
}

pub(super) async fn a_constraint_is_made_once(on: &TestDb) {
    let db = given(on).await;
    let schema = db.schema();
    for rule in rules() {
        let error = schema.create_constraint("products", rule.clone()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Duplicate);
        let again = schema.create_constraint("products", rule).if_not_exists();
        again.await.unwrap();
    }
    // Another rule of that name is not what was asked for.
    let other = constraint::required("other").named("has_name");
    let error = schema.create_constraint("products", other).if_not_exists();
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.to_string().contains("has_name"), "{error}");
    assert_eq!(schema.constraints("products").await.unwrap().len(), 5);
}

pub(super) async fn a_constraint_is_dropped_once(on: &TestDb) {
    let db = given(on).await;
    let schema = db.schema();
    for made in schema.constraints("products").await.unwrap() {
        let drop = || schema.drop_constraint("products", &made.name);
        drop().await.unwrap();
        let error = drop().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        drop().if_exists().await.unwrap();
    }
    for (_, _, spoil) in BREAKS {
        let mut good = product("b");
        spoil(&mut good);
        good.save(db).await.unwrap();
    }
}

pub(super) async fn names_are_the_same_each_time(on: &TestDb) {
    let db = on.with::<Product>().await;
    let schema = db.schema();
    let p = Product::fields();
    let rules = || {
        [
            constraint::unique(["sku"]),
            constraint::unique(["sku", "name"]),
            constraint::required("sku"),
            constraint::of_type("sku", [JsonType::String]),
            constraint::of_type("sku", [JsonType::String, JsonType::Integer]),
            constraint::key(["sku"]),
            constraint::check(p.price.gt(0.0)),
            constraint::check(p.price.gt(1.0)),
        ]
    };
    let mut names = Vec::new();
    for rule in rules() {
        let made = schema.create_constraint("products", rule).await.unwrap();
        assert!(made.name.len() <= 50);
        names.push(made.name);
    }
    for (rule, name) in rules().into_iter().zip(&names) {
        let again = schema.create_constraint("products", rule).if_not_exists();
        assert_eq!(again.await.unwrap().name, *name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

pub(super) async fn constraints_are_listed_in_order(on: &TestDb) {
    let db = given(on).await;
    let listed = db.schema().constraints("products").await.unwrap();
    let names: Vec<&str> = listed.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "one_sku",
            "has_name",
            "type_of_extra",
            "sale_is_cheaper",
            "sku_and_price"
        ]
    );
    let words: Vec<&str> = listed.iter().map(|it| it.kind.rule().word()).collect();
    assert_eq!(words, ["unique", "required", "type", "check", "key"]);
    assert_eq!(db.schema().constraints("nothing").await.unwrap(), []);
}

pub(super) async fn bad_constraints_are_refused(on: &TestDb) {
    let db = given(on).await;
    let none: [&str; 0] = [];
    let p = Product::fields();
    for bad in [
        constraint::unique(none),
        constraint::unique([""]),
        constraint::unique(["sku", "sku"]),
        constraint::of_type("sku", []),
        constraint::required("sku").named(""),
        constraint::required("sku").named("x".repeat(51)),
        constraint::required("sku").named("a\u{0}b"),
        constraint::check(p.price.gt(f64::NAN)),
        constraint::check::<Json>(field("a..b").eq(1)),
    ] {
        let made = db.schema().create_constraint("products", bad.clone()).await;
        assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidQuery, "{bad:?}");
    }
    let missing = constraint::required("x");
    let made = db.schema().create_constraint("nothing", missing).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::NotRegistered);
    let own = constraint::required("x");
    let made = db.schema().create_constraint("_den_indexes", own).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::InvalidQuery);
    assert_eq!(db.schema().constraints("products").await.unwrap().len(), 5);
}

pub(super) async fn an_index_behind_a_constraint_is_not_dropped(on: &TestDb) {
    let db = given(on).await;
    for name in ["one_sku", "sku_and_price"] {
        let error = db.schema().drop_index("products", name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Restricted);
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("constraint"), "{text}");
    }
    assert_eq!(db.schema().indexes("products").await.unwrap(), []);
    product("a").save(db).await.unwrap_err();
}

pub(super) async fn constraints_outlive_a_handle(on: &TestDb) {
    given(on).await;
    let other = on.open_again().await;
    other.register::<Product>().await.unwrap();
    for (name, rule, spoil) in BREAKS {
        let mut bad = product("b");
        spoil(&mut bad);
        let error = bad.save(&other).await.unwrap_err();
        assert_broken(&error, name, *rule);
    }
    let listed = other.schema().constraints("products").await.unwrap();
    assert_eq!(
        listed,
        on.db.schema().constraints("products").await.unwrap()
    );
    // What one handle drops, the other does not keep.
    let schema = other.schema();
    schema
        .drop_constraint("products", "has_name")
        .await
        .unwrap();
    let mut unnamed = product("b");
    unnamed.name = None;
    unnamed.save(&on.db).await.unwrap();
    other.close().await.unwrap();
}

pub(super) async fn constraints_follow_a_rename(on: &TestDb) {
    let db = given(on).await;
    let schema = db.schema();
    let listed = schema.constraints("products").await.unwrap();
    schema.rename_collection("products", "wares").await.unwrap();
    assert_eq!(schema.constraints("wares").await.unwrap(), listed);
    let wares = db.collection("wares");
    for (bad, name) in [
        (json!({ "sku": "b", "price": 1 }), "has_name"),
        (
            json!({ "sku": "b", "price": 1, "name": "x", "extra": "x" }),
            "type_of_extra",
        ),
        (json!({ "sku": "a", "price": 1, "name": "x" }), "one_sku"),
    ] {
        let error = wares.insert(bad).await.unwrap_err();
        assert_eq!(error.constraint().unwrap().name(), name);
        assert_eq!(error.collection(), Some("wares"));
    }
    wares
        .insert(json!({ "sku": "b", "price": 1, "name": "x" }))
        .await
        .unwrap();
}
