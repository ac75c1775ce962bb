//! Random documents, and the indexes they are stored under.

use std::{collections::BTreeMap, fmt};

use den_backend::{
    Backend, CollectionMeta, Direction, Expectation, Expr, FieldKind, FieldMeta, FieldPath,
    IndexKind, IndexMeta, OnRefusal, Put, Value,
};
use proptest::{collection, prelude::*, sample::select};

use super::values;

/// A document that is not stored yet.
#[derive(Clone, PartialEq)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) fields: BTreeMap<String, Value>,
}

/// When the indexes are made: each is a column, an expression or a table of its own, depending on
/// whether rows were there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Nothing is declared.
    Bare,
    /// Before the first document.
    Early,
    /// After the last document.
    Late,
    /// Every other one before, the others after.
    Mixed,
}

/// The collection that is asked.
pub(super) const THINGS: &str = "things";

/// The collection that links lead to, beside the one that is asked. It holds the same documents,
/// under indexes made at another time.
pub(super) const LINKED: &str = "linked";

/// The declared fields, each with an index of its own.
pub(super) const DECLARED: &[(&[&str], FieldKind)] = &[
    (&["text"], FieldKind::Text),
    (&["number"], FieldKind::Number),
    (&["flag"], FieldKind::Bool),
    (&["tags"], FieldKind::Array),
    (&["nested", "city"], FieldKind::Text),
    (&["nested", "deep", "n"], FieldKind::Number),
    (&["nested", "list"], FieldKind::Array),
    (&["US Gross"], FieldKind::Number),
    (&["a.b"], FieldKind::Text),
    (&["\""], FieldKind::Text),
    (&["\\"], FieldKind::Number),
    (&["0"], FieldKind::Text),
];

const IDS: &[&str] = &[
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "A",
    "B",
    "1",
    "10",
    "9",
    "é",
    "É",
    "😀",
    "\u{ffff}",
    "it's",
    "a b",
    "%",
    "_",
    "\"",
    "\\",
    "zebra",
    "Zebra",
    "01J9ZZZZZZZZZZZZZZZZZZZZZZ",
    "id",
    "null",
    "true",
    "-1",
];

/// The text of such a document.
impl Document {
    pub(super) fn body(&self) -> Vec<u8> {
        let mut fields = self.fields.clone();
        fields.insert("_id".to_owned(), Value::from(self.id.as_str()));
        Value::Object(fields).to_string().into_bytes()
    }
}

pub(super) fn documents() -> BoxedStrategy<Vec<Document>> {
    let all = collection::vec((select(IDS), collection::vec(entry(), 0..30)), 0..28);
    all.prop_map(|all| {
        let by_id: BTreeMap<&str, Vec<(String, Value)>> = all.into_iter().collect();
        let of = |(id, fields): (&str, Vec<_>)| Document {
            id: id.to_owned(),
            fields: fields.into_iter().collect(),
        };
        by_id.into_iter().map(of).collect()
    })
    .boxed()
}

/// One field: mostly of the kind it is declared with, sometimes of any other.
fn entry() -> BoxedStrategy<(String, Value)> {
    let text = || values::text().prop_map(Value::Text).boxed();
    let flag = || any::<bool>().prop_map(Value::Bool).boxed();
    prop_oneof![
        4 => named("text", text()),
        4 => named("number", values::number()),
        2 => named("flag", flag()),
        3 => named("tags", values::array()),
        4 => named("nested", nested()),
        2 => named("US Gross", values::number()),
        1 => named("a.b", text()),
        1 => named("\"", text()),
        1 => named("\\", values::number()),
        1 => named("0", text()),
        2 => named("kind", text()),
        2 => named("rank", values::number()),
        3 => named("any", values::value()),
        2 => named("free", prop_oneof![9 => text(), 1 => values::long_text()].boxed()),
        2 => named("count", values::number()),
        3 => named("items", values::array()),
        2 => named("map", values::object()),
        2 => named("at", values::time().prop_map(Value::Text).boxed()),
        1 => named("_rev", text()),
        1 => (select(values::KEYS), values::value()).prop_map(|(key, it)| (key.to_owned(), it)),
    ]
    .boxed()
}

fn named(key: &'static str, fitting: BoxedStrategy<Value>) -> BoxedStrategy<(String, Value)> {
    let value = prop_oneof![5 => fitting, 1 => values::value()];
    value.prop_map(move |it| (key.to_owned(), it)).boxed()
}

fn nested() -> BoxedStrategy<Value> {
    let deep =
        values::number().prop_map(|it| Value::Object([("n".to_owned(), it)].into_iter().collect()));
    let entry = prop_oneof![
        3 => named("city", values::text().prop_map(Value::Text).boxed()),
        2 => named("deep", deep.boxed()),
        2 => named("list", values::array()),
        1 => named("other", values::value()),
    ];
    collection::vec(entry, 0..4)
        .prop_map(|entries| Value::Object(entries.into_iter().collect()))
        .boxed()
}

impl Layout {
    pub(super) const ALL: [Self; 4] = [Self::Bare, Self::Early, Self::Late, Self::Mixed];

    /// The one after it.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Bare => Self::Early,
            Self::Early => Self::Late,
            Self::Late => Self::Mixed,
            Self::Mixed => Self::Bare,
        }
    }

    /// Makes the collection and stores the documents in it.
    pub(super) async fn store(
        self,
        backend: &dyn Backend,
        collection: &str,
        documents: &[Document],
    ) -> den_backend::Result<()> {
        let full = meta(collection);
        let early = |at: usize| match self {
            Self::Bare | Self::Late => false,
            Self::Early => true,
            Self::Mixed => at.is_multiple_of(2),
        };
        let mut first = CollectionMeta::new(collection);
        if self != Self::Bare {
            first.fields = full.fields.clone();
        }
        let at_first = full.indexes.iter().enumerate().filter(|(at, _)| early(*at));
        first.indexes = at_first.map(|(_, it)| it.clone()).collect();
        backend.ensure_collection(&first).await?;
        put_all(backend, collection, documents).await?;
        match self {
            Self::Bare | Self::Early => Ok(()),
            Self::Late | Self::Mixed => backend.ensure_collection(&full).await,
        }
    }
}

async fn put_all(
    backend: &dyn Backend,
    collection: &str,
    documents: &[Document],
) -> den_backend::Result<()> {
    let bodies: Vec<Vec<u8>> = documents.iter().map(Document::body).collect();
    let puts: Vec<Put<'_>> = documents
        .iter()
        .zip(&bodies)
        .map(|(it, body)| Put {
            id: &it.id,
            body,
            expect: Expectation::Any,
        })
        .collect();
    backend
        .put_many(collection, &puts, OnRefusal::Abort)
        .await?;
    Ok(())
}

/// The collection with every index: one over each declared field, and some over several.
fn meta(collection: &str) -> CollectionMeta {
    let fields = DECLARED.iter().map(|(path, kind)| field(path, *kind));
    let singles = fields.clone().map(|it| vec![(it, Direction::Asc)]);
    let several = [
        vec![
            (field(&["kind"], FieldKind::Text), Direction::Asc),
            (field(&["rank"], FieldKind::Number), Direction::Desc),
        ],
        vec![
            (field(&["flag"], FieldKind::Bool), Direction::Asc),
            (field(&["text"], FieldKind::Text), Direction::Asc),
            (field(&["number"], FieldKind::Number), Direction::Asc),
        ],
    ];
    CollectionMeta {
        name: collection.to_owned(),
        fields: fields.collect(),
        indexes: singles
            .chain(several)
            .map(|it| index(collection, it))
            .collect(),
    }
}

fn field(path: &[&str], kind: FieldKind) -> FieldMeta {
    FieldMeta {
        path: FieldPath::from_segments(path.iter().copied()).unwrap(),
        kind,
    }
}

fn index(collection: &str, fields: Vec<(FieldMeta, Direction)>) -> IndexMeta {
    let kind = match fields.as_slice() {
        [(only, _)] if only.kind == FieldKind::Array => IndexKind::Members,
        _ => IndexKind::Plain,
    };
    let paths: Vec<&FieldPath> = fields.iter().map(|(it, _)| &it.path).collect();
    IndexMeta {
        name: IndexMeta::default_name(collection, kind, &paths),
        fields,
        kind,
        filter: Expr::always(),
        search: None,
    }
}

impl fmt::Debug for Document {
    /// Writes the JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.body()))
    }
}
