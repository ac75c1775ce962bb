//! Queries: which documents, in which order, and what to do with them.

mod aggregate;
mod declared;
mod group_columns;
mod groups;
mod lifecycle;
mod page;
mod queryset;
mod record;
mod search;
mod selected;
mod selection;
mod stream;
mod terminals;
mod update;
mod update_answers;
mod update_check;
mod update_fields;
mod upsert;

pub use self::{
    groups::{Groups, Unselected},
    page::{Page, PageRequest, PageToken},
    queryset::{QuerySet, Unwind},
    record::Record,
    search::Hit,
    selected::{Selected, SelectedStream},
    selection::{
        ByLabel, OfDocuments, OfGroups, Projected, Projection, ReadRow, Selection, projection,
    },
    stream::{DocumentStream, JsonStream},
};

/// What [`Update`] is made of: fields that can be changed, values for them, and answers.
pub mod update_parts {
    pub use super::{
        update::Changes,
        update_answers::{Every, One, Returned, ReturnedOne},
        update_fields::{
            ArrayField, ExprFor, ListField, NumberField, OptionalField, OrderedField, Target,
            ValueFor,
        },
    };
}
pub(crate) use self::{
    declared::Declared,
    update_answers::{Done, Job, by_id},
    update_check::{Draft as ChangesDraft, Ready, with_own_changes},
};
pub use self::{
    update::Update,
    upsert::{GetOrCreate, ReadyUpsert, UniqueFields, Upsert, UpsertOn, Upserted},
};

/// What `#[derive(Projection)]` expands to.
pub(crate) mod projection_parts {
    pub use super::selection::{Columns, Values, given, project};
}
