//! Indexes and constraints that are made and dropped one by one.

use std::pin::Pin;

use den_backend::{ConstraintMeta, Error, ErrorKind, IndexMeta, Result, SchemaChange};

use crate::schema::{IntoIndex, Schema, already_there, constraint::IntoConstraint};

type Future<'a, T> = Pin<Box<dyn std::future::Future<Output = Result<T>> + Send + 'a>>;

/// Makes an index when awaited, and returns its name; made by
/// [`Schema::create_index`](crate::schema::Schema::create_index).
///
/// # Behavior
///
/// - Documents that are there already are indexed. On PostgreSQL others can write meanwhile.
///
/// # Errors
///
/// - `Duplicate` if there is an index of this name, or if documents collide under a unique one.
/// - `NotRegistered` if there is no such collection, `InvalidQuery` for an index that makes no sense.
#[derive(Debug, Clone)]
#[must_use = "nothing is done until it is awaited"]
pub struct CreateIndex<'a> {
    schema: Schema<'a>,
    collection: &'a str,
    index: Result<IndexMeta>,
    if_not_exists: bool,
}

/// Drops an index when awaited; made by [`Schema::drop_index`](crate::schema::Schema::drop_index).
///
/// # Errors
///
/// `NotFound` for any other than an index that den made, `Restricted` for one that backs a constraint.
#[derive(Debug, Clone)]
#[must_use = "nothing is done until it is awaited"]
pub struct DropIndex<'a> {
    schema: Schema<'a>,
    collection: &'a str,
    name: String,
    if_exists: bool,
}

/// Makes a constraint when awaited, and returns it with its name; made by
/// [`Schema::create_constraint`](crate::schema::Schema::create_constraint).
///
/// # Errors
///
/// - `Validation` or `Duplicate` if documents break it:
///   [`Error::offenders`](crate::Error::offenders) has the ids of the first few. Nothing is left behind.
/// - `Duplicate` if there is a constraint of this name.
/// - `NotRegistered` if there is no such collection, `InvalidQuery` for a constraint that makes no sense,
///   `Unsupported` for one that the backend cannot keep.
#[derive(Debug, Clone)]
#[must_use = "nothing is done until it is awaited"]
pub struct CreateConstraint<'a> {
    schema: Schema<'a>,
    collection: &'a str,
    constraint: Result<ConstraintMeta>,
    if_not_exists: bool,
}

/// Drops a constraint when awaited; made by
/// [`Schema::drop_constraint`](crate::schema::Schema::drop_constraint).
///
/// # Errors
///
/// `NotFound` if there is none of this name.
#[derive(Debug, Clone)]
#[must_use = "nothing is done until it is awaited"]
pub struct DropConstraint<'a> {
    schema: Schema<'a>,
    collection: &'a str,
    name: String,
    if_exists: bool,
}

impl<'a> CreateIndex<'a> {
    pub(super) fn new(schema: Schema<'a>, collection: &'a str, index: impl IntoIndex) -> Self {
        let index = index.into_index(schema.db, collection);
        Self {
            schema,
            collection,
            index,
            if_not_exists: false,
        }
    }

    /// Is content if there is one of this name: it is left as it is if it is the same, and replaced if it
    /// is not.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    async fn run(self) -> Result<String> {
        let index = self.index?;
        let name = index.name.clone();
        if !self.if_not_exists {
            let there = self.schema.indexes(self.collection).await?;
            if there.iter().any(|it| it.name == name) {
                return Err(already_there("an index", &name, self.collection));
            }
        }
        let collection = self.collection.to_owned();
        let change = SchemaChange::CreateIndex { collection, index };
        self.schema.change(&change).await?;
        Ok(name)
    }
}

impl<'a> DropIndex<'a> {
    pub(super) fn new(schema: Schema<'a>, collection: &'a str, name: String) -> Self {
        Self {
            schema,
            collection,
            name,
            if_exists: false,
        }
    }

    /// Is content if there is none.
    pub fn if_exists(mut self) -> Self {
        self.if_exists = true;
        self
    }

    async fn run(self) -> Result<()> {
        let change = SchemaChange::DropIndex {
            collection: self.collection.to_owned(),
            name: self.name,
        };
        let dropped = self.schema.change(&change).await;
        unless_missing(dropped, self.if_exists)
    }
}

impl<'a> CreateConstraint<'a> {
    pub(super) fn new(
        schema: Schema<'a>,
        collection: &'a str,
        constraint: impl IntoConstraint,
    ) -> Self {
        Self {
            schema,
            collection,
            constraint: constraint.into_constraint(collection),
            if_not_exists: false,
        }
    }

    /// Is content if the same constraint is there. Another one of its name is still an error.
    pub fn if_not_exists(mut self) -> Self {
        self.if_not_exists = true;
        self
    }

    async fn run(self) -> Result<ConstraintMeta> {
        let constraint = self.constraint?;
        let collection = self.collection.to_owned();
        let change = SchemaChange::CreateConstraint {
            collection,
            constraint: constraint.clone(),
        };
        if !self.if_not_exists {
            change.check(self.schema.db.capabilities(), false)?;
            let there = self.schema.constraints(self.collection).await?;
            if there.iter().any(|it| it.name == constraint.name) {
                let name = &constraint.name;
                return Err(already_there("a constraint", name, self.collection));
            }
        }
        let made = self.schema.change(&change).await;
        made.map_err(|error| in_the_way(error, &constraint.name))?;
        Ok(constraint)
    }
}

impl<'a> DropConstraint<'a> {
    pub(super) fn new(schema: Schema<'a>, collection: &'a str, name: String) -> Self {
        Self {
            schema,
            collection,
            name,
            if_exists: false,
        }
    }

    /// Is content if there is none.
    pub fn if_exists(mut self) -> Self {
        self.if_exists = true;
        self
    }

    async fn run(self) -> Result<()> {
        let change = SchemaChange::DropConstraint {
            collection: self.collection.to_owned(),
            name: self.name,
        };
        let dropped = self.schema.change(&change).await;
        unless_missing(dropped, self.if_exists)
    }
}

/// Says of an error which documents are in the way of a constraint, if any are.
fn in_the_way(error: Error, name: &str) -> Error {
    let offenders = error.offenders();
    let Some(first) = offenders.first().cloned() else {
        return error;
    };
    let ids: Vec<String> = offenders.iter().map(|id| format!("`{id}`")).collect();
    let what = match error.kind() == ErrorKind::Duplicate {
        true => "documents have the same values",
        false => "documents break it",
    };
    let message = format!(
        "the constraint `{name}` was not made, because {what}, these first: {}",
        ids.join(", ")
    );
    error.with_message(message).with_id(first)
}

fn unless_missing(dropped: Result<()>, if_exists: bool) -> Result<()> {
    match dropped {
        Err(error) if if_exists && error.kind() == ErrorKind::NotFound => Ok(()),
        dropped => dropped,
    }
}

impl<'a> IntoFuture for CreateIndex<'a> {
    type Output = Result<String>;
    type IntoFuture = Future<'a, String>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<'a> IntoFuture for DropIndex<'a> {
    type Output = Result<()>;
    type IntoFuture = Future<'a, ()>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<'a> IntoFuture for CreateConstraint<'a> {
    type Output = Result<ConstraintMeta>;
    type IntoFuture = Future<'a, ConstraintMeta>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<'a> IntoFuture for DropConstraint<'a> {
    type Output = Result<()>;
    type IntoFuture = Future<'a, ()>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
