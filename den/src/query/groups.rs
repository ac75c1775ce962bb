//! Groups of documents, and rows without their equals.

use std::{
    fmt,
    future::{Future, IntoFuture},
    marker::PhantomData,
    pin::Pin,
};

use den_backend::{
    Capability, Expr, FieldKind, Grouping, Query, Result, Sort, Value, evaluate::evaluate,
};
use serde::de::DeserializeOwned;

use super::{
    group_columns::GroupColumns,
    queryset::{QuerySet, invalid},
    selected::only,
    selection::{
        ByLabel, Columns, OfGroups, Projected, Projection, ReadRow, Selection, Values, projection,
    },
};
use crate::{
    Filter, Json, Order, Record, encode,
    expr::{refuse_aggregates, walk},
    raw::named_in,
};

/// Groups of documents of type `T`, and what is computed of each; made by
/// [`QuerySet::group_by`] and by [`Selected::distinct`](crate::Selected::distinct).
///
/// # Behavior
///
/// - Documents that are marked as deleted are left out, as everywhere.
/// - Null is a key like any other.
/// - Without an order, the groups are ordered by their keys. Arrays and objects have no order among
///   themselves: groups with such keys cannot be sorted by them, nor limited or skipped.
#[must_use = "a query does nothing until a terminal method such as `.all()` is awaited"]
pub struct Groups<T, S = Unselected> {
    query: QuerySet<T>,
    keys: Columns,
    columns: Columns,
    having: Filter<T>,
    orders: Vec<Order<T>>,
    skip: u64,
    limit: Option<u64>,
    /// Whether this is about rows without their equals.
    is_distinct: bool,
    row: PhantomData<fn() -> S>,
}

/// Groups of which nothing is selected yet.
#[derive(Debug, Clone, Copy)]
pub struct Unselected;

impl<T: Record> QuerySet<T> {
    /// Groups the documents by one value or a tuple of several: fields, computed values, elements.
    ///
    /// # Behavior
    ///
    /// - What the groups are selected, filtered and sorted by is made of the keys and of
    ///   [aggregates](crate::Aggregated).
    /// - Order, limit and skip are said of the groups: after `group_by`.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, category: Option<String> }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// let p = Product::fields();
    /// let groups: Vec<(Option<String>, u64, Option<f64>)> = Product::query(&db)
    ///     .filter(p.price.gt(1.0))
    ///     .group_by(p.category)
    ///     .select((p.category, den::count(), p.price.avg()))
    ///     .having(den::count().ge(2))
    ///     .sort(p.price.avg().desc())
    ///     .limit(10)
    ///     .all()
    ///     .await?;
    /// # let _ = groups; Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn group_by<K: Selection<T>>(self, keys: K) -> Groups<T> {
        Groups::new(self, Columns::of(keys))
    }

    /// Computes aggregates over all documents of the query, in one statement.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, stock: i64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// let p = Product::fields();
    /// let (count, stock, dearest): (u64, i64, Option<f64>) = Product::query(&db)
    ///     .aggregate((den::count(), p.stock.sum(), p.price.max()))
    ///     .await?;
    /// assert_eq!((count, stock, dearest), (0, 0, None));
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - `OutOfRange` for a sum that does not fit.
    /// - `InvalidQuery` for a query with order, limit or skip.
    /// - Else as [`all`](Self::all).
    pub async fn aggregate<S: Selection<T, OfGroups>>(self, aggregates: S) -> Result<S::Row> {
        let groups = Groups::new(self, Columns::default());
        groups.select(aggregates).one().await
    }
}

impl<T: Record> Groups<T> {
    fn new(query: QuerySet<T>, keys: Columns) -> Self {
        Self {
            query,
            keys,
            columns: Columns::default(),
            having: Filter::always(),
            orders: Vec::new(),
            skip: 0,
            limit: None,
            is_distinct: false,
            row: PhantomData,
        }
    }
}

impl<T: Record, S> Groups<T, S> {
    /// The rows of a query without their equals.
    pub(super) fn distinct(mut query: QuerySet<T>, columns: Columns) -> Self {
        let orders = query.take_orders();
        Self {
            query,
            keys: columns.clone(),
            columns,
            having: Filter::always(),
            orders,
            skip: 0,
            limit: None,
            is_distinct: true,
            row: PhantomData,
        }
    }

    /// Selects what to return of each group: keys, aggregates, and what is computed from them.
    pub fn select<R: Selection<T, OfGroups>>(self, selection: R) -> Groups<T, R> {
        self.with_columns(Columns::of(selection))
    }

    /// Selects the fields of a struct, keys and aggregates; see
    /// [`#[derive(Projection)]`](macro@crate::Projection).
    pub fn project<P: Projection<T>>(self) -> Groups<T, Projected<T, P>> {
        self.select(projection::<T, P>())
    }

    fn with_columns<R>(self, columns: Columns) -> Groups<T, R> {
        Groups {
            query: self.query,
            keys: self.keys,
            columns,
            having: self.having,
            orders: self.orders,
            skip: self.skip,
            limit: self.limit,
            is_distinct: self.is_distinct,
            row: PhantomData,
        }
    }

    /// Keeps the groups that pass a filter of keys and aggregates; several calls are all to be
    /// passed.
    pub fn having(mut self, filter: Filter<T>) -> Self {
        self.having &= filter;
        self
    }

    /// Orders the groups by a key or an aggregate; the next call orders those that tie. Ties that
    /// remain are ordered by the keys.
    pub fn sort(mut self, order: Order<T>) -> Self {
        self.orders.push(order);
        self
    }

    /// At most so many groups; zero is a mistake.
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Leaves out so many groups at the start.
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }
}

impl<T: Record, S: ReadRow> Groups<T, S> {
    /// Reads each row as a JSON object. Each value needs a label; a field has its path.
    pub fn json(self) -> Groups<T, ByLabel<Json>> {
        self.rows()
    }

    /// Reads each row as a type of serde's, by label. Each value needs one; a field has its path.
    pub fn rows<R: DeserializeOwned>(self) -> Groups<T, ByLabel<R>> {
        let columns = self.columns.clone();
        self.with_columns(columns)
    }

    /// Returns all groups.
    ///
    /// # Errors
    ///
    /// - `InvalidQuery` for what is neither a key nor an aggregate, for an order, limit or skip said
    ///   before the groups, and for a limit of zero.
    /// - `OutOfRange` for a sum that does not fit.
    /// - `Corrupt` for a value that does not read as its type; so is null for a value that is
    ///   required.
    /// - Else as [`QuerySet::all`].
    pub async fn all(self) -> Result<Vec<S::Row>> {
        self.fetch(None).await
    }

    /// Returns the first group, if there is one.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all).
    pub async fn first(self) -> Result<Option<S::Row>> {
        Ok(self.fetch(Some(1)).await?.pop())
    }

    /// Returns the only group.
    ///
    /// # Errors
    ///
    /// - `NotFound` if there is none, `MultipleMatches` if there are several.
    /// - Else as [`all`](Self::all).
    pub async fn one(self) -> Result<S::Row> {
        let collection = self.query.collection().to_owned();
        only(self.fetch(Some(2)).await?, &collection)
    }

    async fn fetch(&self, most: Option<u64>) -> Result<Vec<S::Row>> {
        let plan = self.checked(most);
        let plan = plan.map_err(|it| it.with_collection(self.query.collection()))?;
        let handle = &self.query.handle;
        handle.db().require(Capability::Groups)?;
        let session = handle.read().await?;
        let rows = session.get().group(&plan.query, &plan.grouping).await;
        let rows = rows.map_err(named_in(&plan.query))?;
        rows.iter().map(|it| self.read(&plan, it)).collect()
    }

    fn read(&self, plan: &Plan, row: &[u8]) -> Result<S::Row> {
        let collection = &plan.query.collection;
        let row: Value = encode::decode(collection, "", row)?;
        let mut values = Vec::with_capacity(plan.columns.len());
        for column in &plan.columns {
            // What is computed from keys and aggregates is computed here, by the same rules.
            values.push(to_json(&evaluate(column, &row)?));
        }
        S::read(&mut Values::new(&self.columns, values, collection, None))
    }

    /// The groups as plain data, checked.
    fn checked(&self, most: Option<u64>) -> Result<Plan> {
        if S::BY_LABEL {
            self.columns.check_labels()?;
        }
        let db = self.query.handle.db();
        if self.limit == Some(0) {
            return Err(invalid(
                "a limit of zero asks for nothing; leave the query out",
            ));
        }
        if self.is_distinct && self.query.has_window() {
            return Err(invalid(
                "a limit or skip before `distinct` says nothing about the rows that are left; say \
                 it after `distinct`",
            ));
        }
        let now = db.now();
        let timed = |mut expr: Expr| {
            walk::check_depth(&expr)?;
            walk::set_time_in(&mut expr, now);
            Ok(expr)
        };
        let query = self.query.prepared(now)?;
        let keys = self.keys.exprs()?.into_iter().map(timed);
        let keys = keys.collect::<Result<Vec<Expr>>>()?;
        keys.iter().try_for_each(refuse_aggregates)?;
        let mut columns = GroupColumns::new(keys);
        let selected = self.columns.exprs()?.into_iter();
        let selected = selected.map(|it| columns.column(timed(it)?));
        let selected = selected.collect::<Result<Vec<Expr>>>()?;
        let having = columns.column(timed(self.having.clone().into_expr()?)?)?;
        let mut sort = Vec::with_capacity(self.orders.len());
        for order in &self.orders {
            let order = order.clone().into_sort()?;
            sort.push(Sort {
                key: columns.column(timed(order.key)?)?,
                ..order
            });
        }
        let limit = match (self.limit, most) {
            (Some(limit), Some(most)) => Some(limit.min(most)),
            (limit, most) => limit.or(most),
        };
        let (keys, aggregates) = columns.into_parts();
        let is_cut = limit.is_some_and(|it| it < 2) || self.limit.is_some() || self.skip > 0;
        refuse_without_order(&keys, &sort, is_cut)?;
        let grouping = Grouping {
            keys,
            aggregates,
            having,
            sort,
            skip: self.skip,
            limit,
        };
        grouping.check(&query, db.capabilities())?;
        query.check_engine(db.backend_name())?;
        grouping.check_engine(db.backend_name())?;
        Ok(Plan {
            query,
            grouping,
            columns: selected,
        })
    }
}

/// Refuses what depends on an order that arrays and objects do not have.
fn refuse_without_order(keys: &[Expr], sort: &[Sort], is_cut: bool) -> Result<()> {
    let has_no_order = |at: usize| {
        let kind = keys.get(at).map(Expr::kind);
        matches!(kind, Some(FieldKind::Array | FieldKind::Object))
    };
    let is_sorted_by = |sort: &Sort| {
        let column = sort.as_field().and_then(|it| it.path.segments().first());
        column
            .and_then(|it| it.parse().ok())
            .is_some_and(has_no_order)
    };
    if sort.iter().any(is_sorted_by) {
        return Err(invalid(
            "arrays and objects have no order, so groups cannot be sorted by them",
        ));
    }
    if is_cut && (0..keys.len()).any(has_no_order) {
        return Err(invalid(
            "groups whose keys are arrays or objects have no order, so the first of them are not \
             known: take all of them, or group by what has an order",
        ));
    }
    Ok(())
}

/// What is asked of the backend, and what is made of its rows.
struct Plan {
    query: Query,
    grouping: Grouping,
    /// The selected values, computed from the row of a group.
    columns: Vec<Expr>,
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::Float(it) => (*it).into(),
        Value::Text(it) => it.as_str().into(),
        Value::Array(all) => all.iter().map(to_json).collect(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, it)| (key.clone(), to_json(it)));
            Json::Object(entries.collect())
        }
    }
}

impl<T: Record, S: ReadRow + 'static> IntoFuture for Groups<T, S>
where
    S::Row: Send,
{
    type Output = Result<Vec<S::Row>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.all())
    }
}

impl<T, S> Clone for Groups<T, S> {
    fn clone(&self) -> Self {
        Self {
            query: self.query.clone(),
            keys: self.keys.clone(),
            columns: self.columns.clone(),
            having: self.having.clone(),
            orders: self.orders.clone(),
            skip: self.skip,
            limit: self.limit,
            is_distinct: self.is_distinct,
            row: PhantomData,
        }
    }
}

impl<T, S> fmt::Debug for Groups<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups")
            .field("query", &self.query)
            .field("keys", &self.keys)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}
