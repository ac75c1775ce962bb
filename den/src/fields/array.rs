//! Operators of array fields.

use std::{fmt, marker::PhantomData};

use den_backend::{CompareOp, Error, ErrorKind, Expr, Result, Value};

use crate::{Field, FieldType, Filter, Operand, Required, fields::path::Path};

/// The number of elements of an array field; null for anything that is not an array.
#[derive(Clone)]
pub struct Length<D> {
    expr: Result<Expr>,
    document: PhantomData<fn(D)>,
}

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
        Length {
            expr: Ok(Expr::Len(self.expr())),
            document: PhantomData,
        }
    }

    /// True for an array without elements, and for null.
    pub fn is_empty(self) -> Filter<D> {
        Filter::new(Ok(Expr::IsEmpty(self.expr())))
    }
}

impl<D, E: FieldType, N> Field<D, Vec<E>, N> {
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

impl<D> Length<D> {
    pub(super) fn new(expr: Result<Expr>) -> Self {
        Self {
            expr,
            document: PhantomData,
        }
    }

    fn compare(self, op: CompareOp, count: i64) -> Filter<D> {
        let right = Ok(Expr::Value(Value::Int(count)));
        match self.expr {
            Ok(left) => Filter::compare(op, left, right),
            Err(error) => Filter::new(Err(error)),
        }
    }

    /// True for exactly so many elements.
    pub fn eq(self, count: i64) -> Filter<D> {
        self.compare(CompareOp::Eq, count)
    }

    /// The exact complement of [`eq`](Self::eq): true for null too.
    pub fn ne(self, count: i64) -> Filter<D> {
        !self.eq(count)
    }

    /// True for fewer elements.
    pub fn lt(self, count: i64) -> Filter<D> {
        self.compare(CompareOp::Lt, count)
    }

    /// True for at most so many elements.
    pub fn le(self, count: i64) -> Filter<D> {
        self.compare(CompareOp::Le, count)
    }

    /// True for more elements.
    pub fn gt(self, count: i64) -> Filter<D> {
        self.compare(CompareOp::Gt, count)
    }

    /// True for at least so many elements.
    pub fn ge(self, count: i64) -> Filter<D> {
        self.compare(CompareOp::Ge, count)
    }
}

impl<D> fmt::Debug for Length<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Length").field(&self.expr).finish()
    }
}
