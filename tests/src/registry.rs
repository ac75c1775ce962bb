//! URL schemes and drivers. What the linker has to do with it is tested in programs of their own:
//! `tests/driver_mentioned.rs` and `tests/driver_rivals.rs`.

use den::{Error, ErrorKind, drivers, prelude::*};
use den_backend::find_driver;

use crate::harness::{Case, Theme};

/// The themes of this module.
pub const THEMES: &[Theme] = &[Theme {
    name: "registry",
    cases: CASES,
}];

const CASES: &[Case] = &[
    alone!(the_drivers_of_den_are_there),
    alone!(schemes_are_case_insensitive),
    alone!(an_unknown_scheme_gets_the_list),
    alone!(what_has_no_scheme_is_told_what_to_write),
];

async fn the_drivers_of_den_are_there() {
    let there: Vec<(&str, &[&str])> = drivers().iter().map(|it| (it.name, it.schemes)).collect();
    let expected: [(&str, &[&str]); 3] = [
        ("memory", &["memory"]),
        ("postgres", &["postgres", "postgresql"]),
        ("sqlite", &["sqlite"]),
    ];
    assert_eq!(there, expected);
}

async fn schemes_are_case_insensitive() {
    for scheme in drivers().iter().flat_map(|it| it.schemes) {
        let [first, rest @ ..] = scheme.as_bytes() else {
            panic!("a driver claims the empty scheme");
        };
        let title = [&[first.to_ascii_uppercase()], rest].concat();
        let title = String::from_utf8(title).unwrap();
        for it in [scheme.to_ascii_uppercase(), title] {
            let found = find_driver(&it).unwrap();
            assert!(found.schemes.contains(scheme), "{it}: {found:?}");
        }
    }
    for url in ["MEMORY:", "Sqlite://:memory:", "SQLITE::memory:"] {
        let db = Db::open(url).await.unwrap();
        db.ping().await.unwrap();
        db.close().await.unwrap();
    }
}

async fn unknown(url: &str) -> Error {
    let error = Db::open(url).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownScheme, "{url}: {error:?}");
    assert!(!error.is_retryable());
    error
}

async fn an_unknown_scheme_gets_the_list() {
    for (url, scheme) in [
        ("mongodb://localhost/x", "mongodb"),
        ("MySQL://localhost/x", "mysql"),
        ("sqlite3:///x.db", "sqlite3"),
        ("postgre://localhost/x", "postgre"),
        ("file:x.db", "file"),
    ] {
        let text = unknown(url).await.to_string();
        assert!(text.contains(&format!("`{scheme}`")), "{text}");
        assert!(
            text.contains("memory, postgres, postgresql, sqlite;"),
            "{text}"
        );
        assert!(text.contains("`use the_crate as _;`"), "{text}");
        assert!(
            !text.contains("localhost") && !text.contains("x.db"),
            "{text}"
        );
    }
}

async fn what_has_no_scheme_is_told_what_to_write() {
    for url in [
        "",
        " ",
        "app.db",
        "/tmp/app.db",
        "://x",
        ":x",
        ":memory:",
        "two words:x",
        "ключ:x",
    ] {
        let text = unknown(url).await.to_string();
        assert!(text.contains("sqlite:///app.db"), "{url:?}: {text}");
    }
}
