use den::{Db, Json, field};
use expect_test::{Expect, expect};
use serde_json::json;

use super::{FieldList, SortList, parse};

fn documents() -> Vec<Json> {
    vec![
        json!({"_id": "a", "price": 5, "name": "Lamp", "tags": ["go", "x"], "address": {"city": "Oslo"}}),
        json!({"_id": "b", "price": 20.0, "name": "lamp oil", "tags": [], "US Gross": 7, "cost": 10}),
        json!({"_id": "c", "price": "20", "name": null, "tags": "go", "address": {"zip.code": "0150"}}),
        json!({"_id": "d", "price": true, "list": [{"n": 1}, {"n": 2}], "not": 1, "in": "x\"y"}),
    ]
}

/// The ids of the documents that pass, as SQLite and den's own evaluation of filters see it.
#[tokio::test]
async fn filters_mean_what_they_say() {
    let db = Db::open("sqlite://:memory:").await.unwrap();
    let meta = den::CollectionMeta::new("c");
    db.backend().ensure_collection(&meta).await.unwrap();
    for document in documents() {
        db.collection("c").insert(document).await.unwrap();
    }
    let cases = [
        ("", "abcd"),
        ("  ", "abcd"),
        ("price = 20", "b"),
        ("price == 20", "b"),
        ("price != 20", "acd"),
        ("price = \"20\"", "c"),
        ("price = '20'", "c"),
        ("price = true", "d"),
        ("price < 20", "a"),
        ("price<=20", "ab"),
        ("price > -1.5e1", "ab"),
        ("price >= 5 and price < 20", "a"),
        ("price > field(cost)", "b"),
        ("price between 5 and 20", "ab"),
        ("price not between 5 and 20", "cd"),
        ("price between 5 and 20 and name = \"Lamp\"", "a"),
        ("price in (5, \"20\")", "ac"),
        ("price in [5, \"20\"]", "ac"),
        ("price in ()", ""),
        ("price NOT IN (5)", "bcd"),
        ("name in (\"Lamp\", null)", "acd"),
        ("name = null", "cd"),
        ("name is null", "cd"),
        ("name != null", "ab"),
        ("name is not null", "ab"),
        ("name exists", "abc"),
        ("name not exists", "d"),
        ("name is missing", "d"),
        ("tags contains \"go\"", "ac"),
        ("tags has \"go\"", "a"),
        ("tags not has \"go\"", "bcd"),
        ("tags contains 'x'", "a"),
        ("name contains \"lamp\"", "b"),
        ("name contains \"lamp\" ignoring case", "ab"),
        ("name = \"LAMP\" ignoring case", "a"),
        ("name != \"LAMP\" ignoring case", "bcd"),
        ("name starts with \"La\"", "a"),
        ("name starts with \"la\" ignoring case", "ab"),
        ("name ends with \"oil\"", "b"),
        ("name matches \"^[Ll]amp$\"", "a"),
        ("name matches /\\s/", "b"),
        ("tags is empty", "bd"),
        ("len(tags) > 1", "a"),
        ("len(tags) = 0", "b"),
        ("tags = [\"go\", \"x\"]", "a"),
        ("address = {\"city\": \"Oslo\"}", "a"),
        ("address.city = \"Oslo\"", "a"),
        ("address.\"zip.code\" = \"0150\"", "c"),
        ("\"US Gross\" > 1", "b"),
        ("list.1.n = 2", "d"),
        ("\"not\" = 1", "d"),
        ("in = \"x\\\"y\"", "d"),
        ("in = \"x\\u0022y\"", "d"),
        ("not price = 5", "bcd"),
        ("not not price = 5", "a"),
        ("price = 5 or price = 20 and name is null", "a"),
        ("(price = 5 or price = 20) and name is not null", "ab"),
        ("not (price = 5 or price = 20)", "cd"),
        ("price = 5 OR\n price = 20", "ab"),
        ("_id in ('a', 'b') and not _id = 'a'", "b"),
    ];
    for (text, expected) in cases {
        let filter = parse(text).unwrap_or_else(|it| panic!("{}", it.render(text)));
        let query = db.collection("c").query().filter(filter);
        let found = query.sort(field("_id").asc()).ids().await;
        let found = found.unwrap_or_else(|it| panic!("{text}: {it}"));
        assert_eq!(found.concat(), expected, "{text}");
    }
}

fn check(text: &str, expected: &Expect) {
    let fault = parse(text).expect_err(text);
    expected.assert_eq(&fault.render(text));
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    check(
        "price <> 20",
        &expect![[r#"
        `<>` is no operator
          | price <> 20
          |       ^^
          = write `!=`"#]],
    );
    check(
        "price",
        &expect![[r#"
            expected an operator, such as `=`, `<`, `in`, `contains` or `is null`, but it ends here
              | price
              |      ^"#]],
    );
    check(
        "price 20",
        &expect![[r#"
        expected an operator, such as `=`, `<`, `in`, `contains` or `is null`
          | price 20
          |       ^^"#]],
    );
    check(
        "price < ",
        &expect![[r#"
            expected a value: text in quotes, a number, `true`, `false` or `null`, but it ends here
              | price < 
              |         ^"#]],
    );
    check(
        "price < 20 and",
        &expect![[r#"
            expected a field, but it ends here
              | price < 20 and
              |               ^"#]],
    );
    check(
        "price < 20 && name = \"x\"",
        &expect![[r#"
        expected `and`, `or`, or the end
          | price < 20 && name = "x"
          |            ^^
          = write `and`"#]],
    );
    check(
        "price < 20 name = \"x\"",
        &expect![[r#"
        expected `and`, `or`, or the end
          | price < 20 name = "x"
          |            ^^^^"#]],
    );
    check(
        "(price < 20",
        &expect![[r#"
        this bracket is never closed
          | (price < 20
          | ^"#]],
    );
    check(
        "price < 20)",
        &expect![[r#"
        no bracket is open here
          | price < 20)
          |           ^"#]],
    );
    check(
        "price in (1, 2",
        &expect![[r#"
            expected `,` or `)`, but it ends here
              | price in (1, 2
              |               ^"#]],
    );
    check(
        "price in 1",
        &expect![[r#"
        expected `(`
          | price in 1
          |          ^"#]],
    );
    check(
        "name = Lamp",
        &expect![[r#"
        expected a value
          | name = Lamp
          |        ^^^^
          = text stands in quotes: "Lamp"; another field is written field(Lamp)"#]],
    );
    check(
        "name = \"Lamp",
        &expect![[r#"
            this text has no closing quote
              | name = "Lamp
              |        ^^^^^"#]],
    );
    check(
        "name = \"\\d\"",
        &expect![[r#"
        \d is no escape
          | name = "\d"
          |         ^^
          = a backslash itself is written \\; a regular expression can stand between slashes: /\d+/"#]],
    );
    check(
        "name = “Lamp”",
        &expect![[r#"
        '“' means nothing in a filter
          | name = “Lamp”
          |        ^
          = text stands in plain quotes: "text" or 'text'"#]],
    );
    check(
        "name like \"L%\"",
        &expect![[r#"
        expected an operator, such as `=`, `<`, `in`, `contains` or `is null`
          | name like "L%"
          |      ^^^^
          = there is `starts with`, `ends with`, `contains` and `matches`"#]],
    );
    check(
        "name starts \"L\"",
        &expect![[r#"
        expected `with`
          | name starts "L"
          |             ^^^"#]],
    );
    check(
        "name matches \"(\"",
        &expect![[r#"
        the pattern is not a regular expression
          | name matches "("
          |              ^^^
          = unclosed group"#]],
    );
    check(
        "name is 5",
        &expect![[r#"
        expected `null`, `missing` or `empty`
          | name is 5
          |         ^
          = values are compared with `=`"#]],
    );
    check(
        "20 < price",
        &expect![[r#"
        expected a field
          | 20 < price
          | ^^
          = the field comes first: price > 20"#]],
    );
    check(
        "and price < 20",
        &expect![[r#"
        expected a field
          | and price < 20
          | ^^^
          = a field of this name is written "and""#]],
    );
    check(
        "!price = 1",
        &expect![[r#"
        expected a field
          | !price = 1
          | ^
          = write `not`"#]],
    );
    check(
        "price < null",
        &expect![[r#"
        nothing is smaller or greater than null
          | price < null
          |         ^^^^"#]],
    );
    check(
        "price = 18446744073709551615",
        &expect![[r#"
        the number 18446744073709551615 is too large for a document
          | price = 18446744073709551615
          |         ^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "price = 1e999",
        &expect![[r#"
        this number is too large
          | price = 1e999
          |         ^^^^^"#]],
    );
    check(
        "price = 007",
        &expect![[r#"
        a number does not begin with 0
          | price = 007
          |         ^^^"#]],
    );
    check(
        "day = 2026-01-31",
        &expect![[r#"
        this is no number
          | day = 2026-01-31
          |       ^^^^^^^^^^
          = text, times included, stands in quotes"#]],
    );
    check(
        "tags = [1, 2",
        &expect![[r#"
            this is no JSON
              | tags = [1, 2
              |            ^
              = EOF while parsing a list"#]],
    );
    check(
        "tags = [1, x]",
        &expect![[r#"
            this is no JSON
              | tags = [1, x]
              |            ^
              = expected value"#]],
    );
    check(
        "len(tags) = 1.5",
        &expect![[r#"
        a number of elements is a whole number from 0
          | len(tags) = 1.5
          |             ^^^"#]],
    );
    check(
        "lower(name) = \"x\"",
        &expect![[r#"
        there is no such function
          | lower(name) = "x"
          | ^^^^^
          = there is `len(field)`, and `field(name)` behind an operator"#]],
    );
    check(
        "\"\" = 1",
        &expect![[r#"
        a field has a name
          | "" = 1
          | ^^"#]],
    );
    check(
        "naïve = 1 and\n  größe <> 2",
        &expect![[r#"
        `<>` is no operator
          |   größe <> 2
          |         ^^
          = write `!=`"#]],
    );
    check(
        "a.",
        &expect![[r#"
        expected an operator, such as `=`, `<`, `in`, `contains` or `is null`
          | a.
          |  ^"#]],
    );
    check(
        "x = \"\\ud800\"",
        &expect![[r#"
        this escape is half of a character
          | x = "\ud800"
          |      ^^^^^^"#]],
    );
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("{}a = 1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("{} a = 1", "not ".repeat(100_000)),
    ] {
        let fault = parse(&text).expect_err("too deep");
        assert_eq!(fault.to_string(), "this filter is nested too deep");
    }
    let wide = vec!["a = 1"; 2000].join(" or ");
    assert!(parse(&wide).is_ok());
}

#[test]
fn lists_of_fields() {
    let fields: FieldList = "name, address.city,\"US Gross\"".parse().unwrap();
    assert_eq!(
        fields.paths(),
        [vec!["name"], vec!["address", "city"], vec!["US Gross"]]
    );
    let sort: SortList = "price,-address.city, +name".parse().unwrap();
    assert_eq!(sort.orders().count(), 3);
    expect![[r#"
        expected a comma between fields
          | price desc
          |       ^^^^"#]]
    .assert_eq(&"price desc".parse::<SortList>().unwrap_err());
    expect![[r#"
        expected a field
          | a,,b
          |   ^"#]]
    .assert_eq(&"a,,b".parse::<FieldList>().unwrap_err());
}
