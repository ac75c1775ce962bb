//! What the derives make of hooks, rules and mixins.
#![deny(
    missing_docs,
    unreachable_pub,
    unused,
    missing_debug_implementations,
    unused_qualifications
)]

use den::{__private::Schema, CollectionMeta, Expr, prelude::*};
use den_backend::IndexKind;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document, validator::Validate)]
#[den(
    hooks,
    validate,
    unique(fields("name", "kind")),
    index(fields("_deleted_at", "name"))
)]
struct Full {
    #[serde(flatten)]
    base: Base<Self>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[serde(skip)]
    tracked: Tracked,
    #[validate(length(min = 3))]
    name: String,
    kind: u8,
    #[den(unique)]
    sku: String,
    #[den(unique(name = "codes", with_deleted))]
    code: String,
    #[den(index)]
    price: f64,
    part: Part,
    #[den(index)]
    tags: Vec<Link<Plain>>,
    #[den(index)]
    owner: Option<Link<Plain>>,
    #[den(index_together = "g")]
    first: Link<Plain>,
    #[den(index_together = "g")]
    second: bool,
}

impl Hooks for Full {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.name.push('!');
        Ok(())
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
struct Part {
    #[den(unique)]
    number: u8,
    #[den(unique(with_deleted))]
    serial: u8,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
struct Plain {
    #[serde(flatten)]
    base: Base<Self>,
    #[den(unique)]
    name: String,
}

fn meta<D: Document>() -> CollectionMeta {
    let mut schema = Schema::default();
    D::describe(&mut schema);
    schema.into_meta(D::COLLECTION)
}

#[test]
fn what_is_asked_for_is_known_at_compile_time() {
    const {
        assert!(Full::HOOKS && Full::VALIDATED && Full::SOFT_DELETE && Full::TRACKED);
        assert!(!Plain::HOOKS && !Plain::VALIDATED && !Plain::SOFT_DELETE && !Plain::TRACKED);
    }
    let mut full = Full::default();
    assert!(full.__backup().is_some() && full.__validate().is_err());
    full.name = "abc".to_owned();
    assert!(full.__validate().is_ok());
    full.__deletion_mut().unwrap().deleted_by = Some("me".to_owned());
    assert_eq!(full.__deletion(), Some(&full.deletion));
    assert_eq!(full.deletion.deleted_by.as_deref(), Some("me"));
    assert_eq!(full.__tracked_mut(), Some(&mut Tracked::default()));
    assert_eq!(full.__tracked(), Some(&full.tracked));

    let mut plain = Plain::default();
    assert!(plain.__backup().is_none() && plain.__validate().is_ok());
    assert!(plain.__deletion().is_none() && plain.__deletion_mut().is_none());
    assert!(plain.__tracked().is_none() && plain.__tracked_mut().is_none());
}

#[test]
fn the_marks_of_deletion_have_handles() {
    let f = Full::fields();
    assert_eq!(f.deletion.deleted_at.path().segments(), ["_deleted_at"]);
    assert_eq!(f.deletion.deleted_by.path().segments(), ["_deleted_by"]);
    let filter = f.deletion.deleted_at.is_not_null() & f.deletion.delete_reason.contains("x");
    let _ = filter;
}

#[test]
fn unique_indexes_count_live_documents_only() {
    let meta = meta::<Full>();
    let of = |path: &[&str]| {
        let paths = |it: &den_backend::IndexMeta| -> Vec<String> {
            it.fields
                .iter()
                .map(|(it, _)| it.path.to_string())
                .collect()
        };
        let index = meta.indexes.iter().find(|it| paths(it) == path);
        let index = index.unwrap_or_else(|| panic!("{path:?}"));
        (index.kind, index.filter != Expr::always())
    };
    assert_eq!(of(&["sku"]), (IndexKind::Unique, true));
    assert_eq!(of(&["name", "kind"]), (IndexKind::Unique, true));
    assert_eq!(of(&["part.number"]), (IndexKind::Unique, true));
    assert_eq!(of(&["code"]), (IndexKind::Unique, false));
    assert_eq!(of(&["part.serial"]), (IndexKind::Unique, false));
    assert_eq!(of(&["price"]), (IndexKind::Plain, false));
    assert_eq!(of(&["_deleted_at", "name"]), (IndexKind::Plain, false));
    assert_eq!(of(&["tags"]), (IndexKind::Members, false));
    assert_eq!(of(&["owner"]), (IndexKind::Plain, false));
    assert_eq!(of(&["first", "second"]), (IndexKind::Plain, false));

    let plain = self::meta::<Plain>();
    assert_eq!(plain.indexes[0].filter, Expr::always());
}
