//! `den find`.

use std::collections::BTreeMap;

use clap::Args;
use den::{ErrorKind, Json, QuerySet, field};
use futures_util::TryStreamExt as _;
use serde_json::value::RawValue;

use crate::{
    context::Context,
    documents::{cell, filter_of, pretty},
    failure::{Failure, Outcome},
    filter::{FieldList, SortList},
    output::complain,
    table::{Align, Table},
};

const SYNTAX: &str = r#"Filters:
  price < 20 and tags contains "go"       and, or, not, ( )
  status in ("new", "paid")               = != < <= > >=, in, between 10 and 20
  name starts with "La" ignoring case     starts with, ends with, contains, matches /^A\d+/
  category is null or not (stock exists)  is null, is missing, is empty, exists; is not null
  address.city = 'Oslo'                   a dot leads into an object or a list (items.0)
  "US Gross" > 1000 and a."b.c" = 1       a field with an odd name stands in quotes
  len(tags) > 2 or price > field(cost)    the number of elements; another field

Examples:
  den find products 'price < 20' --sort=-price,name --limit 5
  den find orders 'status = "open"' --select _id,total -u postgres://me@host/shop
  den find products --json | jq .name"#;

/// Find documents: a table, or JSON lines with --json.
#[derive(Debug, Args)]
#[command(after_help = SYNTAX)]
pub(crate) struct Find {
    /// The collection.
    collection: String,
    /// Which documents; all without one. Put it in single quotes.
    filter: Option<String>,
    /// What to sort by, the largest first with a minus: --sort=-price,name.
    #[arg(short, long, value_name = "FIELDS", allow_hyphen_values = true)]
    sort: Option<SortList>,
    /// At most so many documents [default: 20 in a table, else all].
    #[arg(short = 'n', long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Leave out so many at the start.
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 0,
        hide_default_value = true
    )]
    skip: u64,
    /// Show these fields only: name,address.city.
    #[arg(long, value_name = "FIELDS")]
    select: Option<FieldList>,
    /// Show whole documents, one below the other, instead of a table.
    #[arg(long, conflicts_with = "json")]
    full: bool,
}

/// So many rows are in a table, unless something else is said.
const ROWS: u64 = 20;

impl Find {
    pub(crate) async fn run(self, cx: &Context) -> Outcome {
        let filter = filter_of(self.filter.as_deref())?;
        let db = cx.open().await?;
        let mut query = db
            .collection(&self.collection)
            .query()
            .filter(filter)
            .skip(self.skip);
        for order in self.sort.iter().flat_map(SortList::orders) {
            query = query.sort(order);
        }
        if let Some(limit) = self.limit {
            query = query.limit(limit);
        }
        match (cx.out.is_json(), &self.select) {
            (true, None) => json_lines(query, cx).await,
            (true, Some(fields)) => selected_lines(query, fields, cx).await,
            (false, _) if self.full => whole(query, cx).await,
            (false, _) => self.table(query, cx).await,
        }
    }

    async fn table(&self, query: QuerySet<Json>, cx: &Context) -> Outcome {
        let most = self.limit.unwrap_or(ROWS);
        // One more tells whether there are more.
        let query = match self.limit {
            Some(_) => query,
            None => query.limit(ROWS + 1),
        };
        let (columns, mut rows) = match &self.select {
            Some(fields) => (names(fields), selected(query, fields).await?),
            None => documents(query).await?,
        };
        let shown = usize::try_from(most).unwrap_or(usize::MAX);
        let has_more = rows.len() > shown;
        rows.truncate(shown);
        if rows.is_empty() {
            cx.out.remark("no documents");
            return Ok(());
        }
        let mut table = Table::default();
        for (at, name) in columns.iter().enumerate() {
            let mut values = rows.iter().filter_map(|row| row.get(at)?.as_ref());
            let numbers = values.all(|it| it.is_number() || it.is_null());
            let align = match numbers {
                true => Align::Right,
                false => Align::Left,
            };
            table = table.column(name, align);
        }
        for row in &rows {
            table.row(row.iter().map(|it| cell(it.as_ref())));
        }
        cx.out.table(&table)?;
        if has_more {
            cx.out
                .remark(&format!("the first {most}; --limit for more"));
        }
        Ok(())
    }
}

/// A value for each column, where there is one.
type Row = Vec<Option<Json>>;

/// Whole documents, with a column for each field that one of them has.
async fn documents(query: QuerySet<Json>) -> Outcome<(Vec<String>, Vec<Row>)> {
    let found = query.all().await?;
    let mut columns: BTreeMap<(u8, String), ()> = BTreeMap::new();
    for document in &found {
        let keys = document.as_object().into_iter().flat_map(|it| it.keys());
        columns.extend(keys.map(|it| ((rank(it), it.clone()), ())));
    }
    let columns: Vec<String> = columns.into_keys().map(|(_, name)| name).collect();
    let row = |document: Json| columns.iter().map(|it| document.get(it).cloned()).collect();
    let rows = found.into_iter().map(row).collect();
    Ok((columns, rows))
}

/// The id comes first, the application's fields next, den's own last.
fn rank(key: &str) -> u8 {
    match key {
        "_id" => 0,
        _ if key.starts_with('_') => 2,
        _ => 1,
    }
}

fn names(fields: &FieldList) -> Vec<String> {
    fields.paths().iter().map(|it| it.join(".")).collect()
}

async fn selected(query: QuerySet<Json>, fields: &FieldList) -> Outcome<Vec<Row>> {
    let columns: Vec<_> = fields.paths().iter().cloned().map(field).collect();
    let rows = query.select(columns).all().await?;
    let present = |value: Json| Some(value).filter(|it| !it.is_null());
    Ok(rows
        .into_iter()
        .map(|row| row.into_iter().map(present).collect())
        .collect())
}

/// The documents as they are stored, one on each line.
async fn json_lines(query: QuerySet<Json>, cx: &Context) -> Outcome {
    let mut rows = query.json_stream();
    let mut bad = 0_u64;
    while let Some(body) = rows.try_next().await? {
        // They are passed on as they are: numbers keep their digits.
        match serde_json::from_slice::<&RawValue>(&body) {
            Ok(value) => cx.out.line(value.get())?,
            Err(error) => {
                complain("error", &format!("a document is no JSON: {error}"));
                bad += 1;
            }
        }
    }
    broken(bad)
}

async fn selected_lines(query: QuerySet<Json>, fields: &FieldList, cx: &Context) -> Outcome {
    let names = names(fields);
    let columns: Vec<_> = fields.paths().iter().cloned().map(field).collect();
    let mut rows = query.select(columns).stream();
    while let Some(row) = rows.try_next().await? {
        // Written by hand, because the order is the one that was asked for.
        let mut line = String::from("{");
        for (at, (name, value)) in names.iter().zip(&row).enumerate() {
            if at > 0 {
                line.push(',');
            }
            line.push_str(&Json::from(name.as_str()).to_string());
            line.push(':');
            line.push_str(&value.to_string());
        }
        line.push('}');
        cx.out.line(line)?;
    }
    Ok(())
}

async fn whole(query: QuerySet<Json>, cx: &Context) -> Outcome {
    let mut rows = query.stream();
    let mut bad = 0;
    loop {
        match rows.try_next().await {
            Ok(Some(document)) => cx.out.line(pretty(&document))?,
            Ok(None) => return broken(bad),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                complain("error", &error.to_string());
                bad += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn broken(count: u64) -> Outcome {
    match count {
        0 => Ok(()),
        1 => Err(Failure::Message("a document could not be read".into())),
        _ => Err(Failure::Message(format!(
            "{count} documents could not be read"
        ))),
    }
}
