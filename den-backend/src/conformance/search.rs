//! Full text: what is found, in which order, and that the index follows the documents.

mod composed;

use crate::{
    Backend, Change, Direction, ErrorKind, Expectation, Expr, FieldKind,
    FieldKind::{Any, Number, Text},
    FieldPath, IndexKind, IndexMeta, Query, Search, SearchOptions, SearchQuery, Select, Value,
    conformance::support::*,
};

use self::composed::*;

pub(super) const CASES: &[Case] = &[
    case!(all_words_must_occur: FullText),
    case!(words_follow_each_other_in_a_phrase: FullText),
    case!(words_may_go_on: FullText),
    case!(words_may_be_left_out: FullText),
    case!(alternatives_are_enough: FullText),
    case!(a_field_may_be_named: FullText),
    case!(texts_in_arrays_are_found: FullText),
    case!(what_is_no_text_is_not_found: FullText),
    case!(nothing_to_find_finds_nothing: FullText),
    case!(letters_and_digits_make_words: FullText),
    case!(capitals_are_small_letters: FullText),
    case!(any_input_is_answered: FullText),
    case!(what_is_no_word_is_refused: FullText),
    case!(long_texts_are_taken: FullText),
    case!(long_phrases_are_exact: FullText),
    case!(the_index_follows_the_documents: FullText),
    case!(the_index_follows_patches: FullText, Patches),
    case!(old_documents_are_found: FullText),
    case!(a_changed_index_is_made_again: FullText),
    case!(a_dropped_index_can_be_made_again: FullText),
    case!(several_indexes_stand_side_by_side: FullText),
    case!(better_documents_come_first: FullText),
    case!(fields_weigh_differently: FullText),
    case!(scores_come_with_documents: FullText),
    case!(searches_compose_with_queries: FullText),
    case!(searches_have_pages: FullText),
    case!(what_is_found_is_deleted: FullText),
    case!(what_is_found_is_changed: FullText, Patches),
    case!(searches_see_their_transaction: FullText, Transactions),
    case!(english_words_lose_their_endings: FullText),
    case!(an_unknown_language_is_refused: FullText),
    case!(pieces_are_found_inside_of_words: SubstringSearch),
    case!(six_fields_are_told_apart: FullText),
    case!(paths_of_fields_may_be_odd: FullText),
];

fn options(fields: &[(&str, FieldKind)]) -> SearchOptions {
    SearchOptions {
        language: None,
        weights: vec![1.0; fields.len()],
        substrings: false,
    }
}

fn search_index(fields: &[(&str, FieldKind)]) -> IndexMeta {
    IndexMeta {
        search: Some(options(fields)),
        ..index(IndexKind::Search, fields)
    }
}

const FIELDS: [(&str, FieldKind); 2] = [("title", Text), ("body", Any)];

/// Documents in `items` under an index of title and body.
async fn given_texts(backend: &dyn Backend, documents: &[&str]) -> IndexMeta {
    let index = search_index(&FIELDS);
    let meta = declared(&FIELDS, vec![index.clone()]);
    backend.ensure_collection(&meta).await.unwrap();
    given(backend, documents).await;
    index
}

/// Bodies in `items`, one document each.
async fn given_bodies(backend: &dyn Backend, bodies: &[&str]) -> IndexMeta {
    let documents: Vec<String> = bodies
        .iter()
        .map(|it| format!("{{\"body\":{}}}", Value::from(*it)))
        .collect();
    let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
    given_texts(backend, &documents).await
}

fn searching(index: &IndexMeta, text: &str) -> Query {
    Query {
        search: Some(Search {
            index: index.clone(),
            query: SearchQuery::parse(text, index),
            ranked: false,
        }),
        ..Query::new(ITEMS)
    }
}

fn ranked(index: &IndexMeta, text: &str) -> Query {
    let mut query = searching(index, text);
    query.search = query.search.map(|it| Search { ranked: true, ..it });
    query
}

/// Checks what is found, in the count and in whether there is something too, and ranked as well.
async fn finds(backend: &dyn Backend, index: &IndexMeta, text: &str, expected: &str) {
    let query = searching(index, text);
    assert_eq!(ids(backend, &query).await, expected, "{text:?}");
    let count = expected.split_whitespace().count();
    let counted = backend.count(&query).await.unwrap();
    assert_eq!(counted, u64::try_from(count).unwrap(), "count of {text:?}");
    assert_eq!(backend.exists(&query).await.unwrap(), count > 0, "{text:?}");
    let by_rank = ids(backend, &ranked(index, text)).await;
    let mut by_rank: Vec<&str> = by_rank.split_whitespace().collect();
    by_rank.sort_unstable();
    assert_eq!(by_rank.join(" "), expected, "ranked {text:?}");
}

async fn all_words_must_occur(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"title":"Red shoes","body":"for the winter"}"#,
            r#"{"title":"Blue shoes","body":"red laces"}"#,
            r#"{"title":"Hats"}"#,
        ],
    )
    .await;
    finds(backend, &index, "shoes", "a b").await;
    finds(backend, &index, "RED", "a b").await;
    finds(backend, &index, "red winter", "a").await;
    finds(backend, &index, "red hats", "").await;
    finds(backend, &index, "shoe", "").await;
    finds(backend, &index, "red red red", "a b").await;
}

async fn words_follow_each_other_in_a_phrase(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"title":"full text search"}"#,
            r#"{"title":"text, full of words"}"#,
            r#"{"title":"full","body":"text"}"#,
            r#"{"body":"a FULL-text; search"}"#,
        ],
    )
    .await;
    finds(backend, &index, "full text", "a b c d").await;
    finds(backend, &index, "\"full text\"", "a d").await;
    finds(backend, &index, "full-text", "a d").await;
    finds(backend, &index, "\"full text search\"", "a d").await;
    finds(backend, &index, "\"text full\"", "b").await;
    finds(backend, &index, "\"full text\" -words", "a d").await;
    finds(backend, &index, "full -\"full text\"", "b c").await;
    finds(backend, &index, "\"full te*\"", "a d").await;
    finds(backend, &index, "\"full search\"", "").await;
    finds(backend, &index, "title:\"full text\"", "a").await;
}

async fn words_may_go_on(backend: &dyn Backend) {
    let index = given_bodies(
        backend,
        &["category", "cat", "concat", "Categories and cats"],
    )
    .await;
    finds(backend, &index, "cat", "b").await;
    finds(backend, &index, "cat*", "a b d").await;
    finds(backend, &index, "categor*", "a d").await;
    finds(backend, &index, "\"and ca*\"", "d").await;
    finds(backend, &index, "cat* -categories", "a b").await;
    finds(backend, &index, "-cat*", "c").await;
    finds(backend, &index, "*", "").await;
}

async fn words_may_be_left_out(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"title":"red green"}"#,
            r#"{"title":"red","body":"blue"}"#,
            r#"{"title":5}"#,
        ],
    )
    .await;
    finds(backend, &index, "red -green", "b").await;
    finds(backend, &index, "red -green -blue", "").await;
    finds(backend, &index, "-red", "c").await;
    finds(backend, &index, "-green", "b c").await;
    finds(backend, &index, "-title:blue red", "a b").await;
    finds(backend, &index, "red -red", "").await;
}

async fn alternatives_are_enough(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red hat", "blue hat", "red shoe", "green"]).await;
    finds(backend, &index, "red OR blue", "a b c").await;
    finds(backend, &index, "blue OR red shoe", "b c").await;
    finds(backend, &index, "green OR -hat", "c d").await;
    finds(backend, &index, "-red OR -hat", "b c d").await;
    finds(
        backend,
        &index,
        "\"red hat\" OR \"blue hat\" OR nothing",
        "a b",
    )
    .await;
    finds(backend, &index, "blue -\"blue hat\" OR \"red shoe\"", "c").await;
    finds(backend, &index, "red or blue", "").await;
    finds(backend, &index, "red OR", "").await;
}

async fn a_field_may_be_named(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"title":"red","body":"blue"}"#,
            r#"{"title":"blue","body":"red"}"#,
            r#"{"title":"title red"}"#,
        ],
    )
    .await;
    finds(backend, &index, "title:red", "a c").await;
    finds(backend, &index, "body:red", "b").await;
    finds(backend, &index, "title:re* body:bl*", "a").await;
    finds(backend, &index, "red -body:blue", "b c").await;
    finds(backend, &index, "tilte:red", "").await;
    finds(backend, &index, "title: red", "c").await;
}

async fn texts_in_arrays_are_found(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"body":["red wine","glass"]}"#,
            r#"{"body":["wine glass",5,null,["deep"],{"k":"object"}]}"#,
            r#"{"body":[]}"#,
            r#"{"body":["a | b","c|d"]}"#,
        ],
    )
    .await;
    finds(backend, &index, "wine", "a b").await;
    finds(backend, &index, "glass wine", "a b").await;
    finds(backend, &index, "\"wine glass\"", "b").await;
    finds(backend, &index, "deep", "").await;
    finds(backend, &index, "object", "").await;
    finds(backend, &index, "\"a b\"", "d").await;
    finds(backend, &index, "\"b c\"", "").await;
}

async fn what_is_no_text_is_not_found(backend: &dyn Backend) {
    let index = given_texts(
        backend,
        &[
            r#"{"body":12}"#,
            r#"{"body":true}"#,
            r#"{"body":null}"#,
            r#"{"body":{"12":"12"}}"#,
            r#"{"other":"12 true null"}"#,
            r#"{"body":"12 true null"}"#,
        ],
    )
    .await;
    for word in ["12", "true", "null"] {
        finds(backend, &index, word, "f").await;
    }
}

async fn nothing_to_find_finds_nothing(backend: &dyn Backend) {
    let index = given_bodies(backend, &["", "red", "\"\" ++ --"]).await;
    for text in [
        "", "  ", "\"\"", "++", "-", "- -", "*", "(())", "\u{2603}", "\t\n",
    ] {
        finds(backend, &index, text, "").await;
    }
}

async fn letters_and_digits_make_words(backend: &dyn Backend) {
    let index = given_bodies(
        backend,
        &[
            "snake_case, kebab-case & camelCase",
            "1e5 12abc 3.14 0x1F user@example.com http://a.b/c?d=e",
            "\u{4e2d}\u{6587} \u{65e5}\u{672c}\u{8a9e} \u{d55c}\u{ad6d}\u{c5b4}",
            "cafe\u{301} caf\u{e9} cafe",
            "\u{661}\u{662}\u{663} \u{2460} \u{bd} x\u{b2}",
            "a\u{a0}b\u{200b}c\u{2028}d\u{7}e \u{301}f",
            "\u{1f600} smile\u{1f600} \u{1f1e9}\u{1f1ea} \u{e000}",
        ],
    )
    .await;
    for (text, expected) in [
        ("snake", "a"),
        ("case", "a"),
        ("camelcase", "a"),
        ("camel", ""),
        ("snake_case", "a"),
        ("1e5", "b"),
        ("12abc", "b"),
        ("12", ""),
        ("3.14", "b"),
        ("0x1f", "b"),
        ("example", "b"),
        ("user@example.com", "b"),
        ("http://a.b/c?d=e", "b"),
        ("\u{4e2d}\u{6587}", "c"),
        ("\u{4e2d}*", "c"),
        ("\u{6587}", ""),
        ("\u{d55c}\u{ad6d}\u{c5b4}", "c"),
        ("cafe", "d"),
        ("cafe\u{301}", "d"),
        ("caf\u{e9}", "d"),
        ("\u{661}\u{662}\u{663}", "e"),
        ("\u{2460}", "e"),
        ("\u{bd}", "e"),
        ("x\u{b2}", "e"),
        ("\"a b c d e f\"", "f"),
        ("f", "f"),
        ("smile*", "g"),
        ("\u{e000}", "g"),
    ] {
        finds(backend, &index, text, expected).await;
    }
}

async fn capitals_are_small_letters(backend: &dyn Backend) {
    let index = given_bodies(
        backend,
        &[
            "\u{c4}RGER stra\u{df}e STRA\u{1e9e}E",
            "\u{41c}\u{41e}\u{421}\u{41a}\u{412}\u{410}",
            "\u{39f}\u{394}\u{39f}\u{3a3} \u{3bf}\u{3b4}\u{3bf}\u{3c2}",
            "\u{130}stanbul Istanbul \u{131}stanbul",
            "\u{ff21}\u{ff22} \u{1c4} \u{212a}elvin",
        ],
    )
    .await;
    for (text, expected) in [
        ("\u{e4}rger", "a"),
        ("stra\u{df}e", "a"),
        ("strasse", ""),
        ("\u{43c}\u{43e}\u{441}\u{43a}\u{432}\u{430}", "b"),
        ("\u{3bf}\u{3b4}\u{3bf}\u{3c3}", "c"),
        ("\u{39f}\u{394}\u{39f}\u{3a3}", "c"),
        ("istanbul", "d"),
        ("\u{131}stanbul", "d"),
        ("\u{130}STANBUL", "d"),
        ("i\u{307}stanbul", ""),
        ("\u{ff41}\u{ff42}", "e"),
        ("\u{1c6}", "e"),
        ("kelvin", "e"),
    ] {
        finds(backend, &index, text, expected).await;
    }
}

async fn any_input_is_answered(backend: &dyn Backend) {
    let index = given_bodies(backend, &["red ' quoted \" text \\ back"]).await;
    let many = "red OR ".repeat(400);
    let long = "x".repeat(40_000);
    let wide = "\u{1f600}".repeat(3_000);
    for text in [
        "C++",
        "\"unbalanced",
        "'; DROP TABLE items; --",
        "' OR 1=1",
        "NEAR(a b, 5)",
        "a AND b NOT c",
        "^red",
        "red & !blue | (x <-> y):*A",
        "{title} : red",
        "f0 : red",
        "\\'\\\"\\",
        "-",
        "OR OR OR",
        "title:\"",
        "\u{0}",
        "a\u{0}b",
        "%s $1 ?1 :x @y",
        "((((((((((",
        "red' & 'quoted",
        "''''",
        &many,
        &long,
        &wide,
    ] {
        for query in [searching(&index, text), ranked(&index, text)] {
            let found = ids(backend, &query).await;
            assert!(found.is_empty() || found == "a", "{text:?}");
            backend.count(&query).await.unwrap();
        }
    }
    finds(backend, &index, "red' \"quoted", "a").await;
    finds(backend, &index, "red' \"quoted red", "").await;
    finds(backend, &index, "red 'quoted' \\back\\", "a").await;
}

async fn what_is_no_word_is_refused(backend: &dyn Backend) {
    let index = given_texts(backend, &[]).await;
    for word in [
        "", "a b", "a'", "a\"", "a:*", "A", "\u{c9}", "a\\", "| a", "\0",
    ] {
        let mut query = searching(&index, "a");
        query.search.as_mut().unwrap().query.any[0][0].words = vec![word.to_owned()];
        let checked = query.check(backend.capabilities());
        assert_eq!(kind_of(checked), ErrorKind::InvalidQuery, "{word:?}");
    }
}

async fn long_texts_are_taken(backend: &dyn Backend) {
    let index = given_texts(backend, &[]).await;
    let long_word = "w".repeat(5_000);
    let words: Vec<String> = (0..120_000).map(|it| format!("word{it}")).collect();
    let texts = [
        format!("{long_word} short"),
        words.join(" "),
        "same ".repeat(300_000) + "end",
        "\u{1f600}".repeat(20_000) + " end",
    ];
    for (id, text) in ["a", "b", "c", "d"].into_iter().zip(&texts) {
        insert(
            backend,
            id,
            &format!("{{\"body\":{}}}", Value::from(text.as_str())),
        )
        .await;
    }
    let begun = format!("{}*", "w".repeat(4_999));
    for (text, expected) in [
        ("short", "a"),
        (&*long_word, "a"),
        (&long_word[1..], ""),
        (&*begun, "a"),
        ("word0", "b"),
        ("same", "c"),
        ("end", "c d"),
    ] {
        let found = ids(backend, &searching(&index, text)).await;
        assert_eq!(found, expected, "{text:.20}");
    }
}

async fn long_phrases_are_exact(backend: &dyn Backend) {
    let index = given_texts(backend, &[]).await;
    let far = "filler ".repeat(20_000) + "far away";
    let often = "the cat ".repeat(400) + "the dog sat";
    for (id, text) in [("a", &far), ("b", &often)] {
        insert(
            backend,
            id,
            &format!("{{\"body\":{}}}", Value::from(text.as_str())),
        )
        .await;
    }
    finds(backend, &index, "\"far away\"", "a").await;
    finds(backend, &index, "\"away far\"", "").await;
    finds(backend, &index, "\"filler away\"", "").await;
    finds(backend, &index, "\"the dog\"", "b").await;
    finds(backend, &index, "\"dog cat\"", "").await;
    finds(backend, &index, "\"cat the\"", "b").await;
}
