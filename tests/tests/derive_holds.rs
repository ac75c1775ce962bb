//! Where the derives find links and attachments.
#![deny(
    missing_docs,
    unreachable_pub,
    unused,
    missing_debug_implementations,
    unused_qualifications
)]
#![expect(
    clippy::mutable_key_type,
    reason = "a set of links is ordered by their ids"
)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use den::{
    __private::{Holds, LinkMeta, Step, Trail},
    OnDelete,
    prelude::*,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
struct Maker {
    #[serde(flatten)]
    base: Base<Maker>,
    name: String,
    parent: Option<Link<Self>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[den(on_delete = "restrict", index)]
    made_by: Link<Maker>,
    amount: u8,
}

/// A name for a link, stored as one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct MakerRef(Link<Maker>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Block {
    Rule,
    ByMaker(Link<Maker>),
    Pair(u8, Line),
    #[serde(rename = "pic")]
    Picture {
        #[den(eager)]
        taken_by: Option<Link<Maker>>,
    },
    Nested(Box<Section>),
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct Section {
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Embedded)]
#[serde(tag = "type", content = "with")]
enum Tagged {
    Maker(MakerRef),
    Many { makers: Vec<Link<Maker>> },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct More {
    #[serde(rename = "more maker")]
    maker: Option<Link<Maker>>,
}

mod as_it_is {
    use super::*;

    pub(crate) fn serialize<S: serde::Serializer>(
        it: &Link<Maker>,
        s: S,
    ) -> Result<S::Ok, S::Error> {
        it.serialize(s)
    }

    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        d: D,
    ) -> Result<Link<Maker>, D::Error> {
        Link::deserialize(d)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
struct Product {
    #[serde(flatten)]
    base: Base<Product>,
    #[den(eager, index, on_delete = "cascade")]
    maker: Link<Maker>,
    #[den(on_delete = "set_null")]
    seller: Option<Link<Maker>>,
    #[den(owned, index, on_delete = "set_null")]
    tags: Vec<Link<Maker>>,
    lines: Vec<Line>,
    #[den(eager, on_delete = "restrict")]
    named: Option<MakerRef>,
    body: Section,
    tagged: Vec<Tagged>,
    #[serde(flatten)]
    more: More,
    by_name: HashMap<String, Link<Maker>>,
    set: BTreeSet<Link<Maker>>,
    pair: (String, Link<Maker>),
    #[serde(with = "as_it_is")]
    foreign: Link<Maker>,
    #[serde(skip)]
    cache: Vec<Link<Maker>>,
    variants: Vec<Product>,
    next: Option<Box<Self>>,
}

/// Nothing in it is of interest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
struct Plain {
    #[serde(flatten)]
    base: Base<Plain>,
    children: Vec<Plain>,
    left: Option<Box<Plain>>,
    right: Option<Box<Plain>>,
    counts: BTreeMap<String, u8>,
    #[den(kind = "object")]
    elsewhere: std::time::Duration,
}

fn to(id: &str) -> Link<Maker> {
    Link::to_id(id)
}

fn full() -> Product {
    Product {
        maker: to("maker"),
        seller: Some(to("seller")),
        tags: vec![to("tag0"), to("tag1")],
        lines: vec![Line {
            made_by: to("line"),
            amount: 1,
        }],
        named: Some(MakerRef(to("named"))),
        body: Section {
            blocks: vec![
                Block::Rule,
                Block::ByMaker(to("by")),
                Block::Pair(
                    1,
                    Line {
                        made_by: to("pair"),
                        amount: 1,
                    },
                ),
                Block::Picture {
                    taken_by: Some(to("pic")),
                },
                Block::Nested(Box::new(Section {
                    blocks: vec![Block::ByMaker(to("nested"))],
                })),
            ],
        },
        tagged: vec![
            Tagged::Maker(MakerRef(to("tagged"))),
            Tagged::Many {
                makers: vec![to("many")],
            },
        ],
        more: More {
            maker: Some(to("more")),
        },
        by_name: HashMap::from([("x".to_owned(), to("map"))]),
        set: BTreeSet::from([to("set")]),
        pair: (String::new(), to("tuple")),
        foreign: to("foreign"),
        next: Some(Box::new(Product {
            maker: to("next"),
            ..Product::default()
        })),
        ..Product::default()
    }
}

/// The steps as `a.b[].{}`.
fn text(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Element => text.push_str("[]"),
            Step::Entry => text.push_str("{}"),
        }
    }
    text
}

fn visited(product: &mut Product) -> Vec<(String, String)> {
    let mut visited = Vec::new();
    product.visit_links(&mut Trail::default(), &mut |trail, link| {
        visited.push((text(trail.steps()), link.id().to_owned()));
    });
    visited.retain(|(_, id)| !id.is_empty());
    visited
}

#[test]
fn types_tell_what_they_may_hold() {
    const {
        assert!(Product::LINKS && Product::EAGER && Product::OWNED && !Product::ATTACHMENTS);
        assert!(Section::LINKS && Section::EAGER && !Section::OWNED);
        assert!(Block::LINKS && Block::EAGER);
        assert!(Line::LINKS && !Line::EAGER);
        assert!(Tagged::LINKS && !Tagged::EAGER);
        assert!(!Plain::LINKS && !Plain::EAGER && !Plain::OWNED && !Plain::ATTACHMENTS);
        // A linked document is no part of its holder.
        assert!(Maker::LINKS && !Maker::EAGER);
    }
}

#[test]
fn links_are_visited_where_they_are_stored() {
    let mut product = full();
    let visited = visited(&mut product);
    let expected = [
        ("maker", "maker"),
        ("seller", "seller"),
        ("tags[]", "tag0"),
        ("tags[]", "tag1"),
        ("lines[].madeBy", "line"),
        ("named", "named"),
        ("body.blocks[].by_maker", "by"),
        ("body.blocks[].pair[].madeBy", "pair"),
        ("body.blocks[].pic.takenBy", "pic"),
        ("body.blocks[].nested.blocks[].by_maker", "nested"),
        ("tagged[].with", "tagged"),
        ("tagged[].with.makers[]", "many"),
        ("more maker", "more"),
        ("by_name{}", "map"),
        ("set[]", "set"),
        ("pair[]", "tuple"),
        ("foreign", "foreign"),
        ("next.maker", "next"),
    ];
    assert_eq!(
        visited,
        expected.map(|(way, id)| (way.to_owned(), id.to_owned()))
    );
    // Serde has put each where the way says.
    let stored = serde_json::to_value(&product).unwrap();
    for (way, id) in visited {
        let mut values = vec![&stored];
        for step in way.replace("[]", ".[]").replace("{}", ".[]").split('.') {
            values = values
                .into_iter()
                .flat_map(|it| match (step, it) {
                    ("[]", Json::Array(all)) => all.iter().collect::<Vec<_>>(),
                    ("[]", Json::Object(all)) => all.values().collect(),
                    (key, it) => it.get(key).into_iter().collect(),
                })
                .collect();
        }
        assert!(values.contains(&&json!(id)), "{id} at {way}");
    }
}

#[test]
fn links_are_described_with_their_rules() {
    let mut metas: Vec<LinkMeta> = Vec::new();
    Product::describe_links(&mut Trail::default(), &mut |it| metas.push(it));
    let found = |way: &str| -> &LinkMeta {
        let mut all = metas.iter().filter(|it| text(&it.steps) == way);
        let first = all.next().unwrap_or_else(|| panic!("{way}"));
        assert!(all.next().is_none(), "{way} twice");
        assert_eq!(first.target, "maker");
        first
    };
    for (way, eager, on_delete, owned, optional) in [
        ("maker", true, OnDelete::Cascade, false, false),
        ("seller", false, OnDelete::SetNull, false, true),
        ("tags[]", false, OnDelete::SetNull, true, false),
        ("lines[].madeBy", false, OnDelete::Restrict, false, false),
        ("named", true, OnDelete::Restrict, false, true),
        (
            "body.blocks[].by_maker",
            false,
            OnDelete::Ignore,
            false,
            false,
        ),
        (
            "body.blocks[].pair[].madeBy",
            false,
            OnDelete::Restrict,
            false,
            false,
        ),
        (
            "body.blocks[].pic.takenBy",
            true,
            OnDelete::Ignore,
            false,
            true,
        ),
        (
            "body.blocks[].nested.blocks[].by_maker",
            false,
            OnDelete::Ignore,
            false,
            false,
        ),
        ("tagged[].with", false, OnDelete::Ignore, false, false),
        (
            "tagged[].with.makers[]",
            false,
            OnDelete::Ignore,
            false,
            false,
        ),
        ("more maker", false, OnDelete::Ignore, false, true),
        ("by_name{}", false, OnDelete::Ignore, false, false),
        ("set[]", false, OnDelete::Ignore, false, false),
        ("variants[].seller", false, OnDelete::SetNull, false, true),
        (
            "next.variants[].maker",
            true,
            OnDelete::Cascade,
            false,
            false,
        ),
    ] {
        let meta = found(way);
        let rules = meta.rules;
        assert_eq!(
            (rules.eager, rules.on_delete, rules.owned, meta.optional),
            (eager, on_delete, owned, optional),
            "{way}"
        );
    }
    // What a function writes may lie anywhere.
    assert!(!metas.iter().any(|it| text(&it.steps) == "foreign"));
    let mut none = 0;
    Plain::describe_links(&mut Trail::default(), &mut |_| none += 1);
    assert_eq!(none, 0);
}

#[test]
fn links_are_taken_out_where_there_is_room_for_none() {
    let mut product = full();
    assert!(!product.remove_links(&mut |it| it.id() != "tag1"));
    assert_eq!(product.maker, to("maker"));
    assert_eq!(product.seller, None);
    assert_eq!(product.tags, [to("tag1")]);
    assert_eq!(product.lines.len(), 1);
    assert_eq!(product.named, None);
    assert_eq!(product.more.maker, None);
    assert!(product.by_name.is_empty() && product.set.is_empty());
    assert_eq!(product.body.blocks.len(), 5);
    assert_eq!(product.body.blocks[3], Block::Picture { taken_by: None });
    let Tagged::Many { makers } = &product.tagged[1] else {
        panic!("many")
    };
    assert!(makers.is_empty());
}

#[test]
fn a_document_as_deep_as_it_likes_is_visited() {
    let mut product = Product {
        maker: to("bottom"),
        ..Product::default()
    };
    for _ in 0..30 {
        product = Product {
            variants: vec![product],
            ..Product::default()
        };
    }
    let visited = visited(&mut product);
    assert_eq!(visited.len(), 1);
    assert_eq!(visited[0].1, "bottom");
}

#[test]
fn links_have_handles() {
    let p = Product::fields();
    assert_eq!(p.maker.path().segments(), ["maker"]);
    assert_eq!(p.named.path().segments(), ["named"]);
    assert_eq!(p.more.maker.path().segments(), ["more maker"]);
    let filters = [
        p.seller.is_null(),
        p.tags.is_empty(),
        p.lines.any_element(|it| it.amount.gt(1)),
        p.more.maker.is_not_null(),
    ];
    assert_eq!(filters.len(), 4);
    assert_eq!(p.tags.kind(), den::FieldKind::Array);
    assert_eq!(p.seller.kind(), den::FieldKind::Text);
}
