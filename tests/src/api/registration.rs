//! Registering document types: idempotent, per handle, safe for many at once.

use den::{ErrorKind, FieldKind, LockMode, prelude::*};
use futures_util::{StreamExt as _, future::join_all};
use serde::{Deserialize, Serialize};

use super::support::{Address, Item, Note, count, given_numbered, item, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(registering_again_changes_nothing),
    case!(one_type_or_several),
    case!(an_unregistered_type_is_told_what_to_write),
    case!(registration_is_per_handle),
    case!(two_types_cannot_claim_one_collection),
    case!(types_of_the_same_name_do_not_meet),
    case!(the_default_collection_is_the_type_name_in_lower_case),
    case!(collections_are_listed),
    case!(meta_tells_fields_and_indexes),
    case!(many_processes_register_at_once, except: [SqliteMemory]),
    case!(many_tasks_register_at_once),
    case!(a_unique_index_over_duplicates_is_refused),
    case!(an_index_that_became_unique_is_rebuilt),
    case!(an_index_over_other_fields_is_rebuilt),
    case!(fields_declared_later_find_old_rows),
    case!(registering_inside_a_transaction_is_refused),
];

async fn registering_again_changes_nothing(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    for _ in 0..3 {
        db.register::<(Item,)>().await.unwrap();
    }
    let indexes = on.backend.list_recorded_indexes("items").await.unwrap();
    assert_eq!(indexes.len(), db.meta::<Item>().unwrap().indexes.len());
    assert_eq!(count::<Item>(db).await, 3);
}

async fn one_type_or_several(on: &TestDb) {
    let db = &on.db;
    db.register::<Item>().await.unwrap();
    db.register::<(Note,)>().await.unwrap();
    db.register::<(Item, Note, Note)>().await.unwrap();
    item("a").save(db).await.unwrap();
    note("a").save(db).await.unwrap();
}

async fn an_unregistered_type_is_told_what_to_write(on: &TestDb) {
    let db = &on.db;
    let p = Item::fields();
    let mut it = item("a");
    it.base.id = Id::new("x");
    let tx = db.begin().await.unwrap();
    let errors = [
        it.insert(db).await.unwrap_err(),
        it.update(db).await.unwrap_err(),
        it.save(db).await.unwrap_err(),
        it.replace(db).await.unwrap_err(),
        it.refresh(db).await.unwrap_err(),
        it.delete(db).await.unwrap_err(),
        Item::insert_many(db, &mut [item("b")]).await.unwrap_err(),
        Item::save_all(db, &mut [item("b")]).await.unwrap_err(),
        Item::delete_all(db, &mut [it.clone()]).await.unwrap_err(),
        Item::get(db, "x").await.unwrap_err(),
        Item::find(db, "x").await.unwrap_err(),
        Item::get_many(db, ["x"]).await.unwrap_err(),
        Item::query(db).all().await.unwrap_err(),
        Item::query(db).first().await.unwrap_err(),
        Item::query(db).one().await.unwrap_err(),
        Item::query(db).count().await.unwrap_err(),
        Item::query(db).exists().await.unwrap_err(),
        Item::query(db).ids().await.unwrap_err(),
        Item::query(db).values(p.name).await.unwrap_err(),
        Item::query(db).all_with_count().await.unwrap_err(),
        Item::query(db)
            .page(PageRequest::first(1))
            .await
            .unwrap_err(),
        Item::query(db).all_rows().delete().await.unwrap_err(),
        Item::query(db).explain().await.unwrap_err(),
        Item::query(db).stream().next().await.unwrap().unwrap_err(),
        Item::query(db)
            .json_stream()
            .next()
            .await
            .unwrap()
            .unwrap_err(),
        tx.lock::<Item>("x", LockMode::Wait).await.unwrap_err(),
        db.meta::<Item>().unwrap_err(),
    ];
    tx.rollback().await.unwrap();
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotRegistered, "{error:?}");
        let text = error.to_string();
        assert!(text.contains("db.register::<(Item,)>().await?"), "{text}");
        assert!(text.contains("support::Item"), "{text}");
    }
    assert!(!it.base.is_stored());
    assert_eq!(it.base.updated_at, Timestamp::default());
}

async fn registration_is_per_handle(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    assert_eq!(count::<Item>(&db.clone()).await, 1);
    let other = on.another_handle().await;
    refused(Item::query(&other).count().await, ErrorKind::NotRegistered);
    // Untyped access needs no type, only the collection.
    assert_eq!(other.collection("items").query().count().await.unwrap(), 1);
}

mod rival {
    use super::*;

    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "items")]
    pub(super) struct Product {
        #[serde(flatten)]
        base: Base<Product>,
    }

    /// Its name is that of another type; its collection is not.
    #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
    #[den(collection = "rival notes")]
    pub(super) struct Note {
        #[serde(flatten)]
        pub(super) base: Base<Note>,
        #[den(unique)]
        pub(super) slug: Option<String>,
    }
}

async fn two_types_cannot_claim_one_collection(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let error = refused(
        db.register::<rival::Product>().await,
        ErrorKind::InvalidQuery,
    );
    let text = error.to_string();
    for part in [
        "support::Item",
        "rival::Product",
        "`items`",
        "#[den(collection",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(count::<Item>(db).await, 1);
    refused(
        rival::Product::query(db).count().await,
        ErrorKind::NotRegistered,
    );
}

async fn types_of_the_same_name_do_not_meet(on: &TestDb) {
    let db = on.with::<(Note, rival::Note)>().await;
    note("same").save(db).await.unwrap();
    let mut other = rival::Note {
        slug: Some("same".into()),
        ..Default::default()
    };
    other.save(db).await.unwrap();
    assert_eq!(count::<Note>(db).await, 1);
    assert_eq!(count::<rival::Note>(db).await, 1);
    let error = refused(note("same").save(db).await, ErrorKind::Duplicate);
    assert_eq!(error.collection(), Some("notes"));
}

async fn the_default_collection_is_the_type_name_in_lower_case(on: &TestDb) {
    #[derive(Debug, Default, Serialize, Deserialize, Document)]
    struct BlogPost {
        #[serde(flatten)]
        base: Base<BlogPost>,
    }
    let db = on.with::<BlogPost>().await;
    assert_eq!(BlogPost::COLLECTION, "blogpost");
    assert_eq!(db.collections().await.unwrap(), ["blogpost"]);
}

async fn collections_are_listed(on: &TestDb) {
    assert_eq!(on.db.collections().await.unwrap(), Vec::<String>::new());
    on.with::<(Note, Item)>().await;
    assert_eq!(on.db.collections().await.unwrap(), ["items", "notes"]);
    let other = on.another_handle().await;
    assert_eq!(other.collections().await.unwrap(), ["items", "notes"]);
}

async fn meta_tells_fields_and_indexes(on: &TestDb) {
    let db = on.with::<(Item, Note)>().await;
    let meta = db.meta::<Item>().unwrap();
    assert_eq!(meta.name, "items");
    let kind = |path: &str| {
        let field = meta.fields.iter().find(|it| it.path.to_string() == path);
        field.map(|it| it.kind)
    };
    assert_eq!(kind("_id"), Some(FieldKind::Text));
    assert_eq!(kind("name"), Some(FieldKind::Text));
    assert_eq!(kind("price"), Some(FieldKind::Number));
    assert_eq!(kind("active"), Some(FieldKind::Bool));
    assert_eq!(kind("tags"), Some(FieldKind::Array));
    assert_eq!(kind("at"), Some(FieldKind::Text));
    assert_eq!(kind("address.city"), Some(FieldKind::Text));
    assert_eq!(kind("address.\"zip code\""), Some(FieldKind::Text));
    assert_eq!(kind("address.place.floor"), Some(FieldKind::Number));
    assert_eq!(kind("attributes"), Some(FieldKind::Object));
    assert_eq!(kind("data"), Some(FieldKind::Any));

    let recorded = on.backend.list_recorded_indexes("items").await.unwrap();
    let mut fields: Vec<String> = recorded.iter().map(|it| it.fields.join("+")).collect();
    fields.sort_unstable();
    let expected = [
        "address.city",
        "at",
        "category",
        "category+price",
        "n",
        "name",
        "price",
        "tags",
    ];
    assert_eq!(fields, expected);
    let recorded = on.backend.list_recorded_indexes("notes").await.unwrap();
    assert_eq!(recorded.len(), 1);
    assert!(recorded[0].unique);
}

async fn many_processes_register_at_once(on: &TestDb) {
    let registered = join_all((0..8).map(|_| async {
        let db = on.open_again().await;
        let outcome = db.register::<(Item, Note)>().await;
        db.close().await.unwrap();
        outcome
    }));
    for outcome in registered.await {
        outcome.unwrap();
    }
    assert_eq!(on.db.collections().await.unwrap(), ["items", "notes"]);
}

async fn many_tasks_register_at_once(on: &TestDb) {
    let tasks = (0..16).map(|n| {
        let db = on.db.clone();
        tokio::spawn(async move {
            db.register::<(Item, Note)>().await.unwrap();
            note(&format!("n{n}")).save(&db).await.unwrap();
        })
    });
    for task in join_all(tasks).await {
        task.unwrap();
    }
    assert_eq!(count::<Note>(&on.db).await, 16);
}

/// The collection `evolving` as it was, and as it became.
macro_rules! version {
    ($module:ident, $($index:tt)*) => {
        mod $module {
            use super::*;

            #[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
            #[den(collection = "evolving", $($index)*)]
            pub(super) struct Doc {
                #[serde(flatten)]
                pub(super) base: Base<Doc>,
                pub(super) name: String,
                pub(super) n: i64,
                pub(super) address: Address,
            }

            impl Doc {
                pub(super) fn new(name: &str, n: i64) -> Self {
                    Self { name: name.to_owned(), n, ..Default::default() }
                }
            }
        }
    };
}

version!(plain, index(fields("name"), name = "by_name"));
version!(unique, unique(fields("name"), name = "by_name"));
version!(unique_pair, unique(fields("name", "n"), name = "by_name"));
version!(
    more,
    index(fields("n")),
    index(fields("address.city", "n")),
    unique(fields("name"))
);

async fn a_unique_index_over_duplicates_is_refused(on: &TestDb) {
    let db = on.with::<plain::Doc>().await;
    for n in 0..3 {
        plain::Doc::new("same", n).save(db).await.unwrap();
    }
    let later = on.another_handle().await;
    let error = refused(later.register::<unique::Doc>().await, ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().fields(), ["name"], "{error:?}");
    assert_eq!(error.collection(), Some("evolving"));
    assert_eq!(count::<plain::Doc>(db).await, 3);

    plain::Doc::query(db)
        .filter(plain::Doc::fields().n.gt(0))
        .delete()
        .await
        .unwrap();
    later.register::<unique::Doc>().await.unwrap();
    refused(
        unique::Doc::new("same", 9).save(&later).await,
        ErrorKind::Duplicate,
    );
}

async fn an_index_that_became_unique_is_rebuilt(on: &TestDb) {
    let db = on.with::<plain::Doc>().await;
    plain::Doc::new("a", 1).save(db).await.unwrap();
    let later = on.another_handle().await;
    later.register::<unique::Doc>().await.unwrap();
    let error = refused(
        unique::Doc::new("a", 2).save(&later).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().name(), "by_name");
    let recorded = on.backend.list_recorded_indexes("evolving").await.unwrap();
    let by_name: Vec<_> = recorded.iter().filter(|it| it.name == "by_name").collect();
    assert!(by_name.len() == 1 && by_name[0].unique, "{recorded:?}");
}

async fn an_index_over_other_fields_is_rebuilt(on: &TestDb) {
    let db = on.with::<unique::Doc>().await;
    unique::Doc::new("a", 1).save(db).await.unwrap();
    refused(
        unique::Doc::new("a", 2).save(db).await,
        ErrorKind::Duplicate,
    );
    let later = on.another_handle().await;
    later.register::<unique_pair::Doc>().await.unwrap();
    unique_pair::Doc::new("a", 2).save(&later).await.unwrap();
    let error = refused(
        unique_pair::Doc::new("a", 2).save(&later).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["name", "n"]);
}

async fn fields_declared_later_find_old_rows(on: &TestDb) {
    let db = on.with::<plain::Doc>().await;
    for n in 0..20 {
        let mut it = plain::Doc::new(&format!("d{n}"), n);
        it.address.city = ["Oslo", "Bergen"][usize::from(n % 2 == 0)].into();
        it.save(db).await.unwrap();
    }
    let later = on.another_handle().await;
    later.register::<more::Doc>().await.unwrap();
    let p = more::Doc::fields();
    let found = more::Doc::query(&later)
        .filter(p.address.city.eq("Oslo") & p.n.ge(15))
        .sort(p.n.desc())
        .values(p.name)
        .await
        .unwrap();
    assert_eq!(found, ["d19", "d17", "d15"]);
    let error = refused(
        more::Doc::new("d3", 0).save(&later).await,
        ErrorKind::Duplicate,
    );
    assert_eq!(error.constraint().unwrap().fields(), ["name"]);
}

async fn registering_inside_a_transaction_is_refused(on: &TestDb) {
    let db = on.with::<Item>().await;
    let outcome = db
        .transaction(async |tx| {
            item("a").save(&tx).await?;
            tx.db().register::<Note>().await
        })
        .await;
    refused(outcome, ErrorKind::Unsupported);
    assert_eq!(count::<Item>(db).await, 0);
}
