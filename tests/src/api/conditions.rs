//! Comparisons of numbers, bool and null. Each check also looks at the exact complement.

use den::{Json, field, prelude::*};
use serde_json::json;

use super::support::{Item, check, given, given_numbered, item, numbered};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(comparisons_of_numbers),
    case!(numbers_are_numbers_not_text),
    case!(integers_and_floats_compare_by_value),
    case!(integers_beyond_2_to_53_are_exact),
    case!(every_kind_of_operand_finds_what_was_stored),
    case!(between_includes_both_ends),
    case!(sets_of_values),
    case!(null_and_missing),
    case!(comparisons_with_null_are_false),
    case!(bools),
    case!(types_never_match_each_other),
    case!(a_field_against_another_field),
    case!(whole_values),
    case!(documents_stored_by_others),
];

async fn comparisons_of_numbers(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    check(db, p.n.eq(3), "i3").await;
    check(db, p.n.ne(3), "i1 i2 i4 i5").await;
    check(db, p.n.lt(3), "i1 i2").await;
    check(db, p.n.le(3), "i1 i2 i3").await;
    check(db, p.n.gt(3), "i4 i5").await;
    check(db, p.n.ge(3), "i3 i4 i5").await;
    check(db, p.price.gt(3.5) & p.price.lt(5.5), "i4").await;
    check(db, p.price.ge(1.5) & p.price.le(2.5), "i1 i2").await;
    check(db, p.n.eq(99), "").await;
}

async fn numbers_are_numbers_not_text(on: &TestDb) {
    let db = given(on, [9, 10, 100, -1, -10].map(numbered)).await;
    let p = Item::fields();
    check(db, p.n.gt(9), "i10 i100").await;
    check(db, p.n.lt(10), "i9 i-1 i-10").await;
    check(db, p.n.ge(-1), "i9 i10 i100 i-1").await;
    check(db, p.price.lt(0.0), "i-1 i-10").await;
}

async fn integers_and_floats_compare_by_value(on: &TestDb) {
    let data = [
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(-0.0),
        json!(0),
        json!(1e3),
        json!(1000),
    ];
    let names = [
        "int",
        "float",
        "half",
        "minus zero",
        "zero",
        "exp",
        "thousand",
    ];
    let items = names.iter().zip(data).map(|(name, data)| Item {
        data,
        ..item(&name.replace(' ', "-"))
    });
    let db = given(on, items).await;
    let data = field("data");
    check(db, data.eq(1), "int float").await;
    check(db, data.eq(1.0), "int float").await;
    check(db, data.eq(0), "minus-zero zero").await;
    check(db, data.eq(-0.0), "minus-zero zero").await;
    check(db, data.eq(1000), "exp thousand").await;
    check(db, data.gt(1), "half exp thousand").await;
    check(db, data.between(0.5, 1.5), "int float half").await;
    check(db, data.is_in([1.0, 1000.0]), "int float exp thousand").await;
}

async fn integers_beyond_2_to_53_are_exact(on: &TestDb) {
    let two_53 = 9_007_199_254_740_992_i64;
    let items = [
        two_53 - 1,
        two_53,
        two_53 + 1,
        i64::MAX - 1,
        i64::MAX,
        i64::MIN,
    ]
    .map(|n| Item {
        n,
        data: json!(n),
        ..item(&format!("i{n}"))
    });
    let db = given(on, items).await;
    let p = Item::fields();
    for n in [
        two_53 - 1,
        two_53,
        two_53 + 1,
        i64::MAX - 1,
        i64::MAX,
        i64::MIN,
    ] {
        check(db, p.n.eq(n), &format!("i{n}")).await;
        check(db, field("data").eq(n), &format!("i{n}")).await;
        check(db, p.n.is_in([n]), &format!("i{n}")).await;
    }
    check(
        db,
        p.n.gt(two_53) & p.n.lt(i64::MAX),
        &format!("i{} i{}", two_53 + 1, i64::MAX - 1),
    )
    .await;
    check(
        db,
        field("data").lt(two_53 as f64),
        &format!("i{} i{}", two_53 - 1, i64::MIN),
    )
    .await;
    check(db, field("data").gt(9.3e18), "").await;
    check(
        db,
        field("data").gt(9.2e18),
        &format!("i{} i{}", i64::MAX - 1, i64::MAX),
    )
    .await;
}

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, Embedded)]
#[serde(rename_all = "lowercase")]
enum Level {
    #[default]
    Low,
    High,
}

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, Embedded)]
struct Sku(String);

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, Document)]
#[den(collection = "kinds")]
struct Kinds {
    #[serde(flatten)]
    base: Base<Kinds>,
    text: String,
    small: i8,
    int: i64,
    unsigned: u32,
    large: u64,
    float: f64,
    single: f32,
    flag: bool,
    letter: char,
    time: Timestamp,
    level: Level,
    sku: Sku,
    maybe: Option<u16>,
    link: Id<Item>,
    bytes: Vec<u8>,
    object: Json,
}

async fn every_kind_of_operand_finds_what_was_stored(on: &TestDb) {
    let db = on.with::<Kinds>().await;
    let it = Kinds {
        base: Base::default(),
        text: "text".into(),
        small: -128,
        int: 9_999_999_999,
        unsigned: u32::MAX,
        large: i64::MAX.unsigned_abs(),
        float: 0.1 + 0.2,
        single: 0.1,
        flag: true,
        letter: 'ß',
        time: "2024-05-06T07:08:09.1Z".parse().unwrap(),
        level: Level::High,
        sku: Sku("w-1".into()),
        maybe: Some(7),
        link: Id::new("other"),
        bytes: vec![0, 255, 128],
        object: json!({"b": [1, {"c": null}], "a": "x"}),
    };
    it.clone().save(db).await.unwrap();
    let p = Kinds::fields();
    let filters = [
        p.text.eq("text"),
        p.text.eq(&it.text),
        p.text.eq(it.text.clone()),
        p.small.eq(-128),
        p.int.eq(9_999_999_999),
        p.unsigned.eq(u32::MAX),
        p.large.eq(i64::MAX.unsigned_abs()),
        p.float.eq(0.1 + 0.2),
        p.single.eq(0.1),
        p.flag.eq(true),
        p.letter.eq('ß'),
        p.time.eq(it.time),
        p.level.eq(Level::High),
        p.sku.eq(Sku("w-1".into())),
        p.maybe.eq(7),
        p.link.eq("other"),
        p.link.eq(Id::new("other")),
        p.link.eq(&it.link),
        p.bytes.eq(vec![0, 255, 128]),
        p.object.eq(json!({"a": "x", "b": [1.0, {"c": null}]})),
        p.level.is_in([Level::High]),
        p.single.is_in([0.1_f32, 0.2]),
        p.bytes.is_in([vec![1], vec![0, 255, 128]]),
        p.time.is_in([it.time]),
        p.bytes.contains(255),
        field("single").eq(0.1_f32),
    ];
    for filter in filters {
        let note = format!("{filter:?}");
        let query = |filter| Kinds::query(db).filter(filter);
        assert_eq!(query(filter.clone()).count().await.unwrap(), 1, "{note}");
        assert_eq!(query(!filter).count().await.unwrap(), 0, "not {note}");
    }
    assert_eq!(Kinds::query(db).one().await.unwrap().object, it.object);
}

async fn between_includes_both_ends(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    check(db, p.n.between(2, 4), "i2 i3 i4").await;
    check(db, p.n.between(4, 2), "").await;
    check(db, p.name.between("i2", "i3"), "i2 i3").await;
}

async fn sets_of_values(on: &TestDb) {
    let items = [Some("a"), Some("b"), None, Some("c")].map(|category| Item {
        category: category.map(str::to_owned),
        ..item(category.unwrap_or("none"))
    });
    let db = given(on, items).await;
    let p = Item::fields();
    check(db, p.category.is_in(["a", "c", "x"]), "a c").await;
    check(db, p.category.not_in(["a", "c", "x"]), "b none").await;
    check(db, p.category.is_in(Vec::<String>::new()), "").await;
    check(db, p.category.not_in(Vec::<String>::new()), "a b none c").await;
    check(db, p.category.is_in(["a", "a", "a"]), "a").await;
    check(db, field("category").is_in([json!("a"), json!(1)]), "a").await;
    check(db, p.category.is_in([p.name, p.address.city]), "a b c").await;
}

async fn null_and_missing(on: &TestDb) {
    let db = given(
        on,
        [
            item("null"),
            Item {
                category: Some("c".into()),
                ..item("value")
            },
        ],
    )
    .await;
    let mut planted = serde_json::to_value(item("missing")).unwrap();
    planted.as_object_mut().unwrap().remove("category");
    planted["_id"] = json!("~");
    on.plant("items", "~", &planted).await;
    let p = Item::fields();
    check(db, p.category.is_null(), "null missing").await;
    check(db, p.category.is_not_null(), "value").await;
    check(db, p.category.exists(), "null value").await;
    check(db, p.category.is_missing(), "missing").await;
    check(db, p.category.ne("c"), "null missing").await;
    check(db, p.category.not_in(["c"]), "null missing").await;
    check(db, field("no.such.thing").is_null(), "null value missing").await;
    check(db, field("no.such.thing").exists(), "").await;
}

async fn comparisons_with_null_are_false(on: &TestDb) {
    let db = given(
        on,
        [
            item("null"),
            Item {
                category: Some("c".into()),
                ..item("value")
            },
        ],
    )
    .await;
    let p = Item::fields();
    for filter in [
        p.category.lt("d"),
        p.category.le("c"),
        p.category.gt(""),
        p.category.ge("c"),
    ] {
        check(db, filter, "value").await;
    }
    check(db, !(p.category.lt("c") | p.category.ge("c")), "null").await;
    check(db, p.category.eq(p.category), "value").await;
    check(db, p.category.ne(p.category), "null").await;
}

async fn bools(on: &TestDb) {
    let db = given(
        on,
        [
            Item {
                active: true,
                ..item("yes")
            },
            item("no"),
        ],
    )
    .await;
    let p = Item::fields();
    check(db, p.active.eq(true), "yes").await;
    check(db, p.active.eq(false), "no").await;
    check(db, p.active.ne(true), "no").await;
    check(db, p.active.gt(false), "yes").await;
    check(db, field("active").eq(1), "").await;
    check(db, field("active").eq("true"), "").await;
}

async fn types_never_match_each_other(on: &TestDb) {
    let values = [
        ("one", json!(1)),
        ("text", json!("1")),
        ("true", json!(true)),
        ("null", json!(null)),
        ("array", json!([1])),
        ("object", json!({"1": 1})),
        ("word", json!("true")),
    ];
    let db = given(on, values.map(|(name, data)| Item { data, ..item(name) })).await;
    let data = field("data");
    check(db, data.eq(1), "one").await;
    check(db, data.eq("1"), "text").await;
    check(db, data.eq(true), "true").await;
    check(db, data.eq("true"), "word").await;
    check(db, data.eq([1]), "array").await;
    check(db, data.eq(json!({"1": 1.0})), "object").await;
    check(db, data.ge(0), "one").await;
    check(db, data.gt(""), "text word").await;
    check(db, data.ge(false), "true").await;
    check(db, data.lt(2), "one").await;
    check(db, data.lt("zzz"), "text word").await;
    check(
        db,
        data.is_in([json!(1), json!(true), json!([1])]),
        "one true array",
    )
    .await;
}

async fn a_field_against_another_field(on: &TestDb) {
    let pair = |name: &str, category: Option<&str>, city: &str, n, price| Item {
        category: category.map(str::to_owned),
        address: super::support::Address {
            city: city.to_owned(),
            ..Default::default()
        },
        n,
        price,
        ..item(name)
    };
    let db = given(
        on,
        [
            pair("same", Some("x"), "x", 2, 2.0),
            pair("less", Some("a"), "x", 1, 1.5),
            pair("more", Some("z"), "x", 9, 1.5),
            pair("null", None, "x", 0, 0.0),
        ],
    )
    .await;
    let p = Item::fields();
    check(db, p.category.eq(p.address.city), "same").await;
    check(db, p.category.ne(p.address.city), "less more null").await;
    check(db, p.category.lt(p.address.city), "less").await;
    check(db, p.category.ge(p.address.city), "same more").await;
    check(db, field("n").eq_field(&field("price")), "same null").await;
    check(db, field("n").lt_field(&field("price")), "less").await;
    check(db, field("n").gt_field(&field("price")), "more").await;
    check(db, field("n").le_field(&field("price")), "same less null").await;
    check(db, field("n").ge_field(&field("price")), "same more null").await;
    check(db, field("n").eq_field(&field("category")), "").await;
    check(db, field("n").eq_field(&field("missing")), "").await;
}

async fn whole_values(on: &TestDb) {
    let db = given(
        on,
        [
            Item {
                tags: vec!["a".into(), "b".into()],
                ..item("ab")
            },
            Item {
                tags: vec!["b".into(), "a".into()],
                ..item("ba")
            },
            Item {
                attributes: [("x".into(), 1), ("y".into(), 2)].into(),
                ..item("xy")
            },
        ],
    )
    .await;
    let p = Item::fields();
    check(db, p.tags.eq(vec!["a".into(), "b".into()]), "ab").await;
    check(db, p.tags.ne(vec!["a".into(), "b".into()]), "ba xy").await;
    check(db, p.tags.eq(vec![]), "xy").await;
    let same = std::collections::BTreeMap::from([("y".to_owned(), 2), ("x".to_owned(), 1)]);
    check(db, p.attributes.eq(same), "xy").await;
    check(db, field("attributes").eq(json!({"y": 2})), "").await;
}

async fn documents_stored_by_others(on: &TestDb) {
    // A typed field may hold another type below; a typed comparison does not match it.
    let db = given(on, [numbered(5)]).await;
    let untyped = db.collection("items");
    untyped
        .insert(json!({"_id": "~a", "n": "5", "price": "x", "name": 5}))
        .await
        .unwrap();
    untyped
        .insert(json!({"_id": "~b", "n": [5], "active": "true"}))
        .await
        .unwrap();
    untyped
        .insert(json!({"_id": "~c", "n": 5.0}))
        .await
        .unwrap();
    let p = Item::fields();
    let ids = |filter: Filter<Item>| async move {
        let ids = Item::query(db).filter(filter).ids().await.unwrap();
        ids.iter()
            .filter(|it| it.as_str().starts_with('~'))
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(p.n.eq(5)).await, ["~c"]);
    assert_eq!(ids(p.n.ne(5)).await, ["~a", "~b"]);
    assert_eq!(ids(p.n.gt(0)).await, ["~c"]);
    assert_eq!(ids(!p.n.gt(0)).await, ["~a", "~b"]);
    assert_eq!(ids(p.name.eq("5")).await, Vec::<String>::new());
    assert_eq!(ids(p.active.eq(true)).await, Vec::<String>::new());
}
