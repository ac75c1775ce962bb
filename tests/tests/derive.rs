//! What the derives make of serde's attributes and of types: the handles lie where serde puts the values.
#![deny(
    missing_docs,
    unreachable_pub,
    unused,
    missing_debug_implementations,
    unused_qualifications
)]

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
};

use den::{FieldKind, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "camelCase")]
struct Address {
    #[den(index)]
    street_name: String,
    #[serde(rename = "zip code")]
    zip: Option<String>,
    geo: Geo,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Geo {
    lat: f64,
    lon: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Sku(String);

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(transparent)]
struct Cents {
    amount: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, Embedded)]
enum Status {
    #[default]
    Open,
    Closed,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(tag = "type")]
enum Event {
    Made { by: String },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Node {
    label: String,
    next: Option<Box<Node>>,
    children: Vec<Node>,
}

/// Stored as a number by a function.
fn yes<S: serde::Serializer>(_: &bool, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u8(1)
}

fn read<'de, D: serde::Deserializer<'de>>(input: D) -> Result<bool, D::Error> {
    Ok(u8::deserialize(input)? == 1)
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[den(
    revision,
    index(fields("THE-NAME", desc("HOME.zip code"))),
    unique(fields("a.b", "_id"), name = "both")
)]
struct Thing {
    #[serde(flatten)]
    base: Base<Thing>,
    the_name: String,
    #[serde(rename = "a.b")]
    odd: Option<i64>,
    r#type: Cow<'static, str>,
    home: Address,
    other_home: Option<Box<Address>>,
    #[serde(flatten)]
    place: Geo,
    #[serde(skip)]
    cache: HashMap<String, u8>,
    #[serde(serialize_with = "yes", deserialize_with = "read")]
    #[den(kind = "number", index)]
    flag: bool,
    #[den(unique)]
    sku: Sku,
    price: Option<Cents>,
    #[den(index)]
    status: Option<Status>,
    event: Option<Event>,
    #[den(index)]
    tags: HashSet<String>,
    counts: BTreeMap<String, i64>,
    tree: Node,
    free: Json,
    parent: Option<Id<Thing>>,
    when: Option<Timestamp>,
    next: Option<Box<Thing>>,
    pair: (u8, String),
    #[den(index_together = "g")]
    x: u8,
    #[den(index_together = "g", kind = "number")]
    y: Option<std::num::NonZeroU8>,
    #[serde(flatten)]
    rest: HashMap<String, Json>,
}

#[test]
fn handles_lie_where_serde_puts_the_values() {
    let p = Thing::fields();
    for (path, expected) in [
        (p.base.id.path(), vec!["_id"]),
        (p.base.created_at.path(), vec!["_created_at"]),
        (p.the_name.path(), vec!["THE-NAME"]),
        (p.odd.path(), vec!["a.b"]),
        (p.r#type.path(), vec!["TYPE"]),
        (p.home.street_name.path(), vec!["HOME", "streetName"]),
        (p.home.zip.path(), vec!["HOME", "zip code"]),
        (p.home.geo.lat.path(), vec!["HOME", "geo", "lat"]),
        (
            p.other_home.geo.lon.path(),
            vec!["OTHER-HOME", "geo", "lon"],
        ),
        (p.place.lat.path(), vec!["lat"]),
        (p.tree.next.path(), vec!["TREE", "next"]),
    ] {
        assert_eq!(path.segments(), expected);
    }
    for (kind, expected) in [
        (p.the_name.kind(), FieldKind::Text),
        (p.r#type.kind(), FieldKind::Text),
        (p.odd.kind(), FieldKind::Number),
        (p.flag.kind(), FieldKind::Number),
        (p.sku.kind(), FieldKind::Text),
        (p.price.kind(), FieldKind::Number),
        (p.status.kind(), FieldKind::Text),
        (p.event.kind(), FieldKind::Object),
        (p.tags.kind(), FieldKind::Array),
        (p.counts.kind(), FieldKind::Object),
        (p.tree.next.kind(), FieldKind::Object),
        (p.tree.children.kind(), FieldKind::Array),
        (p.free.kind(), FieldKind::Any),
        (p.parent.kind(), FieldKind::Text),
        (p.when.kind(), FieldKind::Text),
        (p.next.kind(), FieldKind::Object),
        (p.pair.kind(), FieldKind::Array),
    ] {
        assert_eq!(kind, expected);
    }
}

#[test]
fn handles_take_values_of_the_field() {
    let p = Thing::fields();
    let filters = [
        p.the_name.eq("x"),
        p.r#type.starts_with("x"),
        p.odd.is_null(),
        p.sku.eq(Sku("x".into())),
        p.status.eq(Status::Open),
        p.status.is_not_null(),
        p.price.eq(Cents { amount: 1 }),
        p.tags.contains("x"),
        p.counts.has_key("x"),
        p.flag.eq(json!(1)),
        p.parent.eq("id"),
        p.home.geo.lat.gt(1.0),
        p.other_home.zip.is_null(),
        p.tree.children.any_element(|it| it.label.eq("x")),
    ];
    assert_eq!(filters.len(), 14);
}

#[test]
fn every_handle_finds_the_value_serde_wrote() {
    let thing = Thing {
        odd: Some(1),
        other_home: Some(Box::default()),
        ..Thing::default()
    };
    assert!(thing.cache.is_empty());
    let json = serde_json::to_value(&thing).unwrap();
    let p = Thing::fields();
    for path in [
        p.base.id.path(),
        p.the_name.path(),
        p.odd.path(),
        p.r#type.path(),
        p.home.street_name.path(),
        p.home.zip.path(),
        p.other_home.geo.lon.path(),
        p.place.lat.path(),
        p.flag.path(),
        p.sku.path(),
        p.tags.path(),
        p.pair.path(),
        p.x.path(),
    ] {
        let found = path
            .segments()
            .iter()
            .try_fold(&json, |json, key| json.get(key));
        assert!(found.is_some(), "{path} in {json}");
    }
}
