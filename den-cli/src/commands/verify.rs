//! `den verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use den::{
    Db, ErrorKind, Json, Timestamp,
    raw::{ExecuteRaw as _, RawSql},
    site, transfer,
};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use serde_json::json;

use crate::{
    catalog,
    commands::transferred,
    context::Context,
    failure::{Failure, Outcome},
    output::{BAD, DOUBTFUL, GOOD},
    progress::{Amount, Progress},
    table::clean,
    units,
};

/// Check a database: the file, the indexes, and every document.
///
/// Faults are exit code 3. Documents whose times are not written as den writes them are counted as a
/// remark, not as a fault: they read well, but sort and compare as text.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Only these collections.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    collections: Vec<String>,
    /// Read no documents: only what the database says of itself.
    #[arg(long)]
    quick: bool,
    /// Check an archive instead, as `den export` and `den checkpoint` write it.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["collections", "quick"])]
    archive: Option<PathBuf>,
}

/// So many faults of one collection are shown one by one.
const SHOWN: u64 = 10;

/// The times that den itself keeps.
const TIMES: [&str; 3] = ["_created_at", "_updated_at", "_deleted_at"];

/// The documents of a collection, looked at.
#[derive(Debug, Default)]
struct Looked {
    documents: u64,
    faults: u64,
    odd_times: u64,
}

impl Verify {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        if let Some(path) = &self.archive {
            return archive(path, cx).await;
        }
        let db = cx.open().await?;
        let mut faults = 0;
        for text in engine(&db).await? {
            faults += 1;
            say(cx, None, &text)?;
        }
        for fault in catalog::faults(&db).await? {
            faults += 1;
            say(cx, Some(&fault.collection), &fault.to_string())?;
        }
        let names = match self.collections.is_empty() {
            true => db.collections().await?,
            false => self.collections,
        };
        let mut documents = 0;
        if !self.quick {
            for name in &names {
                let looked = look(cx, &db, name).await?;
                faults += looked.faults;
                documents += looked.documents;
                report(cx, name, &looked)?;
            }
        }
        if cx.out.is_json() {
            cx.out
                .json(&json!({ "documents": documents, "faults": faults }))?;
        } else {
            let style = if faults == 0 { GOOD } else { BAD };
            let text = match faults {
                0 => "no faults".to_owned(),
                1 => "1 fault".to_owned(),
                _ => format!("{} faults", units::count(faults)),
            };
            cx.out.line(cx.out.styled(style, &text))?;
        }
        match faults {
            0 => Ok(()),
            _ => Err(Failure::Different),
        }
    }
}

/// Reads an archive from end to end.
async fn archive(path: &Path, cx: &Context) -> Outcome {
    match transfer::check_archive(path).await {
        Ok(found) => {
            transferred::report(&found, "documents", cx)?;
            match cx.out.is_json() {
                true => Ok(()),
                false => cx.out.line(cx.out.styled(GOOD, "the archive is whole")),
            }
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            say(cx, None, &error.to_string())?;
            Err(Failure::Different)
        }
        Err(error) => Err(error.into()),
    }
}

fn say(cx: &Context, collection: Option<&str>, fault: &str) -> Outcome {
    match cx.out.is_json() {
        true => cx
            .out
            .json(&json!({ "collection": collection, "fault": fault })),
        false => cx
            .out
            .line(format!("{} {}", cx.out.styled(BAD, "fault:"), clean(fault))),
    }
}

fn report(cx: &Context, name: &str, looked: &Looked) -> Outcome {
    if cx.out.is_json() {
        return cx.out.json(&json!({
            "collection": name,
            "documents": looked.documents,
            "faults": looked.faults,
            "odd_times": looked.odd_times,
        }));
    }
    let name = clean(name);
    cx.out
        .line(format!("{name}: {}", units::documents(looked.documents)))?;
    if looked.faults > SHOWN {
        let more = units::count(looked.faults - SHOWN);
        cx.out.line(format!(
            "{} {name}: {more} more",
            cx.out.styled(BAD, "fault:")
        ))?;
    }
    if looked.odd_times > 0 {
        let count = units::documents(looked.odd_times);
        let text = format!(
            "{name}: {count} with times that are not written as den writes them; `den::adopt` puts them right"
        );
        cx.out
            .line(format!("{} {text}", cx.out.styled(DOUBTFUL, "remark:")))?;
    }
    Ok(())
}

/// What the engine finds wrong with its files.
async fn engine(db: &Db) -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Row {
        fault: String,
    }
    if db.backend_name() != "sqlite" || !catalog::has_statements(db) {
        return Ok(Vec::new());
    }
    let statement = RawSql::new().sqlite(
        "SELECT integrity_check AS fault FROM pragma_integrity_check() WHERE integrity_check <> 'ok'",
    );
    let rows: Vec<Row> = db
        .query_raw(site!("den_cli_integrity"), statement, ())
        .await?;
    Ok(rows.into_iter().map(|it| it.fault).collect())
}

/// Reads every document of a collection.
async fn look(cx: &Context, db: &Db, name: &str) -> Outcome<Looked> {
    let mut looked = Looked::default();
    let total = db.collection(name).query().count().await?;
    let progress = Progress::new(cx);
    let what = format!("verify {name}");
    let mut rows = db.collection(name).query().stream();
    loop {
        let fault = match rows.try_next().await {
            Ok(None) => break,
            Ok(Some(document)) => {
                let mut times = TIMES.iter().filter_map(|it| document.get(it));
                looked.odd_times += u64::from(times.any(is_odd_time));
                fault_of(&document)
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => Some(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        looked.documents += 1;
        progress.tell(&what, Amount::Documents(looked.documents, Some(total)));
        if let Some(fault) = fault {
            looked.faults += 1;
            if looked.faults <= SHOWN || cx.out.is_json() {
                progress.suspend(|| say(cx, Some(name), &format!("{name}: {fault}")))?;
            }
        }
    }
    progress.done();
    Ok(looked)
}

/// What is wrong with a document that could be read.
fn fault_of(document: &Json) -> Option<String> {
    let Some(map) = document.as_object() else {
        return Some("a document is no object".to_owned());
    };
    match map.get("_id") {
        Some(Json::String(id)) if !id.is_empty() => None,
        Some(_) => Some("a document whose `_id` is no text".to_owned()),
        None => Some("a document without `_id`".to_owned()),
    }
}

/// A time that is not in the one form that sorts as text.
fn is_odd_time(value: &Json) -> bool {
    let Json::String(text) = value else {
        return !value.is_null();
    };
    let read: Result<Timestamp, _> = text.parse();
    read.map_or(true, |it| it.to_string() != *text)
}
