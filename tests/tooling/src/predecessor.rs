//! Databases that the predecessor wrote: they open as they are, and are adopted.

mod load;

use den::{adopt::adopt, prelude::*};
use den_test_harness::{Case, TestDb};
use serde::{Deserialize, Serialize};

use self::load::theirs;

pub(super) const CASES: &[Case] = &[
    case!(it_opens_as_it_is, except: [Memory]),
    case!(registering_leaves_theirs_alone, except: [Memory]),
    case!(adopted_times_sort, except: [Memory]),
    case!(adopted_ids_sort_by_their_bytes, except: [Memory]),
    case!(adopting_changes_nothing_else, except: [Memory]),
    case!(adopting_again_changes_nothing, except: [Memory]),
    case!(adopted_documents_are_found_by_words, except: [Memory]),
    case!(an_adopted_document_can_be_written, except: [Memory]),
    case!(times_in_arrays_and_objects_are_adopted),
    case!(what_the_type_cannot_read_is_named),
];

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "author", revision)]
struct Author {
    #[serde(flatten)]
    base: Base<Author>,
    #[den(index)]
    name: String,
    #[den(unique)]
    email: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
struct Place {
    #[den(index)]
    city: String,
    zip: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "article", revision)]
struct Article {
    #[serde(flatten)]
    base: Base<Article>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(index)]
    title: String,
    #[den(unique)]
    slug: String,
    #[den(fts)]
    body: String,
    #[den(index)]
    status: String,
    #[den(index)]
    price: f64,
    stock: i64,
    #[den(index)]
    tags: Vec<String>,
    place: Place,
    meta: Json,
    author: Link<Author>,
    #[serde(default)]
    editors: Option<Vec<Link<Author>>>,
    #[den(index)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published_at: Option<Timestamp>,
}

/// So many live articles there are, and so many marked as deleted.
const LIVE: u64 = 38;
const MARKED: u64 = 2;

async fn bodies(db: &Db, collection: &str) -> Vec<Json> {
    let all = db.collection(collection).query();
    all.sort(field("_id").asc()).all().await.unwrap()
}

async fn it_opens_as_it_is(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    let names = db.backend().collections().await.unwrap();
    assert_eq!(names, ["article", "author"]);
    let articles = bodies(db, "article").await;
    assert_eq!(articles.len() as u64, LIVE + MARKED);
    // Beyond what a double holds exactly.
    assert!(
        articles
            .iter()
            .any(|it| it["stock"] == 9_007_199_254_740_993_i64)
    );
    let indexes = db.backend().list_recorded_indexes("author").await.unwrap();
    assert!(
        indexes.is_empty(),
        "what den did not make is not den's to drop: {indexes:?}"
    );
}

async fn registering_leaves_theirs_alone(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    let before = bodies(db, "article").await;
    db.register::<(Author, Article)>().await.unwrap();
    assert_eq!(bodies(db, "article").await, before);
    let indexes = db.backend().list_recorded_indexes("author").await.unwrap();
    assert!(
        indexes
            .iter()
            .any(|it| it.name.starts_with("ux_author_email")),
        "{indexes:?}"
    );
    // Both unique indexes hold.
    let mut twin = Author {
        name: "Ada".into(),
        email: "ada@example.org".into(),
        ..Author::default()
    };
    let error = twin.insert(db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Duplicate);
    // Links, revisions and marks read back.
    let a = Article::fields();
    let mut article = Article::query(db)
        .filter(a.slug.eq("article-05"))
        .one()
        .await
        .unwrap();
    assert!(article.base.rev.is_some());
    let author = article.author.fetch(db).await.unwrap();
    assert_eq!(author.name, "李小龍");
    assert_eq!(Article::query(db).count().await.unwrap(), LIVE);
    assert_eq!(
        Article::query(db).only_deleted().count().await.unwrap(),
        MARKED
    );
}

async fn adopted_times_sort(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    let adopted = adopt::<(Author, Article)>(db).await.unwrap();
    assert_eq!(adopted.documents, LIVE + MARKED + 3);
    assert_eq!(adopted.changed, adopted.documents, "all have nine digits");
    assert_eq!(adopted.unreadable, Vec::<String>::new());
    let a = Article::fields();
    let sorted = Article::query(db)
        .filter(a.published_at.is_not_null())
        .sort(a.published_at.asc())
        .all()
        .await
        .unwrap();
    assert!(sorted.len() > 20);
    assert!(sorted.is_sorted_by_key(|it| it.published_at));
    // `2024-01-02T01:00:00.25+01:00` is a quarter of a second past midnight.
    let midnight = Timestamp::parse("2024-01-02T00:00:00Z").unwrap();
    let soon = Timestamp::parse("2024-01-02T00:00:01Z").unwrap();
    let found = Article::query(db)
        .filter(a.published_at.ge(midnight) & a.published_at.lt(soon))
        .all()
        .await
        .unwrap();
    let slugs: Vec<&str> = found.iter().map(|it| it.slug.as_str()).collect();
    assert_eq!(slugs, ["article-01"]);
    let by_age = Article::query(db)
        .sort(a.base.created_at.asc())
        .all()
        .await
        .unwrap();
    assert!(by_age.is_sorted_by_key(|it| it.base.created_at));
}

async fn adopted_ids_sort_by_their_bytes(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    for id in ["a", "B", "_", "é", "10", "9"] {
        let mut author = Author {
            name: id.into(),
            email: [id, "@example.org"].concat(),
            ..Author::default()
        };
        db.register::<(Author,)>().await.unwrap();
        author.base.id = id.into();
        author.insert(db).await.unwrap();
    }
    adopt::<(Author,)>(db).await.unwrap();
    let ids = Author::query(db).ids().await.unwrap();
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let first = Author::query(db).page(PageRequest::first(4)).await.unwrap();
    let next = Author::query(db)
        .page(PageRequest::first(4).after(first.next.unwrap()))
        .await
        .unwrap();
    assert_eq!(first.items.len() + next.items.len(), 8);
}

async fn adopting_changes_nothing_else(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    let before = bodies(db, "article").await;
    adopt::<(Author, Article)>(db).await.unwrap();
    let after = bodies(db, "article").await;
    for (mut before, mut after) in before.into_iter().zip(after) {
        for time in ["_created_at", "_updated_at", "_deleted_at", "published_at"] {
            let moment = |it: &Json| it[time].as_str().map(|it| Timestamp::parse(it).unwrap());
            assert_eq!(moment(&before), moment(&after), "{before}");
            for it in [&mut before, &mut after] {
                it.as_object_mut().unwrap().remove(time);
            }
        }
        assert_eq!(before, after);
    }
}

async fn adopting_again_changes_nothing(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    adopt::<(Author, Article)>(db).await.unwrap();
    let again = adopt::<(Author, Article)>(db).await.unwrap();
    assert_eq!((again.documents, again.changed), (LIVE + MARKED + 3, 0));
}

async fn adopted_documents_are_found_by_words(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    adopt::<(Author, Article)>(db).await.unwrap();
    assert_eq!(
        Article::query(db).search("cicero").count().await.unwrap(),
        LIVE
    );
    assert_eq!(
        Article::query(db)
            .search("\"number 7\"")
            .count()
            .await
            .unwrap(),
        1
    );
}

async fn an_adopted_document_can_be_written(on: &TestDb) {
    let theirs = theirs(on).await;
    let db = &theirs.db;
    adopt::<(Author, Article)>(db).await.unwrap();
    let a = Article::fields();
    for mut article in Article::query(db).all().await.unwrap() {
        article.body.push_str(" Again.");
        article.save(db).await.unwrap();
    }
    assert_eq!(
        Article::query(db).search("again").count().await.unwrap(),
        LIVE
    );
    let deleted = Article::query(db)
        .filter(a.price.lt(3.0))
        .delete()
        .await
        .unwrap();
    assert_eq!(deleted, 3);
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "visits")]
struct Visit {
    #[serde(flatten)]
    base: Base<Visit>,
    times: Vec<Timestamp>,
    last: Last,
    /// Text that only looks like a time.
    label: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Embedded)]
struct Last {
    at: Option<Timestamp>,
}

async fn times_in_arrays_and_objects_are_adopted(on: &TestDb) {
    let db = on.with::<(Visit,)>().await;
    let theirs = serde_json::json!({
        "_id": "1", "_created_at": "2025-01-01T00:00:00Z", "_updated_at": "2025-01-01T00:00:00.5Z",
        "times": ["2025-01-01T00:00:00Z", "2025-01-01T02:00:00.25+02:00"],
        "last": {"at": "2025-01-01T00:00:00.123456789Z", "unknown": "2025-01-01T00:00:00Z"},
        "label": "2025-01-01T00:00:00Z", "more": [1, 1.5, 9007199254740993_i64],
    });
    on.plant("visits", "1", &theirs).await;
    let adopted = adopt::<(Visit,)>(db).await.unwrap();
    assert_eq!((adopted.documents, adopted.changed), (1, 1));
    let stored = db.collection("visits").get("1").await.unwrap().unwrap();
    let mut expected = theirs;
    expected["_created_at"] = "2025-01-01T00:00:00.000000Z".into();
    expected["_updated_at"] = "2025-01-01T00:00:00.500000Z".into();
    expected["times"] =
        serde_json::json!(["2025-01-01T00:00:00.000000Z", "2025-01-01T00:00:00.250000Z"]);
    expected["last"]["at"] = "2025-01-01T00:00:00.123456Z".into();
    assert_eq!(stored, expected);
}

async fn what_the_type_cannot_read_is_named(on: &TestDb) {
    let db = on.with::<(Visit,)>().await;
    let broken = serde_json::json!({
        "_id": "1", "_created_at": "2025-01-01T00:00:00Z", "times": "never", "label": "x",
    });
    on.plant("visits", "1", &broken).await;
    let adopted = adopt::<(Visit,)>(db).await.unwrap();
    assert_eq!(adopted.unreadable, ["visits/1"]);
    let stored = db.collection("visits").get("1").await.unwrap().unwrap();
    assert_eq!(stored["_created_at"], "2025-01-01T00:00:00.000000Z");
    assert_eq!(stored["times"], "never");
}
