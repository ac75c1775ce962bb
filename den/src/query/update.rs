//! Changes to documents where they lie: what is changed.

use std::{fmt, marker::PhantomData};

use den_backend::{Change, Error, ErrorKind, FieldPath, Result, Value};

use crate::query::{
    update_check::Draft,
    update_fields::{
        ArrayField, ExprFor, ListField, NumberField, OptionalField, OrderedField, Place, Target,
        ValueFor,
    },
};

/// Changes to documents of type `T`, put together one by one; `A` says to which documents, and what
/// comes back.
///
/// # Behavior
///
/// - The changes are made in the order given, each seeing the ones before. "Null" below means
///   missing or `null`; a parent that is null becomes an object where something is put below it.
/// - All or nothing: a change that cannot be made in one of the documents, as `inc` of a text,
///   changes none of them and names the field.
/// - The update time of every document is new, and so is its revision on types with one.
/// - Building never fails: a mistake is reported when it is awaited, before any I/O.
///
/// ```
/// # use den::prelude::*;
/// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
/// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64, sold: i64, tags: Vec<String>, note: Option<String> }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let db = Db::open("sqlite://:memory:").await?;
/// # db.register::<(Product,)>().await?;
/// # let mut product = Product { name: "Widget".into(), price: 5.0, ..Default::default() };
/// # product.save(&db).await?;
/// let p = Product::fields();
/// let changed = Product::query(&db)
///     .filter(p.price.lt(20.0))
///     .update()
///     .set(p.name, "Bargain")
///     .inc(p.sold, 1)
///     .push(p.tags, "cheap")
///     .unset(p.note)
///     .await?;
/// assert_eq!(changed, 1);
///
/// let products = Product::query(&db)
///     .filter(p.tags.contains("cheap"))
///     .update()
///     .mul(p.price, 0.5)
///     .returning()
///     .await?;
/// assert_eq!(products[0].price, 2.5);
/// # Ok::<(), den::Error>(()) }).unwrap();
/// ```
#[must_use = "changes do nothing until they are awaited"]
pub struct Update<T, A = Changes> {
    pub(super) draft: Draft,
    pub(super) answer: A,
    record: PhantomData<fn(T)>,
}

/// Changes on their own, to be handed on: those of an upsert.
#[derive(Debug, Clone, Copy)]
pub struct Changes(pub(crate) ());

impl<T> Update<T> {
    /// No changes yet.
    pub(crate) fn empty() -> Self {
        Self::new(Changes(()))
    }
}

impl<T, A> Update<T, A> {
    pub(super) fn new(answer: A) -> Self {
        Self {
            draft: Draft::default(),
            answer,
            record: PhantomData,
        }
    }

    /// The same changes, with another answer.
    pub(super) fn answering<B>(self, answer: impl FnOnce(A) -> B) -> Update<T, B> {
        Update {
            draft: self.draft,
            answer: answer(self.answer),
            record: PhantomData,
        }
    }

    /// Puts a value into a field, whatever is there.
    pub fn set<F: Target<T>, V: ValueFor<F>>(self, field: F, value: V) -> Self {
        self.with_value(field, value.__value(), |path, value| Change::Set {
            path,
            value,
        })
    }

    /// Puts a value into a field if there is one.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, name: String, price: f64 }
    /// async fn change(db: &Db, id: &Id<Product>, price: Option<f64>) -> den::Result<()> {
    ///     let p = Product::fields();
    ///     Product::update_by_id(db, id).set(p.name, "new").set_opt(p.price, price).await
    /// }
    /// ```
    pub fn set_opt<F: Target<T>, V: ValueFor<F>>(self, field: F, value: Option<V>) -> Self {
        match value {
            Some(value) => self.set(field, value),
            None => self,
        }
    }

    /// Puts what an expression is for the document as it was before all changes into a field.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Product { #[serde(flatten)] base: Base<Product>, price: f64, list_price: f64 }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let db = Db::open("sqlite://:memory:").await?;
    /// # db.register::<(Product,)>().await?;
    /// # Product { price: 5.0, ..Default::default() }.save(&db).await?;
    /// let p = Product::fields();
    /// let changed = Product::query(&db)
    ///     .filter(p.list_price.lt(p.price))
    ///     .update()
    ///     .set_expr(p.list_price, p.price)
    ///     .await?;
    /// assert_eq!(changed, 1);
    /// # Ok::<(), den::Error>(()) }).unwrap();
    /// ```
    pub fn set_expr<F: Target<T>, E: ExprFor<T, F>>(mut self, field: F, value: E) -> Self {
        self.draft.add(|draft| {
            let value = value.__expr()?;
            let path = draft.place(field.__place()?);
            if !E::__FITS {
                draft.may_not_read();
            }
            Ok(Change::SetExpr { path, value })
        });
        self
    }

    /// Takes a field away; nothing happens where it is missing.
    pub fn unset<F: OptionalField<T>>(self, field: F) -> Self {
        self.adding(|draft| {
            let path = draft.emptied(field.__place()?, F::__MAY_BE_MISSING);
            Ok(Change::Unset { path })
        })
    }

    /// Adds to a number; null counts as 0. Integers stay integers, and a sum that the type of the
    /// field cannot hold is `OutOfRange`; of a [`Number`](crate::Number) type of your own, a sum
    /// outside of `i64`.
    pub fn inc<F: NumberField<T>, V: ValueFor<F::Filled>>(self, field: F, by: V) -> Self {
        self.counted(field, by.__value(), |path, by| Change::Inc { path, by })
    }

    /// Multiplies a number; null counts as 0. Else as [`inc`](Self::inc).
    pub fn mul<F: NumberField<T>, V: ValueFor<F::Filled>>(self, field: F, by: V) -> Self {
        self.counted(field, by.__value(), |path, by| Change::Mul { path, by })
    }

    /// Puts a value into a field if it is less than what is there, or if null is there.
    pub fn min<F: OrderedField<T>, V: ValueFor<F::Filled>>(self, field: F, value: V) -> Self {
        self.with_value(field, value.__value(), |path, value| Change::Min {
            path,
            value,
        })
    }

    /// Puts a value into a field if it is greater than what is there, or if null is there.
    pub fn max<F: OrderedField<T>, V: ValueFor<F::Filled>>(self, field: F, value: V) -> Self {
        self.with_value(field, value.__value(), |path, value| Change::Max {
            path,
            value,
        })
    }

    /// Appends an element to an array; null counts as an empty one.
    pub fn push<F: ListField<T>, V: ValueFor<F::Element>>(self, field: F, element: V) -> Self {
        self.with_value(field, element.__value(), |path, value| Change::Push {
            path,
            value,
        })
    }

    /// Appends an element to an array unless it holds an equal one; null counts as an empty one.
    pub fn add_to_set<F: ArrayField<T>, V: ValueFor<F::Element>>(
        self,
        field: F,
        element: V,
    ) -> Self {
        self.with_value(field, element.__value(), |path, value| Change::AddToSet {
            path,
            value,
        })
    }

    /// Takes all elements that equal this one out of an array; nothing happens to null.
    pub fn pull<F: ArrayField<T>, V: ValueFor<F::Element>>(self, field: F, element: V) -> Self {
        self.with_value(field, element.__value(), |path, value| Change::Pull {
            path,
            value,
        })
    }

    /// Takes the first element out of an array; nothing happens to null or to an empty one.
    pub fn pop_first<F: ListField<T>>(self, field: F) -> Self {
        self.with_path(field, |path| Change::PopFirst { path })
    }

    /// Takes the last element out of an array; nothing happens to null or to an empty one.
    pub fn pop_last<F: ListField<T>>(self, field: F) -> Self {
        self.with_path(field, |path| Change::PopLast { path })
    }

    /// Moves what is in an optional field, `null` included, to another, whatever is there; nothing
    /// happens where it is missing.
    pub fn rename<F: OptionalField<T>>(mut self, from: F, to: F) -> Self {
        self.draft.add(|draft| {
            let from = draft.emptied(from.__place()?, F::__MAY_BE_MISSING);
            let to = draft.place(to.__place()?);
            Ok(Change::Rename { from, to })
        });
        self
    }

    /// Lets [`field("a.b")`](crate::field) name what the registered type does not declare, and put
    /// there whatever it likes: for migrations, where documents are not yet, or no longer, what the
    /// type says. Whether the changed documents read as the type is not asked.
    pub fn with_unknown_fields(mut self) -> Self {
        self.draft.unknown_fields = true;
        self
    }

    fn adding(mut self, change: impl FnOnce(&mut Draft) -> Result<Change>) -> Self {
        self.draft.add(change);
        self
    }

    fn with_path<F: Target<T>>(mut self, field: F, change: fn(FieldPath) -> Change) -> Self {
        self.draft
            .add(|draft| Ok(change(draft.place(field.__place()?))));
        self
    }

    fn counted<F: NumberField<T>>(
        mut self,
        field: F,
        by: Result<Value>,
        change: fn(FieldPath, Value) -> Change,
    ) -> Self {
        self.draft.add(|draft| {
            let place = field.__place()?;
            let by = by.map_err(|error| unfit(&place, &error))?;
            Ok(change(draft.counted(place, F::__RANGE), by))
        });
        self
    }

    fn with_value<F: Target<T>>(
        mut self,
        field: F,
        value: Result<Value>,
        change: fn(FieldPath, Value) -> Change,
    ) -> Self {
        self.draft.add(|draft| {
            let place = field.__place()?;
            let value = value.map_err(|error| unfit(&place, &error))?;
            Ok(change(draft.place(place), value))
        });
        self
    }
}

/// The error for a value that JSON cannot hold.
fn unfit(place: &Place, error: &Error) -> Error {
    Error::new(
        ErrorKind::InvalidDocument,
        format!("the field `{}` cannot be changed: {error}", place.path),
    )
}

impl<T, A> fmt::Debug for Update<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update")
            .field("changes", &self.draft.changes)
            .field("error", &self.draft.error)
            .finish_non_exhaustive()
    }
}
