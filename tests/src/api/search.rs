//! Full text: what a search finds, in which order, with which score and snippet.

use den::{Capability, ErrorKind, Hit, SnippetOptions, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    searched::{Article, article, finds, given, given_four, numbers, searched},
    support::refused,
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(words_phrases_prefixes_and_signs),
    case!(any_input_is_safe),
    case!(nothing_to_find_finds_nothing),
    case!(names_of_fields_are_stored_paths),
    case!(the_best_come_first),
    case!(a_weight_counts),
    case!(a_sort_takes_the_place_of_relevance),
    case!(hits_have_scores_and_snippets),
    case!(snippets_look_as_they_are_told),
    case!(a_language_finds_other_endings),
    case!(a_language_that_is_not_known_is_refused),
    case!(pieces_are_found_inside_of_words, only: [Memory, SqliteFile, SqliteMemory]),
    case!(pieces_are_refused_before_any_statement, only: [Postgres, PostgresIcu]),
    case!(too_many_weights_are_refused),
    case!(a_query_is_searched_once),
    case!(hits_need_a_search),
    together!(every_database_finds_the_same),
];

async fn words_phrases_prefixes_and_signs(on: &TestDb) {
    let db = given_four(on).await;
    assert_eq!(finds(db, "rust").await, [1, 2, 4]);
    assert_eq!(finds(db, "RUST den").await, [1, 2]);
    assert_eq!(finds(db, "\"full text\"").await, [2, 3, 4]);
    assert_eq!(finds(db, "full-text").await, [2, 3, 4]);
    assert_eq!(finds(db, "\"text full\"").await, [] as [i64; 0]);
    assert_eq!(finds(db, "\"rust full\"").await, [] as [i64; 0]);
    assert_eq!(finds(db, "doc*").await, [1]);
    assert_eq!(finds(db, "rust -den").await, [4]);
    assert_eq!(finds(db, "-rust").await, [3]);
    assert_eq!(finds(db, "cooking OR tags").await, [2, 4]);
    assert_eq!(finds(db, "rust -\"full text\" OR search").await, [1, 3]);
}

async fn any_input_is_safe(on: &TestDb) {
    let db = given_four(on).await;
    for text in [
        "C++",
        "\"",
        "foo-bar",
        "a\0b",
        "'; DROP TABLE articles; --",
        "rust\" OR \"\"=\"",
        "NEAR(rust den)",
        "rust AND den NOT x",
        "^rust",
        "title : rust",
        "{title} : rust",
        "- - -",
        "OR",
        "((",
        "rust*den*",
        "$1 ?1 :x @x",
        "\\",
        "%",
        "_",
        "rust & !den | (a <-> b)",
        "\u{0}",
        "🦀",
        "\u{202e}",
        "a:b:c:d",
    ] {
        let count = searched(db, text).count().await.unwrap();
        let found = searched(db, text).all().await.unwrap();
        assert_eq!(found.len() as u64, count, "{text:?}");
        searched(db, text).hits().await.unwrap();
    }
    let long = "rust ".repeat(10_000);
    assert_eq!(finds(db, &long).await, [1, 2, 4]);
    assert_eq!(Article::query(db).count().await.unwrap(), 4);
}

async fn nothing_to_find_finds_nothing(on: &TestDb) {
    let db = given_four(on).await;
    for text in ["", " ", "++", "\"\"", "*", "-", "\n\t"] {
        assert_eq!(finds(db, text).await, [] as [i64; 0], "{text:?}");
        assert!(!searched(db, text).exists().await.unwrap());
        assert_eq!(searched(db, text).hits().await.unwrap().len(), 0);
    }
}

async fn names_of_fields_are_stored_paths(on: &TestDb) {
    let db = given_four(on).await;
    assert_eq!(finds(db, "title:rust").await, [1]);
    assert_eq!(finds(db, "body:rust").await, [2]);
    assert_eq!(finds(db, "tags:rust tags:\"full text\"").await, [4]);
    assert_eq!(finds(db, "rust -title:rust").await, [2, 4]);
    assert_eq!(finds(db, "chapter").await, [4]);
    assert_eq!(finds(db, "tilte:rust").await, [] as [i64; 0]);
    assert_eq!(finds(db, "n:1").await, [] as [i64; 0]);
}

async fn the_best_come_first(on: &TestDb) {
    let filler = "some other words that say nothing of it at all";
    let db = given(
        on,
        [
            article(1, "one", &format!("{filler} crab {filler}")),
            article(2, "two", &format!("crab {filler} crab, and crab once more")),
            article(3, "three", filler),
            article(4, "four", filler),
            article(5, "five", filler),
        ],
    )
    .await;
    assert_eq!(numbers(searched(db, "crab")).await, [2, 1]);
    assert_eq!(searched(db, "crab").first().await.unwrap().unwrap().n, 2);
    assert_eq!(numbers(searched(db, "crab").skip(1)).await, [1]);
}

async fn a_weight_counts(on: &TestDb) {
    let db = given(
        on,
        [
            article(1, "about pans", "about a crab"),
            article(2, "about a crab", "about pans"),
            article(3, "other", "things"),
            article(4, "more", "of them"),
            article(5, "and", "more"),
        ],
    )
    .await;
    assert_eq!(numbers(searched(db, "crab")).await, [2, 1]);
    assert_eq!(numbers(searched(db, "pans")).await, [1, 2]);
}

async fn a_sort_takes_the_place_of_relevance(on: &TestDb) {
    let db = given_four(on).await;
    let p = Article::fields();
    assert_eq!(
        numbers(searched(db, "rust").sort(p.n.desc())).await,
        [4, 2, 1]
    );
    assert_eq!(
        numbers(searched(db, "rust").sort(p.title.asc())).await,
        [2, 1, 4]
    );
}

async fn hits_have_scores_and_snippets(on: &TestDb) {
    let db = given_four(on).await;
    let hits: Vec<Hit<Article>> = searched(db, "rust").hits().await.unwrap();
    assert_eq!(hits.len(), 3);
    assert_eq!(hits[0].document.n, 1);
    assert!(hits.windows(2).all(|it| it[0].score >= it[1].score));
    assert!(hits.iter().all(|it| it.score > 0.0));
    for hit in &hits {
        let expected = match hit.document.n {
            1 => "**Rust** for den",
            2 => "a den of **rust**-free pans, and full-text menus",
            _ => "**rust**",
        };
        assert_eq!(hit.snippet, expected);
    }
    let p = Article::fields();
    let sorted = searched(db, "\"full text\" -cooking").sort(p.n.desc());
    let sorted = sorted.hits().await.unwrap();
    let found: Vec<(i64, &str)> = sorted
        .iter()
        .map(|it| (it.document.n, &*it.snippet))
        .collect();
    assert_eq!(found, [(4, "**full text**"), (3, "**Full text** search")]);
    assert!(sorted.iter().all(|it| it.score > 0.0));
    let without = searched(db, "-rust").hits().await.unwrap();
    assert_eq!(without.len(), 1);
    assert_eq!(without[0].snippet, "Full text search");
    assert_eq!(without[0].score, 0.0);
}

async fn snippets_look_as_they_are_told(on: &TestDb) {
    let before = "before ".repeat(50);
    let after = " after".repeat(50);
    let body = format!("{before}the <CRAB> & co{after}");
    let db = given(on, [article(1, "x", &body)]).await;
    let options = SnippetOptions {
        before: "<b>".into(),
        after: "</b>".into(),
        ellipsis: "..".into(),
        words: 8,
    };
    let hits = searched(db, "crab OR c*").hits_with(options).await.unwrap();
    let expected = "..before the <<b>CRAB</b>> & <b>co</b> after after after after..";
    assert_eq!(hits[0].snippet, expected);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "english", search(language = "english"))]
struct English {
    #[serde(flatten)]
    base: Base<English>,
    #[den(fts)]
    text: String,
}

async fn a_language_finds_other_endings(on: &TestDb) {
    let db = on.with::<(English,)>().await;
    let mut all: Vec<English> = ["She was running home", "A run in the park", "Ruins of Rome"]
        .map(|text| English {
            text: text.into(),
            ..English::default()
        })
        .into();
    English::insert_many(db, &mut all).await.unwrap();
    let hits = English::query(db).search("runs").hits().await.unwrap();
    let mut snippets: Vec<&str> = hits.iter().map(|it| &*it.snippet).collect();
    snippets.sort_unstable();
    assert_eq!(
        snippets,
        ["A **run** in the park", "She was **running** home"]
    );
    assert_eq!(
        English::query(db)
            .search("\"runs home\"")
            .count()
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        English::query(db)
            .search("ruin -running")
            .count()
            .await
            .unwrap(),
        1
    );
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(search(language = "klingon'; --"))]
struct Klingon {
    #[serde(flatten)]
    base: Base<Klingon>,
    #[den(fts)]
    text: String,
}

async fn a_language_that_is_not_known_is_refused(on: &TestDb) {
    let error = on.db.register::<(Klingon,)>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("english"), "{error}");
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(search(substrings))]
struct Piece {
    #[serde(flatten)]
    base: Base<Piece>,
    #[den(fts)]
    code: String,
}

async fn pieces_are_found_inside_of_words(on: &TestDb) {
    let db = on.with::<(Piece,)>().await;
    let mut all: Vec<Piece> = ["AB-1234/x", "zab-123", "ab 1234"]
        .map(|code| Piece {
            code: code.into(),
            ..Piece::default()
        })
        .into();
    Piece::insert_many(db, &mut all).await.unwrap();
    let count = |text: &'static str| Piece::query(db).search(text).count();
    assert_eq!(count("b-12").await.unwrap(), 2);
    assert_eq!(count("234").await.unwrap(), 2);
    assert_eq!(count("\"ab 1\"").await.unwrap(), 1);
    assert_eq!(count("12").await.unwrap(), 0);
    assert_eq!(count("123 -zab").await.unwrap(), 2);
    let hits = Piece::query(db).search("zab").hits().await.unwrap();
    assert_eq!(hits[0].snippet, "**zab**-123");
}

async fn pieces_are_refused_before_any_statement(on: &TestDb) {
    assert!(!on.db.capabilities().has(Capability::SubstringSearch));
    let error = on.db.register::<(Piece,)>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(on.db.collections().await.unwrap().is_empty());
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
struct Weights {
    #[serde(flatten)]
    base: Base<Weights>,
    #[den(fts)]
    a: String,
    #[den(fts(weight = 2))]
    b: String,
    #[den(fts(weight = 3))]
    c: String,
    #[den(fts(weight = 4))]
    d: String,
    #[den(fts(weight = 5))]
    e: String,
}

async fn too_many_weights_are_refused(on: &TestDb) {
    let error = on.db.register::<(Weights,)>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("weights"), "{error}");
}

async fn a_query_is_searched_once(on: &TestDb) {
    let db = given_four(on).await;
    let outcome = searched(db, "a").search("b").all().await;
    refused(outcome, ErrorKind::InvalidQuery);
}

async fn hits_need_a_search(on: &TestDb) {
    let db = given_four(on).await;
    refused(Article::query(db).hits().await, ErrorKind::InvalidQuery);
}

async fn every_database_finds_the_same(on: &[TestDb]) {
    let texts = [
        "It's a naïve café — “quoted”, e-mail@example.com, v1.2.3, C++ & C#",
        "ÄRGER straße ΟΔΟΣ Москва İstanbul 日本語 데이터 १२३ ½ x² Ⅷ",
        "snake_case camelCase kebab-case 1e5 0x1F 12abc a|b a\\b a/b a:b",
        "🦀 crab🦀 👍🏽 \u{200d} \u{301}accent e\u{301} zero\u{200b}width",
    ];
    let searches = [
        "it's",
        "naïve",
        "naive",
        "café",
        "cafe",
        "e-mail",
        "example",
        "1.2.3",
        "C++",
        "c#",
        "ärger",
        "strasse",
        "STRASSE",
        "straße",
        "οδοσ",
        "ΟΔΟΣ",
        "москва",
        "istanbul",
        "İSTANBUL",
        "日本語",
        "日本",
        "日*",
        "데이터",
        "१२३",
        "½",
        "x²",
        "ⅷ",
        "case",
        "snake_case",
        "1e5",
        "0x1f",
        "12abc",
        "12",
        "a-b",
        "\"a b\"",
        "🦀",
        "crab*",
        "👍*",
        "accent",
        "é",
        "e",
        "zero width",
        "-case",
        "quoted OR crab*",
    ];
    let mut all: Vec<Vec<Vec<i64>>> = Vec::new();
    for on in on {
        let articles = texts.iter().zip(1..).map(|(text, n)| article(n, text, ""));
        let db = given(on, articles).await;
        let mut found = Vec::new();
        for text in searches {
            found.push(finds(db, text).await);
        }
        all.push(found);
    }
    for (at, text) in searches.iter().enumerate() {
        let answers: Vec<&Vec<i64>> = all.iter().map(|it| &it[at]).collect();
        assert!(
            answers.iter().all(|it| *it == answers[0]),
            "{text}: {answers:?}"
        );
    }
    assert!(all[0].iter().filter(|it| !it.is_empty()).count() > 30);
}
