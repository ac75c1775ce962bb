//! The command built into an application: with its types and its migrations.

use std::{
    ffi::OsStr,
    process::{Command, ExitCode},
};

use den::{Base, Document, Json, migrate::Registry};
use den_cli::Cli;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Case, Place,
    place::{Run, lines},
};

pub(crate) const CASES: &[Case] = &[
    (
        "schema_is_planned_applied_and_checked",
        schema_is_planned_applied_and_checked,
    ),
    ("stale_indexes_are_dropped", stale_indexes_are_dropped),
    ("migrations_go_up_and_down", migrations_go_up_and_down),
    ("a_failing_step_is_taken_back", a_failing_step_is_taken_back),
    ("migrations_alone", migrations_alone),
    ("without_types_it_says_so", without_types_it_says_so),
];

/// Makes this program the embedded command; the value says which one.
pub(crate) const VARIABLE: &str = "DEN_CLI_EMBEDDED";

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "cli_products")]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(unique)]
    sku: String,
}

/// The same, in another release.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "cli_products")]
struct NewProduct {
    #[serde(flatten)]
    base: Base<NewProduct>,
    sku: String,
    #[den(index)]
    price: f64,
}

fn migrations() -> Registry {
    Registry::new("shop")
        .step("1", "create orders", async |m| {
            m.create_collection("orders").await
        })
        .down(async |m| m.drop_collection("orders").await)
        .step("2", "first order", async |m| {
            let first = json!({ "_id": "first", "price": 1.5 });
            m.collection("orders").insert(first).await.map(|_| ())
        })
        .down(async |m| m.collection("orders").delete("first").await)
        .batch("3", "prices in cents", "orders", 10, |mut order| {
            order["cents"] = Json::from(150);
            Ok(Some(order))
        })
        .down_batch("orders", 10, |mut order| {
            order.as_object_mut().and_then(|it| it.remove("cents"));
            Ok(Some(order))
        })
}

fn failing() -> Registry {
    migrations().step("4", "fails", async |m| {
        m.collection("orders")
            .insert(json!({ "_id": "half" }))
            .await?;
        m.collection("orders")
            .insert(json!({ "_id": "first" }))
            .await
            .map(|_| ())
    })
}

/// Runs the embedded command.
pub(crate) fn run(which: &OsStr) -> ExitCode {
    let cli = Cli::new().named("shop-admin");
    match which.to_str() {
        Some("new") => cli.types::<NewProduct>().main(),
        Some("failing") => cli.migrations(failing()).main(),
        Some("migrations") => den_cli::migrate(migrations()),
        _ => cli.types::<(Product,)>().migrations(migrations()).main(),
    }
}

fn ran(on: &Place, which: &str, arguments: &[&str]) -> Run {
    Run::of(on.embedded(which).args(arguments))
}

/// What the embedded command writes, if it ends well.
fn ok(on: &Place, which: &str, arguments: &[&str]) -> String {
    let run = ran(on, which, arguments);
    assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    run.out
}

fn schema_is_planned_applied_and_checked(on: &Place) {
    // The database itself is there.
    on.put("other", &json!([{}]));
    let run = ran(on, "all", &["schema", "check"]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.out.contains("cli_products"), "{run:?}");
    assert!(ok(on, "all", &["schema", "plan", "--sql"]).contains("CREATE TABLE"));
    let planned = lines(&ok(on, "all", &["schema", "plan", "--json"]));
    assert_eq!(planned[0]["action"], "create_collection");
    assert_eq!(on.ok(&["ls", "--names"]), "other\n");

    assert!(ok(on, "all", &["schema", "apply"]).contains("cli_products"));
    assert_eq!(ok(on, "all", &["schema", "plan"]), "nothing to do\n");
    assert_eq!(ok(on, "all", &["schema", "apply"]), "nothing to do\n");
    assert_eq!(ok(on, "all", &["schema", "check"]), "nothing to do\n");
    // Looking does not register; what was stored through the command keeps the index.
    on.put("cli_products", &json!([{ "_id": "1", "sku": "x" }]));
    let run = on.den(&["put", "cli_products", r#"{"sku": "x"}"#]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("sku"), "{run:?}");
}

fn stale_indexes_are_dropped(on: &Place) {
    on.put("other", &json!([{}]));
    ok(on, "all", &["schema", "apply"]);
    let plan = ok(on, "new", &["schema", "plan"]);
    assert!(plan.contains("stale"), "{plan}");
    ok(on, "new", &["schema", "apply"]);
    let text = ok(on, "new", &["schema", "drop-stale", "--dry-run"]);
    assert!(
        text.starts_with("would drop: ux_cli_products_sku"),
        "{text}"
    );
    let text = ok(on, "new", &["schema", "drop-stale"]);
    assert!(text.starts_with("dropped: ux_cli_products_sku"), "{text}");
    assert_eq!(
        ok(on, "new", &["schema", "drop-stale"]),
        "no stale indexes\n"
    );
}

fn migrations_go_up_and_down(on: &Place) {
    on.put("other", &json!([{}]));
    assert_eq!(ok(on, "all", &["migrate", "plan"]).lines().count(), 3);
    let status = lines(&ok(on, "all", &["migrate", "status", "--json"]));
    assert!(
        status.iter().all(|it| it["state"] == "pending"),
        "{status:?}"
    );
    let done = ok(on, "all", &["migrate", "up", "2"]);
    assert!(done.starts_with("applied shop/1 (create orders)"), "{done}");
    assert_eq!(done.lines().count(), 2);
    assert_eq!(
        ok(on, "all", &["migrate", "up", "--one"]).lines().count(),
        1
    );
    assert_eq!(
        on.json(&["get", "orders", "first", "--json"])[0]["cents"],
        150
    );
    assert_eq!(ok(on, "all", &["migrate", "up"]), "nothing to do\n");

    // The plain command sees what was noted.
    let status = on.ok(&["migrate", "status"]);
    assert!(status.contains("shop/3"), "{status}");
    let run = on.den(&["migrate", "up"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("den_cli::migrate"), "{run:?}");

    let undone = ok(on, "all", &["migrate", "down", "--to", "1"]);
    assert!(undone.starts_with("undone shop/3"), "{undone}");
    assert_eq!(on.ok(&["count", "orders"]), "0\n");
    ok(on, "all", &["migrate", "down"]);
    assert_eq!(on.ok(&["ls", "--names"]), "other\n");
    ok(on, "all", &["migrate", "baseline", "3"]);
    assert_eq!(ok(on, "all", &["migrate", "plan"]), "nothing to do\n");
}

fn a_failing_step_is_taken_back(on: &Place) {
    on.put("other", &json!([{}]));
    let run = ran(on, "failing", &["migrate", "up"]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("shop/4"), "{run:?}");
    assert!(run.err.contains("because"), "{run:?}");
    assert_eq!(on.ok(&["count", "orders"]), "1\n");
    let status = ok(on, "failing", &["migrate", "status"]);
    assert!(
        status.contains("unfinished") || status.contains("pending"),
        "{status}"
    );
}

fn migrations_alone(on: &Place) {
    on.put("other", &json!([{}]));
    let help = ok(on, "migrations", &["--help"]);
    assert!(
        help.contains("baseline") && !help.contains("export"),
        "{help}"
    );
    assert_eq!(ok(on, "migrations", &["up"]).lines().count(), 3);
    assert_eq!(ok(on, "migrations", &["up"]), "nothing to do\n");
    let status = ok(on, "migrations", &["status", &on.url]);
    assert_eq!(status.matches("applied").count(), 3, "{status}");
    // Many at once: each step is run by one of them.
    ok(on, "migrations", &["down", "--all"]);
    let starters: Vec<_> = (0..4)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["up", "--json"])
                .env(VARIABLE, "migrations")
                .env("DEN_URL", &on.url)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut steps = 0;
    for starter in starters {
        let output = starter.wait_with_output().unwrap();
        assert!(output.status.success());
        steps += lines(&String::from_utf8(output.stdout).unwrap()).len();
    }
    assert_eq!(steps, 3);
}

fn without_types_it_says_so(on: &Place) {
    on.put("other", &json!([{}]));
    let run = on.den(&["schema", "plan"]);
    assert_eq!((run.code, run.out.as_str()), (0, "nothing to do\n"));
    assert!(run.err.contains("types are not known"), "{run:?}");
    let run = on.den(&["schema", "apply"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("den_cli::Cli"), "{run:?}");
    assert_eq!(on.ok(&["migrate", "status"]), "no migrations\n");
}
