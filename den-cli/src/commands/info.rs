//! `den info`.

use clap::Args;
use den::{
    Capability, Db,
    raw::{ExecuteRaw as _, RawSql},
    site,
};
use serde::Serialize;

use crate::{
    catalog::{self, Fault},
    context::Context,
    failure::Outcome,
    output::{DOUBTFUL, GOOD, HEADING},
    table::{Align, Table, clean},
    units, url,
};

/// Show what a database holds: collections, counts, sizes, indexes, and what is wrong with them.
#[derive(Debug, Args)]
pub(crate) struct Info {
    /// Count no documents and measure nothing: at once, however large the database is.
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    url: String,
    engine: String,
    version: Option<String>,
    bytes: Option<u64>,
    collections: Vec<Collection>,
    pending: Vec<Fault>,
}

#[derive(Debug, Serialize)]
struct Collection {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    indexes: Vec<Index>,
    constraints: Vec<Constraint>,
}

#[derive(Debug, Serialize)]
struct Constraint {
    name: String,
    rule: &'static str,
    fields: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Index {
    name: String,
    fields: Vec<String>,
    unique: bool,
}

impl Info {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let db = cx.open().await?;
        let report = self.gather(&db, cx.url()?).await?;
        match cx.out.is_json() {
            true => cx.out.json(&report),
            false => show(&report, cx),
        }
    }

    async fn gather(&self, db: &Db, url: &str) -> Outcome<Report> {
        let sizes = match self.quick {
            true => Vec::new(),
            false => sizes(db).await?,
        };
        let mut collections = Vec::new();
        for name in db.collections().await? {
            let documents = match self.quick {
                true => None,
                false => Some(db.collection(&name).query().count().await?),
            };
            let constraints = constraints(db, &name).await?;
            let recorded = db.backend().list_recorded_indexes(&name).await?;
            let bytes = sizes.iter().filter(|it| it.collection == name);
            let bytes: Vec<u64> = bytes.map(|it| it.bytes).collect();
            collections.push(Collection {
                documents,
                bytes: (!bytes.is_empty()).then(|| bytes.iter().sum()),
                indexes: recorded
                    .into_iter()
                    .map(|it| Index {
                        name: it.name,
                        fields: it.fields,
                        unique: it.unique,
                    })
                    .collect(),
                constraints,
                name,
            });
        }
        let whole = whole(db).await?;
        Ok(Report {
            url: url::shown(url),
            engine: db.backend_name().to_owned(),
            version: whole.as_ref().map(|it| it.version.clone()),
            bytes: whole.map(|it| it.bytes),
            collections,
            pending: catalog::faults(db).await?,
        })
    }
}

fn show(report: &Report, cx: &Context) -> Outcome {
    cx.out.line(cx.out.styled(HEADING, &clean(&report.url)))?;
    let engine = match report.engine.as_str() {
        "sqlite" => "SQLite",
        "postgres" => "PostgreSQL",
        other => other,
    };
    let mut about = engine.to_owned();
    if let Some(version) = &report.version {
        about.push(' ');
        about.push_str(version);
    }
    if let Some(bytes) = report.bytes {
        about.push_str(", ");
        about.push_str(&units::bytes(bytes));
    }
    cx.out.line(about)?;
    cx.out.line("")?;
    if report.collections.is_empty() {
        cx.out.line("no collections")?;
    } else {
        cx.out.table(&collections(report))?;
        let indexes = indexes(report);
        if !indexes.is_empty() {
            cx.out.line("")?;
            cx.out.table(&indexes)?;
        }
        let constraints = constraint_table(report);
        if !constraints.is_empty() {
            cx.out.line("")?;
            cx.out.table(&constraints)?;
        }
    }
    cx.out.line("")?;
    if report.pending.is_empty() {
        return cx.out.line(cx.out.styled(GOOD, "schema: nothing pending"));
    }
    cx.out.line(cx.out.styled(DOUBTFUL, "schema: pending"))?;
    for fault in &report.pending {
        cx.out.line(format!("  {}", clean(&fault.to_string())))?;
    }
    Ok(())
}

fn collections(report: &Report) -> Table {
    let counted = report.collections.iter().any(|it| it.documents.is_some());
    let measured = report.collections.iter().any(|it| it.bytes.is_some());
    let mut table = Table::default().column("collection", Align::Left);
    if counted {
        table = table.column("documents", Align::Right);
    }
    if measured {
        table = table.column("size", Align::Right);
    }
    let mut table = table.column("indexes", Align::Right);
    for it in &report.collections {
        let mut row = vec![it.name.clone()];
        if counted {
            row.push(it.documents.map(units::count).unwrap_or_default());
        }
        if measured {
            row.push(it.bytes.map(units::bytes).unwrap_or_default());
        }
        row.push(it.indexes.len().to_string());
        table.row(row);
    }
    table
}

fn indexes(report: &Report) -> Table {
    let mut table = Table::default()
        .column("index", Align::Left)
        .column("collection", Align::Left)
        .column("fields", Align::Left)
        .column("kind", Align::Left)
        .wrapped();
    for collection in &report.collections {
        for index in &collection.indexes {
            let kind = match index.unique {
                true => "unique",
                false => "",
            };
            let fields = index.fields.join(", ");
            table.row([
                index.name.as_str(),
                collection.name.as_str(),
                fields.as_str(),
                kind,
            ]);
        }
    }
    table
}

fn constraint_table(report: &Report) -> Table {
    let mut table = Table::default()
        .column("constraint", Align::Left)
        .column("collection", Align::Left)
        .column("fields", Align::Left)
        .column("rule", Align::Left)
        .wrapped();
    for collection in &report.collections {
        for it in &collection.constraints {
            let fields = it.fields.join(", ");
            table.row([it.name.as_str(), &collection.name, &fields, it.rule]);
        }
    }
    table
}

/// The rules that the database keeps for a collection.
async fn constraints(db: &Db, collection: &str) -> Outcome<Vec<Constraint>> {
    if !db.capabilities().has(Capability::Constraints) {
        return Ok(Vec::new());
    }
    let found = db.schema().constraints(collection).await?;
    Ok(found
        .into_iter()
        .map(|it| Constraint {
            rule: it.kind.rule().word(),
            fields: it.kind.fields().iter().map(ToString::to_string).collect(),
            name: it.name,
        })
        .collect())
}

/// The engine and the database as a whole.
#[derive(Debug, serde::Deserialize)]
struct Whole {
    version: String,
    bytes: u64,
}

async fn whole(db: &Db) -> Outcome<Option<Whole>> {
    let statement = RawSql::new()
        .sqlite(
            "SELECT sqlite_version() AS version, c.page_count * s.page_size AS bytes
FROM pragma_page_count() AS c, pragma_page_size() AS s",
        )
        .postgres(
            "SELECT current_setting('server_version') AS version,
    pg_database_size(current_database()) AS bytes",
        );
    if !catalog::has_statements(db) {
        return Ok(None);
    }
    let rows = db.query_raw(site!("den_cli_whole"), statement, ()).await?;
    Ok(rows.into_iter().next())
}

/// What a table takes, with its indexes and side tables.
#[derive(Debug, serde::Deserialize)]
struct Size {
    collection: String,
    bytes: u64,
}

async fn sizes(db: &Db) -> Outcome<Vec<Size>> {
    let statement = RawSql::new()
        .sqlite(
            "SELECT s.tbl_name AS collection, sum(d.pgsize) AS bytes
FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name
WHERE d.aggregate = TRUE
GROUP BY s.tbl_name",
        )
        .postgres(
            "SELECT c.relname::text AS collection, sum(pg_total_relation_size(coalesce(p.relid, c.oid)))::bigint AS bytes
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN LATERAL pg_partition_tree(c.oid) AS p ON c.relkind = 'p'
WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
GROUP BY c.relname",
        );
    if !catalog::has_statements(db) {
        return Ok(Vec::new());
    }
    Ok(db.query_raw(site!("den_cli_sizes"), statement, ()).await?)
}
