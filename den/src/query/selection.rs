//! What is selected of each document, or of each group of documents.

use std::{marker::PhantomData, vec};

use den_backend::{AggregateFunction, Error, ErrorKind, Expr, Result};
use serde::de::DeserializeOwned;

use crate::{
    Aggregated, Computed, Field, Filter, Json, Labeled, Nullability, Nullable, Required, Untyped,
    expr::aggregate_of,
};

/// What a row of a selection is read as.
pub trait ReadRow {
    /// The row.
    type Row;

    /// Whether the values are told apart by their labels.
    #[doc(hidden)]
    const BY_LABEL: bool = false;

    /// Reads the values that follow.
    ///
    /// # Errors
    ///
    /// `Corrupt` for a value that does not read as the type asked for.
    #[doc(hidden)]
    fn read(values: &mut Values<'_>) -> Result<Self::Row>;
}

/// What can be selected of documents of type `D`: a field, a [`Computed`] value, a filter, an
/// [`Untyped`] field, each with a label where wanted; a tuple of up to twelve of them, or of tuples;
/// a list; a [`projection`].
///
/// With `K` = [`OfGroups`] it is what can be selected of groups: their keys and
/// [aggregates](Aggregated).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be selected here",
    label = "no field, computed value, or tuple of such",
    note = "a plain value is selected as `den::value(..)`; an aggregate in `aggregate`, or in `select` after `group_by`"
)]
pub trait Selection<D, K = OfDocuments>: ReadRow {
    /// Tells which values these are.
    #[doc(hidden)]
    fn columns(self, columns: &mut Columns);
}

/// Selections of documents.
#[derive(Debug, Clone, Copy)]
pub struct OfDocuments;

/// Selections of groups of documents.
#[derive(Debug, Clone, Copy)]
pub struct OfGroups;

/// The selected values, in order.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Columns(pub(super) Vec<Column>);

/// One selected value.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) expr: Result<Expr>,
    label: Option<String>,
}

/// The values of a row, one after the other.
#[doc(hidden)]
#[derive(Debug)]
pub struct Values<'a> {
    columns: &'a [Column],
    values: vec::IntoIter<Json>,
    at: usize,
    collection: &'a str,
    id: Option<&'a str>,
}

impl Columns {
    pub(super) fn of<D, K>(selection: impl Selection<D, K>) -> Self {
        let mut columns = Self::default();
        selection.columns(&mut columns);
        columns
    }

    fn push(&mut self, expr: Result<Expr>) {
        self.0.push(Column { expr, label: None });
    }

    /// The expressions.
    pub(super) fn exprs(&self) -> Result<Vec<Expr>> {
        self.0.iter().map(|it| it.expr.clone()).collect()
    }

    /// Makes sure that each value has a label of its own.
    pub(super) fn check_labels(&self) -> Result<()> {
        for (at, column) in self.0.iter().enumerate() {
            let Some(label) = column.label().filter(|it| !it.is_empty()) else {
                let message = format!(
                    "the selected value {} has no label, which rows by name need; give it one with \
                     `.label(\"..\")`",
                    at + 1
                );
                return Err(Error::new(ErrorKind::InvalidQuery, message));
            };
            let before = self.0.iter().take(at);
            if before
                .into_iter()
                .any(|it| it.label().as_ref() == Some(&label))
            {
                let message = format!("two selected values are labelled `{label}`");
                return Err(Error::new(ErrorKind::InvalidQuery, message));
            }
        }
        Ok(())
    }
}

impl Column {
    /// The label; a field is its own.
    fn label(&self) -> Option<String> {
        if self.label.is_some() {
            return self.label.clone();
        }
        match &self.expr {
            Ok(Expr::Field(field)) => Some(field.path.to_string()),
            Ok(_) | Err(_) => None,
        }
    }

    /// What the value is called in a message.
    fn name(&self, at: usize) -> String {
        match self.label() {
            Some(label) => format!("the selected value `{label}`"),
            None => format!("the selected value {}", at + 1),
        }
    }

    fn is_sum(&self) -> bool {
        let aggregate = self.expr.as_ref().ok().and_then(aggregate_of);
        aggregate.is_some_and(|it| it.function == AggregateFunction::Sum)
    }
}

impl<'a> Values<'a> {
    pub(super) fn new(
        columns: &'a Columns,
        mut values: Vec<Json>,
        collection: &'a str,
        id: Option<&'a str>,
    ) -> Self {
        // What follows are the keys of the order.
        values.truncate(columns.0.len());
        Self {
            columns: &columns.0,
            values: values.into_iter(),
            at: 0,
            collection,
            id,
        }
    }

    /// The next value.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it does not read as a `T`, `OutOfRange` for a sum that does not fit.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T> {
        let at = self.at;
        let value = self.values.next().unwrap_or_default();
        self.at += 1;
        let column = self.columns.get(at);
        let is_whole = value.is_i64() || value.is_u64();
        serde_json::from_value(value).map_err(|why| {
            let name = column.map_or_else(String::new, |it| it.name(at));
            let error = if is_whole && column.is_some_and(Column::is_sum) {
                let message = format!("{name} does not fit into its type");
                Error::new(ErrorKind::OutOfRange, message)
            } else {
                let message = format!("{name} cannot be read");
                Error::new(ErrorKind::Corrupt, message).with_source(why)
            };
            let error = error.with_collection(self.collection);
            match self.id {
                Some(id) => error.with_id(id),
                None => error,
            }
        })
    }

    /// What is left, by label.
    fn by_label(&mut self) -> serde_json::Map<String, Json> {
        let labels = self.columns.iter().skip(self.at);
        let labels = labels.map(|it| it.label().unwrap_or_default());
        labels.zip(self.values.by_ref()).collect()
    }

    fn has_more(&self) -> bool {
        !self.values.as_slice().is_empty()
    }
}

macro_rules! one_value {
    ($([$($generics:tt)*] $type:ty => $row:ty, $into:ident, $where:ty;)+) => {$(
        impl<$($generics)*> ReadRow for $type
        where
            $where: DeserializeOwned,
        {
            type Row = $row;

            fn read(values: &mut Values<'_>) -> Result<$row> {
                values.value()
            }
        }
    )+};
}

one_value! {
    [D, T, N: Nullability] Field<D, T, N> => N::Value<T>, into_result, N::Value<T>;
    [D, T, N: Nullability] Computed<D, T, N> => N::Value<T>, into_result, N::Value<T>;
    [D, T, N: Nullability] Aggregated<D, T, N> => N::Value<T>, into_result, N::Value<T>;
    [D] Filter<D> => bool, into_expr, bool;
    [] Untyped => Json, into_result, Json;
}

macro_rules! selections {
    ($([$($generics:tt)*] $type:ty, $kind:ty, $document:ty, $into:ident;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Selection<$document, $kind> for $type
        where
            Self: ReadRow,
        {
            fn columns(self, columns: &mut Columns) {
                columns.push(self.$into());
            }
        }
    )+};
}

selections! {
    [D, T, N, K] Field<D, T, N>, K, D, into_result;
    [D, T, N, K] Computed<D, T, N>, K, D, into_result;
    [D, T, N] Aggregated<D, T, N>, OfGroups, D, into_result;
    [D, K] Filter<D>, K, D, into_expr;
    [D, K] Untyped, K, D, into_result;
}

impl<S: ReadRow> ReadRow for Labeled<S> {
    type Row = S::Row;

    fn read(values: &mut Values<'_>) -> Result<S::Row> {
        S::read(values)
    }
}

impl<D, K, S: Selection<D, K>> Selection<D, K> for Labeled<S> {
    fn columns(self, columns: &mut Columns) {
        let from = columns.0.len();
        self.selected.columns(columns);
        if let Some(column) = columns.0.get_mut(from) {
            column.label = Some(self.label);
        }
    }
}

/// All that is left, so a list comes last in a tuple.
impl<S: ReadRow> ReadRow for Vec<S> {
    type Row = Vec<S::Row>;

    fn read(values: &mut Values<'_>) -> Result<Self::Row> {
        let mut row = Vec::new();
        while values.has_more() {
            row.push(S::read(values)?);
        }
        Ok(row)
    }
}

impl<D, K, S: Selection<D, K>> Selection<D, K> for Vec<S> {
    fn columns(self, columns: &mut Columns) {
        self.into_iter().for_each(|it| it.columns(columns));
    }
}

macro_rules! tuples {
    ($($name:ident)+) => {
        impl<$($name: ReadRow),+> ReadRow for ($($name,)+) {
            type Row = ($($name::Row,)+);

            fn read(values: &mut Values<'_>) -> Result<Self::Row> {
                Ok(($($name::read(values)?,)+))
            }
        }

        impl<Doc, Kind, $($name: Selection<Doc, Kind>),+> Selection<Doc, Kind> for ($($name,)+) {
            #[expect(non_snake_case, reason = "a parameter of a macro names both")]
            fn columns(self, columns: &mut Columns) {
                let ($($name,)+) = self;
                $($name.columns(columns);)+
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

/// Rows whose values are told apart by label; made by `json` and `rows`.
#[derive(Debug, Clone, Copy)]
pub struct ByLabel<R>(PhantomData<fn() -> R>);

impl<R: DeserializeOwned> ReadRow for ByLabel<R> {
    type Row = R;

    const BY_LABEL: bool = true;

    fn read(values: &mut Values<'_>) -> Result<R> {
        let row = Json::Object(values.by_label());
        serde_json::from_value(row).map_err(|why| {
            let error = Error::new(ErrorKind::Corrupt, "a row cannot be read")
                .with_collection(values.collection)
                .with_source(why);
            match values.id {
                Some(id) => error.with_id(id),
                None => error,
            }
        })
    }
}

/// A struct whose fields are selected, each from a field of a document of type `D`, or a computed
/// value; derived by [`#[derive(Projection)]`](macro@crate::Projection).
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Embedded)]
/// # struct Address { city: String }
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Shop { #[serde(flatten)] base: Base<Shop>, name: String, address: Address, staff: i64, owners: i64 }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Shop,)>().await?;
/// #[derive(Debug, Projection)]
/// #[den(document = Shop)]
/// struct Card {
///     name: String,
///     #[den(path = "address.city")]
///     city: String,
///     #[den(value = |s| s.staff + s.owners)]
///     people: i64,
/// }
///
/// let cards: Vec<Card> = Shop::query(&db).project::<Card>().all().await?;
/// # let _ = cards; Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no projection of `{D}`",
    label = "not a projection of these documents",
    note = "derive it: `#[derive(Projection)] #[den(document = {D})]`"
)]
pub trait Projection<D>: Sized {
    /// Tells which values these are, each with the name of its field for a label.
    #[doc(hidden)]
    fn columns(columns: &mut Columns);

    /// Reads them.
    ///
    /// # Errors
    ///
    /// `Corrupt` for a value that does not read as the type asked for.
    #[doc(hidden)]
    fn read(values: &mut Values<'_>) -> Result<Self>;
}

/// The fields of a [`Projection`] as a selection; made by [`projection`].
#[derive(Debug, Clone, Copy)]
pub struct Projected<D, P>(PhantomData<fn() -> (D, P)>);

/// What a [`Projection`] selects, for use in a tuple or in
/// [`aggregate`](crate::QuerySet::aggregate).
pub fn projection<D, P: Projection<D>>() -> Projected<D, P> {
    Projected(PhantomData)
}

impl<D, P: Projection<D>> ReadRow for Projected<D, P> {
    type Row = P;

    fn read(values: &mut Values<'_>) -> Result<P> {
        P::read(values)
    }
}

impl<D, P: Projection<D>, K> Selection<D, K> for Projected<D, P> {
    fn columns(self, columns: &mut Columns) {
        P::columns(columns);
    }
}

/// What can be read as a `T` of a [`Projection`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read as `{T}`",
    label = "this field of the projection has another type",
    note = "a field that may be null is read as an `Option`, also what a division makes",
    note = "an embedded struct as a whole is selected by its stored name: `#[den(path = [\"address\"])]`"
)]
pub trait ProjectsTo<D, T> {
    fn into_expr(self) -> Result<Expr>;
}

macro_rules! projects_to {
    ($([$($generics:tt)*] $type:ty => $to:ty, $document:ty, $into:ident;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> ProjectsTo<$document, $to> for $type {
            fn into_expr(self) -> Result<Expr> {
                self.$into()
            }
        }
    )+};
}

projects_to! {
    [D, T] Field<D, T, Required> => T, D, into_result;
    [D, T] Field<D, T, Required> => Option<T>, D, into_result;
    [D, T] Field<D, T, Nullable> => Option<T>, D, into_result;
    [D, T] Computed<D, T, Required> => T, D, into_result;
    [D, T] Computed<D, T, Required> => Option<T>, D, into_result;
    [D, T] Computed<D, T, Nullable> => Option<T>, D, into_result;
    [D, T] Aggregated<D, T, Required> => T, D, into_result;
    [D, T] Aggregated<D, T, Required> => Option<T>, D, into_result;
    [D, T] Aggregated<D, T, Nullable> => Option<T>, D, into_result;
    [D] Filter<D> => bool, D, into_expr;
    [D, T] Untyped => T, D, into_result;
}

/// Adds a field of a projection.
#[doc(hidden)]
pub fn project<D, S: ProjectsTo<D, T>, T>(columns: &mut Columns, label: &str, selected: S) {
    columns.0.push(Column {
        expr: selected.into_expr(),
        label: Some(label.to_owned()),
    });
}

/// What a closure makes of the fields; it is told their type.
#[doc(hidden)]
pub fn given<F, S>(fields: F, value: impl FnOnce(F) -> S) -> S {
    value(fields)
}
