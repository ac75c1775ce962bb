//! Operators of array fields.

use std::marker::PhantomData;

use den_backend::{Error, ErrorKind, Expr, Result, Value};

use crate::{Computed, Field, FieldType, Filter, Nullable, Operand, Required, fields::path::Path};

/// The number of elements of an array field; null for anything that is not an array.
pub type Length<D> = Computed<D, i64, Nullable>;

/// Stands for the document type inside an element predicate, so that an element's fields and the
/// document's cannot be mixed up.
#[derive(Debug, Clone, Copy)]
pub struct ElementOf<D>(PhantomData<fn(D)>);

impl<D, E, N> Field<D, Vec<E>, N> {
    /// True if an element equals the value.
    pub fn contains(self, value: impl Operand<D, E>) -> Filter<D> {
        Filter::new(literal(value).map(|value| Expr::Contains {
            array: self.expr(),
            value,
        }))
    }

    /// True if an element equals one of the values; false for no values.
    pub fn contains_any<V: Operand<D, E>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        Filter::any(values.into_iter().map(|it| self.contains(it)))
    }

    /// True if each of the values equals an element; true for no values.
    pub fn contains_all<V: Operand<D, E>>(self, values: impl IntoIterator<Item = V>) -> Filter<D> {
        Filter::all(values.into_iter().map(|it| self.contains(it)))
    }

    /// The number of elements: `p.tags.len().gt(2)`.
    pub fn len(self) -> Length<D> {
        Computed::new(Ok(Expr::Len(self.expr())))
    }

    /// True for an array without elements, and for null.
    pub fn is_empty(self) -> Filter<D> {
        Filter::new(Ok(Expr::IsEmpty(self.expr())))
    }
}

impl<D, E: FieldType, N> Field<D, Vec<E>, N> {
    /// Stands for one element at a time, in a query that [unwinds](crate::QuerySet::unwind) the field.
    pub fn element(self) -> E::Handle<D, Required> {
        E::handle(Path::ELEMENT)
    }

    /// True if one element satisfies the whole predicate.
    ///
    /// ```
    /// # use den::prelude::*;
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Embedded)]
    /// # struct Line { sku: String, count: i64 }
    /// # #[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize, Document)]
    /// # struct Order { #[serde(flatten)] base: Base<Order>, lines: Vec<Line> }
    /// let many = Order::fields()
    ///     .lines
    ///     .any_element(|line| line.sku.eq("w-1") & line.count.gt(10));
    /// # let _ = many;
    /// ```
    pub fn any_element(
        self,
        predicate: impl FnOnce(E::Handle<ElementOf<D>, Required>) -> Filter<ElementOf<D>>,
    ) -> Filter<D> {
        let predicate = predicate(E::handle(Path::ELEMENT)).into_expr();
        Filter::new(predicate.map(|predicate| Expr::AnyElement {
            array: self.expr(),
            predicate: Box::new(predicate),
        }))
    }

    /// True if every element satisfies the predicate, so true for an array without elements;
    /// false for null.
    pub fn all_elements(
        self,
        predicate: impl FnOnce(E::Handle<ElementOf<D>, Required>) -> Filter<ElementOf<D>>,
    ) -> Filter<D> {
        let predicate = predicate(E::handle(Path::ELEMENT)).into_expr();
        Filter::new(predicate.map(|predicate| Expr::AllElements {
            array: self.expr(),
            predicate: Box::new(predicate),
        }))
    }
}

fn literal<D, E>(value: impl Operand<D, E>) -> Result<Value> {
    let Expr::Value(value) = value.into_operand()? else {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            "`contains` looks for a value, not for another field",
        ));
    };
    Ok(value)
}
