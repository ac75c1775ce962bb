//! Pipes, signals, and a real terminal.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{Case, Place};

pub(crate) const CASES: &[Case] = &[
    (
        "no_colours_and_no_progress_in_a_pipe",
        no_colours_and_no_progress_in_a_pipe,
    ),
    ("a_closed_pipe_is_quiet", a_closed_pipe_is_quiet),
    ("ctrl_c_ends_an_import", ctrl_c_ends_an_import),
    ("ctrl_c_ends_an_export", ctrl_c_ends_an_export),
    ("ctrl_c_ends_a_wait_for_input", ctrl_c_ends_a_wait_for_input),
    ("tables_fit_the_terminal", tables_fit_the_terminal),
];

fn many(on: &Place, count: u32) {
    let line = |it: u32| {
        let text = "many words that take some room ".repeat(6);
        json!({ "_id": format!("{it:06}"), "n": it, "text": text }).to_string() + "\n"
    };
    let lines: String = (0..count).map(line).collect();
    fs::write(on.path("many.jsonl"), lines).unwrap();
    let run = on.den(&["import", "many.jsonl"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.err, "");
}

fn no_colours_and_no_progress_in_a_pipe(on: &Place) {
    many(on, 2000);
    for arguments in [
        vec!["info"],
        vec!["verify"],
        vec!["find", "many"],
        vec!["export", "x.den"],
        vec!["fnd"],
    ] {
        let run = on.den(&arguments);
        assert!(!run.out.contains('\u{1b}'), "{run:?}");
        assert!(!run.err.contains('\u{1b}'), "{run:?}");
    }
}

fn spawn(on: &Place, arguments: &[&str], input: Stdio) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_den"))
        .args(arguments)
        .env("DEN_URL", &on.url)
        .current_dir(on.folder.path())
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn a_closed_pipe_is_quiet(on: &Place) {
    many(on, 5000);
    for arguments in [
        vec!["find", "many", "--json"],
        vec!["find", "many", "--full"],
    ] {
        let mut child = spawn(on, &arguments, Stdio::null());
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

fn interrupt(child: &std::process::Child) {
    let done = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(done.unwrap().success());
}

/// Waits for the end, which has to come soon after Ctrl-C.
fn ended(child: std::process::Child) -> (Option<i32>, String) {
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn ctrl_c_ends_an_import(on: &Place) {
    if cfg!(not(unix)) {
        return;
    }
    on.put("c", &json!([{ "_id": "old" }]));
    let arguments = [
        "import", "-", "--format", "jsonl", "-c", "c", "--mode", "replace",
    ];
    let mut child = spawn(on, &arguments, Stdio::piped());
    let mut input = child.stdin.take().unwrap();
    for it in 0..20_000 {
        writeln!(input, "{{\"_id\": \"{it}\"}}").unwrap();
    }
    input.flush().unwrap();
    // The input stays open: the import waits for more.
    thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let (code, err) = ended(child);
    drop(input);
    assert_eq!(code, Some(130), "{err}");
    let left: Vec<Value> = on.json(&["find", "c", "--json"]);
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["_id"], "old");
}

fn ctrl_c_ends_an_export(on: &Place) {
    if cfg!(not(unix)) {
        return;
    }
    many(on, 20_000);
    let child = spawn(on, &["export", "big.den"], Stdio::null());
    let files = || {
        fs::read_dir(on.folder.path())
            .unwrap()
            .map(|it| it.unwrap().file_name())
    };
    until("the export begins", || {
        files().any(|it| it.to_string_lossy().contains("big.den"))
    });
    interrupt(&child);
    let (code, err) = ended(child);
    let left: Vec<_> = files()
        .filter(|it| it.to_string_lossy().contains("big.den"))
        .collect();
    match code {
        Some(130) => assert_eq!(left, [""; 0], "{err}"),
        // It was faster.
        _ => assert_eq!((code, left.len()), (Some(0), 1), "{err}"),
    }
}

fn ctrl_c_ends_a_wait_for_input(on: &Place) {
    if cfg!(not(unix)) {
        return;
    }
    let child = spawn(on, &["put", "c", "--create"], Stdio::piped());
    thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let mut child = child;
    let input = child.stdin.take();
    let (code, err) = ended(child);
    drop(input);
    assert_eq!(code, Some(130), "{err}");
    assert!(err.contains("interrupted"), "{err}");
}

/// What the command writes to a terminal of this many columns, if there is a program to make one.
fn in_terminal(on: &Place, columns: u32, before: &str, arguments: &str) -> Option<String> {
    let den = env!("CARGO_BIN_EXE_den");
    let line = format!("stty cols {columns} rows 40; {before} '{den}' {arguments}");
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("DEN_URL", &on.url)
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.replace('\r', ""))
}

fn tables_fit_the_terminal(on: &Place) {
    let wide = json!({
        "_id": "x", "name": "a name that is rather long", "description": "words ".repeat(40),
        "tags": ["one", "two", "three"], "price": 12.5, "category": "ザ・テスト・カテゴリー・長い",
    });
    on.put("products", &json!([wide]));
    for columns in [30, 60, 80, 120] {
        let Some(text) = in_terminal(on, columns, "", "find products") else {
            eprintln!("there is no `script` here");
            return;
        };
        assert!(text.contains("\u{1b}[1m"), "{text}");
        let plain = text
            .replace("\u{1b}[1m", "")
            .replace("\u{1b}[2m", "")
            .replace("\u{1b}[0m", "");
        let table: Vec<&str> = plain.lines().take(3).collect();
        for line in &table {
            assert!(line.width() <= columns as usize, "{columns}: {line}");
        }
        assert!(table[2].starts_with('x'), "{plain}");
        let text = in_terminal(on, columns, "NO_COLOR=1", "info").unwrap();
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("schema: nothing pending"), "{text}");
    }
}
