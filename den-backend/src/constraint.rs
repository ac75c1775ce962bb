//! Rules that the database itself keeps, whoever writes.

use serde::{Deserialize, Serialize};

use crate::{ConstraintRule, Expr, FieldKind, FieldPath, IndexMeta, Root, meta};

/// A rule that every document of a collection keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConstraintMeta {
    /// The name, unique in the database, at most [`IndexMeta::MAX_NAME`] bytes; see
    /// [`ConstraintMeta::default_name`].
    pub name: String,
    /// What it asks for.
    pub kind: ConstraintKind,
}

/// What a constraint asks of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// No two documents have the same values at these paths. Values of different types are different:
    /// `1`, `"1"` and `true` do not collide, `1` and `1.0` do. A document with a null or missing value
    /// takes no part.
    Unique {
        /// Where the values lie.
        fields: Vec<FieldPath>,
    },
    /// There is a value at this path, and it is not null.
    Required {
        /// Where.
        field: FieldPath,
    },
    /// The value at this path is of one of these types, null, or missing.
    Type {
        /// Where.
        field: FieldPath,
        /// What it may be.
        types: Vec<JsonType>,
    },
    /// All of these are required, and they are unique together.
    Key {
        /// Where the values lie.
        fields: Vec<FieldPath>,
    },
    /// The document passes this filter. It looks at the document alone.
    Check {
        /// The filter.
        filter: Expr,
    },
}

/// A type of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JsonType {
    /// Text.
    String,
    /// A number without fraction: `1` and `1.0`, not `1.5`.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl ConstraintMeta {
    /// A constraint with its [default name](Self::default_name).
    pub fn new(collection: &str, kind: ConstraintKind) -> Self {
        Self {
            name: Self::default_name(collection, &kind),
            kind,
        }
    }

    /// The name for a constraint of `collection`: readable, deterministic, at most
    /// [`IndexMeta::MAX_NAME`] bytes, and different for different inputs, because it ends in a hash of
    /// the exact input.
    pub fn default_name(collection: &str, kind: &ConstraintKind) -> String {
        let exact = serde_json::to_string(kind).unwrap_or_default();
        let fields = kind.fields();
        meta::name_of(kind.rule().prefix(), collection, &fields, &exact)
    }

    /// The longest name, in bytes.
    pub const MAX_NAME: usize = IndexMeta::MAX_NAME;
}

impl ConstraintKind {
    /// Which rule it is.
    pub fn rule(&self) -> ConstraintRule {
        match self {
            Self::Unique { .. } => ConstraintRule::Unique,
            Self::Required { .. } => ConstraintRule::Required,
            Self::Type { .. } => ConstraintRule::Type,
            Self::Key { .. } => ConstraintRule::Key,
            Self::Check { .. } => ConstraintRule::Check,
        }
    }

    /// The fields it looks at, each once, in order.
    pub fn fields(&self) -> Vec<&FieldPath> {
        match self {
            Self::Unique { fields } | Self::Key { fields } => fields.iter().collect(),
            Self::Required { field } | Self::Type { field, .. } => vec![field],
            Self::Check { filter } => {
                let mut found = Vec::new();
                collect_fields(filter, &mut found);
                found
            }
        }
    }
}

fn collect_fields<'a>(expr: &'a Expr, found: &mut Vec<&'a FieldPath>) {
    // What is asked of an element is asked of the array, which is named beside it.
    if let Expr::Field(field) | Expr::Exists(field) = expr
        && field.root == Root::Document
        && !found.contains(&&field.path)
    {
        found.push(&field.path);
    }
    expr.parts().for_each(|it| collect_fields(it, found));
}

impl ConstraintRule {
    /// The word for it: `unique`, `required`, `type`, `key`, `check`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Required => "required",
            Self::Type => "type",
            Self::Key => "key",
            Self::Check => "check",
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Unique => "uq",
            Self::Required => "rq",
            Self::Type => "ty",
            Self::Key => "ky",
            Self::Check => "ck",
        }
    }
}

impl JsonType {
    /// The word for it, as JSON Schema has it: `string`, `integer`, `number`, `boolean`, `array`,
    /// `object`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// What a field of this type holds.
    pub const fn kind(self) -> FieldKind {
        match self {
            Self::String => FieldKind::Text,
            Self::Integer | Self::Number => FieldKind::Number,
            Self::Bool => FieldKind::Bool,
            Self::Array => FieldKind::Array,
            Self::Object => FieldKind::Object,
        }
    }
}
