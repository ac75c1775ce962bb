//! How deep a patched document may nest, and how many changes may build on one another.

use crate::{Backend, Change, ErrorKind, FieldKind, Query, conformance::support::*};

use super::patches::{becomes, fails};

pub(super) const CASES: &[Case] = &[
    case!(what_is_moved_stays_readable: Patches),
    case!(what_is_computed_stays_readable: Patches, Expressions),
    case!(what_a_choice_computes_stays_readable: Patches, Expressions),
    case!(what_is_too_deep_names_the_field: Patches, Expressions),
    case!(as_many_dependent_changes_as_may_be: Patches),
    case!(more_dependent_changes_are_refused: Patches),
];

/// Keys that lead so many levels down.
fn keys_down(depth: usize) -> String {
    vec!["k"; depth].join(".")
}

/// Arrays and objects in one another, so many.
fn nested(depth: usize) -> String {
    let half = depth / 2;
    let odd = depth % 2;
    [
        "[".repeat(odd),
        r#"{"e":["#.repeat(half),
        "]}".repeat(half),
        "]".repeat(odd),
    ]
    .concat()
}

fn holding(at: &str, value: &str) -> String {
    let depth = at.split('.').count();
    let open: String = at.split('.').map(|key| format!("{{\"{key}\":")).collect();
    format!("{open}{value}{}", "}".repeat(depth))
}

/// Checks a change that puts what is at `a` to another path: of values up to the limit, and one level
/// deeper.
async fn puts(backend: &dyn Backend, change: impl Fn(&str) -> Change, keeps: bool) {
    for depth in [1, 2, 21, 60, 126] {
        let to = keys_down(depth);
        for beyond in [0, 1] {
            let value = nested(127 - depth + beyond);
            let before = holding("a", &value);
            if depth == 1 && beyond == 1 {
                // No such document is there.
                continue;
            }
            let changes = vec![change(&to)];
            if beyond == 1 {
                fails(backend, changes, &["{}", &before]).await;
                continue;
            }
            let moved = holding(&to, &value);
            let after = match keeps {
                true => format!("{{\"a\":{value},{}", &moved[1..]),
                false => moved,
            };
            becomes(backend, changes, &[(&before, &after)]).await;
        }
    }
}

async fn what_is_moved_stays_readable(backend: &dyn Backend) {
    puts(backend, |to| rename("a", to), false).await;
    // One that is made and moved by the patch itself.
    let deep = nested(100);
    let changes = vec![set("b", &deep), rename("b", &keys_down(28))];
    fails(backend, changes, &["{}"]).await;
    let changes = vec![set("b", &deep), rename("b", &keys_down(27))];
    let after = holding(&keys_down(27), &deep);
    becomes(backend, changes, &[("{}", &after)]).await;
}

async fn what_is_computed_stays_readable(backend: &dyn Backend) {
    puts(backend, |to| set_expr(to, field("a")), true).await;
    // Also of a field that is declared otherwise.
    puts(
        backend,
        |to| set_expr(to, typed("a", FieldKind::Text)),
        true,
    )
    .await;
}

async fn what_a_choice_computes_stays_readable(backend: &dyn Backend) {
    puts(
        backend,
        |to| set_expr(to, coalesce(vec![field("x"), field("a")])),
        true,
    )
    .await;
    let chosen = |to: &str| {
        let branches = vec![(is_null(field("x")), field("a"))];
        set_expr(to, case_when(branches, literal("1")))
    };
    puts(backend, chosen, true).await;
    // Constants are looked at where they are chosen.
    let constant = coalesce(vec![field("x"), literal(&nested(90))]);
    let changes = vec![set_expr(&keys_down(38), constant)];
    fails(backend, changes, &["{\"x\":1}", "{}"]).await;
}

async fn what_is_too_deep_names_the_field(backend: &dyn Backend) {
    let document = holding("a", &nested(120));
    for change in [
        rename("a", "b.c.d.e.f.g.h.i"),
        set_expr("b.c.d.e.f.g.h.i", field("a")),
    ] {
        let error = fails(backend, vec![set("x", "1"), change], &[&document]).await;
        let told = "the field `b.c.d.e.f.g.h.i` cannot be set to this value: the document would be nested \
             deeper than 127 levels";
        assert!(error.to_string().starts_with(told), "{error}");
    }
}

async fn as_many_dependent_changes_as_may_be(backend: &dyn Backend) {
    let documents = [("{}", r#"{"n":64}"#), (r#"{"n":1}"#, r#"{"n":65}"#)];
    becomes(backend, vec![inc("n", "1"); 64], &documents).await;
    // What is pushed folds, and so do constants, and other places are no matter.
    let keys: Vec<String> = (0..100).map(|it| format!("k{it}")).collect();
    let each = keys.iter().map(|it| inc(it, "1"));
    let mut changes: Vec<Change> = each.clone().chain(each).collect();
    changes.extend(vec![set("m", "1"); 100]);
    changes.extend((0..100).map(|it| push("l", &it.to_string())));
    let all: Vec<String> = keys.iter().map(|it| format!("\"{it}\":2")).collect();
    let pushed: Vec<String> = (0..100).map(|it| it.to_string()).collect();
    let after = format!("{{{},\"l\":[{}],\"m\":1}}", all.join(","), pushed.join(","));
    becomes(backend, changes, &[("{}", &after)]).await;
}

async fn more_dependent_changes_are_refused(backend: &dyn Backend) {
    given(backend, &["{}"]).await;
    for changes in [
        vec![inc("n", "1"); 65],
        vec![add_to_set("n", "1"); 65],
        vec![rename("a", "b"); 65],
        (0..33)
            .flat_map(|_| [inc("n.m", "1"), unset("n")])
            .collect(),
    ] {
        let refused = update(backend, &Query::new(ITEMS), changes).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidQuery);
    }
}
