//! Differences that were found once, so that they do not come back.

use den_backend::{CompareOp, Expr, Field, FieldKind, FieldPath, Patch, Query, Returning, Value};

use super::{
    documents::{Document, Layout},
    queries::Case,
    search::Pair,
};
use crate::harness::TestDb;

/// One difference: what was stored, how, and what was asked.
pub(super) struct Kept {
    pub(super) name: &'static str,
    layouts: &'static [Layout],
    /// The fields of each document, as JSON; the ids are `a`, `b`, `c` and so on.
    documents: &'static [&'static str],
    query: fn() -> Query,
    patch: fn() -> Option<Patch>,
}

/// The table of them.
pub(super) const KEPT: &[Kept] = &[
    Kept {
        name: "the_smallest_integer_in_a_long_set",
        layouts: &Layout::ALL,
        documents: &[
            r#"{"number":-9223372036854775808,"count":-9223372036854775808}"#,
            r#"{"number":-9223372036854775808.0,"count":-9223372036854775808.0}"#,
            r#"{"number":-9223372036854775807}"#,
        ],
        query: || {
            let smallest = Value::Float(-9_223_372_036_854_775_808.0);
            let others = (0..30).map(Value::Int);
            filtered(Expr::In {
                operand: Box::new(field("number", FieldKind::Number)),
                values: others.chain([smallest]).collect(),
            })
        },
        patch: || None,
    },
    Kept {
        name: "the_smallest_integer_as_a_float",
        layouts: &Layout::ALL,
        documents: &[
            r#"{"any":[-9223372036854775808],"number":-9223372036854775808}"#,
            r#"{"any":[-9223372036854775808.0],"number":-9223372036854775808.0}"#,
        ],
        query: || {
            let smallest = Expr::Value(json("-9223372036854775808.0"));
            let first = Expr::compare(CompareOp::Eq, field("any.0", FieldKind::Any), smallest);
            let fields = (
                field("any.0", FieldKind::Any),
                field("number", FieldKind::Number),
            );
            filtered(first.and(Expr::compare(CompareOp::Eq, fields.0, fields.1)))
        },
        patch: || None,
    },
];

/// Compares the answers, with pages of each size and a delete.
pub(super) async fn check(on: &TestDb, kept: &Kept) {
    let ids = ('a'..='z').map(String::from);
    let documents: Vec<Document> = ids
        .zip(kept.documents)
        .map(|(id, fields)| Document {
            id,
            fields: serde_json::from_str(fields).unwrap(),
        })
        .collect();
    for layout in kept.layouts {
        let pair = Pair::new(on, *layout);
        for page in [None, Some(1), Some(2)] {
            let case = Case {
                query: (kept.query)(),
                page,
                delete: true,
                patch: (kept.patch)(),
                returning: Returning::New,
                groups: None,
            };
            if let Err(difference) = pair.check(&documents, case).await {
                panic!("{difference}");
            }
        }
    }
}

fn filtered(filter: Expr) -> Query {
    Query {
        filter,
        ..Query::new("")
    }
}

fn field(path: &str, kind: FieldKind) -> Expr {
    Expr::Field(Field::document(FieldPath::parse(path).unwrap(), kind))
}

/// A value, written as JSON.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}
