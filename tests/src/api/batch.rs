//! Several reads at once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use den::{ErrorKind, Json, prelude::*, site};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    linked::{Country, Eager, Maker, Tag},
    support::{Item, Note, given_numbered, item, names, note, recorded, refused},
};
use crate::harness::{Case, Engine, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(each_read_has_its_answer),
    case!(up_to_eight_reads),
    case!(an_error_of_one_leaves_the_others_alone),
    case!(all_see_one_snapshot, except: [Memory]),
    case!(a_write_is_refused),
    case!(what_is_refused_begins_nothing),
    case!(reads_of_a_transaction_stay_in_it),
    case!(links_are_loaded, except: [Memory]),
    case!(a_dropped_batch_leaves_the_pool_usable),
    case!(one_transaction_carries_all, except: [Memory]),
    case!(raw_reads_belong_to_it, except: [Memory]),
    case!(one_round_trip, only: [Postgres]),
];

async fn each_read_has_its_answer(on: &TestDb) {
    let db = given_numbered(on, 5).await;
    let p = Item::fields();
    let first = Item::query(db).first().await.unwrap().unwrap();
    let (high, count, one, none, exists) = db
        .batch((
            Item::query(db).filter(p.n.gt(3)).sort(p.n.asc()).all(),
            Item::query(db).count(),
            Item::get(db, first.id()),
            Item::get(db, "nope"),
            Item::query(db).filter(p.n.eq(9)).exists(),
        ))
        .await;
    assert_eq!(names(&high.unwrap()), "i4 i5");
    assert_eq!(count.unwrap(), 5);
    assert_eq!(one.unwrap(), Some(first));
    assert_eq!(none.unwrap(), None);
    assert!(!exists.unwrap());
    // A query itself is a read, too; and so is one read a batch.
    let (all,) = db.batch((Item::query(db).sort(p.n.desc()).limit(2),)).await;
    assert_eq!(names(&all.unwrap()), "i5 i4");
}

async fn up_to_eight_reads(on: &TestDb) {
    let db = given_numbered(on, 8).await;
    let p = Item::fields();
    let at_most = |n: i64| Item::query(db).filter(p.n.le(n)).count();
    let (a, b, c, d, e, f, g, h) = db
        .batch((
            at_most(1),
            at_most(2),
            at_most(3),
            at_most(4),
            at_most(5),
            at_most(6),
            at_most(7),
            at_most(8),
        ))
        .await;
    let all = [a, b, c, d, e, f, g, h].map(Result::unwrap);
    assert_eq!(all, [1, 2, 3, 4, 5, 6, 7, 8]);
}

async fn an_error_of_one_leaves_the_others_alone(on: &TestDb) {
    let db = given_numbered(on, 2).await;
    for _ in 0..3 {
        let (a, refused_at_once, missing, b) = db
            .batch((
                Item::query(db).count(),
                Note::query(db).all(),
                db.collection("nope").get("x"),
                Item::query(db).all(),
            ))
            .await;
        assert_eq!(a.unwrap(), 2);
        refused(refused_at_once, ErrorKind::NotRegistered);
        refused(missing, ErrorKind::NotRegistered);
        assert_eq!(b.unwrap().len(), 2);
    }
    if on.engine() != Engine::Memory {
        let (a, bad, b) = db
            .batch((
                Item::query(db).count(),
                db.query_raw::<Json>(site!("fails_in_batch"), "SELECT nonsense(1) AS a", ()),
                Item::query(db).count(),
            ))
            .await;
        assert!(bad.is_err());
        assert_eq!((a.unwrap(), b.unwrap()), (2, 2));
    }
}

async fn all_see_one_snapshot(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let late = async {
        // Once the others were asked, and something was written since.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let other = on.another_handle().await;
        other.register::<Item>().await.unwrap();
        item("late").save(&other).await.unwrap();
        Item::query(db).count().await
    };
    let (before, after) = db.batch((Item::query(db).count(), late)).await;
    assert_eq!((before.unwrap(), after.unwrap()), (1, 1));
    assert_eq!(Item::query(db).count().await.unwrap(), 2);
}

async fn a_write_is_refused(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let mut new = item("new");
    let (count, saved, deleted) = db
        .batch((
            Item::query(db).count(),
            new.save(db),
            Item::query(db).all_rows().delete(),
        ))
        .await;
    assert_eq!(count.unwrap(), 1);
    refused(saved, ErrorKind::Unsupported);
    refused(deleted, ErrorKind::Unsupported);
    assert_eq!(Item::query(db).count().await.unwrap(), 1);
}

async fn what_is_refused_begins_nothing(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let (a, b) = db
        .batch((Note::query(&db).all(), Item::query(&db).limit(0).all()))
        .await;
    refused(a, ErrorKind::NotRegistered);
    refused(b, ErrorKind::InvalidQuery);
    assert!(recorder.take().is_empty());
}

async fn reads_of_a_transaction_stay_in_it(on: &TestDb) {
    let db = given_numbered(on, 1).await;
    let tx = db.begin().await.unwrap();
    item("second").save(&tx).await.unwrap();
    let (inside, outside) = db
        .batch((Item::query(&tx).count(), Item::query(db).count()))
        .await;
    assert_eq!((inside.unwrap(), outside.unwrap()), (2, 1));
    tx.rollback().await.unwrap();
}

async fn links_are_loaded(on: &TestDb) {
    let (db, recorder) = recorded::<(Country, Maker, Tag, Eager)>(on).await;
    let mut maker = Maker::default();
    maker.save(&db).await.unwrap();
    let mut eager = Eager {
        maker: Link::to(&maker),
        ..Default::default()
    };
    eager.save(&db).await.unwrap();
    recorder.clear();
    let (found, makers) = db
        .batch((Eager::query(&db).all(), Maker::query(&db).count()))
        .await;
    assert!(found.unwrap()[0].maker.is_loaded());
    assert_eq!(makers.unwrap(), 1);
    assert!(recorder.statements().iter().all(|it| it.in_transaction));
}

async fn a_dropped_batch_leaves_the_pool_usable(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    for micros in [0, 50, 200, 500, 1000, 3000] {
        let batch = db.batch((Item::query(db).all(), Item::query(db).count()));
        let _cut = tokio::time::timeout(Duration::from_micros(micros), batch).await;
    }
    item("after").save(db).await.unwrap();
    let (count,) = db.batch((Item::query(db).count(),)).await;
    assert_eq!(count.unwrap(), 4);
}

async fn one_transaction_carries_all(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let (a, b, c) = db
        .batch((
            Item::query(&db).all(),
            Item::query(&db).count(),
            Item::get(&db, "x"),
        ))
        .await;
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let mut calls: Vec<String> = recorder.take().iter().map(ToString::to_string).collect();
    assert_eq!(calls.remove(0), "begin");
    calls.sort();
    assert_eq!(calls, ["tx count items", "tx get items", "tx query items"]);
}

async fn raw_reads_belong_to_it(on: &TestDb) {
    let (db, recorder) = recorded::<(Item,)>(on).await;
    let sql = "SELECT count(*) AS n FROM items";
    let (rows, count) = db
        .batch((
            db.query_raw::<Json>(site!("raw_in_batch"), sql, ()),
            Item::query(&db).count(),
        ))
        .await;
    assert_eq!(
        (rows.unwrap()[0]["n"].as_u64(), count.unwrap()),
        (Some(0), 0)
    );
    assert_eq!(recorder.take(), ["begin", "tx raw_query", "tx count items"]);
}

/// What passed a proxy: `c` from the client, `s` from the server, in turns.
type Turns = Arc<Mutex<Vec<char>>>;

/// Passes bytes on, those of the server late, so that whatever the client sends without waiting for
/// them is on its way before.
async fn pass(mut from: TcpStream, to: String, turns: Turns) {
    let mut server = TcpStream::connect(to).await.unwrap();
    let (mut client_in, mut client_out) = from.split();
    let (mut server_in, mut server_out) = server.split();
    let note = |who: char| {
        let mut turns = turns.lock().unwrap();
        if turns.last() != Some(&who) {
            turns.push(who);
        }
    };
    let up = async {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = client_in.read(&mut buffer).await {
            note('c');
            if server_out.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = server_in.read(&mut buffer).await {
            tokio::time::sleep(Duration::from_millis(40)).await;
            note('s');
            if client_out.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

async fn one_round_trip(on: &TestDb) {
    let db = given_numbered(on, 3).await;
    note("a").save(on.with::<Note>().await).await.unwrap();
    let host = on.url().split('@').next_back().unwrap();
    let (host, _) = host.split_once('/').unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxied = on
        .url()
        .replacen(host, &listener.local_addr().unwrap().to_string(), 1);
    let turns = Turns::default();
    let proxy = tokio::spawn({
        let (turns, host) = (Arc::clone(&turns), host.to_owned());
        async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(pass(client, host.clone(), Arc::clone(&turns)));
            }
        }
    });
    let more = if proxied.contains('?') { "&" } else { "?" };
    let far = Db::open([proxied.as_str(), more, "max_connections=1"].concat())
        .await
        .unwrap();
    far.register::<(Item, Note)>().await.unwrap();
    let p = Item::fields();
    let first = Item::query(db).first().await.unwrap().unwrap();
    let batch = async || {
        far.batch((
            Item::query(&far).filter(p.n.gt(1)).sort(p.n.asc()).all(),
            Item::query(&far).count(),
            Item::get(&far, first.id()),
            Note::query(&far).first(),
        ))
        .await
    };
    let mut trips = Vec::new();
    for _ in 0..4 {
        turns.lock().unwrap().clear();
        let (high, count, one, note) = batch().await;
        assert_eq!(names(&high.unwrap()), "i2 i3");
        assert_eq!(
            (
                count.unwrap(),
                one.unwrap().is_some(),
                note.unwrap().is_some()
            ),
            (3, true, true)
        );
        trips.push(
            turns
                .lock()
                .unwrap()
                .iter()
                .filter(|it| **it == 's')
                .count(),
        );
        // The end of the transaction travels behind the answers.
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(trips[1..], [1, 1, 1], "{trips:?}");
    turns.lock().unwrap().clear();
    Item::query(&far).count().await.unwrap();
    Item::get(&far, first.id()).await.unwrap();
    assert_eq!(
        turns
            .lock()
            .unwrap()
            .iter()
            .filter(|it| **it == 's')
            .count(),
        2
    );
    far.close().await.unwrap();
    proxy.abort();
}
