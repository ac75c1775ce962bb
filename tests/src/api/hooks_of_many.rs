//! Hooks where several documents are written or deleted at once.

use den::{ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    hooked::*,
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_batch_runs_the_chain_for_each_document),
    case!(a_batch_that_fails_half_way_leaves_nothing),
    case!(a_document_given_twice_is_written_once),
    case!(deleting_several_runs_the_chain_for_each),
    case!(a_delete_by_query_runs_the_chain_for_each),
    case!(a_delete_by_query_is_undone_by_an_error),
    case!(without_hooks_a_delete_by_query_is_one_statement),
    case!(hooks_of_one_may_change_the_next),
    case!(hooks_of_one_may_delete_the_next),
];

async fn a_batch_runs_the_chain_for_each_document(on: &TestDb) {
    let db = given(on).await;
    let mut all = [post("a"), post("b")];
    let (names, outcome) = ran(Post::insert_many(db, &mut all)).await;
    outcome.unwrap();
    assert_eq!(names, [INSERT, INSERT].join(" "));
    let [first, second] = all;
    let mut mixed = [first, post("c"), second];
    let (names, outcome) = ran(Post::save_all(db, &mut mixed)).await;
    outcome.unwrap();
    assert_eq!(names, [UPDATE, INSERT, UPDATE].join(" "));
    assert_eq!(count::<Post>(db).await, 3);
    let (names, outcome) = ran(Post::save_all(db, &mut [])).await;
    outcome.unwrap();
    assert_eq!(names, "");
}

async fn a_batch_that_fails_half_way_leaves_nothing(on: &TestDb) {
    let db = given(on).await;
    let mut all = [post("a"), post("b"), post("c")];
    all[1].fail_at = Some("after_insert".into());
    let before = all.clone();
    let (names, outcome) = ran(Post::insert_many(db, &mut all)).await;
    let error = refused(outcome, ErrorKind::Hook);
    assert_eq!(error.to_string(), "document 2 of 3: after_insert says no");
    assert_eq!(names, [INSERT, &up_to(INSERT, "after_insert")].join(" "));
    assert_eq!(all, before);
    assert!(all.iter().all(|it| !it.base.is_stored()));
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (0, 0));
    all[1].fail_at = None;
    Post::save_all(db, &mut all).await.unwrap();
    assert_eq!(count::<Post>(db).await, 3);
}

async fn a_document_given_twice_is_written_once(on: &TestDb) {
    let db = given(on).await;
    let with_id = |title: &str| {
        let mut it = post(title);
        it.base.id = Id::new("same");
        it
    };
    let mut all = [with_id("first"), post("other"), with_id("last")];
    let (names, outcome) = ran(Post::save_all(db, &mut all)).await;
    outcome.unwrap();
    assert_eq!(names, [INSERT, INSERT].join(" "));
    assert_eq!(Post::find(db, "same").await.unwrap().title, "last");
    assert_eq!(count::<Post>(db).await, 2);
    let mut twice = [all[2].clone(), all[2].clone()];
    let (names, outcome) = ran(Post::delete_all(db, &mut twice)).await;
    outcome.unwrap();
    assert_eq!(names, DELETE);
}

async fn deleting_several_runs_the_chain_for_each(on: &TestDb) {
    let db = given(on).await;
    let mut all = [memo("a"), memo("b"), memo("c")];
    Memo::insert_many(db, &mut all).await.unwrap();
    all[2].fail_at = Some("after_soft_delete".into());
    let before = all.clone();
    let error = refused(Memo::delete_all(db, &mut all).await, ErrorKind::Hook);
    assert!(
        error.to_string().starts_with("document 3 of 3: "),
        "{error}"
    );
    assert_eq!(all, before);
    assert_eq!(count::<Memo>(db).await, 3);
    all[2].fail_at = None;
    let (names, outcome) = ran(Memo::delete_all(db, &mut all)).await;
    outcome.unwrap();
    assert_eq!(names, [MARK, MARK, MARK].join(" "));
    assert!(all.iter().all(|it| it.deletion.is_deleted()));
    assert_eq!(count::<Memo>(db).await, 0);
}

async fn a_delete_by_query_runs_the_chain_for_each(on: &TestDb) {
    let db = given(on).await;
    numbered(db, 300).await;
    let p = Post::fields();
    let query = Post::query(db).filter(p.n.ge(10)).sort(p.n.desc());
    let (names, outcome) = ran(query.skip(1).limit(280).delete()).await;
    assert_eq!(outcome.unwrap(), 280);
    let times = |hook: &str| names.split(' ').filter(|it| *it == hook).count();
    assert_eq!(times("before_delete"), 280);
    assert_eq!(times("after_delete"), 280);
    let mut left: Vec<i64> = Post::query(db).values(p.n).await.unwrap();
    left.sort_unstable();
    assert_eq!(
        left,
        [
            0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 299
        ]
    );
    assert_eq!(count::<Entry>(db).await, 560);
}

async fn a_delete_by_query_is_undone_by_an_error(on: &TestDb) {
    let db = given(on).await;
    numbered(db, 3).await;
    let p = Post::fields();
    let mut last = Post::query(db).filter(p.n.eq(2)).one().await.unwrap();
    last.fail_at = Some("before_delete".into());
    last.save(db).await.unwrap();
    Entry::query(db).all_rows().delete().await.unwrap();
    let query = || Post::query(db).all_rows().sort(p.n.asc());
    refused(query().delete().await, ErrorKind::Hook);
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (3, 0));
    let tx = db.begin().await.unwrap();
    let within = || Post::query(&tx).all_rows().sort(p.n.asc());
    refused(within().delete().await, ErrorKind::Hook);
    assert_eq!(within().limit(2).delete().await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (1, 4));
    refused(Post::query(db).delete().await, ErrorKind::InvalidQuery);
}

async fn without_hooks_a_delete_by_query_is_one_statement(on: &TestDb) {
    let db = given(on).await;
    numbered(db, 3).await;
    let all = Post::query(db).all_rows().without_hooks();
    let (names, outcome) = ran(all.delete()).await;
    assert_eq!((names.as_str(), outcome.unwrap()), ("", 3));
    assert_eq!((count::<Post>(db).await, count::<Entry>(db).await), (0, 0));
    memo("a").save(db).await.unwrap();
    let all = Memo::query(db).all_rows().without_hooks();
    let (names, outcome) = ran(all.delete()).await;
    assert_eq!((names.as_str(), outcome.unwrap()), ("", 1));
    assert_eq!(Memo::query(db).only_deleted().count().await.unwrap(), 1);
}

/// A document of a list without gaps: when one is deleted, its hook has those after it move up.
/// One that takes another along deletes it first.
macro_rules! step {
    ($type:ident, $collection:literal $(, $revision:ident)?) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
        #[den(collection = $collection, hooks $(, $revision)?)]
        struct $type {
            #[serde(flatten)]
            base: Base<$type>,
            n: i64,
            place: i64,
            takes: Option<i64>,
        }

        impl Hooks for $type {
            async fn before_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                if let Some(n) = self.takes {
                    let others = $type::query(cx).filter($type::fields().n.eq(n));
                    others.without_hooks().delete().await?;
                }
                Ok(())
            }

            async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
                let behind = $type::query(cx).filter($type::fields().place.gt(self.place));
                for mut it in behind.all().await? {
                    it.place -= 1;
                    it.save(cx).await?;
                }
                Ok(())
            }
        }

        impl $type {
            async fn given(db: &Db, takes: Option<i64>) {
                for n in 0..6 {
                    let mut it = Self {
                        n,
                        place: n,
                        takes: takes.filter(|_| n == 1),
                        ..Default::default()
                    };
                    it.save(db).await.unwrap();
                }
            }

            async fn left(db: &Db) -> Vec<(i64, i64)> {
                let all = Self::query(db).sort(Self::fields().n.asc()).all().await;
                all.unwrap().iter().map(|it| (it.n, it.place)).collect()
            }
        }
    };
}

step!(Step, "steps", revision);
step!(Stair, "stairs");

async fn hooks_of_one_may_change_the_next(on: &TestDb) {
    let db = on.with::<(Step, Stair)>().await;
    Step::given(db, None).await;
    Stair::given(db, None).await;
    let (s, t) = (Step::fields(), Stair::fields());
    let query = Step::query(db).filter(s.n.ge(1)).sort(s.n.asc()).limit(4);
    assert_eq!(query.delete().await.unwrap(), 4);
    assert_eq!(Step::left(db).await, [(0, 0), (5, 1)]);
    let query = Stair::query(db).filter(t.n.ge(1)).sort(t.n.asc()).limit(4);
    assert_eq!(query.delete().await.unwrap(), 4);
    assert_eq!(Stair::left(db).await, [(0, 0), (5, 1)]);
}

async fn hooks_of_one_may_delete_the_next(on: &TestDb) {
    let db = on.with::<(Step, Stair)>().await;
    Step::given(db, Some(2)).await;
    Stair::given(db, Some(2)).await;
    let (s, t) = (Step::fields(), Stair::fields());
    let query = Step::query(db).filter(s.n.le(3)).sort(s.n.asc());
    assert_eq!(query.delete().await.unwrap(), 3);
    let left = Step::left(db).await;
    assert_eq!(left.iter().map(|it| it.0).collect::<Vec<_>>(), [4, 5]);
    let query = Stair::query(db).filter(t.n.le(3)).sort(t.n.asc());
    assert_eq!(query.delete().await.unwrap(), 3);
    let left = Stair::left(db).await;
    assert_eq!(left.iter().map(|it| it.0).collect::<Vec<_>>(), [4, 5]);
}
