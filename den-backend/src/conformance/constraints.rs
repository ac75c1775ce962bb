//! Constraints: what each asks for, and that one is made whole or not at all.

mod making;
mod writes;

use crate::{
    Backend, Capability, ConstraintKind, ConstraintMeta, ConstraintRule, Error, ErrorKind,
    Expectation, Expr, FieldKind, IndexKind, JsonType, OnRefusal, Query, ReadWrite, Result,
    SchemaChange, conformance::support::*,
};

use self::{making::*, writes::*};

pub(super) const CASES: &[Case] = &[
    case!(a_required_value_is_there_and_not_null: Constraints),
    case!(a_type_allows_null_and_nothing: Constraints),
    case!(an_integer_has_no_fraction: Constraints),
    case!(a_type_may_be_one_of_several: Constraints),
    case!(unique_values_are_told_apart_by_type: Constraints),
    case!(containers_may_be_unique: Constraints),
    case!(null_takes_no_part_in_unique: Constraints),
    case!(values_are_unique_together: Constraints),
    case!(a_key_is_required_and_unique: Constraints),
    case!(a_check_is_a_filter: Constraints),
    case!(a_check_joins_tests: Constraints),
    case!(a_check_may_use_every_operator: Constraints, Regex, ElementPredicates, Expressions),
    case!(paths_of_constraints_may_be_odd: Constraints),
    case!(a_violation_says_what_was_broken: Constraints),
    case!(documents_that_exist_are_checked: Constraints),
    case!(values_that_exist_are_compared: Constraints),
    case!(the_first_offenders_are_listed: Constraints),
    case!(constraints_are_listed_as_they_were_made: Constraints),
    case!(the_same_constraint_is_made_once: Constraints),
    case!(a_dropped_constraint_asks_for_nothing: Constraints),
    case!(an_index_behind_a_constraint_stays: Constraints),
    case!(constraints_belong_to_a_collection: Constraints),
    case!(a_registration_leaves_constraints_alone: Constraints),
    case!(put_many_keeps_constraints: Constraints, AtomicBatches),
    case!(put_many_with_skips_keeps_constraints: Constraints, AtomicBatches),
    case!(an_update_keeps_constraints: Constraints, Patches),
    case!(an_upsert_keeps_constraints: Constraints, Upserts, Patches),
    case!(values_are_free_again: Constraints),
    case!(a_refusal_comes_before_a_violation: Constraints),
    case!(several_constraints_stand_side_by_side: Constraints),
    case!(a_violation_leaves_a_transaction_usable: Constraints, Transactions),
    case!(a_transaction_keeps_its_own_constraint: Constraints, SchemaChanges, Transactions),
    case!(a_failed_constraint_leaves_a_transaction_usable: Constraints, SchemaChanges, Transactions),
    case!(a_dropped_constraint_comes_back_with_a_rollback: Constraints, SchemaChanges, Transactions),
];

/// A change of the schema, checked first as den does.
pub(super) async fn alter(on: &(impl ReadWrite + ?Sized), change: SchemaChange) -> Result<()> {
    change.check(crate::Capabilities::all(), false)?;
    on.alter(&change).await
}

/// Makes a constraint of `items` under its default name.
pub(super) async fn constrain(
    on: &(impl ReadWrite + ?Sized),
    kind: ConstraintKind,
) -> Result<ConstraintMeta> {
    let constraint = ConstraintMeta::new(ITEMS, kind);
    create(on, &constraint).await?;
    Ok(constraint)
}

pub(super) async fn create(
    on: &(impl ReadWrite + ?Sized),
    constraint: &ConstraintMeta,
) -> Result<()> {
    let change = SchemaChange::CreateConstraint {
        collection: ITEMS.to_owned(),
        constraint: constraint.clone(),
    };
    alter(on, change).await
}

pub(super) async fn drop_constraint(on: &(impl ReadWrite + ?Sized), name: &str) -> Result<()> {
    let change = SchemaChange::DropConstraint {
        collection: ITEMS.to_owned(),
        name: name.to_owned(),
    };
    alter(on, change).await
}

pub(super) fn required(field: &str) -> ConstraintKind {
    ConstraintKind::Required { field: path(field) }
}

pub(super) fn of_type(field: &str, types: &[JsonType]) -> ConstraintKind {
    ConstraintKind::Type {
        field: path(field),
        types: types.to_vec(),
    }
}

pub(super) fn unique(fields: &[&str]) -> ConstraintKind {
    ConstraintKind::Unique {
        fields: fields.iter().map(|it| path(it)).collect(),
    }
}

pub(super) fn key(fields: &[&str]) -> ConstraintKind {
    ConstraintKind::Key {
        fields: fields.iter().map(|it| path(it)).collect(),
    }
}

pub(super) fn check_that(filter: Expr) -> ConstraintKind {
    ConstraintKind::Check { filter }
}

/// The names of the constraints of `items`, in order.
async fn names(backend: &dyn Backend) -> Vec<String> {
    let all = backend.constraints(ITEMS).await.unwrap();
    all.into_iter().map(|it| it.name).collect()
}

/// A document that must be refused, because it breaks the rule.
pub(super) async fn broken(on: &(impl ReadWrite + ?Sized), fields: &str) -> Error {
    let result = put(on, "broken", fields, Expectation::Any).await;
    let Err(error) = result else {
        panic!("{fields} was taken");
    };
    assert_eq!(error.kind(), ErrorKind::Validation, "{fields}: {error:?}");
    assert_eq!(get(on, "broken").await, None);
    error
}

/// A document that must be refused, because others have its values.
pub(super) async fn taken(on: &(impl ReadWrite + ?Sized), fields: &str) -> Error {
    let result = put(on, "taken", fields, Expectation::Any).await;
    let Err(error) = result else {
        panic!("{fields} was taken");
    };
    assert_eq!(error.kind(), ErrorKind::Duplicate, "{fields}: {error:?}");
    assert_eq!(get(on, "taken").await, None);
    error
}

/// Documents that must all be stored, each beside those before it.
async fn kept(on: &(impl ReadWrite + ?Sized), documents: &[&str]) {
    for (i, fields) in documents.iter().enumerate() {
        let stored = put(on, &format!("kept{i:02}"), fields, Expectation::Any).await;
        assert!(stored.is_ok(), "{fields}: {stored:?}");
    }
}

/// Values of `x` that break the rule, and values that keep it; `-` for none.
async fn asks(backend: &dyn Backend, kind: ConstraintKind, breaks: &[&str], keeps: &[&str]) {
    ensure(backend, ITEMS).await;
    constrain(backend, kind).await.unwrap();
    let of = |value: &str| match value {
        "-" => "{}".to_owned(),
        value => format!("{{\"x\":{value}}}"),
    };
    for value in keeps {
        kept(backend, &[&of(value)]).await;
    }
    for value in breaks {
        broken(backend, &of(value)).await;
        // What is there cannot be changed into it either.
        let changed = put(backend, "kept00", &of(value), Expectation::Present).await;
        assert_eq!(kind_of(changed), ErrorKind::Validation, "{value}");
    }
}

async fn a_required_value_is_there_and_not_null(backend: &dyn Backend) {
    let keeps = ["0", "false", "\"\"", "[]", "{}", "[null]"];
    asks(backend, required("x"), &["null", "-"], &keeps).await;
}

async fn a_type_allows_null_and_nothing(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let values = [
        (JsonType::String, r#""a""#),
        (JsonType::Number, "1.5"),
        (JsonType::Bool, "true"),
        (JsonType::Array, "[1]"),
        (JsonType::Object, r#"{"x":1}"#),
    ];
    for (of, _) in values {
        let field = of.word();
        constrain(backend, of_type(field, &[of])).await.unwrap();
    }
    kept(backend, &["{}"]).await;
    for (of, right) in values {
        let field = of.word();
        kept(backend, &[&format!("{{\"{field}\":{right}}}")]).await;
        kept(backend, &[&format!("{{\"{field}\":null}}")]).await;
        for (other, wrong) in values {
            if other != of {
                let error = broken(backend, &format!("{{\"{field}\":{wrong}}}")).await;
                assert_eq!(error.constraint().unwrap().fields(), [field]);
            }
        }
    }
}

async fn an_integer_has_no_fraction(backend: &dyn Backend) {
    let breaks = ["1.5", "-0.1", "1e-3", "\"1\"", "true", "[1]", "{}"];
    let keeps = [
        "1",
        "1.0",
        "-7",
        "0",
        "9223372036854775807",
        "1e300",
        "null",
        "-",
    ];
    asks(backend, of_type("x", &[JsonType::Integer]), &breaks, &keeps).await;
}

async fn a_type_may_be_one_of_several(backend: &dyn Backend) {
    let types = [JsonType::String, JsonType::Integer, JsonType::Array];
    let breaks = ["1.5", "true", "{}"];
    let keeps = ["\"a\"", "1", "2.0", "[]", "null", "-"];
    asks(backend, of_type("x", &types), &breaks, &keeps).await;
}

async fn unique_values_are_told_apart_by_type(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    constrain(backend, unique(&["x"])).await.unwrap();
    for (i, value) in [
        "1",
        "\"1\"",
        "true",
        "\"true\"",
        "0",
        "false",
        "\"null\"",
        "\"\"",
        "\"a\"",
        "\"A\"",
        "\"a \"",
        "1.5",
        "9007199254740992",
        "9007199254740993",
        "\"é\"",
        "\"e\\u0301\"",
    ]
    .iter()
    .enumerate()
    {
        insert(backend, &format!("a{i:02}"), &format!("{{\"x\":{value}}}")).await;
    }
    for value in [
        "1",
        "1.0",
        "\"1\"",
        "true",
        "0.0",
        "-0.0",
        "9007199254740992.0",
        "\"é\"",
        "15e-1",
    ] {
        taken(backend, &format!("{{\"x\":{value}}}")).await;
    }
}

async fn containers_may_be_unique(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    constrain(backend, unique(&["x"])).await.unwrap();
    for (i, value) in [
        "[]",
        "{}",
        "[1,2]",
        "[2,1]",
        "\"[]\"",
        "\"{}\"",
        "\"[1,2]\"",
    ]
    .iter()
    .enumerate()
    {
        insert(backend, &format!("a{i}"), &format!("{{\"x\":{value}}}")).await;
    }
    for value in ["[]", "{}", "[1, 2]", "\"[]\""] {
        taken(backend, &format!("{{\"x\":{value}}}")).await;
    }
}

async fn null_takes_no_part_in_unique(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    constrain(backend, unique(&["x", "o.y"])).await.unwrap();
    for (i, fields) in [
        "{}",
        r#"{"x":1}"#,
        r#"{"x":1,"o":null}"#,
        r#"{"x":1,"o":{"y":null}}"#,
        r#"{"x":1,"o":7}"#,
        r#"{"x":null,"o":{"y":1}}"#,
    ]
    .iter()
    .enumerate()
    {
        insert(backend, &format!("a{i}"), fields).await;
        insert(backend, &format!("b{i}"), fields).await;
    }
    insert(backend, "c", r#"{"x":1,"o":{"y":1}}"#).await;
    taken(backend, r#"{"x":1,"o":{"y":1}}"#).await;
}

async fn values_are_unique_together(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let made = constrain(backend, unique(&["x", "y"])).await.unwrap();
    insert(backend, "a", r#"{"x":"p","y":1}"#).await;
    insert(backend, "b", r#"{"x":"p","y":2}"#).await;
    insert(backend, "c", r#"{"x":"q","y":1}"#).await;
    insert(backend, "d", r#"{"x":"p","y":"1"}"#).await;
    insert(backend, "e", r#"{"x":1,"y":"p"}"#).await;
    let error = taken(backend, r#"{"y":1.0,"x":"p"}"#).await;
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.name(), made.name);
    assert_eq!(constraint.rule(), ConstraintRule::Unique);
    assert_eq!(constraint.fields(), ["x", "y"]);
}

async fn a_key_is_required_and_unique(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let made = constrain(backend, key(&["x", "y"])).await.unwrap();
    insert(backend, "a", r#"{"x":1,"y":1}"#).await;
    insert(backend, "b", r#"{"x":1,"y":"1"}"#).await;
    for fields in ["{}", r#"{"x":1}"#, r#"{"y":1}"#, r#"{"x":1,"y":null}"#] {
        let error = broken(backend, fields).await;
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name(), made.name);
        assert_eq!(constraint.rule(), ConstraintRule::Key);
        assert_eq!(constraint.fields(), ["x", "y"]);
    }
    let error = taken(backend, r#"{"x":1.0,"y":1}"#).await;
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.name(), made.name);
    assert_eq!(constraint.rule(), ConstraintRule::Key);
    assert_eq!(constraint.fields(), ["x", "y"]);
}

async fn a_check_is_a_filter(backend: &dyn Backend) {
    let at_most_ten = check_that(le(typed("x", FieldKind::Number), literal("10")));
    // What is no number is not at most ten, and what is not there is not either.
    let breaks = ["11", "10.5", "\"1\"", "true", "null", "-"];
    asks(backend, at_most_ten, &breaks, &["10", "-1e9", "9.5"]).await;
}

async fn a_check_joins_tests(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let ends_later = is_null(field("ends")).or(le(
        typed("begins", FieldKind::Text),
        typed("ends", FieldKind::Text),
    ));
    let known = is_in(field("state"), r#"["new","done",3]"#);
    let filter = ends_later
        .and(known)
        .and(is_null(field("gone")).not().not());
    let made = constrain(backend, check_that(filter)).await.unwrap();
    kept(
        backend,
        &[
            r#"{"state":"new"}"#,
            r#"{"state":3,"begins":"a","ends":"a"}"#,
            r#"{"state":"done","begins":"a","ends":"b","gone":null}"#,
        ],
    )
    .await;
    for fields in [
        "{}",
        r#"{"state":"old"}"#,
        r#"{"state":"new","begins":"b","ends":"a"}"#,
        r#"{"state":"new","ends":"a"}"#,
        r#"{"state":"new","gone":true}"#,
    ] {
        let error = broken(backend, fields).await;
        let constraint = error.constraint().unwrap();
        assert_eq!(constraint.name(), made.name);
        assert_eq!(constraint.rule(), ConstraintRule::Check);
    }
}

async fn a_check_may_use_every_operator(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let code = Expr::Matches {
        operand: Box::new(field("code")),
        pattern: crate::Pattern::parse("^[a-z]{2}-[0-9]+$").unwrap(),
    };
    let tags = all_elements(
        typed("tags", FieldKind::Array),
        is_in(element(), r#"["a","b"]"#),
    );
    let sum = arithmetic(
        crate::ArithmeticOp::Add,
        typed("x", FieldKind::Number),
        typed("y", FieldKind::Number),
    );
    let sum = le(sum, literal("10"));
    for filter in [code, tags, sum] {
        constrain(backend, check_that(filter)).await.unwrap();
    }
    let good = r#"{"code":"ab-1","tags":["a"],"x":4,"y":6}"#;
    kept(backend, &[good]).await;
    for (from, to) in [
        ("ab-1", "AB-1"),
        (r#"["a"]"#, r#"["a","c"]"#),
        (r#""x":4"#, r#""x":4.5"#),
    ] {
        broken(backend, &good.replace(from, to)).await;
    }
}

async fn paths_of_constraints_may_be_odd(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let odd = [
        &["a.b"][..],
        &["US Gross"],
        &["it's"],
        &["say \"hi\""],
        &["o", "na-me"],
        &["é"],
        &["back\\slash"],
        &["$"],
    ];
    for segments in odd {
        let field = crate::FieldPath::from_segments(segments.iter().copied()).unwrap();
        let types = vec![JsonType::Integer];
        let kinds = [
            ConstraintKind::Required {
                field: field.clone(),
            },
            ConstraintKind::Type {
                field: field.clone(),
                types,
            },
            ConstraintKind::Unique {
                fields: vec![field.clone()],
            },
            check_that(lt(keys(segments), literal("100"))),
        ];
        for kind in kinds {
            constrain(backend, kind).await.unwrap();
        }
    }
    let document = |first: usize| {
        let mut document = json("{}");
        for (i, segments) in odd.iter().enumerate() {
            set_at(&mut document, segments, json(&(first + i).to_string()));
        }
        document
    };
    insert(backend, "a", &document(1).to_string()).await;
    for (i, segments) in odd.iter().enumerate() {
        let number = |value: &str| {
            // A good document but for one field, so that only this field is at fault.
            let mut document = document(51);
            set_at(&mut document, segments, json(value));
            document.to_string()
        };
        let here = (i + 1).to_string();
        for wrong in ["null", "\"1\"", "1.5", "100"] {
            let error = broken(backend, &number(wrong)).await;
            let dotted = crate::FieldPath::from_segments(segments.iter().copied()).unwrap();
            let constraint = error.constraint().unwrap();
            assert_eq!(constraint.fields(), [dotted.to_string()], "{segments:?}");
        }
        taken(backend, &number(&here)).await;
    }
}

/// Puts a value into an object, and objects on the way to it.
fn set_at(document: &mut crate::Value, segments: &[&str], value: crate::Value) {
    let mut at = document;
    for segment in segments {
        if at.is_null() {
            *at = json("{}");
        }
        let crate::Value::Object(object) = at else {
            panic!("{segments:?} is no field");
        };
        at = object.entry((*segment).to_owned()).or_default();
    }
    *at = value;
}

async fn a_violation_says_what_was_broken(backend: &dyn Backend) {
    ensure(backend, ITEMS).await;
    let made = constrain(backend, of_type("o.x", &[JsonType::Integer]))
        .await
        .unwrap();
    let error = broken(backend, r#"{"o":{"x":"secret"}}"#).await;
    assert_eq!(error.collection(), Some(ITEMS));
    assert_eq!(error.id(), Some("broken"));
    let constraint = error.constraint().unwrap();
    assert_eq!(constraint.name(), made.name);
    assert_eq!(constraint.rule(), ConstraintRule::Type);
    assert_eq!(constraint.fields(), ["o.x"]);
    let violation = &error.violations()[0];
    assert_eq!(
        (violation.path.as_str(), violation.code.as_str()),
        ("o.x", "type")
    );
    assert!(!error.is_retryable());
    assert!(!error.to_string().contains("secret"), "{error}");
    let made = constrain(backend, unique(&["o.y"])).await.unwrap();
    insert(backend, "a", r#"{"o":{"y":"secret"}}"#).await;
    let error = taken(backend, r#"{"o":{"y":"secret"}}"#).await;
    assert_eq!(error.collection(), Some(ITEMS));
    assert_eq!(error.id(), Some("taken"));
    assert_eq!(error.constraint().unwrap().name(), made.name);
    assert_eq!(error.constraint().unwrap().fields(), ["o.y"]);
    assert!(!error.to_string().contains("secret"), "{error}");
}
