use super::*;
use crate::{Direction, Expr, FieldKind, FieldMeta, FieldPath, IndexKind, SearchOptions};

fn index(substrings: bool) -> IndexMeta {
    let field = |path: &str| {
        let path = FieldPath::parse(path).unwrap();
        let kind = FieldKind::Text;
        (FieldMeta { path, kind }, Direction::Asc)
    };
    IndexMeta {
        name: "sx".to_owned(),
        fields: vec![field("title"), field("body.text"), field("body")],
        kind: IndexKind::Search,
        filter: Expr::always(),
        search: Some(SearchOptions {
            language: None,
            weights: vec![1.0; 3],
            substrings,
        }),
    }
}

/// The query in a short form: `-` negated, `n:` the field, `_` between words, `*`, `|` between
/// alternatives.
fn short(query: &SearchQuery) -> String {
    let term = |it: &SearchTerm| {
        let sign = if it.negated { "-" } else { "" };
        let field = it.field.map_or(String::new(), |it| format!("{it}:"));
        let star = if it.prefix { "*" } else { "" };
        format!("{sign}{field}{}{star}", it.words.join("_"))
    };
    let all = |it: &Vec<SearchTerm>| it.iter().map(term).collect::<Vec<_>>().join(" ");
    query.any.iter().map(all).collect::<Vec<_>>().join(" | ")
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    assert_eq!(
        short(&SearchQuery::parse(text, &index(false))),
        expected,
        "{text:?}"
    );
}

#[test]
fn words_phrases_prefixes_and_signs() {
    reads("Red shoes", "red shoes");
    reads("\"Red shoes\"", "red_shoes");
    reads("sho*", "sho*");
    reads("\"red sho*\"", "red_sho*");
    reads("\"red sho\"*", "red_sho*");
    reads("-red -\"blue shoes\" -sho*", "-red -blue_shoes -sho*");
    reads("foo-bar C++ a.b/c", "foo_bar c a_b_c");
    reads("\u{201c}red shoes\u{201d} now", "red_shoes now");
}

#[test]
fn alternatives() {
    reads("a OR b c", "a | b c");
    reads("a b OR c OR -d", "a b | c | -d");
    reads("a or b", "a or b");
    reads("OR a", "or a");
    reads("a OR", "a or");
    reads("a OR OR b", "a or or b");
    reads("OR", "or");
    reads("-OR \"OR\"", "-or or");
    reads("a OR ++ b", "a | b");
}

#[test]
fn fields() {
    reads("title:red", "0:red");
    reads("-title:\"red shoes\"", "-0:red_shoes");
    reads("body.text:x body:y", "1:x 2:y");
    reads("title:re*", "0:re*");
    reads("tilte:red", "tilte_red");
    reads("title: red", "title red");
    reads("title:", "title");
    reads("title::red", "0:red");
    reads("http://title:8080", "http_title_8080");
}

#[test]
fn what_holds_no_words_says_nothing() {
    for text in [
        "",
        " ",
        "\"",
        "\"\"",
        "*",
        "-",
        "--",
        "- -",
        "+++",
        "()",
        "title:+",
        "-title:-",
        "\0",
        "\"*\"*",
        "\u{301}",
        "\u{a0}\u{2003}",
        "' OR '",
        "^$%&",
        "\u{2603}",
    ] {
        let query = SearchQuery::parse(text, &index(false));
        let expected = if text.contains("OR") { "or" } else { "" };
        assert_eq!(short(&query), expected, "{text:?}");
    }
}

#[test]
fn odd_input_is_words() {
    reads("5\" screen", "5 screen");
    reads("\"open phrase", "open_phrase");
    reads("--flag - dash", "flag dash");
    reads("NEAR(a b, 2)", "near_a b 2");
    reads("a AND NOT b", "a and not b");
    reads("'; DROP TABLE x; --", "drop table x");
    reads("a\0b", "a b");
    reads("fo*o *bar baz*, (qux*)", "fo_o bar baz* qux*");
    reads("a & b | !c <-> d:*A", "a b c d_a");
    reads("{title} : x", "title x");
}

#[test]
fn long_input_is_cut() {
    let query = SearchQuery::parse(&"ab ".repeat(5_000), &index(false));
    assert_eq!(query.any[0].len(), MAX_WORDS);
    let query = SearchQuery::parse(&"\u{e9}".repeat(50_000), &index(false));
    assert_eq!(query.any[0][0].words[0].len(), MAX_BYTES);
    let query = SearchQuery::parse(&"a-".repeat(5_000), &index(false));
    assert!(query.any.is_empty());
}

#[test]
fn pieces_are_found_as_they_are() {
    let reads = |text: &str, expected: &str| {
        let query = SearchQuery::parse(text, &index(true));
        assert_eq!(short(&query), expected, "{text:?}");
    };
    reads("C++/Rust", "c++/rust");
    reads("ab abc \"x y\" -def*", "abc x y -def");
    reads("title:wid OR get", "0:wid | get");
    reads("\"\" ** ab", "");
}

#[test]
fn any_text_is_valid() {
    let parts = [
        "a",
        "b*",
        "\"",
        "-",
        "OR",
        "title:",
        "body.text:",
        " ",
        "*",
        "\0",
        "'",
        "\\",
        "(",
        ")",
        ":",
        "\u{e9}",
        "\u{1f600}",
        "\u{301}",
        "AND",
        "NOT",
        "NEAR",
        "^",
        "+",
        "{",
        "}",
        ",",
        "\u{201c}",
        "\n",
        "%",
        "--",
        "<->",
        "|",
        "!",
        "&",
    ];
    // A small generator with a fixed start (Lehmer), so that a failure can be seen again.
    let mut state: u64 = 20_240_601;
    let mut next = |below: usize| {
        state = state * 48_271 % 0x7fff_ffff;
        usize::try_from(state).unwrap() % below
    };
    for _ in 0..20_000 {
        let count = next(12);
        let text: String = (0..count).map(|_| parts[next(parts.len())]).collect();
        for substrings in [false, true] {
            let query = SearchQuery::parse(&text, &index(substrings));
            for term in query.any.iter().flatten() {
                assert!(!term.words.is_empty(), "{text:?}");
                assert!(term.field.is_none_or(|it| it < 3), "{text:?}");
                for word in &term.words {
                    assert!(
                        !word.is_empty() && !word.chars().any(char::is_control),
                        "{text:?}"
                    );
                    assert!(substrings || words(word).eq([word.clone()]), "{text:?}");
                }
            }
            assert!(query.any.iter().all(|it| !it.is_empty()), "{text:?}");
        }
    }
}
