//! Rules that the database itself keeps, so that raw SQL and updates in bulk cannot break them.
//!
//! | constraint | asks for |
//! |---|---|
//! | [`unique`] | no two documents with the same values; null takes no part, and `1`, `"1"` and `true` differ |
//! | [`required`] | a value that is not null |
//! | [`of_type`] | a value of one of these types, or none |
//! | [`key`] | values that are there, and unique together |
//! | [`check`] | documents that pass a filter |
//!
//! They are made and dropped by [`Db::schema`](crate::Db::schema). A document that breaks one is
//! `Validation`, values that are taken are `Duplicate`; [`Error::constraint`](crate::Error::constraint)
//! says which constraint it was.
//!
//! ```
//! use den::{constraint, prelude::*, schema::JsonType};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! # let db = Db::open("sqlite://:memory:").await?;
//! # db.backend().ensure_collection(&den::CollectionMeta::new("orders")).await?;
//! let schema = db.schema();
//! for rule in [
//!     constraint::required("customer"),
//!     constraint::of_type("note", [JsonType::String, JsonType::Array]),
//!     constraint::key(["shop", "number"]),
//!     constraint::check::<Json>(field("paid").le(field("total"))).named("not_paid_twice"),
//! ] {
//!     schema.create_constraint("orders", rule).if_not_exists().await?;
//! }
//! let order = serde_json::json!({ "customer": 7, "shop": 1, "number": 1, "paid": 5, "total": 4 });
//! let error = db.collection("orders").insert(order).await.unwrap_err();
//! assert_eq!(error.constraint().map(|it| it.name()), Some("not_paid_twice"));
//! # Ok::<(), den::Error>(()) }).unwrap();
//! ```

use den_backend::{ConstraintKind, ConstraintMeta, FieldPath, JsonType, Result};

use crate::{Field, Filter, IntoFieldPath};

/// A constraint to be made; see [`constraint`](self).
#[derive(Debug, Clone)]
#[must_use = "a constraint does nothing until it is given to `db.schema().create_constraint(..)`"]
pub struct NewConstraint {
    kind: Result<ConstraintKind>,
    name: Option<String>,
}

/// What can be made a constraint: a [`NewConstraint`], or the contract's own [`ConstraintMeta`].
pub trait IntoConstraint {
    /// The constraint of this collection.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for a bad path or filter.
    fn into_constraint(self, collection: &str) -> Result<ConstraintMeta>;
}

/// No two documents have the same values at these paths.
///
/// # Behavior
///
/// - A document takes no part if one of the values is null or missing.
/// - `1`, `"1"` and `true` differ, `1` and `1.0` are the same.
pub fn unique(fields: impl IntoIterator<Item = impl IntoFieldPath>) -> NewConstraint {
    let fields = paths(fields);
    NewConstraint::new(fields.map(|fields| ConstraintKind::Unique { fields }))
}

/// There is a value at this path, and it is not null.
pub fn required(field: impl IntoFieldPath) -> NewConstraint {
    let field = field.into_field_path();
    NewConstraint::new(field.map(|field| ConstraintKind::Required { field }))
}

/// The value at this path is of one of these types, null, or missing.
pub fn of_type(
    field: impl IntoFieldPath,
    types: impl IntoIterator<Item = JsonType>,
) -> NewConstraint {
    let types = types.into_iter().collect();
    let field = field.into_field_path();
    NewConstraint::new(field.map(|field| ConstraintKind::Type { field, types }))
}

/// There are values at all these paths, and no two documents have the same.
pub fn key(fields: impl IntoIterator<Item = impl IntoFieldPath>) -> NewConstraint {
    let fields = paths(fields);
    NewConstraint::new(fields.map(|fields| ConstraintKind::Key { fields }))
}

/// Every document passes this filter.
///
/// # Behavior
///
/// - The filter looks at the document alone: not through links, and not at the present time.
/// - Where a value is missing, a comparison with it is false, and so the document is refused; say
///   `field.is_null() | field.lt(10)` to allow that.
pub fn check<D>(filter: Filter<D>) -> NewConstraint {
    let filter = filter.into_expr();
    NewConstraint::new(filter.map(|filter| ConstraintKind::Check { filter }))
}

impl NewConstraint {
    fn new(kind: Result<ConstraintKind>) -> Self {
        Self { kind, name: None }
    }

    /// Names it; otherwise it has a name that is made of the collection, the fields and the rule, the same
    /// each time.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl IntoConstraint for NewConstraint {
    fn into_constraint(self, collection: &str) -> Result<ConstraintMeta> {
        let mut constraint = ConstraintMeta::new(collection, self.kind?);
        if let Some(name) = self.name {
            constraint.name = name;
        }
        Ok(constraint)
    }
}

impl IntoConstraint for ConstraintMeta {
    fn into_constraint(self, _collection: &str) -> Result<Self> {
        Ok(self)
    }
}

impl<D, T, N> IntoFieldPath for Field<D, T, N> {
    fn into_field_path(self) -> Result<FieldPath> {
        Ok(self.path())
    }
}

pub(super) fn paths(
    fields: impl IntoIterator<Item = impl IntoFieldPath>,
) -> Result<Vec<FieldPath>> {
    let paths = fields.into_iter().map(IntoFieldPath::into_field_path);
    paths.collect()
}
