//! Rules that every emitted statement keeps. The checks of the other cases come through here.

use den_sql::sqlite_functions::{AVG, FAIL, JSON, JSON_EQ, KEY, PATCH, REGEXP, SCALAR, SUM, VALUE};

/// Functions of PostgreSQL that statements may call: all immutable, so that a distributed server
/// can send them to where the rows are. `count` and `EXISTS` stand for whole statements.
const POSTGRES_FUNCTIONS: &[&str] = &[
    "abs",
    "btrim",
    "char_length",
    "coalesce",
    "count",
    "date_part",
    "greatest",
    "jsonb_array_elements",
    "jsonb_array_length",
    "jsonb_object",
    "jsonb_path_query_array",
    "jsonb_set",
    "jsonb_typeof",
    "least",
    "left",
    "lower",
    "lpad",
    "make_date",
    "nullif",
    "num_nulls",
    "replace",
    "right",
    "round",
    "row_number",
    "scale",
    "starts_with",
    "strpos",
    "substr",
    "to_tsquery",
    "trunc",
    "ts_rank",
    "unnest",
    "upper",
];

/// Functions that only what reads may call: aggregates, and those that are not immutable.
const POSTGRES_READING: &[&str] = &[
    "bool_and",
    "bool_or",
    "jsonb_build_array",
    "max",
    "min",
    "sum",
    "to_jsonb",
];

/// What stands for elements of an array that no path can tell apart, and what measures the depth of a
/// value.
const POSTGRES_WRITING: &[&str] = &["jsonb_agg", "jsonb_path_exists"];

const SQLITE_FUNCTIONS: &[&str] = &[
    "bm25",
    "coalesce",
    "count",
    "ifnull",
    "instr",
    "json",
    "json_array_length",
    "json_each",
    "json_quote",
    "json_type",
    "jsonb",
    "jsonb_insert",
    "jsonb_remove",
    "jsonb_set",
    "length",
    "lower",
    "max",
    "min",
    "nullif",
    "round",
    "row_number",
    "substr",
    AVG,
    FAIL,
    JSON,
    JSON_EQ,
    KEY,
    PATCH,
    REGEXP,
    SCALAR,
    SUM,
    VALUE,
];

/// Words before a parenthesis that call nothing.
const KEYWORDS: &[&str] = &[
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CAST",
    "COLLATE",
    "CONFLICT",
    "DISTINCT",
    "ELSE",
    "EXISTS",
    "FROM",
    "IN",
    "IS",
    "JOIN",
    "MATERIALIZED",
    "NOT",
    "ON",
    "OR",
    "OVER",
    "RAISE",
    "RETURNING",
    "SELECT",
    "THEN",
    "VALUES",
    "WHEN",
    "WHERE",
];

#[track_caller]
pub(crate) fn lint_postgres(sql: &str) {
    let words = words(sql);
    let reads = words.first().is_some_and(|it| it == "SELECT");
    let more = if reads {
        POSTGRES_READING
    } else {
        POSTGRES_WRITING
    };
    calls_only(sql, &words, &[POSTGRES_FUNCTIONS, more].concat());
    for pair in words.windows(2) {
        let [word, next] = pair else { continue };
        // A simple CASE is not for every distributed planner.
        assert!(word != "CASE" || next == "WHEN", "a simple CASE in {sql}");
        if word.starts_with('$') {
            assert_eq!(next, "::", "a placeholder without its type in {sql}");
        }
        assert_ne!(word, "LIKE", "{sql}");
    }
    for order in sql.split("ORDER BY ").skip(1) {
        let end = order.find(['\n']).unwrap_or(order.len());
        let line = order.get(..end).unwrap_or_default();
        for key in top_level(line) {
            let key = key.trim();
            let is_id = matches!(key, "d.id" | "d.id DESC");
            let has_nulls = key.ends_with("NULLS FIRST") || key.ends_with("NULLS LAST");
            assert!(is_id || has_nulls, "{key:?} without NULLS in {sql}");
        }
    }
}

#[track_caller]
pub(crate) fn lint_sqlite(sql: &str) {
    let words = words(sql);
    calls_only(sql, &words, SQLITE_FUNCTIONS);
    for word in &words {
        assert_ne!(word, "LIKE", "`LIKE` folds case: {sql}");
        assert_ne!(word, "::", "{sql}");
    }
}

#[track_caller]
fn calls_only(sql: &str, words: &[String], allowed: &[&str]) {
    for (i, word) in words.iter().enumerate() {
        let follows_as = i > 0 && words.get(i - 1).is_some_and(|it| it == "AS");
        let is_name = word.starts_with(|it: char| it.is_ascii_alphabetic());
        let is_call = is_name && words.get(i + 1).is_some_and(|it| it == "(");
        // `INSERT INTO "t" AS d (id)` and `AS e1 (v)` name columns.
        if !is_call || follows_as || KEYWORDS.contains(&word.as_str()) {
            continue;
        }
        assert!(
            allowed.contains(&word.as_str()),
            "{word} is called in {sql}"
        );
    }
}

/// Splits SQL into words, casts and parentheses; literals and quoted names become `'`.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = sql.chars().peekable();
    while let Some(it) = rest.next() {
        if it == '\'' || it == '"' {
            // A doubled quote ends one literal and starts the next, which is as good.
            rest.by_ref().find(|end| *end == it);
            words.push("'".to_owned());
        } else if it == ':' {
            rest.next_if_eq(&':');
            words.push("::".to_owned());
        } else if "(),=+-*/%|<>~".contains(it) {
            words.push(it.to_string());
        } else if it.is_alphanumeric() || it == '$' || it == '_' {
            let mut word = it.to_string();
            while let Some(next) = rest.next_if(|it| it.is_alphanumeric() || *it == '_') {
                word.push(next);
            }
            words.push(word);
        }
    }
    words
}

fn top_level(keys: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (i, it) in keys.char_indices() {
        match it {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&keys[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&keys[start..]);
    parts
}

#[test]
#[should_panic(expected = "now is called")]
fn a_stable_function_is_found() {
    lint_postgres("SELECT now()");
}

#[test]
#[should_panic(expected = "without NULLS")]
fn an_order_without_nulls_is_found() {
    lint_postgres("SELECT 1 ORDER BY a ASC, d.id");
}

#[test]
#[should_panic(expected = "a simple CASE")]
fn a_simple_case_is_found() {
    lint_postgres("SELECT CASE a WHEN 1 THEN 2 END");
}
