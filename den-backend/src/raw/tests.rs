use super::*;

fn pieces(text: &str, syntax: Syntax) -> String {
    let text = RawText::parse(text, syntax).unwrap();
    let pieces = text.pieces();
    let shown = pieces.iter().map(|it| match it {
        RawPiece::Text(text) => (*text).to_owned(),
        RawPiece::Parameter(index) => format!("<{}>", index + 1),
    });
    shown.collect()
}

fn refusal(text: &str, syntax: Syntax) -> String {
    match RawText::parse(text, syntax) {
        Ok(it) => panic!("{text}: {it:?}"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidQuery);
            error.to_string()
        }
    }
}

#[test]
fn placeholders_are_found_where_engines_find_them() {
    for (text, found) in [
        ("SELECT $2, $1", "SELECT <2>, <1>"),
        ("$1+$1", "<1>+<1>"),
        ("'$1' \"$1\" $1", "'$1' \"$1\" <1>"),
        ("'it''s $1' $2", "'it''s $1' <2>"),
        ("\"a\"\"$1\" $1", "\"a\"\"$1\" <1>"),
        ("-- $1\n$2", "-- $1\n<2>"),
        ("/* $1 */ $2", "/* $1 */ <2>"),
        ("a$1 $1", "a$1 <1>"),
        ("_$1 é$1 $1", "_$1 é$1 <1>"),
        ("1e5 $10", "1e5 <10>"),
        ("f($1,$2)", "f(<1>,<2>)"),
        ("'x' 'y$1' $1", "'x' 'y$1' <1>"),
        ("'\\' || $1", "'\\' || <1>"),
        ("", ""),
    ] {
        for syntax in [Syntax::Sqlite, Syntax::Postgres] {
            assert_eq!(pieces(text, syntax), found, "{syntax:?}");
        }
    }
}

#[test]
fn postgres_has_texts_and_comments_of_its_own() {
    for (text, found) in [
        ("$$ $1 $$ $1", "$$ $1 $$ <1>"),
        ("$a$ $$ $1 $b$ $a$ $1", "$a$ $$ $1 $b$ $a$ <1>"),
        ("/* /* */ $1 */ $2", "/* /* */ $1 */ <2>"),
        ("E'\\' $1' $2", "E'\\' $1' <2>"),
        ("e'a'\n  'b\\' $1' $2", "e'a'\n  'b\\' $1' <2>"),
        ("'a'\n'b\\' $1", "'a'\n'b\\' <1>"),
        ("U&'\\0041 $1' $1", "U&'\\0041 $1' <1>"),
        ("data ? 'a' AND data ?| $1", "data ? 'a' AND data ?| <1>"),
        ("a[1:$1]", "a[1:<1>]"),
        ("a=$1::text", "a=<1>::text"),
        ("a @> $1 AND b @@ $2", "a @> <1> AND b @@ <2>"),
        ("tree'$1' $1", "tree'$1' <1>"),
        ("x $1-- y $2", "x <1>-- y $2"),
    ] {
        assert_eq!(pieces(text, Syntax::Postgres), found);
    }
}

#[test]
fn sqlite_has_names_and_comments_of_its_own() {
    for (text, found) in [
        ("`$1` [$1] $1", "`$1` [$1] <1>"),
        ("/* /* */ $1", "/* /* */ <1>"),
        ("/* $1", "/* $1"),
        ("E'\\' || $1", "E'\\' || <1>"),
        ("x'00' $1", "x'00' <1>"),
        ("data->'$.a' = $1", "data->'$.a' = <1>"),
        ("-- a\rb $1\n $1", "-- a\rb $1\n <1>"),
    ] {
        assert_eq!(pieces(text, Syntax::Sqlite), found);
    }
}

#[test]
fn other_placeholders_are_refused() {
    for text in [
        "?", "?1", ":a", "@a", "$a", "#a", "$0", "$1a", "$99999", "$1$2",
    ] {
        assert!(
            refusal(text, Syntax::Sqlite).contains("no placeholder"),
            "{text}"
        );
    }
    for text in ["$a", "$0", "$1a", "$99999999999999999999999"] {
        assert!(
            refusal(text, Syntax::Postgres).contains("no placeholder"),
            "{text}"
        );
    }
}

#[test]
fn what_has_no_end_is_refused() {
    for text in ["'a", "\"a", "'a''", "\"a\"\""] {
        for syntax in [Syntax::Sqlite, Syntax::Postgres] {
            assert!(refusal(text, syntax).contains("no end"), "{text}");
        }
    }
    for text in ["/* a", "/* /* */", "$$ a $", "$a$ $b$", "E'a\\'"] {
        assert!(refusal(text, Syntax::Postgres).contains("no end"), "{text}");
    }
    assert!(refusal("[a", Syntax::Sqlite).contains("no end"));
}

#[test]
fn one_text_is_one_statement() {
    for syntax in [Syntax::Sqlite, Syntax::Postgres] {
        for text in [
            "SELECT 1;",
            "SELECT 1 ; -- done\n",
            "SELECT ';' /* ; */;",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;",
            "create temp trigger t after insert on a begin select case when 1 then 2 end; end",
        ] {
            assert!(RawText::parse(text, syntax).is_ok(), "{text}");
        }
        for text in [
            "SELECT 1; SELECT 2",
            "SELECT 1;;",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; DROP TABLE a",
        ] {
            assert!(refusal(text, syntax).contains("more than one"), "{text}");
        }
        assert!(refusal("SELECT '\0'", syntax).contains("NUL"));
    }
}

#[test]
fn parameters_and_placeholders_match() {
    let check = |text: &str, count| {
        let text = RawText::parse(text, Syntax::Postgres).unwrap();
        text.check_parameters(count).map_err(|it| it.to_string())
    };
    assert_eq!(check("$1 $2 $1", 2), Ok(()));
    assert_eq!(check("", 0), Ok(()));
    for (text, count, says) in [
        ("$1", 0, "placeholder $1, but no parameter"),
        ("$1 $3", 1, "placeholder $3, but one parameter"),
        ("$1 $3", 3, "given for $2"),
        ("$1", 2, "given for $2"),
        ("", 1, "given for $1"),
    ] {
        let error = check(text, count).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_reads_is_told_from_what_writes() {
    let reads = |text| RawText::parse(text, Syntax::Postgres).unwrap().reads();
    for text in [
        "SELECT 1",
        "(select 1)",
        "-- a\nVALUES (1)",
        "WITH a AS (SELECT 1) TABLE a",
        "SELECT 'INSERT', \"update\", updates FROM t",
        "EXPLAIN SELECT 1",
        "SHOW work_mem",
        "SELECT 1 AS share",
        "SELECT t.share, share FROM t WHERE share > 1",
        "SELECT 1 AS into, 2 AS update, 3 AS delete, 4 as \"x\"",
        "SELECT analyze FROM t",
        "SELECT key, share FROM t",
    ] {
        assert!(reads(text), "{text}");
    }
    for text in [
        "INSERT INTO t VALUES (1) RETURNING a",
        "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
        "SELECT 1 INTO t",
        "SELECT a FROM t FOR UPDATE",
        "EXPLAIN ANALYZE SELECT 1",
        "EXPLAIN (COSTS, analyze) SELECT 1",
        "EXPLAIN VERBOSE ANALYSE SELECT 1",
        "SELECT a FROM t FOR SHARE",
        "SELECT a FROM t for /* the */ key\nshare",
        "SELECT a FROM t FOR NO KEY UPDATE",
        "SELECT a AS b INTO t FROM c",
        "WITH a AS MATERIALIZED (UPDATE t SET b = 1 RETURNING *) SELECT * FROM a",
        "WITH a AS (SELECT 1 AS update) DELETE FROM t",
        "DROP TABLE t",
        "",
    ] {
        assert!(!reads(text), "{text}");
    }
}

#[test]
fn parentheses_of_a_condition_go_together() {
    for syntax in [Syntax::Sqlite, Syntax::Postgres] {
        let check = |text| RawText::parse(text, syntax).unwrap().check_parentheses();
        for text in [
            "",
            "1=1",
            "(a) = (b)",
            "')' <> \"(\"",
            "1 -- )",
            "1 /* ( */",
            "f(g(), (h()))",
        ] {
            assert!(check(text).is_ok(), "{text}");
        }
        for text in ["1=1) OR (1=1", ")", "(", "((a)", "a = ')' )", ") ("] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
