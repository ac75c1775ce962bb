//! The places that run raw statements, held against a list.

use std::collections::{BTreeMap, BTreeSet};

use crate::raw::{Site, sites};

/// Compares the names of the places of a package that run raw statements with a list, in both
/// directions.
///
/// # Behavior
///
/// - Every [`site!`](crate::site) that is compiled into the test program counts, whether it ran or
///   not. The package is a crate's name as in `use`: `my_app`, and `my_app`'s own tests belong to it when
///   it is tested; programs in its folder `tests` are crates of their own.
///
/// # Errors
///
/// What is wrong, line by line: places that are not listed, names that stand for no place, and names
/// that stand for several.
///
/// ```
/// # fn main() {
/// let in_this_program = den::testing::check_raw_sites("my_app", &[]);
/// assert_eq!(in_this_program, Ok(()));
/// let error = den::testing::check_raw_sites("my_app", &["list_alerts"]).unwrap_err();
/// assert!(error.contains("list_alerts"));
/// # }
/// ```
pub fn check_raw_sites(package: &str, declared: &[&str]) -> Result<(), String> {
    let of_package: Vec<Site> = sites()
        .into_iter()
        .filter(|it| it.package() == package)
        .collect();
    compare(&of_package, declared)
}

fn compare(found: &[Site], declared: &[&str]) -> Result<(), String> {
    let declared: BTreeSet<&str> = declared.iter().copied().collect();
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for site in found {
        by_name
            .entry(site.name())
            .or_default()
            .push(site.to_string());
    }
    let mut wrong = Vec::new();
    for (name, places) in &by_name {
        if !declared.contains(name) {
            wrong.push(format!("not listed: {}", places.join(", ")));
        }
        if places.len() > 1 {
            wrong.push(format!(
                "one name for several places: {}",
                places.join(", ")
            ));
        }
    }
    for name in declared {
        if !by_name.contains_key(name) {
            wrong.push(format!("listed, but nowhere used: {name}"));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site;

    #[test]
    fn both_directions_are_compared() {
        let (a, b) = (site!("a"), site!("b"));
        assert_eq!(compare(&[a, b], &["b", "a"]), Ok(()));
        let wrong = compare(&[a], &["b"]).unwrap_err();
        assert!(wrong.contains("not listed: a ("), "{wrong}");
        assert!(wrong.contains("nowhere used: b"), "{wrong}");
        let wrong = compare(&[a, a], &["a"]).unwrap_err();
        assert!(wrong.contains("several places"), "{wrong}");
        assert!(compare(&[], &[]).is_ok());
    }

    #[test]
    fn a_place_that_never_runs_is_found() {
        fn _never_called<T: Default>(_: T) -> Site {
            site!("in_a_generic_function_that_is_never_called")
        }
        let names: Vec<&str> = sites().into_iter().map(Site::name).collect();
        assert!(names.contains(&"in_a_generic_function_that_is_never_called"));
    }
}
