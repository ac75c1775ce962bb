//! The command line itself: URLs, mistakes, exit codes, passwords.

use std::time::Duration;

use assert_cmd::Command;
use serde_json::json;

use super::{Case, Engine, Place, place::Run};

pub(crate) const CASES: &[Case] = &[
    (
        "a_filter_is_read_before_the_database",
        a_filter_is_read_before_the_database,
    ),
    (
        "a_url_may_stand_in_several_places",
        a_url_may_stand_in_several_places,
    ),
    ("mistakes_are_exit_code_2", mistakes_are_exit_code_2),
    ("passwords_are_never_shown", passwords_are_never_shown),
    ("help_and_version", help_and_version),
    ("completions_for_every_shell", completions_for_every_shell),
];

fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_den"));
    command
        .env_remove("DEN_URL")
        .timeout(Duration::from_secs(60));
    command
}

fn a_filter_is_read_before_the_database(on: &Place) {
    let run = on.den(&["find", "products", "price <> 20"]);
    assert_eq!(run.code, 2);
    assert_eq!(
        run.err,
        "error: in the filter: `<>` is no operator\n  | price <> 20\n  |       ^^\n  = write `!=`\n"
    );
    let run = on.den(&["find", "products", "--sort", "a b"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("  |   ^"), "{run:?}");
    if on.engine == Engine::Sqlite {
        assert!(!on.path("test.db").exists());
    }
}

fn a_url_may_stand_in_several_places(on: &Place) {
    on.put("c", &json!([{ "_id": "x" }]));
    let url = on.url.as_str();
    for arguments in [
        vec!["find", url, "c"],
        vec!["find", "--url", url, "c"],
        vec!["find", "c", "-u", url],
        vec!["-u", url, "find", "c"],
        vec!["ls", url],
        vec!["info", url],
        vec!["verify", url, "--quick"],
        vec!["schema", "check", url],
    ] {
        let run = Run::of(bare().args(&arguments));
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    }
    let run = Run::of(bare().args(["ls"]));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("DEN_URL"), "{run:?}");
    if on.engine == Engine::Sqlite {
        let path = on.path("test.db");
        let run = Run::of(bare().args(["count", path.to_str().unwrap(), "c"]));
        assert_eq!((run.code, run.out.as_str()), (0, "1\n"), "{run:?}");
    }
}

fn mistakes_are_exit_code_2(on: &Place) {
    on.put("c", &json!([{ "_id": "x" }]));
    for arguments in [
        vec![],
        vec!["fnd"],
        vec!["find"],
        vec!["find", "c", "a = 1", "more"],
        vec!["find", "c", "--limit", "many"],
        vec!["get", "c"],
        vec!["rm", "c"],
        vec!["copy", "a"],
        vec!["ls", "nosuchscheme://x"],
        vec!["find", "c", "a = "],
    ] {
        let run = on.den(&arguments);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.out, "", "{arguments:?}");
    }
}

fn passwords_are_never_shown(on: &Place) {
    let secret = "s3cr3t-w0rd";
    let urls = [
        "postgres://me:s3cr3t-w0rd@127.0.0.1:1/x",
        "postgres://127.0.0.1:1/x?user=me&password=s3cr3t-w0rd",
        "postgres://me:s3cr3t-w0rd@127.0.0.1:1/x?nonsense=s3cr3t-w0rd",
        "nosuch://me:s3cr3t-w0rd@host/x",
    ];
    for url in urls {
        for arguments in [
            vec!["info", url],
            vec!["find", "c", "--url", url],
            vec!["find", "c", "a = 1", url],
            vec!["fnd", url],
            vec![url],
            vec!["copy", url, url],
            vec!["info", url, url],
            vec!["ls", "--limit", url],
            vec!["compare", url, url, "--json"],
            vec!["put", "c", url],
            vec!["export", "-", "--format", url],
        ] {
            let run = Run::of(bare().args(&arguments));
            assert_ne!(run.code, 0, "{arguments:?}");
            let shown = run.out + &run.err;
            assert!(!shown.contains(secret), "{arguments:?}: {shown}");
        }
        for arguments in [
            vec!["info"],
            vec!["find", "--help"],
            vec!["--help"],
            vec!["ls", "x"],
        ] {
            let run = Run::of(bare().env("DEN_URL", url).args(&arguments));
            let shown = run.out + &run.err;
            assert!(!shown.contains(secret), "{arguments:?}: {shown}");
        }
    }
    if on.engine == Engine::Postgres {
        let run = on.den(&["info", "--json"]);
        assert_eq!(run.code, 0, "{run:?}");
        let password = on
            .url
            .split_once('@')
            .and_then(|(user, _)| user.rsplit_once(':'));
        if let Some((_, password)) = password.filter(|(user, _)| user.contains("//")) {
            assert!(password.starts_with("//") || !run.out.contains(password));
        }
    }
}

fn help_and_version(_on: &Place) {
    let run = Run::of(bare().args(["--help"]));
    assert_eq!(run.code, 0);
    for part in ["find", "migrate", "Exit codes", "130"] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let run = Run::of(bare().args(["find", "--help"]));
    assert!(run.out.contains("ignoring case"), "{}", run.out);
    let run = Run::of(bare().args(["--version"]));
    assert!(run.out.starts_with("den "), "{}", run.out);
}

fn completions_for_every_shell(_on: &Place) {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = Run::of(bare().args(["completions", shell]));
        assert_eq!(run.code, 0);
        assert!(run.out.contains("checkpoint"), "{shell}");
    }
}
