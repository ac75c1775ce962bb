//! Raw statements and conditions, batches, searches, and what is said of mistakes with them.

use den::{Json, prelude::*, site, testing::check_raw_sites};
use den_test_harness::{Case, TestDb};
use serde::{Deserialize, Serialize};

use super::refused;

pub(crate) const CASES: &[Case] = &[
    alone!(a_package_is_known_by_its_name),
    alone!(a_list_for_a_package_without_places_is_wrong),
    case!(a_write_in_a_batch_says_so, except: [Memory]),
    case!(a_condition_keeps_its_parentheses, except: [Memory]),
    case!(a_broken_condition_is_named, except: [Memory]),
    case!(a_missing_table_is_explained, except: [Memory]),
    case!(hits_need_a_search),
    case!(what_is_said_once_is_not_said_twice),
    case!(groups_by_lists_come_as_a_whole),
    case!(rows_of_elements_are_sorted_where_they_are_made_distinct),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "pages")]
struct Page {
    #[serde(flatten)]
    base: Base<Page>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(unique)]
    url: String,
    #[den(fts)]
    text: String,
    tags: Vec<String>,
    words: Vec<String>,
}

async fn a_package_is_known_by_its_name() {
    let _ = site!("mended_place");
    for name in [
        env!("CARGO_PKG_NAME"),
        "den-tests-tooling",
        "den_tests_tooling",
    ] {
        let wrong = check_raw_sites(name, &[]).unwrap_err();
        assert!(wrong.contains("not listed: mended_place ("), "{wrong}");
    }
}

async fn a_list_for_a_package_without_places_is_wrong() {
    let wrong = check_raw_sites("nobody", &["a", "b"]).unwrap_err();
    for told in ["`nobody`", "a, b", "`den-tests-tooling`"] {
        assert!(wrong.contains(told), "{wrong}");
    }
    assert_eq!(check_raw_sites("nobody", &[]), Ok(()));
}

async fn a_write_in_a_batch_says_so(on: &TestDb) {
    let db = on.with::<Page>().await;
    let p = Page::fields();
    let mut page = Page::default();
    let new = Page {
        url: "/b".to_owned(),
        ..Page::default()
    };
    let reads = db.batch((
        page.insert(db),
        Page::get_or_create(db, new).on(p.url),
        db.transaction(async |tx| Page::query(&tx).count().await),
        Page::query(db).count(),
    ));
    let (inserted, created, within, count) = reads.await;
    for error in [
        refused(inserted, ErrorKind::Unsupported),
        refused(created, ErrorKind::Unsupported),
        refused(within, ErrorKind::Unsupported),
    ] {
        assert!(error.to_string().contains("batch"), "{error}");
        assert!(!error.to_string().contains("&tx"), "{error}");
    }
    assert_eq!(count.unwrap(), 0);
}

async fn a_condition_keeps_its_parentheses(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut page = Page::default();
    page.insert(db).await.unwrap();
    page.delete(db).await.unwrap();
    for text in ["1=1) OR (1=1", "(1=1", "1=1)", "1=1) -- (", ") OR ("] {
        let odd = Filter::raw(db, site!("unbalanced"), text, ());
        let outcome = Page::query(db).filter(odd).count().await;
        let error = refused(outcome, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("parenthesis"), "{error}");
        assert!(error.to_string().contains("unbalanced"), "{error}");
    }
    for text in [
        "(1=1)",
        "')' <> '('",
        "1=1 -- )",
        "1=1 /* ( */",
        "((1)=(1))",
    ] {
        let fine = Filter::raw(db, site!("balanced"), text, ());
        assert_eq!(Page::query(db).filter(fine).count().await.unwrap(), 0);
    }
}

async fn a_broken_condition_is_named(on: &TestDb) {
    let db = on.with::<Page>().await;
    let broken = || Filter::raw(db, site!("broken_condition"), "d.nothing = 1", ());
    let query = || Page::query(db).filter(broken());
    let p = Page::fields();
    for error in [
        query().all().await.unwrap_err(),
        query().count().await.unwrap_err(),
        query().exists().await.unwrap_err(),
        query().ids().await.unwrap_err(),
        query().select((p.url,)).all().await.unwrap_err(),
        query()
            .group_by(p.url)
            .select((p.url,))
            .all()
            .await
            .unwrap_err(),
        query().update().set(p.text, "x").await.unwrap_err(),
        query().delete().await.unwrap_err(),
        query()
            .delete_with(DeleteOptions::new().hard())
            .await
            .unwrap_err(),
    ] {
        assert!(error.to_string().contains("`broken_condition`"), "{error}");
    }
}

async fn a_missing_table_is_explained(on: &TestDb) {
    let db = on.with::<Page>().await;
    let rows = db.query_raw::<Json>(site!("missing_table"), "SELECT 1 AS n FROM nowhere", ());
    let error = refused(rows.await, ErrorKind::NotRegistered);
    for told in ["`missing_table`", "nowhere"] {
        let all = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(all.contains(told), "{all}");
    }
    assert!(error.to_string().contains("regist"), "{error}");
}

async fn hits_need_a_search(on: &TestDb) {
    let db = on.with::<Page>().await;
    let error = refused(Page::query(db).hits().await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains(".search(..)"), "{error}");
    assert_eq!(error.collection(), Some("pages"));
}

async fn what_is_said_once_is_not_said_twice(on: &TestDb) {
    let db = on.with::<Page>().await;
    let p = Page::fields();
    let twice = Page::query(db).distinct_by(p.url).distinct_by(p.text);
    let error = refused(twice.all().await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("once"), "{error}");
    let twice = Page::query(db).unwind(p.tags).unwind(p.words);
    let error = refused(twice.count().await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("one list"), "{error}");
    let once = Page::query(db).distinct_by((p.url, p.text)).all().await;
    assert!(once.unwrap().is_empty());
}

async fn groups_by_lists_come_as_a_whole(on: &TestDb) {
    let db = on.with::<Page>().await;
    for (url, tags) in [("/a", &["x", "y"][..]), ("/b", &["x", "y"]), ("/c", &["z"])] {
        let mut page = Page {
            url: url.to_owned(),
            tags: tags.iter().copied().map(str::to_owned).collect(),
            ..Page::default()
        };
        page.insert(db).await.unwrap();
    }
    let p = Page::fields();
    let groups = || {
        let groups = Page::query(db).group_by(p.tags);
        groups.select((p.tags, den::count()))
    };
    for outcome in [
        groups().limit(1).all().await,
        groups().skip(1).all().await,
        groups().first().await.map(|it| it.into_iter().collect()),
        groups().sort(field("tags").asc()).all().await,
    ] {
        let error = refused(outcome, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("order"), "{error}");
    }
    let sorted = groups().sort(den::count().desc()).all().await.unwrap();
    let counts: Vec<u64> = sorted.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [2, 1]);
    let outcome = Page::query(db).distinct_by(p.tags).limit(1).all().await;
    assert_eq!(outcome.unwrap().len(), 1);
}

async fn rows_of_elements_are_sorted_where_they_are_made_distinct(on: &TestDb) {
    let db = on.with::<Page>().await;
    let mut page = Page {
        tags: ["b", "c", "a", "b"].map(str::to_owned).to_vec(),
        ..Page::default()
    };
    page.insert(db).await.unwrap();
    let p = Page::fields();
    let tag = p.tags.element();
    let sorted = || Page::query(db).unwind(p.tags).sort(tag.desc());
    let error = refused(sorted().select(tag).all().await, ErrorKind::InvalidQuery);
    assert!(error.to_string().contains("distinct"), "{error}");
    let tags = sorted().select(tag).distinct().all().await.unwrap();
    assert_eq!(tags, ["c", "b", "a"]);
}
