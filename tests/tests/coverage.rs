//! `COVERAGE.md` names only tests that exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What the last word in backticks was, so that the next one in a list is read alike.
enum Last<'a> {
    Theme,
    /// A case of this theme.
    Case(&'a str),
    Other,
}

/// The tests of the suite without their targets: `theme::case`.
struct Suite {
    cases: BTreeSet<String>,
    themes: BTreeSet<String>,
}

#[test]
fn coverage_names_only_tests_that_exist() {
    let suite = Suite::new();
    let text = fs::read_to_string(root().join("tests/COVERAGE.md")).unwrap();
    let mut checked = 0;
    let mut faults = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        // A list does not go on in another cell.
        for cell in text.split('|') {
            for (what, is_there) in named(&suite, cell) {
                checked += 1;
                if !is_there {
                    faults.push(format!("COVERAGE.md:{line}: there is no {what}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(checked > 100, "only {checked} names were found");
}

/// What this text names, and whether it is there.
fn named<'a>(suite: &Suite, text: &'a str) -> Vec<(&'a str, bool)> {
    let mut found = Vec::new();
    let mut last = Last::Other;
    let mut pieces = text.split('`');
    while let (Some(before), Some(word)) = (pieces.next(), pieces.next()) {
        let goes_on = [", ", " and "].contains(&before);
        last = if let Some((theme, case)) = word.rsplit_once("::") {
            match suite.has(theme, case) {
                Some(is_there) => {
                    found.push((word, is_there));
                    Last::Case(theme)
                }
                None => Last::Other,
            }
        } else if before.ends_with("theme ") || before.ends_with("themes ") {
            found.push((word, suite.themes.contains(word)));
            Last::Theme
        } else if word.starts_with("tests/") {
            found.push((word, root().join(word).exists()));
            Last::Other
        } else {
            match last {
                Last::Theme if goes_on => {
                    found.push((word, suite.themes.contains(word)));
                    Last::Theme
                }
                Last::Case(theme) if goes_on => {
                    found.push((word, suite.has(theme, word).unwrap_or(true)));
                    Last::Case(theme)
                }
                Last::Theme | Last::Case(_) | Last::Other => Last::Other,
            }
        };
    }
    found
}

impl Suite {
    fn new() -> Self {
        let mut cases = BTreeSet::new();
        let mut themes = BTreeSet::new();
        let tooling = den_tests_tooling::trials();
        for trial in den_tests::trials().into_iter().chain(tooling) {
            let Some((_target, name)) = trial.name().split_once("::") else {
                continue;
            };
            cases.insert(name.to_owned());
            let mut theme = name;
            while let Some((outer, _)) = theme.rsplit_once("::") {
                themes.insert(outer.to_owned());
                theme = outer;
            }
        }
        Self { cases, themes }
    }

    /// Whether there is this test; `None` if the path is of something else.
    fn has(&self, theme: &str, case: &str) -> Option<bool> {
        let whole = format!("{theme}::{case}");
        if theme.split("::").any(|it| it == "tests") {
            return Some(is_unit_test(theme, case));
        }
        if theme == "den" || !whole.split("::").all(is_name) {
            return None;
        }
        Some(self.cases.contains(&whole) || self.themes.contains(&whole))
    }
}

/// Whether this may be the name of a theme or a case.
fn is_name(text: &str) -> bool {
    let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    !text.is_empty() && text.chars().all(is_part)
}

/// Whether the sources of a crate have such a test: `den::attachments::hash::tests` is in the file
/// `hash.rs` or one of its own.
fn is_unit_test(module: &str, test: &str) -> bool {
    let mut names = module.split("::");
    let Some(name) = names.next() else {
        return false;
    };
    let mut path = root().join(name.replace('_', "-")).join("src");
    path.extend(names);
    let inner = path.parent().map(|it| it.with_extension("rs"));
    let has = |file: PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.contains(&format!("fn {test}("))
    };
    has(path.with_extension("rs")) || inner.is_some_and(has)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in a folder of the workspace")
}
