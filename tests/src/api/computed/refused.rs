//! What cannot be computed, and the edges of what can.

use super::*;

pub(super) async fn comparisons_of_computed_values(on: &TestDb) {
    let db = given(on, (1..=5).map(numbered)).await;
    let p = Item::fields();
    let double = || p.n * 2;
    for (filter, expected) in [
        (double().eq(4), "i2"),
        (double().ne(4), "i1 i3 i4 i5"),
        (double().lt(4), "i1"),
        (double().le(4), "i1 i2"),
        (double().gt(8), "i5"),
        (double().ge(8), "i4 i5"),
        (double().between(3, 7), "i2 i3"),
        (double().is_in([2, 3, 10]), "i1 i5"),
        (double().not_in([2, 3, 10]), "i2 i3 i4"),
        (double().is_in::<i64>([]), ""),
        (double().eq(p.n + 3), "i3"),
        (double().gt(p.price * 1.5), "i2 i3 i4 i5"),
        ((p.n / (p.n - 1)).is_null(), "i1"),
        ((p.n / (p.n - 1)).is_not_null(), "i2 i3 i4 i5"),
        (double().eq(4) | !double().lt(10), "i2 i5"),
        (p.tags.len().eq(0) & (p.tags.len() + p.n).eq(4), "i4"),
    ] {
        crate::api::support::check(db, filter, expected).await;
    }
}

pub(super) async fn fields_compare_with_computed_values(on: &TestDb) {
    let db = given(on, (1..=5).map(numbered)).await;
    let p = Item::fields();
    for (filter, expected) in [
        (p.n.eq(p.n * 2 - 3), "i3"),
        (p.price.gt(p.n + 0.4), "i1 i2 i3 i4 i5"),
        (p.price.lt(p.n * 1), ""),
        (
            p.name.eq(den::concat(("i", p.name.substr_from(1)))),
            "i1 i2 i3 i4 i5",
        ),
        (p.n.between(p.n - 1, p.n * p.n - 2), "i2 i3 i4 i5"),
        (p.n.is_in([p.n * p.n, p.n * 0 + 3]), "i1 i3"),
    ] {
        crate::api::support::check(db, filter, expected).await;
    }
}

pub(super) async fn predicates_of_computed_text(on: &TestDb) {
    let db = given(on, ["Ada", "adam", "Bob"].map(item)).await;
    let p = Item::fields();
    for (filter, expected) in [
        (p.name.lower().starts_with("ad"), "Ada adam"),
        (p.name.upper().ends_with("A"), "Ada"),
        (p.name.concat("%").contains("b%"), "Bob"),
        (p.name.replace("a", "A").eq_ci("ADA"), "Ada"),
        (p.name.lower().matches("^a.a"), "Ada adam"),
    ] {
        crate::api::support::check(db, filter, expected).await;
    }
}

pub(super) async fn orders_by_computed_values(on: &TestDb) {
    let db = given(on, [-3, 1, 2, -1].map(numbered)).await;
    let p = Item::fields();
    assert_eq!(
        found(Item::query(db).sort(p.n.abs().asc())).await,
        "i1 i-1 i2 i-3"
    );
    assert_eq!(
        found(Item::query(db).sort(p.n.abs().desc())).await,
        "i-3 i2 i-1 i1"
    );
    let quotient = || p.n / (p.n - 1);
    assert_eq!(
        found(Item::query(db).sort(quotient().asc())).await,
        "i1 i-1 i-3 i2"
    );
    assert_eq!(
        found(Item::query(db).sort(quotient().asc().nulls_last())).await,
        "i-1 i-3 i2 i1"
    );
    let pages = Item::query(db)
        .sort(p.n.abs().desc())
        .sort(p.name.upper().asc());
    let first = pages.clone().page(PageRequest::first(3)).await.unwrap();
    assert_eq!(crate::api::support::names(&first.items), "i-3 i2 i-1");
    let request = PageRequest::first(3).after(first.next.unwrap());
    let second = pages.clone().page(request).await.unwrap();
    assert_eq!(crate::api::support::names(&second.items), "i1");
    let request = PageRequest::first(3).before(second.prev.unwrap());
    let before = pages.page(request).await.unwrap();
    assert_eq!(crate::api::support::names(&before.items), "i-3 i2 i-1");
}

pub(super) async fn untyped_fields_compute_too(on: &TestDb) {
    let data = json!({"rate": 2, "unit": "KG", "list": [1, 2]});
    let db = given(
        on,
        [
            Item {
                n: 4,
                data,
                ..item("a")
            },
            item("b"),
        ],
    )
    .await;
    let p = Item::fields();
    let rate = || field("data.rate");
    for (filter, expected) in [
        ((rate() * 3 + field("n")).eq(10), "a"),
        ((field("n") - 1).ge(rate()), "a"),
        (rate().eq(field("n") / 2), "a"),
        (field("data.unit").lower().eq("kg"), "a"),
        (field("data.unit").coalesce("-").eq("-"), "b"),
        (field("data.unit").concat(field("name")).eq("KGa"), "a"),
        ((p.n * rate()).eq(8), "a"),
        (p.n.eq(rate() * 2), "a"),
        ((p.price + rate().typed::<f64, _>()).is_null(), "b"),
        ((field("name") + 1).is_null(), "a b"),
        (field("data.list").len().eq(2), "a"),
    ] {
        crate::api::support::check(db, filter, expected).await;
    }
    let rows = db.collection("items").query().filter(field("name").eq("a"));
    let rows = rows
        .select(((rate() * 2).label("double"), field("data.unit")))
        .json();
    assert_eq!(
        rows.all().await.unwrap(),
        [json!({"double": 4, "data.unit": "KG"})]
    );
}

pub(super) async fn clocked(on: &TestDb, time: &'static str) -> Db {
    let backend = std::sync::Arc::clone(&on.backend);
    let clock = move || time.parse().unwrap();
    let builder = Db::builder().shared_backend(backend).clock(clock);
    builder.register::<(Issue,)>().open().await.unwrap()
}

pub(super) async fn now_is_the_time_of_the_clock(on: &TestDb) {
    given_issues(on).await;
    let db = clocked(on, "2024-03-01T00:00:00Z").await;
    let i = Issue::fields();
    let query = || Issue::query(&db);
    let closed = query()
        .filter(i.closed.gt(den::now()))
        .count()
        .await
        .unwrap();
    assert_eq!(closed, 1);
    let ages: Vec<f64> = query()
        .values(den::now().seconds_since(i.opened))
        .await
        .unwrap();
    assert_eq!(ages, [0.5, 0.5]);
    let days: Vec<Timestamp> = query()
        .distinct(den::now().truncate(TimeUnit::Month))
        .await
        .unwrap_or_default();
    // A constant is no key of a group.
    assert!(days.is_empty());
    let age = den::now().seconds_since(i.opened);
    let groups = query()
        .group_by(age.clone())
        .select((age.clone(), den::count()))
        .having(age.gt(0.25));
    assert_eq!(groups.all().await.unwrap(), [(0.5, 2)]);
    let past = query()
        .sort(den::now().seconds_since(i.closed).desc())
        .first()
        .await
        .unwrap();
    assert!(past.unwrap().closed.is_some());
    assert_eq!(db.now().to_string(), "2024-03-01T00:00:00.000000Z");
}

pub(super) async fn documents_carry_the_time_of_the_clock(on: &TestDb) {
    let noon = "2031-01-31T12:00:00Z";
    let db = clocked(on, noon).await;
    let mut issue = Issue::default();
    issue.insert(&db).await.unwrap();
    assert_eq!(issue.base.created_at, noon.parse().unwrap());
    assert_eq!(issue.base.updated_at, noon.parse().unwrap());
    let later = clocked(on, "2031-02-01T12:00:00Z").await;
    issue.save(&later).await.unwrap();
    assert_eq!(issue.base.created_at, noon.parse().unwrap());
    assert_eq!(
        issue.base.updated_at,
        "2031-02-01T12:00:00Z".parse().unwrap()
    );
    let id = db
        .collection("issues")
        .insert(json!({"status": "new"}))
        .await
        .unwrap();
    let stored = db.collection("issues").get(&id).await.unwrap().unwrap();
    assert_eq!(stored["_created_at"], "2031-01-31T12:00:00.000000Z");
}

pub(super) async fn an_overflow_is_an_error_and_not_a_wrong_number(on: &TestDb) {
    let db = given(
        on,
        [Item {
            n: i64::MAX,
            price: 1e308,
            ..item("max")
        }],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db);
    refused(query().values(p.n + 1).await, ErrorKind::OutOfRange);
    refused(query().values(p.n * 2).await, ErrorKind::OutOfRange);
    refused(query().values(p.price * 10).await, ErrorKind::OutOfRange);
    refused(
        query().filter((p.n + 1).gt(0)).all().await,
        ErrorKind::OutOfRange,
    );
    refused(
        query().sort((p.n + 1).asc()).all().await,
        ErrorKind::OutOfRange,
    );
    refused(
        query().filter((p.n + 1).gt(0)).count().await,
        ErrorKind::OutOfRange,
    );
    assert_eq!(
        query().values(p.n + 1.0).await.unwrap(),
        [9_223_372_036_854_775_808.0]
    );
    // The connection goes on.
    assert_eq!(query().count().await.unwrap(), 1);
}

pub(super) async fn a_constant_that_overflows_is_refused_before_anything_is_sent(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let overflow = den::value(i64::MAX) + 1;
    let refusal = Item::query(&db).filter(p.n.eq(overflow)).all().await;
    refused(refusal, ErrorKind::OutOfRange);
    assert_eq!(recorder.calls().len(), 0);
}

pub(super) async fn what_makes_no_sense_is_refused_before_anything_is_sent(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let query = || Item::query(&db);
    let no_cases = den::case_when(Vec::<(Filter<Item>, i64)>::new(), 2);
    refused(query().values(no_cases).await, ErrorKind::InvalidQuery);
    refused(
        query().values(p.price.round(16)).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().values(den::concat(Vec::<String>::new())).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().values(den::value(f64::NAN) + p.n).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().values(p.name.concat("a\0b")).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().filter(field("").lower().eq("x")).all().await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().sort(den::value(1).asc()).all().await,
        ErrorKind::InvalidQuery,
    );
    let deep = (0..60).fold(p.n * 1, |it, _| it + 1);
    refused(query().values(deep).await, ErrorKind::InvalidQuery);
    let very_deep = (0..1000).fold(p.n * 1, |it, _| it + 1);
    refused(
        query().filter(very_deep.clone().gt(1)).all().await,
        ErrorKind::InvalidQuery,
    );
    refused(
        query().group_by(very_deep).select(den::count()).all().await,
        ErrorKind::InvalidQuery,
    );
    let aggregate = refused(
        query().filter(den::count().gt(1)).all().await,
        ErrorKind::InvalidQuery,
    );
    assert!(aggregate.to_string().contains("having"), "{aggregate}");
    refused(
        query().sort(p.n.sum().asc()).all().await,
        ErrorKind::InvalidQuery,
    );
    assert_eq!(recorder.calls().len(), 0);
}

pub(super) async fn what_the_engine_alone_computes_has_no_positions(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let native = Native {
        engine: db.backend_name(),
        feature: "answer",
        pieces: vec![Piece::Sql("42")],
        arguments: Vec::new(),
        kind: NativeKind::Number,
    };
    let answer: Computed<Item, i64> = Computed::from_expr(Expr::Native(native));
    let query = |on: &dyn Executor| Item::query(on).sort((answer.clone() + 1).asc());
    let error = refused(
        query(&db).page(PageRequest::first(1)).await,
        ErrorKind::InvalidQuery,
    );
    assert!(error.to_string().contains("`answer`"), "{error}");
    let page = query(&db)
        .select(Item::fields().n)
        .page(PageRequest::first(1))
        .await;
    refused(page, ErrorKind::InvalidQuery);
    assert_eq!(recorder.calls().len(), 0);
    let streamed = db
        .transaction(async |tx| query(&tx).stream().try_collect::<Vec<Item>>().await)
        .await;
    refused(streamed, ErrorKind::InvalidQuery);
}

pub(super) async fn names_and_values_are_never_statements(on: &TestDb) {
    let evil = "x'); DROP TABLE items; --\"$1?1";
    let db = given(
        on,
        [Item {
            data: json!({evil: 5}),
            ..item(evil)
        }],
    )
    .await;
    let p = Item::fields();
    let query = || Item::query(db);
    let row = query()
        .select((
            p.name.replace("x", evil).concat(evil).label(evil),
            (field(["data", evil]) + 1).label("sum"),
        ))
        .json()
        .one()
        .await
        .unwrap();
    let replaced = [evil.replace('x', evil), evil.to_owned()].concat();
    assert_eq!(row, json!({evil: replaced, "sum": 6}));
    let grouped = query()
        .group_by(p.name.upper())
        .select((p.name.upper(), den::count()));
    assert_eq!(
        grouped.all().await.unwrap(),
        [(evil.to_ascii_uppercase(), 1)]
    );
    let raw = Filter::from_expr(Expr::Value(Value::Bool(true)));
    assert_eq!(query().filter(raw).count().await.unwrap(), 1);
}
