//! What PostgreSQL alone can do, and how it is refused elsewhere.

use den::{
    Computed, ErrorKind, Json, Value,
    postgres::pg::{self, GinTarget},
    prelude::*,
    site,
};
use serde_json::json;

use super::pg_partitions::may;
use super::support::{Item, check, found, given, item, numbered, recorded, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(another_engine_refuses_before_it_is_asked, except: [Postgres, PostgresIcu]),
    case!(definitions_are_refused_elsewhere, except: [Postgres, PostgresIcu]),
    case!(casts_compare_as_their_type_does, only: [Postgres, PostgresIcu]),
    case!(casts_of_what_is_no_such_value_fail, only: [Postgres, PostgresIcu]),
    case!(json_is_looked_into, only: [Postgres, PostgresIcu]),
    case!(a_gin_index_serves_containment, only: [Postgres, PostgresIcu]),
    case!(a_gin_index_serves_words, only: [Postgres, PostgresIcu]),
    case!(words_are_ranked, only: [Postgres, PostgresIcu]),
    case!(passwords_are_verified, only: [Postgres, PostgresIcu]),
    case!(a_missing_function_hints_at_its_extension, only: [Postgres, PostgresIcu]),
    case!(names_are_not_text_of_statements, only: [Postgres, PostgresIcu]),
    case!(the_recorder_lets_definitions_through, only: [Postgres]),
];

async fn another_engine_refuses_before_it_is_asked(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let p = Item::fields();
    let contains = || Filter::native(pg::jsonb_contains(p.data, Value::from("x")));
    let query = || Item::query(&db).filter(contains());
    let error = refused(query().all().await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("pg::jsonb_contains"), "{error}");
    refused(query().count().await, ErrorKind::Unsupported);
    refused(query().exists().await, ErrorKind::Unsupported);
    refused(query().delete().await, ErrorKind::Unsupported);
    let rank = pg::ts_rank(
        pg::to_tsvector("simple", p.name),
        pg::plainto_tsquery("simple", "x"),
    );
    let rank = Computed::<Item, f64, _>::native(rank);
    refused(
        Item::query(&db).sort(rank.desc()).all().await,
        ErrorKind::Unsupported,
    );
    let salt = Computed::<Item, String, _>::native(pg::gen_salt("bf", Some(4)));
    let patched = Item::query(&db)
        .filter(p.n.eq(1))
        .update()
        .set_expr(p.category, salt)
        .await;
    refused(patched, ErrorKind::Unsupported);
    let selected = Item::query(&db).select((Computed::<Item, String, _>::native(pg::text(p.n)),));
    refused(selected.all().await, ErrorKind::Unsupported);
    assert!(recorder.take().is_empty());
}

async fn definitions_are_refused_elsewhere(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let backend = db.backend();
    let target = GinTarget::Document;
    let all = [
        pg::create_extension(backend, "pgcrypto").await,
        pg::create_gin_index(backend, "items", "g", &target, None).await,
        pg::create_range_partitioned_collection(backend, "events", "at").await,
        pg::create_daily_partitions_ahead(backend, "events", may(), 3)
            .await
            .map(drop),
        pg::list_daily_partitions_before(backend, "events", may(), 3)
            .await
            .map(drop),
        pg::drop_partition(backend, "events", "x").await,
    ];
    for outcome in all {
        let error = refused(outcome, ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("a feature of postgres"),
            "{error}"
        );
    }
    assert!(recorder.take().is_empty());
}

async fn casts_compare_as_their_type_does(on: &TestDb) {
    let low = "0000000A-0000-0000-0000-000000000000";
    let db = given(on, [item("9"), item("10"), item(low)]).await;
    let p = Item::fields();
    let of = |id: &str| Filter::native(pg::uuid(p.name).eq(pg::uuid(id)));
    let only = Item::query(db).filter(p.name.starts_with("0"));
    assert_eq!(
        found(only.clone().filter(of(&low.to_lowercase()))).await,
        low
    );
    let numbers = Item::query(db).filter(!p.name.starts_with("0"));
    let as_number = Computed::<Item, i64, _>::native(pg::int(p.name));
    assert_eq!(
        found(numbers.clone().sort(as_number.clone().asc())).await,
        "9 10"
    );
    assert_eq!(found(numbers.clone().filter(as_number.gt(9))).await, "10");
    let selected = numbers
        .sort(p.name.asc())
        .select((
            Computed::<Item, f64, _>::native(pg::float8(p.name)),
            Computed::<Item, String, _>::native(pg::text(p.n)),
            Computed::<Item, Json, _>::native(pg::jsonb(p.tags)),
            Computed::<Item, f64, _>::native(pg::cast(pg::numeric(p.name), "numeric(10,2)")),
        ))
        .all()
        .await
        .unwrap();
    assert_eq!(
        selected,
        [
            (
                Some(10.0),
                Some("0".to_owned()),
                Some(json!([])),
                Some(10.0)
            ),
            (Some(9.0), Some("0".to_owned()), Some(json!([])), Some(9.0)),
        ]
    );
    let early = pg::timestamptz("2026-05-01T12:00:00+02:00");
    let late = pg::timestamptz("2026-05-01T10:00:00.5Z");
    check(
        db,
        Filter::native(early.lt(late)),
        &["9", "10", low].join(" "),
    )
    .await;
}

async fn casts_of_what_is_no_such_value_fail(on: &TestDb) {
    let db = given(on, [item("x")]).await;
    let p = Item::fields();
    let bad = Filter::native(pg::uuid(p.name).eq(pg::uuid(p.name)));
    assert!(Item::query(db).filter(bad).all().await.is_err());
    // Null stays null.
    let null = Filter::native(pg::uuid(p.category).eq(pg::uuid(p.category)));
    check(db, null, "").await;
}

async fn json_is_looked_into(on: &TestDb) {
    let with = |name: &str, data: Json| Item { data, ..item(name) };
    let db = given(
        on,
        [
            with("a", json!({"color": "red", "sizes": [1, 2, 3]})),
            with("b", json!({"color": "blue", "sizes": [3]})),
            with("c", Json::Null),
        ],
    )
    .await;
    let p = Item::fields();
    let value = |json: Json| serde_json::from_value::<Value>(json).unwrap();
    let contains = |json| Filter::native(pg::jsonb_contains(p.data, value(json)));
    check(db, contains(json!({"color": "red"})), "a").await;
    check(db, contains(json!({"sizes": [3]})), "a b").await;
    let in_document = pg::jsonb_contains(pg::doc(), value(json!({"data": {"color": "blue"}})));
    check(db, Filter::native(in_document), "b").await;
    let at = pg::jsonb_contains(pg::jsonb_path("data.sizes"), value(json!([2])));
    check(db, Filter::native(at), "a").await;
    check(db, Filter::native(pg::jsonb_exists(p.data, "color")), "a b").await;
    check(
        db,
        Filter::native(pg::jsonb_exists(p.data, "nope' OR true --")),
        "",
    )
    .await;
    let path = pg::jsonb_path_exists(p.data, "$.sizes[*] ? (@ < 2)");
    check(db, Filter::native(path), "a").await;
    let bad = pg::jsonb_path_exists(p.data, "$.[");
    assert!(
        Item::query(db)
            .filter(Filter::native(bad))
            .all()
            .await
            .is_err()
    );
}

async fn plan_of(on: &TestDb, query: QuerySet<Item>) -> String {
    let explained = query.to_sql().await.unwrap();
    let client = on.plain_connection().await;
    client
        .batch_execute("SET enable_seqscan = off")
        .await
        .unwrap();
    let mut text = explained.statement.clone();
    // As literals, so that the driver need not be told of types.
    for (i, parameter) in explained.parameters.iter().enumerate().rev() {
        let literal = match serde_json::from_str::<String>(parameter) {
            Ok(text) if !parameter.starts_with('{') => text,
            _ => parameter.clone(),
        };
        let literal = ["'", &literal.replace('\'', "''"), "'"].concat();
        text = text.replace(&format!("${}", i + 1), &literal);
    }
    let rows = client
        .simple_query(&["EXPLAIN ", &text].concat())
        .await
        .unwrap();
    let lines = rows.iter().filter_map(|it| {
        let tokio_postgres::SimpleQueryMessage::Row(row) = it else {
            return None;
        };
        row.get(0).map(str::to_owned)
    });
    lines.collect::<Vec<_>>().join("\n")
}

async fn a_gin_index_serves_containment(on: &TestDb) {
    let db = given(on, (1..=20).map(numbered)).await;
    let p = Item::fields();
    let backend = db.backend();
    for (name, target, class) in [
        (
            "gin_data",
            GinTarget::path("data").unwrap(),
            Some("jsonb_path_ops"),
        ),
        ("gin_doc", GinTarget::Document, None),
    ] {
        for _ in 0..2 {
            pg::create_gin_index(backend, "items", name, &target, class)
                .await
                .unwrap();
        }
    }
    let value = || serde_json::from_value::<Value>(json!({"a": 1})).unwrap();
    let field = Item::query(db).filter(Filter::native(pg::jsonb_contains(p.data, value())));
    let plan = plan_of(on, field.clone()).await;
    assert!(plan.contains("gin_data"), "{plan}");
    assert_eq!(field.count().await.unwrap(), 0);
    let document = pg::jsonb_contains(pg::doc(), value());
    let plan = plan_of(on, Item::query(db).filter(Filter::native(document))).await;
    assert!(plan.contains("gin_doc"), "{plan}");
}

async fn a_gin_index_serves_words(on: &TestDb) {
    let db = given(on, (1..=20).map(numbered)).await;
    let p = Item::fields();
    // One field with a column of its own, one without.
    for (name, path) in [("gin_name", "name"), ("gin_zip", "address.place")] {
        let target = GinTarget::words("english", path).unwrap();
        pg::create_gin_index(db.backend(), "items", name, &target, None)
            .await
            .unwrap();
    }
    let matches = |vector| {
        let query = pg::websearch_to_tsquery("english", "i3");
        Item::query(db).filter(Filter::native(pg::tsvector_matches(vector, query)))
    };
    let named = matches(pg::to_tsvector("english", p.name));
    let plan = plan_of(on, named.clone()).await;
    assert!(plan.contains("gin_name"), "{plan}");
    assert_eq!(found(named).await, "i3");
    let plan = plan_of(
        on,
        matches(pg::to_tsvector("english", pg::jsonb_path("address.place"))),
    )
    .await;
    assert!(!plan.contains("gin_name"), "{plan}");
}

async fn words_are_ranked(on: &TestDb) {
    let names = [
        "a rust book",
        "rust rust rust",
        "cooking",
        "rusting away, rust",
    ];
    let db = given(on, names.map(item)).await;
    let p = Item::fields();
    let words = || pg::to_tsvector("english", p.name);
    for (query, expected) in [
        (
            pg::plainto_tsquery("english", "rust"),
            "rust rust rust,rusting away, rust,a rust book",
        ),
        (pg::plainto_tsquery("english", "rust book"), "a rust book"),
        (
            pg::websearch_to_tsquery("english", "rust -away -book"),
            "rust rust rust",
        ),
        (pg::plainto_tsquery("english", "'; DROP TABLE items --"), ""),
    ] {
        let rank = Computed::<Item, f64, _>::native(pg::ts_rank(words(), query.clone()));
        let ranked = Item::query(db)
            .filter(Filter::native(pg::tsvector_matches(words(), query)))
            .sort(rank.clone().desc())
            .all()
            .await
            .unwrap();
        let found: Vec<&str> = ranked.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found.join(","), expected);
    }
}

async fn passwords_are_verified(on: &TestDb) {
    let db = given(on, [item("ada")]).await;
    // An extension belongs to the whole database, and lies in one schema of it.
    let sql = "DROP EXTENSION IF EXISTS pgcrypto CASCADE";
    db.execute_raw(site!("drop_pgcrypto"), sql, ())
        .await
        .unwrap();
    for _ in 0..2 {
        pg::create_extension(db.backend(), "pgcrypto")
            .await
            .unwrap();
    }
    let p = Item::fields();
    let hashed =
        Computed::<Item, String, _>::native(pg::crypt("s3cret", pg::gen_salt("bf", Some(4))));
    Item::query(db)
        .filter(p.name.eq("ada"))
        .update()
        .set_expr(p.category, hashed)
        .await
        .unwrap();
    let stored = Item::query(db)
        .first()
        .await
        .unwrap()
        .unwrap()
        .category
        .unwrap();
    assert!(stored.starts_with("$2a$04$"), "{stored}");
    let verified =
        |password: &str| Filter::native(pg::crypt(password, p.category).eq(pg::text(p.category)));
    check(db, verified("s3cret"), "ada").await;
    check(db, verified("wrong"), "").await;
    check(db, verified("' OR '1'='1"), "").await;
    db.execute_raw(site!("drop_pgcrypto_again"), sql, ())
        .await
        .unwrap();
}

async fn a_missing_function_hints_at_its_extension(on: &TestDb) {
    let db = given(on, [item("ada")]).await;
    // It may be there, for another case, but not for these types.
    let sql = "SELECT soundex_of_nobody('x') AS a";
    let error = db
        .query_raw::<Json>(site!("missing_function"), sql, ())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("42883"));
    assert!(error.to_string().contains("create_extension"), "{error}");
}

async fn names_are_not_text_of_statements(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let backend = db.backend();
    let p = Item::fields();
    let data = GinTarget::Document;
    for evil in [
        "x\"; DROP TABLE items; --",
        "x'; DROP TABLE items; --",
        "x; DROP TABLE items",
        "pg_catalog.int4",
        "",
        "X",
        "a b",
        "int4)::text--",
        "numeric(1); --",
        "text[][]",
        "jsonb_path_ops) WHERE (true",
        "\0",
    ] {
        let bad = ErrorKind::InvalidQuery;
        refused(pg::create_extension(backend, evil).await, bad);
        refused(
            pg::create_gin_index(backend, "items", "g", &data, Some(evil)).await,
            bad,
        );
        let words = GinTarget::TsVector {
            configuration: evil.to_owned(),
            path: "name".parse_path(),
        };
        refused(
            pg::create_gin_index(backend, "items", "g", &words, None).await,
            bad,
        );
        for expression in [
            pg::cast(p.name, evil).eq("x"),
            pg::tsvector_matches(
                pg::to_tsvector(evil, p.name),
                pg::plainto_tsquery("simple", "x"),
            ),
            pg::tsvector_matches(
                pg::to_tsvector("simple", p.name),
                pg::plainto_tsquery(evil, "x"),
            ),
            pg::tsvector_matches(
                pg::to_tsvector("simple", p.name),
                pg::websearch_to_tsquery(evil, "x"),
            ),
        ] {
            refused(
                Item::query(&db)
                    .filter(Filter::native(expression))
                    .all()
                    .await,
                bad,
            );
        }
    }
    for evil in ["", "a\0b", &"x".repeat(51)] {
        refused(
            pg::create_gin_index(backend, "items", evil, &data, None).await,
            ErrorKind::InvalidQuery,
        );
    }
    // Names that are odd only are quoted.
    let odd = "g\"; DROP TABLE items; --";
    pg::create_gin_index(backend, "items", odd, &data, None)
        .await
        .unwrap();
    let path = GinTarget::path("data.it's \"odd\"").unwrap();
    pg::create_gin_index(backend, "items", "odd path", &path, None)
        .await
        .unwrap();
    let odd = "c'\"; DROP TABLE items; --";
    pg::create_range_partitioned_collection(backend, odd, "a'\"b")
        .await
        .unwrap();
    let made = pg::create_daily_partitions_ahead(backend, odd, may(), 1)
        .await
        .unwrap();
    pg::drop_partition(backend, odd, &made[0]).await.unwrap();
    refused(
        pg::drop_partition(backend, odd, "items").await,
        ErrorKind::NotFound,
    );
    refused(
        pg::create_gin_index(backend, "items", "items", &data, None).await,
        ErrorKind::InvalidQuery,
    );
    refused(
        pg::create_gin_index(backend, "nope\" --", "g", &data, None).await,
        ErrorKind::NotRegistered,
    );
    refused(
        pg::create_daily_partitions_ahead(backend, "items", may(), 1).await,
        ErrorKind::InvalidQuery,
    );
    let salt = Computed::<Item, String, _>::native(pg::gen_salt("bf'; DROP TABLE items; --", None));
    assert!(Item::query(&db).sort(salt.asc()).all().await.is_err());
    drop(recorder);
    item("still there").save(&db).await.unwrap();
    assert_eq!(Item::query(&db).count().await.unwrap(), 1);
}

/// Paths in tests are good ones.
trait ParsePath {
    fn parse_path(&self) -> den::FieldPath;
}

impl ParsePath for str {
    fn parse_path(&self) -> den::FieldPath {
        den::FieldPath::parse(self).unwrap()
    }
}

async fn the_recorder_lets_definitions_through(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    pg::create_gin_index(db.backend(), "items", "g", &GinTarget::Document, None)
        .await
        .unwrap();
    let pool = den::postgres::native::pool(db.backend()).unwrap();
    let client = pool.get().await.unwrap();
    let row = client.query_one("SELECT 6 * 7", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 42);
    assert!(recorder.take().is_empty());
}
