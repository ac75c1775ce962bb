//! What making a collection as described would do.

use std::mem;

use den_backend::{CollectionMeta, IndexKind, IndexMeta, PlannedAction, PlannedChange, Result};
use den_sql::{Layout, POSTGRES, schema};

use crate::{
    catalog::{Standing, State},
    runner::Shared,
    schema::{
        check_indexes, check_search, columns_to_add, functions_to_make, has_rows, makes_search,
    },
};

/// Says what [`ensure_collection`](crate::schema::ensure_collection) would do.
pub(crate) async fn plan_collection(
    shared: &Shared,
    meta: &CollectionMeta,
) -> Result<Vec<PlannedChange>> {
    if !meta.is_own() {
        meta.check()?;
    }
    let state = State::read(&meta.name, shared).await?;
    state.check_own(&meta.name)?;
    if state.holds(meta) {
        return Ok(Vec::new());
    }
    check_search(shared, meta).await?;
    check_indexes(shared, &state, meta).await?;
    let mut functions = match makes_search(&state, meta) {
        true => functions_to_make(shared).await?,
        false => Vec::new(),
    };
    let mut plan = Vec::new();
    if !state.exists() {
        functions.push(schema::create_table(POSTGRES, meta));
        plan.push(PlannedChange {
            collection: meta.name.clone(),
            action: PlannedAction::CreateCollection,
            statements: mem::take(&mut functions),
        });
    }
    let is_empty = !state.exists() || !has_rows(shared, &meta.name).await?;
    let layout = match state.exists() {
        true if is_empty => with_new_columns(&state, meta),
        true => state.layout(&meta.name, Some(meta)),
        false => Layout::of(meta),
    };
    let planned = Planned {
        state: &state,
        meta,
        layout,
        is_empty,
    };
    for index in &meta.indexes {
        let Some(mut change) = planned.index(index) else {
            continue;
        };
        if index.kind == IndexKind::Search {
            // The first one makes them for all.
            change.statements.splice(0..0, functions.drain(..));
        }
        plan.push(change);
    }
    Ok(plan)
}

/// What is known of a collection that is to be changed.
struct Planned<'a> {
    state: &'a State,
    meta: &'a CollectionMeta,
    /// Where the fields will lie.
    layout: Layout,
    is_empty: bool,
}

impl Planned<'_> {
    fn index(&self, index: &IndexMeta) -> Option<PlannedChange> {
        let standing = self.state.standing(index);
        let is_there = self.state.has_index(&index.name);
        let name = index.name.clone();
        let action = match (standing, is_there) {
            (Standing::Made, _) => return None,
            (Standing::Missing, false) => PlannedAction::CreateIndex { name },
            (Standing::Missing, true) => PlannedAction::RebuildIndex {
                name,
                reason: "its build was interrupted".to_owned(),
            },
            (Standing::Changed, _) => PlannedAction::RebuildIndex {
                name,
                reason: "its definition changed".to_owned(),
            },
        };
        let mut statements = Vec::new();
        if self.is_empty && self.state.exists() {
            statements.extend(columns_to_add(self.state, &self.meta.name, index));
        }
        let collection = &self.meta.name;
        if is_there {
            let sql = schema::drop_index(POSTGRES, collection, &index.name, index.kind);
            statements.extend(sql);
        }
        if index.kind == IndexKind::Search {
            statements.extend(self.state.old_search_column(collection, index));
        }
        let is_late = standing == Standing::Missing
            && !self.is_empty
            && self.state.partitioned_by().is_none();
        let sql = schema::create_index(POSTGRES, &self.layout, index, is_late);
        statements.extend(sql);
        Some(PlannedChange {
            collection: collection.clone(),
            action,
            statements,
        })
    }
}

/// Where the fields lie once the columns are added that indexes on an empty table are to use.
fn with_new_columns(state: &State, meta: &CollectionMeta) -> Layout {
    let mut layout = state.layout(&meta.name, None);
    for index in meta
        .indexes
        .iter()
        .filter(|it| state.standing(it) != Standing::Made)
    {
        match index.kind {
            IndexKind::Members => {}
            IndexKind::Search => layout = layout.with_search(index),
            IndexKind::Plain | IndexKind::Unique => {
                for (field, _) in &index.fields {
                    layout = layout.with_column(field.path.clone(), field.kind);
                }
            }
        }
    }
    layout
}
