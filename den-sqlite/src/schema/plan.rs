//! What has to be done so that a collection is as described: decided first, then run or only said.

use den_backend::{
    CollectionMeta, FieldKind, FieldPath, IndexKind, IndexMeta, PlannedAction, PlannedChange,
};
use den_sql::{Layout, SQLITE, column_name, schema, sqlite_constraints};

use super::refusal::{check_free, check_index_name, check_name, explain_failure};
use crate::{
    catalog::{self, Record},
    connection::Connection,
    error::Outcome,
};

/// One thing to do.
#[derive(Debug)]
pub(super) struct Step {
    action: PlannedAction,
    /// What comes first: den's records, columns, dropping what is replaced.
    before: Vec<String>,
    create: Vec<String>,
    /// The index that is made, and where its fields lie.
    index: Option<(IndexMeta, Layout)>,
}

impl Step {
    /// The step as others see it.
    pub(super) fn describe(mut self, collection: &str) -> PlannedChange {
        self.before.append(&mut self.create);
        PlannedChange {
            collection: collection.to_owned(),
            action: self.action,
            statements: self.before,
        }
    }

    /// Does it.
    pub(super) fn run(&self, connection: &Connection, collection: &str) -> Outcome<()> {
        for sql in &self.before {
            connection.execute_batch(sql)?;
        }
        let Some((index, layout)) = &self.index else {
            return self
                .create
                .iter()
                .try_for_each(|sql| Ok(connection.execute_batch(sql)?));
        };
        check_free(connection, collection, &index.name)?;
        for sql in &self.create {
            connection
                .execute_batch(sql)
                .or_else(|error| Err(explain_failure(connection, layout, index, error)?))?;
        }
        catalog::record(connection, collection, index)
    }
}

/// What is to be done, in order; nothing if everything is as described.
pub(super) fn steps(connection: &Connection, meta: &CollectionMeta) -> Outcome<Vec<Step>> {
    check_name(connection, &meta.name)?;
    let mut steps = Vec::new();
    let is_there = catalog::table_exists(connection, &meta.name)?;
    let mut columns = Columns::of(connection, meta, is_there)?;
    if !is_there {
        steps.push(Step {
            action: PlannedAction::CreateCollection,
            before: Vec::new(),
            create: vec![schema::create_table(SQLITE, meta)],
            index: None,
        });
    }
    let records = catalog::records(connection, &meta.name)?;
    let described = |it: &IndexMeta| meta.indexes.iter().any(|of| of.name == it.name);
    let others = records.iter().filter_map(|it| it.index.clone());
    let others: Vec<IndexMeta> = others.filter(|it| !described(it)).collect();
    let indexes = others.iter().chain(&meta.indexes);
    // As it is spelled in queries afterwards, with the columns that are to be added.
    let mut all = columns.there.clone();
    all.extend(needed(&meta.indexes).map(|(path, kind)| column_name(path, kind)));
    let mut layout = catalog::column_layout(&meta.name, indexes, &all);
    for constraint in catalog::constraints(connection, &meta.name)? {
        layout = catalog::with_backing(layout, &constraint, &all);
    }

    for index in &meta.indexes {
        let record = records.iter().find(|it| it.recorded.name == index.name);
        let Some(action) = action(connection, &layout, index, record, &columns)? else {
            continue;
        };
        check_index_name(connection, &meta.name, &index.name, record.is_some())?;
        let mut before = columns.add_missing(needed(std::slice::from_ref(index)));
        before.extend(
            record
                .into_iter()
                .flat_map(|it| schema::drop_index(SQLITE, &meta.name, &index.name, it.kind())),
        );
        steps.push(Step {
            action,
            before,
            create: schema::create_index(SQLITE, &layout, index, false),
            index: Some((index.clone(), layout.clone())),
        });
    }
    if is_there {
        steps.extend(misspelled(connection, &layout, others.into_iter())?);
    }
    if let Some(first) = steps.first_mut() {
        first
            .before
            .splice(..0, catalog::missing_records(connection)?);
    }
    Ok(steps)
}

/// What makes an index anew that den recorded.
pub(super) fn rebuilding(
    connection: &Connection,
    collection: &str,
    index: &IndexMeta,
) -> Outcome<Step> {
    let known = catalog::load(connection, collection)?;
    let known = known.map_or_else(|| Layout::new(collection), |it| it.layout);
    let own = needed(std::slice::from_ref(index));
    let layout = own.fold(known, |layout, (path, kind)| {
        layout.with_column(path.clone(), kind)
    });
    Ok(again(index, layout, "it is to be made anew"))
}

/// What makes those indexes again, which den recorded, whose filter is spelled otherwise than in
/// statements: a column has come or gone since that the filter can look at. SQLite finds a partial index
/// by the text of its filter.
pub(super) fn misspelled(
    connection: &Connection,
    layout: &Layout,
    indexes: impl Iterator<Item = IndexMeta>,
) -> Outcome<Vec<Step>> {
    let mut found = Vec::new();
    for index in indexes.filter(|it| !it.filter.is_always()) {
        let wanted = schema::create_index(SQLITE, layout, &index, false);
        let there = catalog::index_text(connection, &layout.collection, &index.name)?;
        let is_wanted = |there: &str| wanted.iter().all(|it| from_name(it) == from_name(there));
        if there.is_some_and(|it| !is_wanted(&it)) {
            let reason = "its filter is written otherwise since another index came or went";
            found.push(again(&index, layout.clone(), reason));
        }
    }
    Ok(found)
}

fn again(index: &IndexMeta, layout: Layout, reason: &str) -> Step {
    Step {
        action: PlannedAction::RebuildIndex {
            name: index.name.clone(),
            reason: reason.to_owned(),
        },
        before: schema::drop_index(SQLITE, &layout.collection, &index.name, index.kind),
        create: schema::create_index(SQLITE, &layout, index, false),
        index: Some((index.clone(), layout)),
    }
}

/// What to do about an index; nothing if it is there as described.
fn action(
    connection: &Connection,
    layout: &Layout,
    index: &IndexMeta,
    record: Option<&Record>,
    columns: &Columns,
) -> Outcome<Option<PlannedAction>> {
    let collection = layout.collection.as_str();
    let name = index.name.clone();
    let Some(record) = record else {
        return Ok(Some(PlannedAction::CreateIndex { name }));
    };
    let rebuild = |reason: &str| {
        let reason = reason.to_owned();
        let name = name.clone();
        Ok(Some(PlannedAction::RebuildIndex { name, reason }))
    };
    if record.hash.is_none() {
        return rebuild("another program made it");
    }
    if record.hash.as_ref() != Some(&schema::definition_hash(index)) {
        return rebuild("its definition changed");
    }
    let is_there = match index.kind {
        IndexKind::Plain | IndexKind::Unique => {
            catalog::index_exists(connection, collection, &index.name)?
        }
        // Another program that drops the table takes the triggers with it, and leaves the record.
        IndexKind::Members => catalog::members_exist(connection, collection, &index.name)?,
        IndexKind::Search => catalog::search_exists(connection, collection, &index.name)?,
    };
    if !is_there {
        return Ok(Some(PlannedAction::CreateIndex { name }));
    }
    if columns.lacks(needed(std::slice::from_ref(index))) {
        return rebuild("a column that it needs is missing");
    }
    let again = misspelled(connection, layout, [index.clone()].into_iter())?;
    Ok(again.into_iter().next().map(|it| it.action))
}

/// The columns that indexes need.
fn needed(indexes: &[IndexMeta]) -> impl Iterator<Item = (&FieldPath, FieldKind)> {
    let are_columns = |it: &&IndexMeta| match it.kind {
        IndexKind::Plain | IndexKind::Unique => true,
        IndexKind::Members | IndexKind::Search => false,
    };
    let fields = indexes.iter().filter(are_columns).flat_map(|it| &it.fields);
    let fields = fields.map(|(field, _)| (&field.path, field.kind));
    fields.filter(|(path, _)| !path.is_id())
}

/// The columns of a table.
pub(super) struct Columns {
    collection: String,
    /// Whether den made the table: then it takes types as they are said.
    is_strict: bool,
    there: Vec<String>,
}

impl Columns {
    /// Those that a collection has.
    pub(super) fn there(connection: &Connection, collection: &str) -> Outcome<Self> {
        Ok(Self {
            collection: collection.to_owned(),
            is_strict: catalog::is_strict(connection, collection)?,
            there: catalog::columns(connection, collection)?,
        })
    }

    /// Those that a collection has, or is made with.
    fn of(connection: &Connection, meta: &CollectionMeta, is_there: bool) -> Outcome<Self> {
        if is_there {
            return Self::there(connection, &meta.name);
        }
        let made = needed(&meta.indexes).map(|(path, kind)| column_name(path, kind));
        Ok(Self {
            collection: meta.name.clone(),
            is_strict: true,
            there: made.collect(),
        })
    }

    fn lacks<'a>(&self, mut needed: impl Iterator<Item = (&'a FieldPath, FieldKind)>) -> bool {
        needed.any(|(path, kind)| !self.there.contains(&column_name(path, kind)))
    }

    /// The statements that add those of these columns that are missing.
    pub(super) fn add_missing<'a>(
        &mut self,
        needed: impl Iterator<Item = (&'a FieldPath, FieldKind)>,
    ) -> Vec<String> {
        let mut statements = Vec::new();
        for (path, kind) in needed {
            let name = column_name(path, kind);
            if self.there.contains(&name) {
                continue;
            }
            self.there.push(name);
            statements.push(match self.is_strict {
                true => schema::add_column(SQLITE, &self.collection, path, kind),
                false => {
                    sqlite_constraints::add_column_to_plain_table(&self.collection, path, kind)
                }
            });
        }
        statements
    }
}

/// The columns that the index of a constraint needs.
pub(super) fn needed_by(index: &IndexMeta) -> impl Iterator<Item = (&FieldPath, FieldKind)> {
    needed(std::slice::from_ref(index))
}

/// The definition of an index from its name on. SQLite does not keep what stands before as it was.
fn from_name(definition: &str) -> &str {
    definition.split_once('"').map_or(definition, |(_, it)| it)
}
