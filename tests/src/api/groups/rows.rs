//! The rows of groups: their filter, order and window.

use super::*;

pub(super) async fn orders_in_the_order_of_the_calls(on: &TestDb) {
    let items = [
        in_category("1", Some("a"), 1, 1.0),
        in_category("2", Some("b"), 1, 2.0),
        in_category("3", Some("b"), 1, 3.0),
        in_category("4", Some("c"), 1, 1.0),
        in_category("5", None, 1, 9.0),
        in_category("6", None, 1, 0.0),
    ];
    let db = given(on, items).await;
    let p = Item::fields();
    let groups = || {
        Item::query(db)
            .group_by(p.category)
            .select(p.category.coalesce("-"))
    };
    let all = async |it: den::Groups<Item, _>| -> String {
        let rows: Vec<String> = it.all().await.unwrap();
        rows.concat()
    };
    assert_eq!(all(groups()).await, "-abc");
    assert_eq!(all(groups().sort(p.category.desc())).await, "cba-");
    assert_eq!(
        all(groups().sort(p.category.asc().nulls_last())).await,
        "abc-"
    );
    let by_count = || groups().sort(den::count().desc());
    assert_eq!(all(by_count().sort(p.category.desc())).await, "b-ca");
    assert_eq!(all(by_count().sort(p.price.max().desc())).await, "-bac");
    assert_eq!(
        all(groups()
            .sort(p.price.max().desc())
            .sort(den::count().desc()))
        .await,
        "-bac"
    );
    assert_eq!(
        all(groups().sort((p.price.sum() / den::count()).asc())).await,
        "acb-"
    );
}

pub(super) async fn limit_and_skip(on: &TestDb) {
    let db = given_numbered(on, 9).await;
    let p = Item::fields();
    let groups = || Item::query(db).group_by(p.n).select(p.n).sort(p.n.desc());
    assert_eq!(groups().limit(2).all().await.unwrap(), [9, 8]);
    assert_eq!(groups().skip(7).all().await.unwrap(), [2, 1]);
    assert_eq!(groups().skip(3).limit(2).all().await.unwrap(), [6, 5]);
    assert_eq!(groups().first().await.unwrap(), Some(9));
    assert_eq!(groups().skip(20).first().await.unwrap(), None);
    assert_eq!(
        groups()
            .having(p.n.lt(4))
            .skip(1)
            .limit(5)
            .all()
            .await
            .unwrap(),
        [2, 1]
    );
}

pub(super) async fn values_computed_from_aggregates(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = Item::query(db)
        .group_by(p.category)
        .select((
            p.category.coalesce("none").upper(),
            p.n.sum() * 10 + den::count(),
            (p.price.sum() / den::count()).round(1).coalesce(0.0),
            den::value("x"),
        ))
        .all()
        .await
        .unwrap();
    let row = |name: &str, sum, mean| (name.to_owned(), sum, mean, "x".to_owned());
    assert_eq!(
        groups,
        [row("NONE", 183, 6.0), row("A", 42, 2.0), row("B", 101, 0.3)]
    );
}

#[derive(Debug, PartialEq, Projection)]
#[den(document = Item)]
pub(super) struct Stats {
    category: Option<String>,
    #[den(value = |_| den::count())]
    count: u64,
    #[den(value = |p| p.price.avg())]
    mean: Option<f64>,
    #[den(value = |p| p.n.sum())]
    total: i64,
}

pub(super) async fn structs_of_groups(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let stats = Item::query(db)
        .group_by(p.category)
        .project::<Stats>()
        .having(p.category.is_not_null())
        .sort(p.n.sum().desc())
        .all()
        .await
        .unwrap();
    let row = |category, count, mean, total| Stats {
        category,
        count,
        mean,
        total,
    };
    assert_eq!(
        stats,
        [
            row(some("b"), 1, Some(0.25), 10),
            row(some("a"), 2, Some(2.0), 4)
        ]
    );
    // What is about groups is not about documents.
    refused(
        Item::query(db).project::<Stats>().all().await,
        ErrorKind::InvalidQuery,
    );
}

pub(super) async fn json_of_groups(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = Item::query(db)
        .filter(p.category.is_not_null())
        .group_by(p.category)
        .select((
            p.category,
            den::count().label("count"),
            p.price.sum().label("sum"),
        ));
    let rows = groups.clone().json().all().await.unwrap();
    assert_eq!(
        rows,
        [
            json!({"category": "a", "count": 2, "sum": 4.0}),
            json!({"category": "b", "count": 1, "sum": 0.25}),
        ]
    );
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        category: String,
        count: u8,
        sum: f64,
    }
    let first = groups.rows::<Row>().first().await.unwrap().unwrap();
    assert_eq!(
        first,
        Row {
            category: "a".into(),
            count: 2,
            sum: 4.0
        }
    );
    let unlabelled = Item::query(db)
        .group_by(p.category)
        .select(den::count())
        .json()
        .all()
        .await;
    refused(unlabelled, ErrorKind::InvalidQuery);
}

pub(super) async fn one_group(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = || Item::query(db).group_by(p.category).select(den::count());
    assert_eq!(groups().having(p.category.eq("a")).one().await.unwrap(), 2);
    refused(groups().one().await, ErrorKind::MultipleMatches);
    refused(
        groups().having(p.category.eq("x")).one().await,
        ErrorKind::NotFound,
    );
}

pub(super) async fn filters_come_first(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let groups = Item::query(db)
        .filter(p.price.gt(2.0))
        .group_by(p.category)
        .select((p.category, den::count()))
        .all()
        .await
        .unwrap();
    assert_eq!(groups, [(None, 3), (some("a"), 1)]);
}

pub(super) async fn untyped_keys(on: &TestDb) {
    let data = [
        json!({"k": 1}),
        json!({"k": 1.0}),
        json!({"k": "1"}),
        json!({"k": null}),
        json!({}),
    ];
    let db = given(on, data.map(|data| Item { data, ..item("x") })).await;
    let key = || field("data.k");
    let rows = db
        .collection("items")
        .query()
        .group_by(key())
        .select((key(), den::count()))
        .all()
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0], (json!(null), 2));
    assert_eq!(rows[1].1, 2);
    assert_eq!(rows[2], (json!("1"), 1));
    let sum = db
        .collection("items")
        .query()
        .aggregate((key().sum(), key().avg(), key().max()));
    assert_eq!(
        sum.await.unwrap(),
        (json!(2.0), Some(1.0), Some(json!("1")))
    );
}

pub(super) async fn no_documents_no_groups(on: &TestDb) {
    let db = given(on, []).await;
    let p = Item::fields();
    let groups = Item::query(db)
        .group_by(p.category)
        .select((p.category, den::count()));
    assert_eq!(groups.all().await.unwrap(), []);
}

pub(super) async fn mistakes_are_refused_before_anything_is_sent(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let query = || Item::query(&db);
    let invalid = ErrorKind::InvalidQuery;
    let by = |it: QuerySet<Item>| it.group_by(p.category).select(den::count());
    refused(by(query().limit(3)).all().await, invalid);
    refused(by(query().skip(3)).all().await, invalid);
    refused(by(query().sort(p.n.asc())).all().await, invalid);
    refused(by(query()).limit(0).all().await, invalid);
    refused(by(query().distinct_by(p.n)).all().await, invalid);
    let error = refused(
        query().group_by(p.category).select(p.name).all().await,
        invalid,
    );
    assert!(error.to_string().contains("`name`"), "{error}");
    assert_eq!(error.collection(), Some("items"));
    refused(by(query()).having(p.n.gt(1)).all().await, invalid);
    refused(by(query()).sort(p.n.asc()).all().await, invalid);
    refused(
        query()
            .group_by(den::value(1))
            .select(den::count())
            .all()
            .await,
        invalid,
    );
    refused(query().limit(2).sum(p.n).await, invalid);
    refused(query().aggregate((p.n, den::count())).await, invalid);
    assert_eq!(recorder.calls().len(), 0);
}

pub(super) async fn groups_in_a_transaction(on: &TestDb) {
    let db = given_categories(on).await;
    let p = Item::fields();
    let count = db
        .transaction(async |tx| {
            in_category("b2", Some("b"), 1, 1.0).insert(&tx).await?;
            let groups = Item::query(&tx).group_by(p.category).select(den::count());
            groups.having(p.category.eq("b")).one().await
        })
        .await;
    assert_eq!(count.unwrap(), 2);
}
