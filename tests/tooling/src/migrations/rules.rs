//! What is declared, against what was applied.

use den::{
    ErrorKind,
    migrate::{Migrator, Registry},
};
use den_test_harness::{Case, TestDb};

use super::{collection, lines, observed, states, versions, writes, written};

pub(crate) const CASES: &[Case] = &[
    alone!(mistakes_of_a_registry_are_found_without_a_database),
    case!(a_mistake_keeps_everything_from_running),
    case!(a_step_that_comes_late_is_an_error),
    case!(an_applied_step_stays_what_it_was),
    case!(steps_of_a_newer_program_are_left_alone),
    case!(a_step_that_is_gone_is_an_error),
    case!(namespaces_are_apart),
];

async fn mistakes_of_a_registry_are_found_without_a_database() {
    let nothing = || Registry::new("app").step("1", "one", async |_| Ok(()));
    nothing().check().unwrap();
    for (registry, message) in [
        (
            nothing().step("1", "again", async |_| Ok(())),
            "two migrations have the version `app/1`: `one` and `again`",
        ),
        (
            nothing().step("01", "again", async |_| Ok(())),
            "two migrations have the version `app/01`: `one` and `again`",
        ),
        (
            Registry::new("my app"),
            "the namespace of migrations `my app` is not made of 1 to 100 letters, digits, `.`, `-` and `_`",
        ),
        (
            nothing().step("2/3", "two", async |_| Ok(())),
            "the version of a migration `2/3` is not made of 1 to 100 letters, digits, `.`, `-` and `_`",
        ),
        (
            nothing().step("2", " ", async |_| Ok(())),
            "the name of the migration `2` is empty or holds a control character",
        ),
        (
            nothing().batch("2", "two", "notes", 0, |_| Ok(None)),
            "the batches of the migration `2` have 0 documents; 1 to 10000 make sense",
        ),
        (
            nothing()
                .batch("2", "two", "notes", 10, |_| Ok(None))
                .non_transactional(),
            "a step in batches has transactions of its own, so it cannot be non-transactional",
        ),
        (
            Registry::new("app").down(async |_| Ok(())),
            "`down` comes after the step that it undoes",
        ),
        (
            nothing().down(async |_| Ok(())).down(async |_| Ok(())),
            "the migration `1` is undone in two ways",
        ),
    ] {
        let error = registry.check().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{message}");
        assert_eq!(error.to_string(), message);
    }
}

async fn a_mistake_keeps_everything_from_running(on: &TestDb) {
    collection(on, "notes").await;
    let twice = writes(writes(writes(Registry::new("app"), "1"), "2"), "2");
    let error = Migrator::new(&on.db).with(twice).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let same = Migrator::new(&on.db)
        .with(writes(Registry::new("app"), "1"))
        .with(writes(Registry::new("app"), "2"));
    let error = same.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(written(&on.db).await.is_empty());
}

async fn a_step_that_comes_late_is_an_error(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = |versions: &[&'static str]| {
        let registry = versions
            .iter()
            .fold(Registry::new("app"), |it, version| writes(it, version));
        Migrator::new(&on.db).with(registry)
    };
    migrator(&["1", "3"]).up().await.unwrap();
    let late = migrator(&["1", "2", "3", "4"]);
    for outcome in [late.up().await, late.up_to("4").await, late.up_one().await] {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Migration);
        assert_eq!(
            error.to_string(),
            "the migration app/2 (step 2) was not applied, but the newer `3` was; give it a newer version, \
             or say `.allow_out_of_order()`"
        );
    }
    late.plan().await.unwrap_err();
    assert_eq!(written(&on.db).await, ["1", "3"]);
    let allowed = late.allow_out_of_order();
    assert_eq!(versions(&allowed.up().await.unwrap()), ["2", "4"]);
    // The last applied is undone first.
    let down = allowed.down_all().await.unwrap();
    assert_eq!(versions(&down), ["4", "2", "3", "1"]);
}

async fn an_applied_step_stays_what_it_was(on: &TestDb) {
    collection(on, "notes").await;
    let migrator = Migrator::new(&on.db).with(writes(Registry::new("app"), "1"));
    migrator.up().await.unwrap();
    let renamed = Registry::new("app").step("1", "another", async |_| Ok(()));
    let renamed = Migrator::new(&on.db).with(writes(renamed, "2"));
    let error = renamed.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert_eq!(
        error.to_string(),
        "the migration app/1 (step 1) was applied to this database, but is declared as `another` now; a \
         step stays as it is once it was applied"
    );
    assert_eq!(states(&renamed).await, ["1 changed", "2 pending"]);
    let other = Registry::new("app").batch("1", "step 1", "notes", 5, |_| Ok(None));
    let error = Migrator::new(&on.db).with(other).up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert!(migrator.up().await.unwrap().is_empty());
}

async fn steps_of_a_newer_program_are_left_alone(on: &TestDb) {
    collection(on, "notes").await;
    let newer = writes(writes(Registry::new("app"), "1"), "2");
    Migrator::new(&on.db).with(newer).up().await.unwrap();
    let older = Migrator::new(&on.db).with(writes(Registry::new("app"), "1"));
    let (older, events) = observed(older);
    assert!(older.up().await.unwrap().is_empty());
    assert_eq!(lines(&events), ["unknown 2"]);
    assert_eq!(states(&older).await, ["1 applied", "2 unknown"]);
    let error = older.down().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the migration app/2 (step 2) cannot be undone, because this program does not know it"
    );
    older.down_to("1").await.unwrap_err();
    assert_eq!(written(&on.db).await, ["1", "2"]);
}

async fn a_step_that_is_gone_is_an_error(on: &TestDb) {
    collection(on, "notes").await;
    let all = writes(writes(Registry::new("app"), "1"), "2");
    Migrator::new(&on.db).with(all).up().await.unwrap();
    let fewer = Migrator::new(&on.db).with(writes(writes(Registry::new("app"), "2"), "3"));
    let error = fewer.up().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    assert!(error.to_string().contains("app/1 (step 1)"), "{error}");
    let allowed = fewer.allow_missing();
    assert_eq!(versions(&allowed.up().await.unwrap()), ["3"]);
}

async fn namespaces_are_apart(on: &TestDb) {
    collection(on, "notes").await;
    let shop = || writes(writes(Registry::new("shop"), "1"), "2");
    let mail = || writes(writes(Registry::new("mail"), "1"), "3");
    let only_mail = Migrator::new(&on.db).with(mail());
    assert_eq!(versions(&only_mail.up_to("1").await.unwrap()), ["1"]);
    let both = Migrator::new(&on.db).with(shop()).with(mail());
    assert_eq!(
        both.plan().await.unwrap().to_string(),
        "shop/1 (step 1)\nshop/2 (step 2)\nmail/3 (step 3)\n"
    );
    let error = both.up_to("1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert_eq!(versions(&both.up_to("shop/1").await.unwrap()), ["1"]);
    assert_eq!(versions(&both.up().await.unwrap()), ["2", "3"]);
    // The migrator of the one module does not touch what the other has done.
    assert_eq!(versions(&only_mail.down_all().await.unwrap()), ["3", "1"]);
    assert_eq!(
        states(&both).await,
        ["1 applied", "2 applied", "1 pending", "3 pending"]
    );
    assert_eq!(versions(&both.down_to("shop/1").await.unwrap()), ["2"]);
}
