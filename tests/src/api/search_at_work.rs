//! Full text beside everything else: filters, pages, writes, transactions, and indexes that come and
//! change.

use den::{ErrorKind, Json, PageRequest, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    searched::{Article, article, execute, finds, given, given_four, numbers, searched},
    support::{recorded, refused},
};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_search_composes_with_filters_and_windows),
    case!(counts_streams_and_values),
    case!(pages_by_relevance),
    case!(pages_by_a_sort),
    case!(deletes_and_updates),
    case!(deleted_documents_are_not_found),
    case!(a_search_is_a_filter_for_unbounded_writes),
    case!(groups_of_what_is_found),
    case!(locks_and_transactions),
    case!(untyped_queries_search_as_the_type_does),
    case!(changed_fields_make_the_index_again),
    case!(old_documents_are_found),
    case!(a_type_without_searched_fields),
    case!(the_index_serves_the_search, only: [SqliteFile, Postgres, PostgresIcu]),
    case!(other_programs_may_write, only: [SqliteFile]),
    case!(a_vacuum_changes_nothing, only: [SqliteFile]),
];

async fn a_search_composes_with_filters_and_windows(on: &TestDb) {
    let db = given_four(on).await;
    let p = Article::fields();
    let query = || searched(db, "rust").filter(p.n.gt(1));
    assert_eq!(numbers(query().sort(p.n.asc())).await, [2, 4]);
    assert_eq!(numbers(query().sort(p.n.asc()).limit(1)).await, [2]);
    assert_eq!(numbers(query().sort(p.n.asc()).skip(1).limit(5)).await, [4]);
    let filtered = Article::query(db).filter(p.n.gt(1)).search("rust");
    assert_eq!(filtered.count().await.unwrap(), 2);
    let either = searched(db, "rust").filter(p.n.eq(1) | p.title.eq("Tags"));
    assert_eq!(numbers(either.sort(p.n.desc())).await, [4, 1]);
}

async fn counts_streams_and_values(on: &TestDb) {
    use futures_util::TryStreamExt as _;

    let db = given_four(on).await;
    let p = Article::fields();
    let query = || searched(db, "rust");
    assert_eq!(query().count().await.unwrap(), 3);
    assert_eq!(query().limit(1).count().await.unwrap(), 3);
    assert!(query().exists().await.unwrap());
    assert_eq!(query().ids().await.unwrap().len(), 3);
    let (first, total) = query().limit(1).all_with_count().await.unwrap();
    assert_eq!((first[0].n, total), (1, 3));
    let titles = query().sort(p.n.asc()).values(p.title).await.unwrap();
    assert_eq!(titles, ["Rust for den", "Cooking", "Tags"]);
    let streamed: Vec<Article> = query().stream().try_collect().await.unwrap();
    assert_eq!(streamed.len(), 3);
    assert_eq!(streamed[0].n, 1);
    assert_eq!(searched(db, "cooking").one().await.unwrap().n, 2);
    refused(query().one().await, ErrorKind::MultipleMatches);
    refused(searched(db, "nothing").one().await, ErrorKind::NotFound);
    let pairs: Vec<(i64, String)> = query().select((p.n, p.title)).all().await.unwrap();
    assert_eq!(pairs[0], (1, "Rust for den".to_owned()));
    let distinct = query().distinct(p.n).await.unwrap();
    assert_eq!(distinct, [1, 2, 4]);
}

async fn given_many(on: &TestDb) -> &Db {
    let articles = (1..=10).map(|it| {
        let times = usize::try_from(11 - it).unwrap();
        article(it, "many", &"crab ".repeat(times))
    });
    given(on, articles.chain([article(11, "none", "at all")])).await
}

async fn pages_by_relevance(on: &TestDb) {
    let db = given_many(on).await;
    let all = numbers(searched(db, "crab")).await;
    assert_eq!(all.len(), 10);
    let mut walked = Vec::new();
    let mut sizes = Vec::new();
    let mut token = None;
    loop {
        let request = PageRequest::first(4).with_total().after_opt(token);
        let page = searched(db, "crab").page(request).await.unwrap();
        assert_eq!(page.total, Some(10));
        sizes.push(page.items.len());
        walked.extend(page.items.iter().map(|it| it.n));
        token = page.next;
        if token.is_none() {
            let back = PageRequest::first(4).before(page.prev.unwrap());
            let back = searched(db, "crab").page(back).await.unwrap();
            let back: Vec<i64> = back.items.iter().map(|it| it.n).collect();
            assert_eq!(back, &all[4..8]);
            break;
        }
    }
    assert_eq!(sizes, [4, 4, 2]);
    assert_eq!(walked, all);
    let first = searched(db, "crab")
        .page(PageRequest::first(4))
        .await
        .unwrap();
    assert!(first.prev.is_none());
    let token = first.next.unwrap();
    let other = searched(db, "many")
        .page(PageRequest::first(4).after(token.clone()))
        .await;
    refused(other, ErrorKind::InvalidQuery);
    let skipped = searched(db, "crab")
        .skip(1)
        .page(PageRequest::first(4).after(token))
        .await;
    refused(skipped, ErrorKind::InvalidQuery);
    let empty = searched(db, "nothing")
        .page(PageRequest::first(4))
        .await
        .unwrap();
    assert!(empty.items.is_empty() && empty.next.is_none() && empty.prev.is_none());
}

async fn pages_by_a_sort(on: &TestDb) {
    let db = given_many(on).await;
    let p = Article::fields();
    let mut walked = Vec::new();
    let mut token = None;
    loop {
        let request = PageRequest::first(3).after_opt(token);
        let query = searched(db, "crab").sort(p.n.desc());
        let page = query.page(request).await.unwrap();
        walked.extend(page.items.iter().map(|it| it.n));
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(walked, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
}

async fn deletes_and_updates(on: &TestDb) {
    let db = given_four(on).await;
    let p = Article::fields();
    let updated = searched(db, "rust").filter(p.n.gt(1)).update();
    assert_eq!(updated.set(p.title, "renamed").await.unwrap(), 2);
    assert_eq!(finds(db, "renamed").await, [2, 4]);
    assert_eq!(finds(db, "cooking OR title:tags").await, [] as [i64; 0]);
    assert_eq!(searched(db, "renamed -full").delete().await.unwrap(), 0);
    assert_eq!(searched(db, "renamed").delete().await.unwrap(), 2);
    assert_eq!(finds(db, "rust").await, [1]);
    assert_eq!(searched(db, "rust").limit(1).delete().await.unwrap(), 1);
    assert_eq!(finds(db, "rust").await, [] as [i64; 0]);
    let mut last = searched(db, "search").one().await.unwrap();
    last.body = None;
    last.title = "nothing left".into();
    last.save(db).await.unwrap();
    assert_eq!(finds(db, "search OR found").await, [] as [i64; 0]);
    assert_eq!(finds(db, "left").await, [3]);
    last.delete(db).await.unwrap();
    assert_eq!(finds(db, "left").await, [] as [i64; 0]);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "softs")]
struct Soft {
    #[serde(flatten)]
    base: Base<Soft>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(fts)]
    text: String,
}

async fn deleted_documents_are_not_found(on: &TestDb) {
    let db = on.with::<(Soft,)>().await;
    let mut softs: Vec<Soft> = ["red one", "red two"]
        .map(|text| Soft {
            text: text.into(),
            ..Soft::default()
        })
        .into();
    Soft::insert_many(db, &mut softs).await.unwrap();
    softs[0].delete(db).await.unwrap();
    let found = |query: QuerySet<Soft>| async {
        let found = query.search("red").hits().await.unwrap();
        found
            .into_iter()
            .map(|it| it.document.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Soft::query(db)).await, ["red two"]);
    assert_eq!(found(Soft::query(db).with_deleted()).await.len(), 2);
    assert_eq!(found(Soft::query(db).only_deleted()).await, ["red one"]);
    assert_eq!(Soft::query(db).search("red").delete().await.unwrap(), 1);
    assert_eq!(Soft::query(db).search("red").count().await.unwrap(), 0);
}

async fn a_search_is_a_filter_for_unbounded_writes(on: &TestDb) {
    let db = given_four(on).await;
    refused(Article::query(db).delete().await, ErrorKind::InvalidQuery);
    assert_eq!(searched(db, "").delete().await.unwrap(), 0);
    assert_eq!(searched(db, "cooking").delete().await.unwrap(), 1);
    assert_eq!(Article::query(db).count().await.unwrap(), 3);
}

async fn groups_of_what_is_found(on: &TestDb) {
    let db = given_four(on).await;
    let p = Article::fields();
    let sum: i64 = searched(db, "rust").sum(p.n).await.unwrap();
    assert_eq!(sum, 7);
    let tags: Vec<(String, u64)> = searched(db, "rust")
        .unwind(p.tags)
        .group_by(p.tags.element())
        .select((p.tags.element(), den::count()))
        .all()
        .await
        .unwrap();
    assert_eq!(tags.len(), 2);
}

async fn locks_and_transactions(on: &TestDb) {
    let db = given_four(on).await;
    db.transaction(async |tx| {
        let mut inserted = article(5, "rust again", "");
        inserted.insert(&tx).await?;
        let p = Article::fields();
        let found = Article::query(&tx).search("rust").sort(p.n.asc());
        let found = found.for_update(LockMode::Wait).all().await?;
        assert_eq!(found.len(), 4);
        let ranked = Article::query(&tx)
            .search("rust")
            .for_update(LockMode::Wait);
        assert_eq!(ranked.all().await?.len(), 4);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    assert_eq!(finds(db, "rust").await, [1, 2, 4, 5]);
}

async fn untyped_queries_search_as_the_type_does(on: &TestDb) {
    let db = given_four(on).await;
    let found: Vec<Json> = db
        .collection("articles")
        .query()
        .search("title:rust")
        .all()
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["n"], json!(1));
    let hits = db
        .collection("articles")
        .query()
        .search("cook*")
        .hits()
        .await
        .unwrap();
    assert_eq!(hits[0].snippet, "**Cooking**");
    let unknown = on.another_handle().await;
    let outcome = unknown
        .collection("articles")
        .query()
        .search("rust")
        .all()
        .await;
    refused(outcome, ErrorKind::Unsupported);
}

/// The same collection, with other fields searched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "articles")]
struct Later {
    #[serde(flatten)]
    base: Base<Later>,
    #[den(fts)]
    title: String,
    #[den(fts(weight = 2))]
    extra: Option<String>,
    n: i64,
}

async fn changed_fields_make_the_index_again(on: &TestDb) {
    given_four(on).await;
    let later = on.another_handle().await;
    later.register::<(Later,)>().await.unwrap();
    let count = |text: &'static str| Later::query(&later).search(text).count();
    assert_eq!(count("rust").await.unwrap(), 1);
    assert_eq!(count("pans").await.unwrap(), 0);
    let mut added = Later {
        title: "rust".into(),
        extra: Some("pans".into()),
        ..Later::default()
    };
    added.insert(&later).await.unwrap();
    assert_eq!(count("rust").await.unwrap(), 2);
    assert_eq!(count("extra:pans").await.unwrap(), 1);
    let indexes = on.backend.list_recorded_indexes("articles").await.unwrap();
    let searched = indexes.iter().filter(|it| it.name.starts_with("sx_"));
    assert_eq!(searched.count(), 1);
    let earlier = on.another_handle().await;
    earlier.register::<(Article,)>().await.unwrap();
    assert_eq!(
        Article::query(&earlier)
            .search("pans")
            .count()
            .await
            .unwrap(),
        1
    );
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "articles")]
struct Unsearched {
    #[serde(flatten)]
    base: Base<Unsearched>,
    title: String,
    tags: Vec<String>,
    n: i64,
    more: More2,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Embedded)]
struct More2 {
    #[serde(rename = "foot note")]
    note: String,
}

async fn old_documents_are_found(on: &TestDb) {
    let before = on.another_handle().await;
    before.register::<(Unsearched,)>().await.unwrap();
    let mut old = Unsearched {
        title: "an old crab".into(),
        n: 7,
        ..Unsearched::default()
    };
    old.insert(&before).await.unwrap();
    let outcome = Unsearched::query(&before).search("crab").all().await;
    refused(outcome, ErrorKind::InvalidQuery);
    let db = on.with::<(Article,)>().await;
    assert_eq!(finds(db, "\"old crab\"").await, [7]);
    article(8, "a new crab", "").insert(db).await.unwrap();
    assert_eq!(finds(db, "crab").await, [7, 8]);
    on.another_handle()
        .await
        .register::<(Article,)>()
        .await
        .unwrap();
    assert_eq!(finds(db, "crab").await, [7, 8]);
}

async fn the_index_serves_the_search(on: &TestDb) {
    let articles =
        (0..3_000).map(|it| article(it, &format!("word{it}"), "same words in all of them"));
    let db = given(on, articles).await;
    let plan = searched(db, "word77")
        .explain()
        .await
        .unwrap()
        .plan
        .join("\n");
    match on.engine() {
        Engine::Sqlite => assert!(plan.contains("VIRTUAL TABLE INDEX"), "{plan}"),
        Engine::Postgres => {
            execute(on, "VACUUM ANALYZE articles").await;
            let plan = searched(db, "word77")
                .explain()
                .await
                .unwrap()
                .plan
                .join("\n");
            assert!(plan.contains("Bitmap Index Scan"), "{plan}");
        }
        Engine::Memory => {}
    }
    assert_eq!(numbers(searched(db, "word77")).await, [77]);
}

async fn other_programs_may_write(on: &TestDb) {
    let db = given_four(on).await;
    execute(on, "INSERT INTO articles (id, data) VALUES ('x', jsonb('{\"_id\":\"x\",\"title\":\"rust\",\"tags\":[],\"n\":9,\"more\":{\"foot note\":\"\"}}'))").await;
    assert_eq!(finds(db, "rust").await, [1, 2, 4, 9]);
    execute(on, "REPLACE INTO articles (id, data) VALUES ('x', jsonb('{\"_id\":\"x\",\"title\":\"iron\",\"tags\":[],\"n\":9,\"more\":{\"foot note\":\"\"}}'))").await;
    assert_eq!(finds(db, "rust").await, [1, 2, 4]);
    assert_eq!(finds(db, "iron").await, [9]);
    execute(
        on,
        "UPDATE articles SET id = 'y', data = jsonb_set(data, '$._id', 'y') WHERE id = 'x'",
    )
    .await;
    assert_eq!(finds(db, "iron").await, [9]);
    execute(on, "DELETE FROM articles WHERE id = 'y'").await;
    assert_eq!(finds(db, "iron").await, [] as [i64; 0]);
}

async fn a_vacuum_changes_nothing(on: &TestDb) {
    let db = given_four(on).await;
    searched(db, "title:cooking").delete().await.unwrap();
    execute(on, "VACUUM").await;
    assert_eq!(finds(db, "rust").await, [1, 4]);
    article(5, "rust", "").insert(db).await.unwrap();
    searched(db, "title:rust -den").delete().await.unwrap();
    assert_eq!(finds(db, "rust").await, [1, 4]);
}

async fn a_type_without_searched_fields(on: &TestDb) {
    let (db, recorder) = recorded::<(Unsearched,)>(on).await;
    let error = Unsearched::query(&db).search("x").all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("#[den(fts)]"), "{error}");
    assert!(recorder.calls().is_empty());
}
