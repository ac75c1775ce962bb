//! Drops after which something goes on: a transaction, a registration, a half-read stream.

use std::collections::BTreeMap;

use den::prelude::*;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};

use super::{
    MOST_POLLS,
    cut::{Moment, cut},
    scene::{Item, Scene},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(a_dropped_call_leaves_its_transaction_whole),
    case!(a_dropped_savepoint_is_rolled_back_or_kept),
    case!(a_dropped_registration_can_be_repeated),
    case!(dropped_streams_give_back_their_connections),
    case!(a_dropped_transaction_can_be_followed_by_many),
];

const MOMENTS: [Moment; 2] = [Moment::AtOnce, Moment::WhenWoken];

/// What is stored when `n` of these were changed by 100.
fn changed(before: &BTreeMap<String, i64>, which: &[i64]) -> BTreeMap<String, i64> {
    let change = |n: &i64| if which.contains(n) { n + 100 } else { *n };
    before
        .iter()
        .map(|(id, n)| (id.clone(), change(n)))
        .collect()
}

async fn a_dropped_call_leaves_its_transaction_whole(on: &TestDb) {
    let mut scene = Scene::new(on.with::<Item>().await);
    for moment in MOMENTS {
        for polls in 1..MOST_POLLS {
            let mut items = scene.next().await;
            let before = scene.state().await;
            items.iter_mut().for_each(|it| it.n += 100);
            let tx = scene.db.begin().await.unwrap();
            items[0].update(&tx).await.unwrap();
            let completed = cut(polls, moment, items[1].update(&tx)).await;
            // The backend may end a transaction in doubt, but then all of it.
            let rest = async {
                items[2].update(&tx).await?;
                tx.commit().await
            };
            let rest = rest.await;
            scene.settle("a dropped call").await;
            let state = scene.state().await;
            let allowed = match (&rest, &completed) {
                (Err(_), _) => vec![before.clone()],
                (Ok(()), Some(_)) => vec![changed(&before, &[0, 1, 2])],
                (Ok(()), None) => vec![changed(&before, &[0, 1, 2]), changed(&before, &[0, 2])],
            };
            assert!(
                allowed.contains(&state),
                "{polls}: {rest:?} {completed:?} {state:?}"
            );
            if completed.is_some() {
                break;
            }
        }
    }
}

async fn a_dropped_savepoint_is_rolled_back_or_kept(on: &TestDb) {
    let mut scene = Scene::new(on.with::<Item>().await);
    for moment in MOMENTS {
        for polls in 1..MOST_POLLS {
            let mut items = scene.next().await;
            let before = scene.state().await;
            items.iter_mut().for_each(|it| it.n += 100);
            let tx = scene.db.begin().await.unwrap();
            items[0].update(&tx).await.unwrap();
            let (inner, outer) = items.split_at_mut(3);
            let savepoint = tx.savepoint(async |tx| {
                inner[1].update(&tx).await?;
                inner[2].update(&tx).await
            });
            let completed = cut(polls, moment, savepoint).await;
            let rest = async {
                outer[0].update(&tx).await?;
                tx.commit().await
            };
            let rest = rest.await;
            scene.settle("a dropped savepoint").await;
            let state = scene.state().await;
            let allowed = match (&rest, &completed) {
                (Err(_), _) => vec![before.clone()],
                (Ok(()), Some(_)) => vec![changed(&before, &[0, 1, 2, 3])],
                // It may have been dropped after its work was done.
                (Ok(()), None) => vec![changed(&before, &[0, 3]), changed(&before, &[0, 1, 2, 3])],
            };
            assert!(
                allowed.contains(&state),
                "{polls}: {rest:?} {completed:?} {state:?}"
            );
            if completed.is_some() {
                break;
            }
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "registered late", index(fields("name", "n")))]
struct Late {
    #[serde(flatten)]
    base: Base<Late>,
    #[den(unique)]
    name: String,
    n: i64,
    #[den(index)]
    tags: Vec<String>,
}

async fn a_dropped_registration_can_be_repeated(on: &TestDb) {
    for moment in MOMENTS {
        for polls in 1..MOST_POLLS {
            on.backend.drop_collection("registered late").await.unwrap();
            let dropped = on.another_handle().await;
            let completed = cut(polls, moment, dropped.register::<Late>()).await;
            let db = on.another_handle().await;
            db.register::<Late>().await.unwrap();
            let mut late = Late {
                name: "x".to_owned(),
                tags: vec!["x".to_owned()],
                ..Late::default()
            };
            late.insert(&db).await.unwrap();
            let again = late.clone();
            late.base = Base::default();
            let refused = late.insert(&db).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Duplicate, "{polls} polls");
            let tags = Late::fields().tags;
            let found = Late::query(&db)
                .filter(tags.contains("x"))
                .all()
                .await
                .unwrap();
            assert_eq!(found, [again], "{polls} polls");
            if let Some(outcome) = completed {
                outcome.unwrap();
                break;
            }
        }
    }
}

async fn dropped_streams_give_back_their_connections(on: &TestDb) {
    let mut scene = Scene::new(on.with::<Item>().await);
    for _ in 0..40 {
        scene.next().await;
    }
    for rows_read in 0..60 {
        let mut rows = Item::query(scene.db).sort(Item::fields().n.asc()).stream();
        for _ in 0..rows_read {
            rows.try_next().await.unwrap().unwrap();
        }
        drop(rows);
    }
    scene.settle("dropped streams").await;
}

async fn a_dropped_transaction_can_be_followed_by_many(on: &TestDb) {
    let mut scene = Scene::new(on.with::<Item>().await);
    let mut items = scene.next().await;
    let before = scene.state().await;
    for round in 0..50 {
        items[0].n = 1000 + round;
        let tx = scene.db.begin().await.unwrap();
        items[0].update(&tx).await.unwrap();
        // Neither committed nor rolled back.
        drop(tx);
    }
    scene.settle("dropped transactions").await;
    assert_eq!(scene.state().await, before);
}
