//! Operands: what a predicate looks at, and what a sort key orders by.

use den_backend::{Expr, FieldKind, FieldPath, Root, Value};

use crate::{computed::Computed, filter::Filters, layout::Layout};

/// The types whose values have an order, each with a column type of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Text, by bytes.
    Text,
    /// Numbers, by exact value.
    Number,
    /// `false` before `true`.
    Bool,
}

/// What a path starts from, as the statement at hand spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The table's own columns, unqualified: in DDL.
    Table,
    /// The table under its alias `d`: in queries, where functions over arrays bring columns of
    /// the same names into view.
    Document,
    /// The row before a change: in a trigger.
    Old,
    /// The row after a change: in a trigger.
    New,
    /// The array element under the alias `e1`, `e2` ..
    Element(usize),
}

/// A place in a document or array element.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// What the path starts from.
    pub scope: Scope,
    /// The way from there.
    pub path: &'a FieldPath,
    /// Where the fields lie.
    pub layout: &'a Layout,
}

/// An operand.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// The value at a place.
    Place(Place<'a>),
    /// The number of elements of the array at a place.
    Len(Place<'a>),
    /// A value computed from the row.
    Computed(Computed<'a>),
    /// A constant.
    Value(&'a Value),
    /// A number that is known, such as the length of a constant.
    Count(i64),
    /// Null.
    Null,
}

/// The values of a set by type, because each type is compared on its own.
#[derive(Debug, Default)]
pub struct Split<'a> {
    /// The texts.
    pub texts: Vec<&'a str>,
    /// The numbers.
    pub numbers: Vec<&'a Value>,
    /// The bools.
    pub bools: Vec<bool>,
    /// The arrays and objects.
    pub containers: Vec<&'a Value>,
}

impl Scalar {
    /// All of them, in the order they sort in a mixed field.
    pub const ALL: [Self; 3] = [Self::Number, Self::Text, Self::Bool];

    /// The type of a value, if it has one of these.
    pub const fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(_) => Some(Self::Text),
            Value::Int(_) | Value::Float(_) => Some(Self::Number),
            Value::Bool(_) => Some(Self::Bool),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The type of the values of a field of this kind, if it is one of these.
    pub const fn of_kind(kind: FieldKind) -> Option<Self> {
        match kind {
            FieldKind::Text => Some(Self::Text),
            FieldKind::Number => Some(Self::Number),
            FieldKind::Bool => Some(Self::Bool),
            FieldKind::Array | FieldKind::Object | FieldKind::Any => None,
        }
    }

    /// The kind of a field of this type.
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::Text => FieldKind::Text,
            Self::Number => FieldKind::Number,
            Self::Bool => FieldKind::Bool,
        }
    }
}

impl<'a> Place<'a> {
    /// Whether this is the document's id, which is a column of its own.
    pub fn is_id(&self) -> bool {
        self.in_document() && self.path.is_id()
    }

    /// The generated column that holds the values of this kind, if there is one.
    pub fn column(&self, kind: FieldKind) -> Option<&'a str> {
        if self.in_document() {
            self.layout.column(self.path, kind)
        } else {
            None
        }
    }

    /// Whether an index can serve ranges over the values of this type.
    pub fn is_indexed(&self, scalar: Scalar) -> bool {
        self.is_id() && scalar == Scalar::Text
            || self.column(scalar.kind()).is_some()
            || self.has_expression(scalar.kind())
    }

    /// Whether an index over the guarded expression of this kind exists.
    pub fn has_expression(&self, kind: FieldKind) -> bool {
        self.in_document() && self.layout.has_expression(self.path, kind)
    }

    /// The type of a column or index over this place, if there is one: it is null wherever the
    /// place is null.
    pub fn indexed_scalar(&self) -> Option<Scalar> {
        Scalar::ALL.into_iter().find(|it| self.is_indexed(*it))
    }

    /// The members index over the array at this place, if there is one.
    pub fn members(&self) -> Option<&'a str> {
        if self.in_document() {
            self.layout.members(self.path)
        } else {
            None
        }
    }

    fn in_document(&self) -> bool {
        match self.scope {
            Scope::Table | Scope::Document | Scope::Old | Scope::New => true,
            Scope::Element(_) => false,
        }
    }
}

impl<'a> Source<'a> {
    /// Whether an index serves values of this kind.
    pub fn is_indexed(&self, scalar: Scalar) -> bool {
        match self {
            Self::Place(place) => place.is_indexed(scalar),
            Self::Computed(_) | Self::Len(_) | Self::Value(_) | Self::Count(_) | Self::Null => {
                false
            }
        }
    }

    /// What an operand stands for, with the innermost element under the alias of `level`. A
    /// predicate is a bool that is computed.
    pub(crate) fn of(expr: &'a Expr, filters: Filters<'a>, level: usize) -> Self {
        match expr {
            Expr::Value(value) => Self::Value(value),
            Expr::Field(field) => Self::Place(Place {
                scope: match field.root {
                    Root::Document => filters.scope,
                    Root::Element => Scope::Element(level),
                },
                path: &field.path,
                layout: filters.layout,
            }),
            Expr::Len(array) => match Self::of(array, filters, level) {
                Self::Place(place) => Self::Len(place),
                Self::Value(Value::Array(items)) => {
                    Self::Count(i64::try_from(items.len()).unwrap_or(i64::MAX))
                }
                Self::Computed(_) | Self::Value(_) | Self::Len(_) | Self::Count(_) | Self::Null => {
                    Self::Null
                }
            },
            Expr::Arithmetic { .. }
            | Expr::Case { .. }
            | Expr::Coalesce(_)
            | Expr::Call { .. }
            | Expr::Native(_)
            | Expr::Compare { .. }
            | Expr::In { .. }
            | Expr::IsNull(_)
            | Expr::Exists(_)
            | Expr::Text { .. }
            | Expr::Matches { .. }
            | Expr::Contains { .. }
            | Expr::IsEmpty(_)
            | Expr::AnyElement { .. }
            | Expr::AllElements { .. }
            | Expr::HasKey { .. }
            | Expr::Linked { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_) => Self::Computed(Computed {
                expr,
                filters,
                level,
            }),
        }
    }

    /// Whether the operand can have a value of this type at all.
    pub fn may_be(&self, scalar: Scalar) -> bool {
        match self {
            Self::Place(place) => !place.is_id() || scalar == Scalar::Text,
            Self::Computed(it) => match Scalar::of_kind(it.certain_kind()) {
                Some(of) => of == scalar,
                None => it.certain_kind() == FieldKind::Any,
            },
            Self::Len(_) | Self::Count(_) => scalar == Scalar::Number,
            Self::Value(value) => Scalar::of(value) == Some(scalar),
            Self::Null => false,
        }
    }

    /// The value, if it is known without a document.
    pub fn constant(&self) -> Option<Value> {
        match self {
            Self::Place(_) | Self::Len(_) | Self::Computed(_) => None,
            Self::Value(value) => Some((*value).clone()),
            Self::Count(count) => Some(Value::Int(*count)),
            Self::Null => Some(Value::Null),
        }
    }
}

impl<'a> Split<'a> {
    /// Sorts values by type. Null equals nothing, so it is left out.
    pub fn of(values: &'a [Value]) -> Self {
        let mut split = Self::default();
        for value in values {
            match value {
                Value::Null => {}
                Value::Bool(it) if split.bools.contains(it) => {}
                Value::Bool(it) => split.bools.push(*it),
                Value::Int(_) | Value::Float(_) => split.numbers.push(value),
                Value::Text(it) => split.texts.push(it),
                Value::Array(_) | Value::Object(_) => split.containers.push(value),
            }
        }
        split
    }
}
