//! The names of the places that run raw statements.

use den::{raw::Site, site, testing::check_raw_sites};

use crate::harness::Case;

pub(super) const CASES: &[Case] = &[
    alone!(every_place_is_listed),
    alone!(a_place_that_is_not_listed_is_found),
    alone!(a_name_without_a_place_is_found),
    alone!(another_package_has_places_of_its_own),
];

const NEVER_RUN: Site = site!("never_run");

/// The places of this package, whose names a test compares with what is compiled into it.
fn listed() -> Vec<&'static str> {
    let source = [
        include_str!("raw.rs"),
        include_str!("raw_conditions.rs"),
        include_str!("raw_engines.rs"),
        include_str!("raw_sites.rs"),
        include_str!("batch.rs"),
        include_str!("pg_only.rs"),
        include_str!("pg_partitions.rs"),
        include_str!("sqlite_only.rs"),
    ];
    let named = source.iter().flat_map(|it| it.split("site!(\"").skip(1));
    named.filter_map(|it| it.split('"').next()).collect()
}

async fn every_place_is_listed() {
    assert_eq!(NEVER_RUN.package(), "den-tests");
    let listed = listed();
    assert!(listed.len() > 50);
    assert_eq!(check_raw_sites("den_tests", &listed), Ok(()));
}

async fn a_place_that_is_not_listed_is_found() {
    let mut listed = listed();
    listed.retain(|it| *it != "never_run");
    let wrong = check_raw_sites("den_tests", &listed).unwrap_err();
    assert!(wrong.contains("not listed: never_run ("), "{wrong}");
    assert!(wrong.contains("raw_sites.rs:"), "{wrong}");
}

async fn a_name_without_a_place_is_found() {
    let mut listed = listed();
    listed.push("taken_away");
    let wrong = check_raw_sites("den_tests", &listed).unwrap_err();
    assert!(wrong.contains("nowhere used: taken_away"), "{wrong}");
}

async fn another_package_has_places_of_its_own() {
    assert_eq!(check_raw_sites("another", &[]), Ok(()));
}
