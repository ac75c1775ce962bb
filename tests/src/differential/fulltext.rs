//! Random texts and random searches: every backend finds the same documents.

use std::fmt::Write as _;

use den_backend::{
    Backend, Capabilities, CollectionMeta, Direction, Expectation, Expr, FieldKind, FieldMeta,
    FieldPath, IndexKind, IndexMeta, Put, Query, Search, SearchOptions, SearchQuery, SearchTerm,
    Select, Value, memory::MemoryBackend, search::words,
};
use futures_util::TryStreamExt as _;
use proptest::{
    collection,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Strategy},
};

use super::search::{runner, tree};
use crate::harness::TestDb;

const TEXTS: &str = "texts";

/// So many documents are searched at once, and so often.
const DOCUMENTS: usize = 40;
const SEARCHES: u64 = 120;

/// Words that meet each other, and some that hardly do.
const WORDS: &[&str] = &[
    "a",
    "b",
    "ab",
    "abc",
    "red",
    "Red",
    "RED",
    "redder",
    "shoe",
    "shoes",
    "1",
    "12",
    "1e5",
    "x2",
    "or",
    "and",
    "not",
    "near",
    "\u{e9}",
    "\u{c9}",
    "e\u{301}",
    "\u{df}",
    "\u{1e9e}",
    "\u{130}",
    "i",
    "\u{131}",
    "\u{3c3}",
    "\u{3c2}",
    "\u{3a3}",
    "\u{416}\u{435}",
    "\u{4e2d}",
    "\u{4e2d}\u{6587}",
    "\u{1f600}",
    "\u{1f44d}",
    "\u{661}",
    "\u{ff21}",
    "\u{212a}",
    "\u{e000}",
    "\u{2160}",
];

/// What stands between words.
const GAPS: &[&str] = &[
    " ", " ", " ", " ", "-", "_", ". ", "'", "\"", "|", " | ", "/", "@", "\n", "\u{a0}", "\u{301}",
    "\u{200b}", "\u{2014}", ":", "*", "\\", "%", "\u{1f}", "&",
];

/// The searches of one test.
pub(super) async fn search(on: &TestDb, chunk: u64) {
    let cases = cases(chunk);
    let reference = MemoryBackend::new();
    let mut telling = 0;
    let mut count = 0;
    for (documents, index, searches) in cases {
        for backend in [&reference as &dyn Backend, &*on.backend] {
            store(backend, &documents, &index).await;
        }
        for text in searches {
            let search = Search {
                query: SearchQuery::parse(&text, &index),
                index: index.clone(),
                ranked: false,
            };
            let expected = found(&reference, &search).await;
            let answer = found(&*on.backend, &search).await;
            if answer != expected {
                panic!("{}", report(&documents, &search, &text, &expected, &answer));
            }
            count += 1;
            telling += usize::from(!expected.is_empty() && expected.len() < documents.len());
        }
    }
    assert!(
        telling * 4 > count,
        "{telling} of {count} searches tell documents apart"
    );
}

/// Each character is read alike: in the middle of a word and at the beginning of one.
pub(super) async fn characters(on: &TestDb) {
    // Beyond the first plane, only where some characters are letters and some are not.
    const RANGES: [std::ops::Range<u32>; 3] = [1..0x1_1200, 0x1_d000..0x1_d800, 0x1_ee00..0x1_f800];
    let index = index(1, 1);
    let characters = RANGES.into_iter().flatten().filter_map(char::from_u32);
    let characters: Vec<char> = characters.collect();
    let bodies = characters.chunks(640).enumerate().map(|(at, chars)| {
        // A word of its own tells it from other blocks of which nothing is a letter.
        chars.iter().fold(format!("block{at} "), |mut body, it| {
            let _ = write!(body, "x{it}y {it}z ");
            body
        })
    });
    let bodies: Vec<String> = bodies.collect();
    let documents = bodies.iter().map(|it| Value::from(it.as_str()));
    let documents: Vec<Value> = documents.map(|it| object([("f0", it)])).collect();
    store(&*on.backend, &documents, &index).await;
    for (at, body) in bodies.iter().enumerate() {
        let term = SearchTerm {
            field: None,
            negated: false,
            words: words(body).collect(),
            prefix: false,
        };
        let search = Search {
            query: SearchQuery {
                any: vec![vec![term]],
            },
            index: index.clone(),
            ranked: false,
        };
        let expected = [id(at)];
        assert_eq!(found(&*on.backend, &search).await, expected, "{body:?}");
    }
}

fn cases(chunk: u64) -> Vec<(Vec<Value>, IndexMeta, Vec<String>)> {
    // Nothing of proptest may be held while waiting.
    let mut runner = runner(b'f', chunk);
    let documents = collection::vec(document(), DOCUMENTS).boxed();
    let searched = searched();
    let sizes = [(1, 1), (2, 2), (4, 4), (5, 2), (6, 4)];
    let sets = sizes
        .into_iter()
        .enumerate()
        .map(|(number, (fields, weights))| {
            let documents = tree(&documents, &mut runner).current();
            let searches = (0..SEARCHES).map(|_| tree(&searched, &mut runner).current());
            let mut index = index(fields, weights);
            index.name.push_str(&number.to_string());
            (documents, index, searches.collect())
        });
    sets.collect()
}

fn index(fields: usize, weights: usize) -> IndexMeta {
    let meta = |at: usize| FieldMeta {
        path: FieldPath::parse(&format!("f{at}")).unwrap(),
        kind: FieldKind::Any,
    };
    let weight = |at: usize| f64::from(u8::try_from(at % weights + 1).unwrap());
    IndexMeta {
        name: IndexMeta::default_name(TEXTS, IndexKind::Search, &[]),
        fields: (0..fields).map(|it| (meta(it), Direction::Asc)).collect(),
        kind: IndexKind::Search,
        filter: Expr::always(),
        search: Some(SearchOptions {
            language: None,
            weights: (0..fields).map(weight).collect(),
            substrings: false,
        }),
    }
}

fn text() -> BoxedStrategy<String> {
    let piece = (piece(), select(GAPS)).prop_map(|(word, gap)| [&word, gap].concat());
    collection::vec(piece, 0..9)
        .prop_map(|it| it.concat())
        .boxed()
}

fn piece() -> BoxedStrategy<String> {
    prop_oneof![
        20 => select(WORDS).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("NUL", |it| *it != '\0').prop_map(String::from),
    ]
    .boxed()
}

fn document() -> BoxedStrategy<Value> {
    let value = || {
        prop_oneof![
            8 => text().prop_map(Value::Text),
            3 => collection::vec(text().prop_map(Value::Text), 0..4).prop_map(Value::Array),
            1 => Just(Value::Null),
            1 => Just(Value::Int(12)),
            1 => text().prop_map(|it| Value::Array(vec![
                Value::Int(1),
                Value::Array(vec![Value::Text(it.clone())]),
                object([("red", Value::Text(it))]),
            ])),
        ]
    };
    let fields = (value(), value(), value(), value(), value(), value());
    let document = fields.prop_map(|(f0, f1, f2, f3, f4, f5)| {
        object([
            ("f0", f0),
            ("f1", f1),
            ("f2", f2),
            ("f3", f3),
            ("f4", f4),
            ("f5", f5),
        ])
    });
    document.boxed()
}

/// What someone writes into a search field.
fn searched() -> BoxedStrategy<String> {
    let sign = select(&["", "", "", "", "", "-", "f0:", "f1:", "-f1:", "f4:", "f5:"][..]);
    let phrase = collection::vec(piece(), 1..4).prop_map(|it| it.join(" "));
    let body = prop_oneof![
        10 => piece(),
        3 => piece().prop_map(|it| it + "*"),
        4 => phrase.clone().prop_map(|it| ["\"", &it, "\""].concat()),
        2 => phrase.clone().prop_map(|it| ["\"", &it, "*\""].concat()),
        2 => phrase.prop_map(|it| it.replace(' ', "-")),
        1 => text(),
    ];
    let item = (sign, body).prop_map(|(sign, body)| [sign, &body].concat());
    let between = select(&[" ", " ", " OR ", " ", " OR "][..]);
    let item = (item, between).prop_map(|(item, between)| [&item, between].concat());
    collection::vec(item, 1..5)
        .prop_map(|it| it.concat())
        .boxed()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.map(|(key, value)| (key.to_owned(), value)).into())
}

fn id(at: usize) -> String {
    format!("{at:05}")
}

/// Stores half of the documents, makes the index, and stores the others: it has all of them.
async fn store(backend: &dyn Backend, documents: &[Value], index: &IndexMeta) {
    backend.drop_collection(TEXTS).await.unwrap();
    let meta = CollectionMeta::new(TEXTS);
    backend.ensure_collection(&meta).await.unwrap();
    for (at, document) in documents.iter().enumerate() {
        if at == documents.len() / 2 {
            backend.ensure_index(TEXTS, index).await.unwrap();
        }
        let mut document = document.clone();
        if let Value::Object(members) = &mut document {
            members.insert("_id".to_owned(), Value::Text(id(at)));
        }
        let (id, body) = (id(at), document.to_string());
        let put = Put {
            id: &id,
            body: body.as_bytes(),
            expect: Expectation::Absent,
        };
        backend.put(TEXTS, put).await.unwrap();
    }
}

async fn found(backend: &dyn Backend, search: &Search) -> Vec<String> {
    let query = Query {
        search: Some(search.clone()),
        select: Select::Id,
        ..Query::new(TEXTS)
    };
    query.check(Capabilities::all()).unwrap();
    let rows = backend.query(&query).await.unwrap();
    rows.map_ok(|it| it.id).try_collect().await.unwrap()
}

fn report(
    documents: &[Value],
    search: &Search,
    text: &str,
    expected: &[String],
    answer: &[String],
) -> String {
    let mut report = format!("{text:?}\n{:?}\n", search.query);
    for (at, document) in documents.iter().enumerate() {
        let id = id(at);
        let is_expected = expected.contains(&id);
        if is_expected != answer.contains(&id) {
            let _ = writeln!(report, "{id}, found: {}, {document}", !is_expected);
        }
    }
    report
}
