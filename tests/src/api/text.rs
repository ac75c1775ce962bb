//! Operators of text.

use den::{ErrorKind, field, prelude::*};
use serde_json::json;

use super::support::{Item, check, given, item, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(contains_starts_with_ends_with),
    case!(text_is_taken_literally),
    case!(text_is_case_sensitive),
    case!(the_ci_forms_fold_ascii_only),
    case!(text_of_any_script),
    case!(the_empty_text_is_in_every_text),
    case!(comparisons_go_by_bytes),
    case!(prefixes_at_the_edges_of_unicode),
    case!(patterns),
    case!(patterns_that_engines_read_differently_are_refused),
    case!(what_is_no_text_matches_nothing),
    case!(text_operators_on_nullable_fields_and_ids),
];

async fn given_names(on: &TestDb, names: &[&str]) -> Db {
    given(on, names.iter().map(|it| item(it))).await.clone()
}

async fn contains_starts_with_ends_with(on: &TestDb) {
    let db = &given_names(on, &["Alpha", "Beta", "Gamma", "Delta"]).await;
    let p = Item::fields();
    check(db, p.name.contains("am"), "Gamma").await;
    check(db, p.name.contains("a"), "Alpha Beta Gamma Delta").await;
    check(db, p.name.starts_with("Al"), "Alpha").await;
    check(db, p.name.ends_with("ta"), "Beta Delta").await;
    check(db, p.name.starts_with("Beta"), "Beta").await;
    check(db, p.name.starts_with("Beta!"), "").await;
    check(db, field("name").contains_text("elt"), "Delta").await;
    check(db, field("name").starts_with("Ga"), "Gamma").await;
    check(db, field("name").ends_with("mma"), "Gamma").await;
}

async fn text_is_taken_literally(on: &TestDb) {
    let names = [
        "100%", "100x", "a_b", "axb", "c\\d", "cd", "*?[x]", "'q'", "\"q\"", "e.f",
    ];
    let db = &given_names(on, &names).await;
    let p = Item::fields();
    check(db, p.name.contains("%"), "100%").await;
    check(db, p.name.contains("_"), "a_b").await;
    check(db, p.name.contains("\\"), "c\\d").await;
    check(db, p.name.contains("*"), "*?[x]").await;
    check(db, p.name.contains("[x"), "*?[x]").await;
    check(db, p.name.contains("'"), "'q'").await;
    check(db, p.name.contains("\""), "\"q\"").await;
    check(db, p.name.contains("."), "e.f").await;
    check(db, p.name.starts_with("a_"), "a_b").await;
    check(db, p.name.ends_with("0%"), "100%").await;
    check(db, p.name.ends_with("\\d"), "c\\d").await;
    check(db, p.name.contains_ci("A_B"), "a_b").await;
    check(db, p.name.starts_with_ci("100%"), "100%").await;
    check(db, p.name.ends_with_ci("\\D"), "c\\d").await;
    check(db, p.name.eq_ci("a_B"), "a_b").await;
    check(db, p.name.eq("'q'"), "'q'").await;
}

async fn text_is_case_sensitive(on: &TestDb) {
    let db = &given_names(on, &["Alpha", "alpha", "ALPHA"]).await;
    let p = Item::fields();
    check(db, p.name.eq("alpha"), "alpha").await;
    check(db, p.name.contains("LP"), "ALPHA").await;
    check(db, p.name.starts_with("al"), "alpha").await;
    check(db, p.name.ends_with("ha"), "Alpha alpha").await;
}

async fn the_ci_forms_fold_ascii_only(on: &TestDb) {
    let db = &given_names(
        on,
        &[
            "Straße",
            "STRASSE",
            "strasse",
            "ÄPFEL",
            "äpfel",
            "Kelvin",
            "\u{212a}elvin",
        ],
    )
    .await;
    let p = Item::fields();
    check(db, p.name.eq_ci("Strasse"), "STRASSE strasse").await;
    check(db, p.name.starts_with_ci("STRA"), "Straße STRASSE strasse").await;
    check(db, p.name.ends_with_ci("SSE"), "STRASSE strasse").await;
    check(db, p.name.contains_ci("PFEL"), "ÄPFEL äpfel").await;
    check(db, p.name.starts_with_ci("ä"), "äpfel").await;
    check(db, p.name.eq_ci("ÄPFEL"), "ÄPFEL").await;
    check(db, p.name.eq_ci("kelvin"), "Kelvin").await;
    check(
        db,
        field("name").contains_text_ci("TRAS"),
        "STRASSE strasse",
    )
    .await;
    check(db, field("name").eq_ci("KELVIN"), "Kelvin").await;
}

async fn text_of_any_script(on: &TestDb) {
    let db = &given_names(on, &["café", "cafe\u{301}", "日本語", "🎉party", "naïve"]).await;
    let p = Item::fields();
    check(db, p.name.contains("é"), "café").await;
    check(db, p.name.contains("本"), "日本語").await;
    check(db, p.name.starts_with("🎉"), "🎉party").await;
    check(db, p.name.ends_with("本語"), "日本語").await;
    check(db, p.name.eq("café"), "café").await;
    check(db, p.name.contains("ï"), "naïve").await;
    check(db, p.name.is_in(["日本語", "🎉party"]), "日本語 🎉party").await;
}

async fn the_empty_text_is_in_every_text(on: &TestDb) {
    let db = &given(
        on,
        [
            item("a"),
            Item {
                category: Some(String::new()),
                ..item("b")
            },
        ],
    )
    .await
    .clone();
    let p = Item::fields();
    check(db, p.name.contains(""), "a b").await;
    check(db, p.name.starts_with(""), "a b").await;
    check(db, p.name.ends_with_ci(""), "a b").await;
    check(db, p.category.starts_with(""), "b").await;
    check(db, p.category.contains(""), "b").await;
    check(db, p.category.eq(""), "b").await;
    check(db, p.category.lt("a"), "b").await;
    check(db, p.category.matches(""), "b").await;
}

async fn comparisons_go_by_bytes(on: &TestDb) {
    let db = &given_names(on, &["B", "a", "Z", "z", "ä", "é", "_", "1", "~"]).await;
    let p = Item::fields();
    check(db, p.name.lt("a"), "B Z _ 1").await;
    check(db, p.name.gt("a"), "z ä é ~").await;
    check(db, p.name.ge("ä"), "ä é").await;
    check(db, p.name.between("A", "Z"), "B Z").await;
    check(db, field("name").le("B"), "B 1").await;
}

async fn prefixes_at_the_edges_of_unicode(on: &TestDb) {
    let edges = [
        "\u{7f}x",
        "\u{d7ff}x",
        "\u{e000}x",
        "\u{ffff}x",
        "\u{10ffff}x",
        "\u{10ffff}\u{10ffff}",
    ];
    let db = &given_names(on, &edges).await;
    let p = Item::fields();
    for prefix in ["\u{7f}", "\u{d7ff}", "\u{e000}", "\u{ffff}"] {
        check(db, p.name.starts_with(prefix), &format!("{prefix}x")).await;
    }
    check(db, p.name.starts_with("\u{10ffff}"), &edges[4..].join(" ")).await;
    check(db, p.name.starts_with("\u{10ffff}\u{10ffff}"), edges[5]).await;
    check(
        db,
        p.name.starts_with_ci("\u{10ffff}"),
        &edges[4..].join(" "),
    )
    .await;
}

async fn patterns(on: &TestDb) {
    let db = &given_names(on, &["Alpha-1", "beta-22", "gamma", "x.y", "日本-3"]).await;
    let p = Item::fields();
    check(db, p.name.matches("^[A-Z]"), "Alpha-1").await;
    check(db, p.name.matches(r"-\d+$"), "Alpha-1 beta-22 日本-3").await;
    check(db, p.name.matches("a"), "Alpha-1 beta-22 gamma").await;
    check(db, p.name.matches("(?i)^ALPHA"), "Alpha-1").await;
    check(db, p.name.matches("^(beta|gamma)"), "beta-22 gamma").await;
    check(db, p.name.matches(r"^x\.y$"), "x.y").await;
    check(db, p.name.matches("^.{4}$"), "日本-3").await;
    check(db, p.name.matches("[^a-z0-9.-]"), "Alpha-1 日本-3").await;
    check(db, p.name.matches("nothing"), "").await;
    check(db, field("name").matches("m{2}"), "gamma").await;
}

async fn patterns_that_engines_read_differently_are_refused(on: &TestDb) {
    let db = on.with::<Item>().await;
    let p = Item::fields();
    for bad in [
        "(",
        "[",
        "a{2,1}",
        "*a",
        "(?P<x",
        r"\",
        r"\p{Nope}",
        r"(?=a)",
        r"(a)\1",
        "a{1000}",
    ] {
        let query = Item::query(db).filter(p.name.matches(bad));
        let error = refused(query.all().await, ErrorKind::InvalidQuery);
        assert!(!error.to_string().is_empty());
        let query = Item::query(db).filter(p.n.gt(0) | !field("name").matches(bad));
        refused(query.count().await, ErrorKind::InvalidQuery);
    }
}

async fn what_is_no_text_matches_nothing(on: &TestDb) {
    let values = [
        json!(1),
        json!(true),
        json!(null),
        json!(["1"]),
        json!({"1": "1"}),
        json!("1"),
    ];
    let db = &given(
        on,
        values.map(|data| Item {
            data: data.clone(),
            ..item(&data.to_string())
        }),
    )
    .await
    .clone();
    let data = field("data");
    let text = "\"1\"";
    check(db, data.contains_text("1"), text).await;
    check(db, data.starts_with("1"), text).await;
    check(db, data.ends_with(""), text).await;
    check(db, data.eq_ci("1"), text).await;
    check(db, data.matches("."), text).await;
}

async fn text_operators_on_nullable_fields_and_ids(on: &TestDb) {
    let mut first = Item {
        category: Some("Books".into()),
        ..item("a")
    };
    first.base.id = Id::new("item-1");
    let mut second = item("b");
    second.base.id = Id::new("ITEM-2");
    let db = &given(on, [second, first]).await.clone();
    let p = Item::fields();
    check(db, p.category.contains("ook"), "a").await;
    check(db, p.category.eq_ci("BOOKS"), "a").await;
    check(db, p.base.id.starts_with("item"), "a").await;
    check(db, p.base.id.starts_with_ci("item"), "b a").await;
    check(db, p.base.id.matches("-[0-9]$"), "b a").await;
    check(db, p.base.id.gt("a"), "a").await;
}
