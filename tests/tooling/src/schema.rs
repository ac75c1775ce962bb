//! Schemas: what would be done, doing it, checking it, and changes by hand.

mod stale;
mod types;

use den::{
    CollectionMeta, ErrorKind, FieldKind,
    prelude::*,
    schema::{DryRun, PlannedAction, index},
};
use den_test_harness::{Case, Engine, TestDb};
use futures_util::future::join_all;
use serde_json::json;

use self::{stale::*, types::*};

pub(super) const CASES: &[Case] = &[
    case!(a_plan_says_what_apply_does),
    case!(a_plan_is_for_people_and_engines),
    case!(declared_types_work_without_a_registration),
    case!(a_declared_type_needs_its_collection),
    case!(the_builder_declares),
    case!(two_types_cannot_declare_one_collection),
    case!(check_lists_every_difference),
    case!(a_registration_does_what_apply_does),
    case!(many_apply_at_once),
    case!(changes_in_a_transaction_are_refused),
    case!(an_index_that_became_unique_is_planned),
    case!(duplicates_stand_in_the_way_of_apply),
    case!(names_of_indexes_tell_collections_and_paths_apart),
    case!(words_are_searched_later),
    case!(other_words_are_searched_later),
    case!(stale_indexes_are_dropped),
    case!(a_dry_run_drops_nothing),
    case!(indexes_of_unknown_collections_are_kept),
    case!(what_backs_a_constraint_is_not_stale),
    case!(an_index_is_made_by_hand),
    case!(an_index_by_hand_may_be_unique_or_partial),
    case!(an_index_by_hand_is_made_once),
    case!(bad_indexes_are_refused),
    case!(a_renamed_collection_is_registered_under_its_new_name),
    case!(a_dropped_collection_leaves_nothing),
    case!(a_dropped_collection_leaves_no_table, only: [SqliteFile, Postgres, PostgresIcu]),
];

async fn a_plan_says_what_apply_does(on: &TestDb) {
    let db = &on.db;
    db.declare::<(Book, Shelf)>().unwrap();
    let plan = db.schema().plan().await.unwrap();
    let created: Vec<&str> = plan
        .changes()
        .iter()
        .filter(|it| it.action == PlannedAction::CreateCollection)
        .map(|it| it.collection.as_str())
        .collect();
    assert_eq!(created, ["books", "shelves"]);
    // One index for each that the types declare.
    let indexes = db.meta::<Book>().unwrap().indexes.len();
    assert_eq!(plan.changes().len(), 2 + indexes);
    assert_eq!(db.schema().collections().await.unwrap(), [""; 0]);
    let done = db.schema().apply().await.unwrap();
    assert_eq!(done.changes().len(), plan.changes().len());
    assert_eq!(
        db.schema().collections().await.unwrap(),
        ["books", "shelves"]
    );
    for _ in 0..2 {
        let plan = db.schema().plan().await.unwrap();
        assert!(plan.is_empty(), "{plan}");
        assert_eq!(plan.sql(), "");
        assert!(db.schema().apply().await.unwrap().is_empty());
    }
    assert_eq!(db.schema().indexes("books").await.unwrap().len(), indexes);
}

async fn a_plan_is_for_people_and_engines(on: &TestDb) {
    let db = &on.db;
    db.declare::<Book>().unwrap();
    let plan = db.schema().plan().await.unwrap();
    let text = plan.to_string();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("create the collection `books`"));
    assert!(lines.all(|it| it.starts_with("create the index `") && it.ends_with(" of `books`")));
    let sql = plan.sql();
    match on.engine() {
        Engine::Memory => assert_eq!(sql, ""),
        Engine::Sqlite | Engine::Postgres => {
            assert!(sql.contains("CREATE TABLE"), "{sql}");
            assert!(sql.contains("CREATE UNIQUE INDEX"), "{sql}");
            assert!(sql.trim_end().ends_with(';'), "{sql}");
        }
    }
    db.schema().apply().await.unwrap();
    let plan = db.schema().plan().await.unwrap();
    assert_eq!(plan.to_string(), "nothing to do\n");
}

async fn declared_types_work_without_a_registration(on: &TestDb) {
    on.with::<Book>().await;
    let other = on.another_handle().await;
    other.declare::<Book>().unwrap();
    let mut book = book("a", 1);
    book.save(&other).await.unwrap();
    let b = Book::fields();
    let found = Book::query(&other).filter(b.pages.eq(1)).count().await;
    assert_eq!(found.unwrap(), 1);
    let error = self::book("a", 2).save(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    other.schema().check().await.unwrap();
}

async fn a_declared_type_needs_its_collection(on: &TestDb) {
    let db = &on.db;
    db.declare::<Book>().unwrap();
    let error = book("a", 1).save(db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    db.schema().apply().await.unwrap();
    book("a", 1).save(db).await.unwrap();
}

async fn the_builder_declares(on: &TestDb) {
    let open = || Db::builder().shared_backend(on.backend.clone());
    let db = open().types::<(Book, Shelf)>().open().await.unwrap();
    assert_eq!(db.schema().plan().await.unwrap().stale(), []);
    assert!(db.schema().check().await.is_err());
    db.schema().apply().await.unwrap();
    let db = open().types::<(Book, Shelf)>().open().await.unwrap();
    db.schema().check().await.unwrap();
    book("a", 1).save(&db).await.unwrap();
}

async fn two_types_cannot_declare_one_collection(on: &TestDb) {
    let db = &on.db;
    db.declare::<Book>().unwrap();
    db.declare::<Book>().unwrap();
    let error = db.declare::<unique_pages::Book>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    let text = error.to_string();
    assert!(text.contains("both claim the collection `books`"), "{text}");
}

async fn check_lists_every_difference(on: &TestDb) {
    let db = &on.db;
    on.with::<Book>().await;
    db.schema().check().await.unwrap();
    // One index is gone, one is another, and one collection is not there.
    let other = on.another_handle().await;
    other.declare::<(unique_pages::Book, Shelf)>().unwrap();
    let gone = "book_title";
    db.schema().drop_index("books", gone).await.unwrap();
    let error = other.schema().check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Migration);
    let text = error.to_string();
    for part in [
        "3 differences",
        "create the index `book_title` of `books`",
        "rebuild the index `book_pages` of `books`: ",
        "create the collection `shelves`",
        "db.schema().apply()",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert_eq!(text.lines().count(), 1);
    other.schema().apply().await.unwrap();
    other.schema().check().await.unwrap();
}

async fn a_registration_does_what_apply_does(on: &TestDb) {
    let db = &on.db;
    db.register::<(Book, Shelf)>().await.unwrap();
    assert!(db.schema().plan().await.unwrap().is_empty());
    let other = on.another_handle().await;
    other.declare::<(Book, Shelf)>().unwrap();
    assert!(other.schema().plan().await.unwrap().is_empty());
}

async fn many_apply_at_once(on: &TestDb) {
    let mut handles = vec![on.another_handle().await];
    if on.target().can_be_opened_twice() {
        for _ in 0..3 {
            handles.push(on.open_again().await);
        }
    }
    let applied = handles.iter().map(|db| async move {
        db.declare::<(Book, Shelf)>().unwrap();
        db.schema().apply().await
    });
    for outcome in join_all(applied).await {
        outcome.unwrap();
    }
    for db in &handles {
        db.schema().check().await.unwrap();
    }
    for db in handles.into_iter().skip(1) {
        db.close().await.unwrap();
    }
}

async fn changes_in_a_transaction_are_refused(on: &TestDb) {
    let db = on.with::<Book>().await;
    db.transaction(async |_tx| {
        let schema = db.schema();
        let refused = [
            schema.apply().await.map(drop),
            schema.drop_stale(DryRun::No).await.map(drop),
            schema.drop_collection("books").await,
            schema.rename_collection("books", "tomes").await,
            schema.create_index("books", index(["x"])).await.map(drop),
            schema.drop_index("books", "book_pages").await,
        ];
        for outcome in refused {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unsupported);
        }
        Ok::<(), Error>(())
    })
    .await
    .unwrap();
    db.schema().check().await.unwrap();
}

async fn an_index_that_became_unique_is_planned(on: &TestDb) {
    on.with::<Book>().await;
    book("a", 1).save(&on.db).await.unwrap();
    let next = on.another_handle().await;
    next.declare::<unique_pages::Book>().unwrap();
    let plan = next.schema().plan().await.unwrap();
    let [change] = plan.changes() else {
        panic!("{plan}");
    };
    let PlannedAction::RebuildIndex { name, .. } = &change.action else {
        panic!("{plan}");
    };
    assert_eq!(name, "book_pages");
    next.schema().apply().await.unwrap();
    assert!(next.schema().plan().await.unwrap().is_empty());
    let recorded = next.schema().indexes("books").await.unwrap();
    let pages = recorded.iter().find(|it| it.name == "book_pages").unwrap();
    assert!(pages.unique);
    let error = unique_pages::book("b", 1).save(&next).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().name(), "book_pages");
}

async fn duplicates_stand_in_the_way_of_apply(on: &TestDb) {
    on.with::<Book>().await;
    for title in ["a", "b"] {
        book(title, 1).save(&on.db).await.unwrap();
    }
    let next = on.another_handle().await;
    next.declare::<unique_pages::Book>().unwrap();
    let error = next.schema().apply().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().name(), "book_pages");
    assert_eq!(next.schema().plan().await.unwrap().changes().len(), 1);
    // What was there before works as before.
    book("c", 1).save(&on.db).await.unwrap();
    let b = Book::fields();
    let count = Book::query(&on.db).filter(b.pages.eq(1)).count().await;
    assert_eq!(count.unwrap(), 3);
    let all = Book::query(&on.db).filter(b.title.ne("a")).all_rows();
    all.delete().await.unwrap();
    next.schema().apply().await.unwrap();
}

async fn names_of_indexes_tell_collections_and_paths_apart(on: &TestDb) {
    let db = &on.db;
    db.register::<(dotted::Book, dotted::Long)>().await.unwrap();
    on.with::<Book>().await;
    let mut names = Vec::new();
    for collection in db.schema().collections().await.unwrap() {
        for it in db.schema().indexes(&collection).await.unwrap() {
            assert!(it.name.len() <= 50, "{}", it.name);
            assert_eq!(it.collection, collection);
            names.push(it.name);
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
    // Nothing of one type is in another's collection.
    dotted::book(1).save(db).await.unwrap();
    assert_eq!(Book::query(db).count().await.unwrap(), 0);
    db.schema().check().await.unwrap();
}

async fn words_are_searched_later(on: &TestDb) {
    on.with::<Book>().await;
    let mut old = book("red fox", 1);
    old.save(&on.db).await.unwrap();
    book("blue fox", 2).save(&on.db).await.unwrap();
    let next = on.another_handle().await;
    next.register::<searched::Book>().await.unwrap();
    let found = async |text: &str| {
        let found = searched::Book::query(&next).search(text).count().await;
        found.unwrap()
    };
    assert_eq!(found("fox").await, 2);
    // Documents from before can be changed and deleted.
    let mut again = searched::Book::find(&next, old.id().as_str())
        .await
        .unwrap();
    again.title = "green fox".to_owned();
    again.save(&next).await.unwrap();
    assert_eq!(found("red").await, 0);
    assert_eq!(found("green").await, 1);
    again.delete(&next).await.unwrap();
    assert_eq!(found("fox").await, 1);
}

async fn other_words_are_searched_later(on: &TestDb) {
    on.with::<searched::Book>().await;
    let mut book = searched::Book::default();
    "red".clone_into(&mut book.title);
    "fox".clone_into(&mut book.blurb);
    book.save(&on.db).await.unwrap();
    let next = on.another_handle().await;
    next.declare::<searched_more::Book>().unwrap();
    let plan = next.schema().plan().await.unwrap();
    assert_eq!(plan.changes().len(), 1, "{plan}");
    next.schema().apply().await.unwrap();
    assert!(next.schema().plan().await.unwrap().is_empty());
    let found = searched_more::Book::query(&next).search("fox").count();
    assert_eq!(found.await.unwrap(), 1);
    let mut again = searched_more::Book::find(&next, book.id().as_str())
        .await
        .unwrap();
    again.blurb = "hare".to_owned();
    again.save(&next).await.unwrap();
    let found = searched_more::Book::query(&next).search("fox").count();
    assert_eq!(found.await.unwrap(), 0);
}

async fn an_index_is_made_by_hand(on: &TestDb) {
    let db = on.with::<Book>().await;
    for (title, pages) in [("a", 3), ("b", 1), ("c", 2)] {
        book(title, pages).save(db).await.unwrap();
    }
    let schema = db.schema();
    let made = schema
        .create_index("books", index(["shelf.room", "pages:DESC"]))
        .await
        .unwrap();
    let named = index(["pages:asc", "title"]).named("mine");
    assert_eq!(schema.create_index("books", named).await.unwrap(), "mine");
    let recorded = schema.indexes("books").await.unwrap();
    let fields = |name: &str| {
        let it = recorded.iter().find(|it| it.name == name);
        it.map(|it| it.fields.join(" "))
    };
    assert_eq!(fields(&made).as_deref(), Some("shelf.room pages"));
    assert_eq!(fields("mine").as_deref(), Some("pages title"));
    let b = Book::fields();
    let titles = Book::query(db).sort(b.pages.desc()).values(b.title).await;
    assert_eq!(titles.unwrap(), ["a", "c", "b"]);
    schema.drop_index("books", &made).await.unwrap();
    let again = schema.drop_index("books", &made).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::NotFound);
    schema.drop_index("books", &made).if_exists().await.unwrap();
    // It is not part of what the types declare.
    schema.check().await.unwrap();
}

async fn an_index_by_hand_may_be_unique_or_partial(on: &TestDb) {
    let db = &on.db;
    on.backend
        .ensure_collection(&CollectionMeta::new("orders"))
        .await
        .unwrap();
    let open = field("state").eq("open");
    let unique = index(["customer"])
        .of_kind("customer", FieldKind::Number)
        .unique()
        .filter::<Json>(open)
        .named("one_open_order");
    db.schema().create_index("orders", unique).await.unwrap();
    let orders = db.collection("orders");
    for state in ["open", "done", "done"] {
        let order = json!({ "customer": 1, "state": state });
        orders.insert(order).await.unwrap();
    }
    let again = json!({ "customer": 1, "state": "open" });
    let error = orders.insert(again).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert_eq!(error.constraint().unwrap().name(), "one_open_order");
    let tags = index(["tags"]).of_kind("tags", FieldKind::Array);
    db.schema().create_index("orders", tags).await.unwrap();
    let order = json!({ "customer": 2, "tags": ["new"] });
    orders.insert(order).await.unwrap();
    let found = orders.query().filter(field("tags").contains("new"));
    assert_eq!(found.count().await.unwrap(), 1);
}

async fn an_index_by_hand_is_made_once(on: &TestDb) {
    let db = on.with::<Book>().await;
    let schema = db.schema();
    let make = || index(["shelf.room"]);
    let name = schema.create_index("books", make()).await.unwrap();
    let error = schema.create_index("books", make()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    assert!(error.to_string().contains(&name), "{error}");
    let again = schema.create_index("books", make()).if_not_exists();
    assert_eq!(again.await.unwrap(), name);
}

async fn bad_indexes_are_refused(on: &TestDb) {
    let db = on.with::<Book>().await;
    let none: [&str; 0] = [];
    for (bad, kind) in [
        (index(none), ErrorKind::InvalidQuery),
        (index([""]), ErrorKind::InvalidQuery),
        (index(["pages:sideways"]), ErrorKind::InvalidQuery),
        (index(["pages"]).named(""), ErrorKind::InvalidQuery),
        (
            index(["pages"]).named("x".repeat(51)),
            ErrorKind::InvalidQuery,
        ),
        (
            index(["pages"]).filter::<Json>(field("a").matches("b")),
            ErrorKind::InvalidQuery,
        ),
    ] {
        let made = db.schema().create_index("books", bad.clone()).await;
        assert_eq!(made.unwrap_err().kind(), kind, "{bad:?}");
    }
    let made = db.schema().create_index("nothing", index(["pages"])).await;
    assert_eq!(made.unwrap_err().kind(), ErrorKind::NotRegistered);
    db.schema().check().await.unwrap();
}

async fn a_renamed_collection_is_registered_under_its_new_name(on: &TestDb) {
    let db = on.with::<Book>().await;
    let mut book = book("a", 1);
    book.save(db).await.unwrap();
    let schema = db.schema();
    schema.rename_collection("books", "tomes").await.unwrap();
    let error = Book::query(db).count().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegistered);
    let next = on.another_handle().await;
    next.declare::<renamed::Tome>().unwrap();
    next.schema().check().await.unwrap();
    assert_eq!(next.schema().plan().await.unwrap().stale(), []);
    let mut tome = renamed::Tome::find(&next, book.id().as_str())
        .await
        .unwrap();
    assert_eq!(tome.title, "a");
    tome.pages = 2;
    tome.save(&next).await.unwrap();
    let error = schema.rename_collection("books", "more").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::NotRegistered);
    // Its indexes have names of the type's own, which are taken, so another type takes the old name.
    let error = db.register::<Book>().await.unwrap_err();
    assert!(error.to_string().contains("book_"), "{error}");
    let third = on.another_handle().await;
    third.register::<searched::Book>().await.unwrap();
    let error = schema.rename_collection("tomes", "books").await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Duplicate);
}

async fn a_dropped_collection_leaves_nothing(on: &TestDb) {
    let db = on.with::<searched::Book>().await;
    searched::Book::default().save(db).await.unwrap();
    let schema = db.schema();
    schema
        .create_constraint("books", den::constraint::required("title"))
        .await
        .unwrap();
    schema.drop_collection("books").await.unwrap();
    schema.drop_collection("books").await.unwrap();
    assert_eq!(schema.collections().await.unwrap(), [""; 0]);
    assert_eq!(schema.indexes("books").await.unwrap(), []);
    assert_eq!(schema.constraints("books").await.unwrap(), []);
    // The same can be made again, and is new.
    db.register::<searched::Book>().await.unwrap();
    assert!(schema.plan().await.unwrap().is_empty());
    let found = searched::Book::query(db).search("fox").count().await;
    assert_eq!(found.unwrap(), 0);
    db.collection("books").insert(json!({})).await.unwrap();
}

async fn a_dropped_collection_leaves_no_table(on: &TestDb) {
    let db = on.with::<(searched::Book, Shelf)>().await;
    db.schema()
        .create_constraint("books", den::constraint::key(["title"]))
        .await
        .unwrap();
    db.schema().drop_collection("books").await.unwrap();
    db.schema().drop_collection("shelves").await.unwrap();
    let left: Vec<String> = match on.engine() {
        Engine::Sqlite => {
            let file = rusqlite::Connection::open(on.file()).unwrap();
            let mut statement = file.prepare("SELECT name FROM sqlite_schema").unwrap();
            let names = statement.query_map([], |row| row.get(0)).unwrap();
            names.collect::<Result<_, _>>().unwrap()
        }
        Engine::Postgres => {
            let client = on.plain_connection().await;
            let rows = client
                .query(
                    "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace",
                    &[],
                )
                .await
                .unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
        Engine::Memory => panic!("there are no tables"),
    };
    let own = |it: &&String| {
        !it.starts_with("_den_indexes")
            && !it.starts_with("_den_constraints")
            && !it.starts_with("sqlite_autoindex__den_")
    };
    let left: Vec<&String> = left.iter().filter(own).collect();
    assert!(left.is_empty(), "{left:?}");
}
