//! Page tokens: opaque text that belongs to one order.

use den::{ErrorKind, FieldKind, field, prelude::*};

use super::support::{Item, Note, given_numbered, names, note, refused};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_token_travels_as_text),
    case!(a_token_of_another_order_is_refused),
    case!(a_token_of_another_collection_is_refused),
    case!(forged_and_cut_tokens_are_refused),
    case!(a_token_and_skip_exclude_each_other),
    case!(a_token_works_with_another_filter),
    case!(a_token_works_on_another_handle),
];

async fn token(db: &Db) -> PageToken {
    let p = Item::fields();
    let query = Item::query(db).sort(p.category.asc()).sort(p.n.desc());
    query
        .page(PageRequest::first(2))
        .await
        .unwrap()
        .next
        .unwrap()
}

async fn use_it(query: QuerySet<Item>, token: &PageToken) -> den::Result<Page<Item>> {
    query.page(PageRequest::first(2).after(token.clone())).await
}

fn its_order(db: &Db) -> QuerySet<Item> {
    let p = Item::fields();
    Item::query(db).sort(p.category.asc()).sort(p.n.desc())
}

async fn a_token_travels_as_text(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let token = token(db).await;
    let text = token.to_string();
    assert!(
        text.bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)),
        "{text}"
    );
    let read: PageToken = text.parse().unwrap();
    assert_eq!((&read, read.as_str()), (&token, text.as_str()));
    let json = serde_json::to_string(&token).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    let read: PageToken = serde_json::from_str(&json).unwrap();
    assert_eq!(
        names(&use_it(its_order(db), &read).await.unwrap().items),
        "i3 i2"
    );
}

async fn a_token_of_another_order_is_refused(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let token = token(db).await;
    for query in [
        Item::query(db),
        Item::query(db).sort(p.category.asc()),
        Item::query(db).sort(p.n.desc()).sort(p.category.asc()),
        Item::query(db).sort(p.category.asc()).sort(p.n.asc()),
        Item::query(db).sort(p.category.desc()).sort(p.n.desc()),
        Item::query(db)
            .sort(p.category.asc().nulls_last())
            .sort(p.n.desc()),
        Item::query(db)
            .sort(field("category").asc())
            .sort(p.n.desc()),
        Item::query(db)
            .sort(p.category.asc())
            .sort(field("n").of_kind(FieldKind::Text).desc()),
        its_order(db).sort(p.name.asc()),
    ] {
        let error = refused(use_it(query.clone(), &token).await, ErrorKind::InvalidQuery);
        assert!(error.to_string().contains("another"), "{error}");
        let before = query.page(PageRequest::first(2).before(token.clone()));
        refused(before.await, ErrorKind::InvalidQuery);
    }
    let same = Item::query(db)
        .sort(field("category").of_kind(FieldKind::Text).asc())
        .sort(p.n.desc());
    assert_eq!(names(&use_it(same, &token).await.unwrap().items), "i3 i2");
}

async fn a_token_of_another_collection_is_refused(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    db.register::<Note>().await.unwrap();
    note("a").save(db).await.unwrap();
    let token = Item::query(db)
        .page(PageRequest::first(1))
        .await
        .unwrap()
        .next
        .unwrap();
    let page = Note::query(db).page(PageRequest::first(1).after(token));
    refused(page.await, ErrorKind::InvalidQuery);
}

async fn forged_and_cut_tokens_are_refused(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let text = token(db).await.to_string();
    let mut forged = vec![
        String::new(),
        " ".to_owned(),
        "AA".to_owned(),
        "nonsense!".to_owned(),
        "ÄÖÜ".to_owned(),
        text.to_ascii_lowercase(),
        text.chars().rev().collect(),
        format!("{text}A"),
        format!("{text}=="),
        format!(" {text}"),
        text.repeat(2),
        "A".repeat(100_000),
        "eyJvIjowLCJrIjpbXSwiaSI6IiJ9".to_owned(),
    ];
    forged.extend((0..text.len()).map(|end| text[..end].to_owned()));
    for at in 0..text.len() {
        let other = if &text[at..=at] == "B" { "C" } else { "B" };
        forged.push([&text[..at], other, &text[at + 1..]].concat());
    }
    for it in forged {
        if it == text {
            continue;
        }
        let token: PageToken = it.parse().unwrap();
        match use_it(its_order(db), &token).await {
            // The last character holds bits that mean nothing.
            Ok(page) if it[..it.len() - 1] == text[..text.len() - 1] => {
                assert_eq!(names(&page.items), "i3 i2");
            }
            outcome => {
                refused(outcome, ErrorKind::InvalidQuery);
            }
        }
        let before = its_order(db).page(PageRequest::first(2).before(token));
        assert!(before.await.is_ok_and(|it| it.items.len() == 1) || it != text);
    }
}

async fn a_token_and_skip_exclude_each_other(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let token = token(db).await;
    let error = refused(
        use_it(its_order(db).skip(1), &token).await,
        ErrorKind::InvalidQuery,
    );
    assert!(error.to_string().contains("skip"), "{error}");
    let before = its_order(db)
        .skip(1)
        .page(PageRequest::first(1).before(token.clone()));
    refused(before.await, ErrorKind::InvalidQuery);
    assert!(use_it(its_order(db).skip(0), &token).await.is_ok());
}

async fn a_token_works_with_another_filter(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let token = token(db).await;
    let page = use_it(its_order(db).filter(Item::fields().n.ne(3)), &token)
        .await
        .unwrap();
    assert_eq!(names(&page.items), "i2 i1");
}

async fn a_token_works_on_another_handle(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let token = token(db).await;
    let other = on.another_handle().await;
    other.register::<Item>().await.unwrap();
    assert_eq!(
        names(&use_it(its_order(&other), &token).await.unwrap().items),
        "i3 i2"
    );
}
