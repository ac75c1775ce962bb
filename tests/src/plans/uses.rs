//! What each kind of index is for.

use den::{CollectionMeta, Db, Document as _, Explain, FieldPath, Result, field};
use den_backend::{
    Backend, CompareOp, Direction, ExplainMode, Expr, Field, FieldKind, Query, Seek, Sort, Value,
};
use futures_util::future::BoxFuture;

use super::plants::Plant;
use crate::harness::Engine;

/// One use of an index.
pub(super) struct Use {
    pub(super) name: &'static str,
    /// The fields of the index.
    fields: &'static [&'static str],
    pub(super) order: Order,
    pub(super) explain: for<'a> fn(&'a Db, &'a dyn Backend) -> BoxFuture<'a, Result<Explain>>,
}

/// Where the order of the rows comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It does not matter.
    Any,
    /// The index has it, so that nothing is sorted.
    OfTheIndex,
}

impl Use {
    /// The name of the index in a plan.
    pub(super) fn index_name(&self, meta: &CollectionMeta, engine: Engine) -> String {
        if self.fields == ["_id"] {
            return match engine {
                Engine::Memory => String::new(),
                Engine::Sqlite => "sqlite_autoindex_plants_1".to_owned(),
                Engine::Postgres => "plants_pkey".to_owned(),
            };
        }
        // The side table of the members is kept in the order of its key.
        if self.fields == ["tags"] && engine == Engine::Sqlite {
            return "SEARCH m USING PRIMARY KEY (kind=? AND value=?)".to_owned();
        }
        let wanted: Vec<FieldPath> = self.fields.iter().map(|it| path(it)).collect();
        let index = meta.indexes.iter().find(|it| {
            let paths = it.fields.iter().map(|(field, _)| &field.path);
            paths.eq(&wanted)
        });
        index.expect("the index is declared").name.clone()
    }
}

/// The plan of a typed query.
macro_rules! typed {
    ($name:literal, $fields:expr, $order:ident, |$q:ident, $p:ident| $query:expr) => {
        Use {
            name: $name,
            fields: &$fields,
            order: Order::$order,
            explain: |db, _| {
                let ($q, $p) = (Plant::query(db), Plant::fields());
                Box::pin($query.explain())
            },
        }
    };
}

/// The plan of a page behind some position, forwards or back.
macro_rules! page {
    ($name:literal, $fields:expr, $query:expr) => {
        Use {
            name: $name,
            fields: &$fields,
            order: Order::OfTheIndex,
            explain: |_, backend| {
                Box::pin(async move { backend.explain(&$query, ExplainMode::Plan).await })
            },
        }
    };
}

/// Every use.
pub(super) const USES: &[Use] = &[
    typed!("text equals", ["name"], Any, |q, p| q
        .filter(p.name.eq("plant 00077"))),
    typed!("number equals", ["height"], Any, |q, p| q
        .filter(p.height.eq(77))),
    typed!("float equals", ["weight"], Any, |q, p| q
        .filter(p.weight.eq(76.0))),
    typed!("bool equals", ["is_rare"], Any, |q, p| q
        .filter(p.is_rare.eq(true))),
    typed!("unique equals", ["code"], Any, |q, p| q
        .filter(p.code.eq("p-77"))),
    typed!("nested equals", ["origin.city"], Any, |q, p| q
        .filter(p.origin.city.eq("city 77"))),
    typed!("text range", ["name"], Any, |q, p| {
        q.filter(p.name.between("plant 00077", "plant 00099"))
    }),
    typed!("number range", ["height"], Any, |q, p| q
        .filter(p.height.between(77, 99))),
    typed!("half a number range", ["height"], Any, |q, p| q
        .filter(p.height.lt(99))),
    typed!("float range", ["weight"], Any, |q, p| q
        .filter(p.weight.gt(19_950.0))),
    typed!("prefix", ["name"], Any, |q, p| q
        .filter(p.name.starts_with("plant 0007"))),
    typed!("text set", ["name"], Any, |q, p| {
        q.filter(p.name.is_in(["plant 00077", "plant 00078", "plant 00079"]))
    }),
    typed!("number set", ["height"], Any, |q, p| q
        .filter(p.height.is_in([77, 78, 79]))),
    typed!("long number set", ["height"], Any, |q, p| q
        .filter(p.height.is_in(0..60))),
    typed!("nested set", ["origin.city"], Any, |q, p| {
        q.filter(p.origin.city.is_in(["city 7", "city 8"]))
    }),
    typed!("array member", ["tags"], Any, |q, p| q
        .filter(p.tags.contains("tag 77"))),
    typed!("several array members", ["tags"], Any, |q, p| {
        q.filter(p.tags.contains_all(["tag 77", "green"]))
    }),
    typed!("text sort", ["name"], OfTheIndex, |q, p| q
        .sort(p.name.asc())
        .limit(10)),
    typed!("text sort down", ["name"], OfTheIndex, |q, p| q
        .sort(p.name.desc())
        .limit(10)),
    typed!("number sort", ["height"], OfTheIndex, |q, p| q
        .sort(p.height.asc())
        .limit(10)),
    typed!("number sort down", ["height"], OfTheIndex, |q, p| q
        .sort(p.height.desc())
        .limit(10)),
    typed!("nullable sort", ["weight"], OfTheIndex, |q, p| q
        .sort(p.weight.asc())
        .limit(10)),
    typed!("nullable sort down", ["weight"], OfTheIndex, |q, p| q
        .sort(p.weight.desc())
        .limit(10)),
    typed!("nested sort", ["origin.city"], OfTheIndex, |q, p| {
        q.sort(p.origin.city.asc()).limit(10)
    }),
    typed!("range with its sort", ["height"], OfTheIndex, |q, p| {
        q.filter(p.height.gt(10_000)).sort(p.height.asc()).limit(10)
    }),
    typed!("prefix with its sort", ["name"], OfTheIndex, |q, p| {
        q.filter(p.name.starts_with("plant 0"))
            .sort(p.name.asc())
            .limit(10)
    }),
    typed!(
        "composite equals and range",
        ["family", "height"],
        Any,
        |q, p| { q.filter(p.family.eq("family 07") & p.height.between(100, 2000)) }
    ),
    typed!(
        "composite equals and sort",
        ["family", "height"],
        OfTheIndex,
        |q, p| {
            q.filter(p.family.eq("family 07"))
                .sort(p.height.desc())
                .limit(10)
        }
    ),
    typed!(
        "composite sort",
        ["family", "height"],
        OfTheIndex,
        |q, p| { q.sort(p.family.asc()).sort(p.height.desc()).limit(10) }
    ),
    Use {
        name: "id range",
        fields: &["_id"],
        order: Order::OfTheIndex,
        explain: |db, _| {
            let query = db.collection("plants").query().filter(field("_id").gt(ID));
            Box::pin(query.limit(10).explain())
        },
    },
    page!("page by id", ["_id"], by(&[], ID)),
    page!("page back by id", ["_id"], by(&[], ID).reversed()),
    page!("page by text", ["name"], by(&[NAME], ID)),
    page!("page back by text", ["name"], by(&[NAME], ID).reversed()),
    page!("page by number", ["height"], by(&[HEIGHT], ID)),
    page!(
        "page back by number",
        ["height"],
        by(&[HEIGHT], ID).reversed()
    ),
    page!("page by nested", ["origin.city"], by(&[CITY], ID)),
    page!(
        "page back by nested",
        ["origin.city"],
        by(&[CITY], ID).reversed()
    ),
    page!("page by nullable", ["weight"], by(&[WEIGHT], ID)),
    page!(
        "page back by nullable",
        ["weight"],
        by(&[WEIGHT], ID).reversed()
    ),
    page!("page behind null", ["weight"], by(&[NO_WEIGHT], ID)),
    page!(
        "page by two",
        ["family", "height"],
        by(&[FAMILY, HEIGHT_DOWN], ID)
    ),
    page!(
        "page back by two",
        ["family", "height"],
        by(&[FAMILY, HEIGHT_DOWN], ID).reversed()
    ),
    page!(
        "page within a family",
        ["family", "height"],
        in_family(by(&[HEIGHT_DOWN], ID))
    ),
];

/// A key of an order, and a value in the middle of it.
type Key = (&'static str, FieldKind, Direction, fn() -> Value);

const NAME: Key = ("name", FieldKind::Text, Direction::Asc, || {
    "plant 10000".into()
});
const HEIGHT: Key = ("height", FieldKind::Number, Direction::Asc, || {
    Value::Int(10_000)
});
const HEIGHT_DOWN: Key = ("height", FieldKind::Number, Direction::Desc, || {
    Value::Int(10_000)
});
const CITY: Key = ("origin.city", FieldKind::Text, Direction::Asc, || {
    "city 500".into()
});
const WEIGHT: Key = ("weight", FieldKind::Number, Direction::Asc, || {
    Value::Float(1e4)
});
const NO_WEIGHT: Key = ("weight", FieldKind::Number, Direction::Asc, || Value::Null);
const FAMILY: Key = ("family", FieldKind::Text, Direction::Asc, || {
    "family 20".into()
});
const ID: &str = "10000";

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).unwrap()
}

/// A page of 20 in this order.
fn by(keys: &[Key], id: &str) -> Query {
    let sort = |(key, kind, direction, _): &Key| Sort {
        key: Expr::Field(Field::document(path(key), *kind)),
        direction: *direction,
        nulls: direction.default_nulls(),
    };
    let last = keys.last().map_or(Direction::Asc, |it| it.2);
    Query {
        sort: keys.iter().map(sort).collect(),
        id_direction: last,
        seek: Some(Seek {
            keys: keys.iter().map(|it| it.3()).collect(),
            id: id.to_owned(),
        }),
        limit: Some(20),
        ..Query::new("plants")
    }
}

fn in_family(query: Query) -> Query {
    let family = Expr::Field(Field::document(path("family"), FieldKind::Text));
    Query {
        filter: Expr::compare(CompareOp::Eq, family, Expr::Value("family 20".into())),
        ..query
    }
}
