//! The places that run raw statements, held against a list.

use std::collections::{BTreeMap, BTreeSet};

use crate::raw::{Site, sites};

/// Compares the names of the places of a package that run raw statements with a list, in both
/// directions.
///
/// # Behavior
///
/// - Every [`site!`](crate::site) that is compiled into the test program counts, whether it ran or
///   not. The package is named as in `Cargo.toml`, `env!("CARGO_PKG_NAME")`, or as in `use`; `-` and `_`
///   are the same. Its tests belong to it, those of its folder `tests` too.
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
    let is_of_package =
        |it: &Site| is_same(it.package(), package) || is_same(it.crate_name(), package);
    let of_package: Vec<Site> = sites().into_iter().filter(is_of_package).collect();
    if of_package.is_empty() && !declared.is_empty() {
        let known: BTreeSet<&str> = sites().into_iter().map(Site::package).collect();
        let known = known.into_iter().collect::<Vec<&str>>().join("`, `");
        return Err(format!(
            "no place of the package `{package}` runs a raw statement, but these are listed: {}; places \
             are known of `{known}`",
            declared.join(", ")
        ));
    }
    compare(&of_package, declared)
}

/// Whether two names stand for one package: a crate has `_` where its package may have `-`.
fn is_same(a: &str, b: &str) -> bool {
    let plain = |it: char| if it == '-' { '_' } else { it };
    a.chars().map(plain).eq(b.chars().map(plain))
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
