//! The rules about what may depend on what, as tests.
//!
//! A new dependency edge is a design change: change [`CRATES`] in the same commit, and say why.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cargo_metadata::{Metadata, MetadataCommand, Package};

/// What one crate of the workspace may name.
struct Crate {
    name: &'static str,
    /// The den crates it may depend on, also for its tests.
    den: &'static [&'static str],
    /// The database drivers it may depend on.
    drivers: &'static [&'static str],
    /// Whether applications and other crates link against it, as opposed to tests and programs.
    library: bool,
}

const SQLITE_DRIVERS: &[&str] = &["rusqlite", "libsqlite3-sys"];
const POSTGRES_DRIVERS: &[&str] = &[
    "tokio-postgres",
    "postgres-types",
    "deadpool-postgres",
    "deadpool",
];
const ALL_DRIVERS: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "tokio-postgres",
    "postgres-types",
    "deadpool-postgres",
    "deadpool",
];
const ALL_DEN: &[&str] = &[
    "den",
    "den-backend",
    "den-derive",
    "den-postgres",
    "den-sql",
    "den-sqlite",
];

/// Every crate of the workspace, from the contract upwards.
const CRATES: &[Crate] = &[
    Crate {
        name: "den-backend",
        den: &[],
        drivers: &[],
        library: true,
    },
    Crate {
        name: "den-sql",
        den: &["den-backend"],
        drivers: &[],
        library: true,
    },
    Crate {
        name: "den-sqlite",
        den: &["den-backend", "den-sql"],
        drivers: SQLITE_DRIVERS,
        library: true,
    },
    Crate {
        name: "den-postgres",
        den: &["den-backend", "den-sql"],
        drivers: POSTGRES_DRIVERS,
        library: true,
    },
    Crate {
        name: "den-derive",
        den: &[],
        drivers: &[],
        library: true,
    },
    Crate {
        name: "den",
        den: &["den-backend", "den-derive", "den-sqlite", "den-postgres"],
        drivers: &[],
        library: true,
    },
    Crate {
        name: "den-tests",
        den: ALL_DEN,
        drivers: ALL_DRIVERS,
        library: false,
    },
    Crate {
        name: "den-test-harness",
        den: &["den", "den-backend"],
        drivers: &["tokio-postgres"],
        library: false,
    },
    Crate {
        name: "den-tests-tooling",
        den: ALL_DEN,
        drivers: ALL_DRIVERS,
        library: false,
    },
    Crate {
        name: "den-cli",
        den: &["den"],
        drivers: &[],
        library: true,
    },
    // What a third party's driver needs, and no more.
    Crate {
        name: "den-test-drum",
        den: &["den-backend"],
        drivers: &[],
        library: false,
    },
    Crate {
        name: "den-test-tape",
        den: &["den-backend"],
        drivers: &[],
        library: false,
    },
    // An example of a third party's backend.
    Crate {
        name: "den-folder",
        den: &["den-backend"],
        drivers: &[],
        library: false,
    },
    Crate {
        name: "den-examples",
        den: &["den", "den-folder"],
        drivers: &[],
        library: false,
    },
    Crate {
        name: "den-bench",
        den: ALL_DEN,
        drivers: ALL_DRIVERS,
        library: false,
    },
];

/// What `den-sql` must do without: it writes text, and neither waits nor connects.
const ASYNC_CRATES: &[&str] = &[
    "async-trait",
    "futures",
    "futures-channel",
    "futures-core",
    "futures-util",
    "tokio",
    "tokio-stream",
];

/// The longest file in lines: beyond it, a file holds more than one thing.
const LONGEST_FILE: usize = 600;

static WORKSPACE: LazyLock<Metadata> = LazyLock::new(|| {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata reads the workspace")
});

// Dependencies

#[test]
fn every_crate_has_a_row_in_the_table() {
    let members: BTreeSet<&str> = WORKSPACE
        .workspace_packages()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    let rows: BTreeSet<&str> = CRATES.iter().map(|it| it.name).collect();
    assert_eq!(
        members, rows,
        "members of the workspace (left) and rows of CRATES in this file (right) differ"
    );
}

#[test]
fn den_crates_depend_only_downwards() {
    let mut faults = Vec::new();
    for (row, package) in rows() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| ALL_DEN.contains(&it.name.as_str()))
        {
            if !row.den.contains(&dependency.name.as_str()) {
                faults.push(format!(
                    "{} must not depend on {} ({} dependency): move the code, or remove the line from {}",
                    row.name,
                    dependency.name,
                    dependency.kind,
                    package.manifest_path
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn den_reaches_its_backends_through_features_only() {
    let mut faults = Vec::new();
    for dependency in &package("den").dependencies {
        let is_backend = ["den-sqlite", "den-postgres"].contains(&dependency.name.as_str());
        if is_backend && !dependency.optional {
            faults.push(format!(
                "den: make {} optional, and switch it on with a feature",
                dependency.name
            ));
        }
    }
    report(&faults);
}

#[test]
fn drivers_are_dependencies_of_their_backend_only() {
    let mut faults = Vec::new();
    for (row, package) in rows() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| ALL_DRIVERS.contains(&it.name.as_str()))
        {
            if !row.drivers.contains(&dependency.name.as_str()) {
                faults.push(format!(
                    "{} must not depend on the driver {}: ask the backend through its contract",
                    row.name, dependency.name
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn the_renderer_neither_waits_nor_connects() {
    let mut faults = Vec::new();
    for dependency in &package("den-sql").dependencies {
        if ASYNC_CRATES.contains(&dependency.name.as_str()) {
            faults.push(format!(
                "den-sql must not depend on {}: it turns data into text, no more",
                dependency.name
            ));
        }
    }
    for (path, line, code) in code_of("den-sql") {
        if ["async", "await"].iter().any(|word| names(&code, word)) {
            faults.push(format!(
                "{path}:{line}: den-sql has no async code: move it to a backend"
            ));
        }
    }
    report(&faults);
}

#[test]
fn sources_name_no_foreign_driver() {
    let mut faults = Vec::new();
    for row in CRATES.iter().filter(|it| it.library) {
        let foreign: Vec<String> = ALL_DRIVERS
            .iter()
            .filter(|it| !row.drivers.contains(it))
            .map(|it| it.replace('-', "_"))
            .collect();
        for (path, line, code) in code_of(row.name) {
            for driver in foreign.iter().filter(|it| names(&code, it)) {
                faults.push(format!(
                    "{path}:{line}: {} must not name the driver {driver}",
                    row.name
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn den_names_no_sql_renderer() {
    let faults: Vec<String> = code_of("den")
        .into_iter()
        .filter(|(_, _, code)| names(code, "den_sql"))
        .map(|(path, line, _)| {
            format!("{path}:{line}: den must not name den_sql: backends alone know about SQL")
        })
        .collect();
    report(&faults);
}

// Sources

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let mut faults = Vec::new();
    for (_, package) in rows() {
        let manifest = read(package.manifest_path.as_std_path());
        let lints = manifest
            .lines()
            .map(str::trim)
            .skip_while(|it| *it != "[lints]")
            .skip(1);
        if !lints
            .take_while(|it| !it.starts_with('['))
            .any(|it| it == "workspace = true")
        {
            faults.push(format!(
                "{}: add the section [lints] with `workspace = true`",
                package.manifest_path
            ));
        }
    }
    report(&faults);
}

#[test]
fn no_file_is_too_long() {
    let mut faults = Vec::new();
    for (_, package) in rows() {
        for file in files_below(folder(package))
            .iter()
            .filter(|it| it.extension().is_some_and(|it| it == "rs"))
        {
            let lines = read(file).lines().count();
            if lines > LONGEST_FILE {
                faults.push(format!(
                    "{} has {lines} lines, more than {LONGEST_FILE}: split it",
                    relative(file)
                ));
            }
        }
    }
    report(&faults);
}

#[test]
fn nothing_is_unfinished_or_unsafe() {
    let mut faults = Vec::new();
    // This file has to spell the words it looks for, so the tests are left out.
    for row in CRATES.iter().filter(|it| it.name != "den-tests") {
        for (path, line, code) in code_of(row.name) {
            for word in ["todo!", "unimplemented!", "unsafe"] {
                if names(&code, word) {
                    faults.push(format!(
                        "{path}:{line}: `{word}` does not belong into den: finish it another way"
                    ));
                }
            }
        }
    }
    report(&faults);
}

// Documents

#[test]
fn architecture_names_only_what_exists() {
    check_document("ARCHITECTURE.md");
}

#[test]
fn readme_names_only_what_exists() {
    check_document("README.md");
}

/// Fails when a path that the document names in backticks or as a link is not in the workspace.
fn check_document(document: &str) {
    let path = root().join(document);
    assert!(
        path.is_file(),
        "{document} is missing: it belongs into the folder of the workspace"
    );
    let text = read(&path);
    let entries = entries();

    let mut faults = Vec::new();
    for (line, word) in quoted(&text) {
        // `expr.rs:12` and `expr.rs#L12` are about a place in a file.
        let word = word
            .split(['#', ':'])
            .next()
            .unwrap_or_default()
            .trim_end_matches('/');
        if is_path(word, &entries) && !exists(word, &entries) {
            faults.push(format!(
                "{document}:{line}: `{word}` does not exist: name its new place, or drop it"
            ));
        }
    }
    for (line, target) in link_targets(&text) {
        let target = target.split('#').next().unwrap_or_default();
        if !target.is_empty() && !target.contains(':') && !root().join(target).exists() {
            faults.push(format!(
                "{document}:{line}: the link to {target} leads nowhere: mend or drop it"
            ));
        }
    }
    report(&faults);
}

/// Whether a word is meant as a path in this workspace: `a/b` where `a` is, or looks like, one of its folders; or the
/// name of a source file.
fn is_path(word: &str, entries: &[String]) -> bool {
    if word.is_empty()
        || !word
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "._-/".contains(it))
    {
        return false;
    }
    match word.split_once('/') {
        Some((first, _)) => {
            first.starts_with("den-")
                || entries.iter().any(|it| it == first)
                || word.ends_with(".rs")
        }
        None => word.len() > ".rs".len() && word.ends_with(".rs"),
    }
}

/// Whether a file or folder has this path, or a path that ends with it: a document may leave out the crate's folder.
fn exists(word: &str, entries: &[String]) -> bool {
    let tail = format!("/{word}");
    entries.iter().any(|it| it == word || it.ends_with(&tail))
}

/// The text between single backticks, with line numbers; code blocks are left out.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .flat_map(|(line, text)| text.split('`').skip(1).step_by(2).map(move |it| (line, it)))
        .collect()
}

/// The targets of `[text](target)`, with line numbers.
fn link_targets(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .flat_map(|(line, text)| text.split("](").skip(1).map(move |it| (line, it)))
        .filter_map(|(line, it)| Some((line, it.split_once(')')?.0)))
        .collect()
}

/// The numbered lines of a Markdown text that are outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        !fence && !in_block
    })
}

// The workspace

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in a folder of the workspace")
}

/// The rows of [`CRATES`] beside what Cargo knows; a missing one is reported by its own test.
fn rows() -> impl Iterator<Item = (&'static Crate, &'static Package)> {
    let packages = WORKSPACE.workspace_packages();
    CRATES.iter().filter_map(move |row| {
        Some((
            row,
            *packages.iter().find(|it| it.name.as_str() == row.name)?,
        ))
    })
}

fn package(name: &str) -> &'static Package {
    rows()
        .find(|(row, _)| row.name == name)
        .map(|(_, it)| it)
        .expect("the crate is a member of the workspace")
}

fn folder(package: &Package) -> &Path {
    package
        .manifest_path
        .parent()
        .expect("a manifest is in a folder")
        .as_std_path()
}

/// The code of a crate as `(path, line number, line without its comment)`.
fn code_of(name: &str) -> Vec<(String, usize, String)> {
    let mut lines = Vec::new();
    for file in files_below(folder(package(name)))
        .iter()
        .filter(|it| it.extension().is_some_and(|it| it == "rs"))
    {
        for (number, line) in (1..).zip(read(file).lines()) {
            // The `//` of an URL is no comment.
            let comment = line
                .match_indices("//")
                .find(|(at, _)| *at == 0 || !line[..*at].ends_with(':'));
            let code = comment.map_or(line, |(at, _)| &line[..at]);
            lines.push((relative(file), number, code.to_owned()));
        }
    }
    assert!(
        !lines.is_empty(),
        "{name} has no sources: this test looks in the wrong place"
    );
    lines
}

/// Whether a word stands in a line of code by itself, not as a part of a longer name.
fn names(code: &str, word: &str) -> bool {
    let continues = |it: char| it.is_alphanumeric() || it == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(continues) && !code[at + word.len()..].starts_with(continues)
    })
}

/// All files below a folder, in order; build output and hidden folders are left out.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut children: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|it| it.expect("an entry").path())
        .collect();
    children.sort();
    for child in children {
        if !child.is_dir() {
            files.push(child);
        } else if !child.ends_with("target") && !child.ends_with(".git") {
            files.extend(files_below(&child));
        }
    }
    files
}

/// The path of every file and folder, relative to the workspace and with `/` on every system.
fn entries() -> Vec<String> {
    let mut entries = BTreeSet::new();
    for file in files_below(root()) {
        let path = relative(&file);
        entries.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        entries.insert(path);
    }
    entries.into_iter().collect()
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .to_string_lossy()
        .replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|err| panic!("{} cannot be read: {err}", path.display()))
}

#[track_caller]
fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n  {}\n", faults.join("\n  "));
}
