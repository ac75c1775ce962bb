//! How deep links are loaded is the same for every way to read.

use den::prelude::*;
use futures_util::TryStreamExt;

use super::linked::{All, Node, stored};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(every_read_goes_three_levels_deep),
    case!(a_depth_holds_for_every_terminal),
];

/// Nodes `a` to `f`, each linking to the next.
async fn given(db: &Db) -> Node {
    let mut next: Option<Node> = None;
    for name in ["f", "e", "d", "c", "b", "a"] {
        let node = Node {
            name: name.into(),
            next: next.as_ref().map(Link::to),
            ..Default::default()
        };
        next = Some(stored(db, node).await);
    }
    next.unwrap()
}

/// The names of the nodes that are loaded, from this one on.
fn chain(node: &Node) -> String {
    let mut names = node.name.clone();
    let mut node = node;
    while let Some(next) = node.next.as_ref().and_then(Link::get) {
        names.push_str(&next.name);
        node = next;
    }
    names
}

/// What each terminal of a query for one document answers.
async fn answers(query: impl Fn() -> QuerySet<Node>) -> Vec<Node> {
    let mut found = query().all().await.unwrap();
    found.extend(query().await.unwrap());
    found.extend(query().first().await.unwrap());
    found.push(query().one().await.unwrap());
    found.extend(query().all_with_count().await.unwrap().0);
    found.extend(query().page(PageRequest::first(5)).await.unwrap().items);
    found.extend(query().stream().try_collect::<Vec<_>>().await.unwrap());
    assert_eq!(found.len(), 7);
    found
}

fn of_a(on: &(impl Executor + ?Sized)) -> QuerySet<Node> {
    Node::query(on).filter(Node::fields().name.eq("a"))
}

async fn every_read_goes_three_levels_deep(on: &TestDb) {
    let db = on.with::<All>().await;
    let mut a = given(db).await;
    let mut found = answers(|| of_a(db)).await;
    found.extend(Node::get(db, a.id()).await.unwrap());
    found.push(Node::find(db, a.id()).await.unwrap());
    found.extend(Node::get_many(db, [a.id()]).await.unwrap());
    let tx = db.begin().await.unwrap();
    found.extend(answers(|| of_a(&tx)).await);
    found.push(Node::find(&tx, a.id()).await.unwrap());
    tx.commit().await.unwrap();
    a.refresh(db).await.unwrap();
    found.push(a);
    let chains: Vec<String> = found.iter().map(chain).collect();
    assert_eq!(chains, ["abcd"; 19]);
}

async fn a_depth_holds_for_every_terminal(on: &TestDb) {
    let db = on.with::<All>().await;
    given(db).await;
    for (depth, expected) in [(1, "ab"), (2, "abc"), (5, "abcdef")] {
        let found = answers(|| of_a(db).link_depth(depth)).await;
        let chains: Vec<String> = found.iter().map(chain).collect();
        assert_eq!(chains, [expected; 7]);
        let tx = db.begin().await.unwrap();
        let found = answers(|| of_a(&tx).link_depth(depth)).await;
        let chains: Vec<String> = found.iter().map(chain).collect();
        assert_eq!(chains, [expected; 7]);
        tx.rollback().await.unwrap();
    }
}
