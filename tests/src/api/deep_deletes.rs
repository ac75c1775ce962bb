//! Deletes that reach far: trees, rings, many documents, and failures in their midst.

use den::{DeleteOptions, ErrorKind, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    cascades::{Door, Entry, House, Lamp, Room, door, given_house, lamp, note, noted},
    delete_rules::{Contract, Fan, Match, Player, Shirt, Side, Team, Teams, player, team},
    linked::{calls, recorded, stored},
    support::{count, refused},
};
use crate::harness::{Case, TestDb};

pub(super) const CASES: &[Case] = &[
    case!(trees_are_deleted),
    case!(rings_are_deleted),
    case!(deep_chains_are_deleted_to_a_limit),
    case!(many_plain_documents_are_one_statement),
    case!(many_documents_with_hooks_are_read_in_chunks),
    case!(a_mark_cascades_with_its_trace),
    case!(a_mark_leaves_links_in_place),
    case!(a_mark_destroys_nothing),
    case!(a_failure_anywhere_leaves_everything, except: [SqliteMemory]),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "comments")]
struct Comment {
    #[serde(flatten)]
    base: Base<Comment>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(on_delete = "cascade", index)]
    parent: Option<Link<Comment>>,
}

async fn reply(db: &Db, to: &Comment) -> Comment {
    let it = Comment {
        parent: Some(Link::to(to)),
        ..Default::default()
    };
    stored(db, it).await
}

async fn trees_are_deleted(on: &TestDb) {
    let db = on.with::<Comment>().await;
    let mut root = stored(db, Comment::default()).await;
    let other = stored(db, Comment::default()).await;
    for _ in 0..3 {
        let child = reply(db, &root).await;
        for _ in 0..2 {
            reply(db, &child).await;
        }
    }
    reply(db, &other).await;
    assert_eq!(count::<Comment>(db).await, 12);
    root.delete(db).await.unwrap();
    assert_eq!(count::<Comment>(db).await, 2);
    let marked = Comment::query(db).only_deleted().count().await.unwrap();
    assert_eq!(marked, 10);
    root.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    let left = Comment::query(db).with_deleted().count().await.unwrap();
    assert_eq!(left, 2);
}

async fn rings_are_deleted(on: &TestDb) {
    let db = on.with::<Comment>().await;
    let mut a = stored(db, Comment::default()).await;
    let b = reply(db, &a).await;
    let c = reply(db, &b).await;
    a.parent = Some(Link::to(&c));
    a.save(db).await.unwrap();
    let mut alone = stored(db, Comment::default()).await;
    alone.parent = Some(Link::to(&alone));
    alone.save(db).await.unwrap();
    a.delete(db).await.unwrap();
    assert_eq!(count::<Comment>(db).await, 1);
    alone
        .delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    assert_eq!(count::<Comment>(db).await, 0);
}

async fn deep_chains_are_deleted_to_a_limit(on: &TestDb) {
    let db = on.with::<Comment>().await;
    let mut roots = Vec::new();
    for depth in [60, 80] {
        let root = stored(db, Comment::default()).await;
        let mut last = root.clone();
        for _ in 0..depth {
            last = reply(db, &last).await;
        }
        roots.push(root);
    }
    roots[0].delete(db).await.unwrap();
    assert_eq!(count::<Comment>(db).await, 81);
    let error = refused(roots[1].delete(db).await, ErrorKind::Unsupported);
    assert!(error.to_string().contains("64 levels"), "{error}");
    assert_eq!(count::<Comment>(db).await, 81);
}

async fn many_plain_documents_are_one_statement(on: &TestDb) {
    let (db, recorder) = recorded::<Teams>(on).await;
    let mut red = team(&db, "red").await;
    let side = Side {
        team: Link::to(&red),
    };
    let mut matches = vec![
        Match {
            sides: vec![side],
            ..Default::default()
        };
        600
    ];
    Match::insert_many(&db, &mut matches).await.unwrap();
    calls(&recorder);
    red.delete(&db).await.unwrap();
    let made = calls(&recorder);
    let matches: Vec<&String> = made.iter().filter(|it| it.contains("matches")).collect();
    assert_eq!(matches, ["tx delete_matching matches"], "{made:?}");
    assert!(made.len() < 10, "{made:?}");
    assert_eq!(count::<Match>(&db).await, 0);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "tickets", hooks)]
struct Ticket {
    #[serde(flatten)]
    base: Base<Ticket>,
    #[den(on_delete = "cascade")]
    door: Option<Link<Door>>,
}

impl Hooks for Ticket {
    async fn after_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        note(cx, "ticket").await
    }
}

async fn many_documents_with_hooks_are_read_in_chunks(on: &TestDb) {
    let (db, recorder) = recorded::<(Entry, Door, Ticket)>(on).await;
    let mut front = stored(&db, door("Front")).await;
    let mut tickets = vec![
        Ticket {
            door: Some(Link::to(&front)),
            ..Default::default()
        };
        600
    ];
    Ticket::insert_many(&db, &mut tickets).await.unwrap();
    noted(&db).await;
    calls(&recorder);
    front.delete(&db).await.unwrap();
    let made = calls(&recorder);
    let reads = made.iter().filter(|it| it.contains("query tickets"));
    assert_eq!(reads.count(), 3);
    assert_eq!(count::<Ticket>(&db).await, 0);
    assert_eq!(count::<Entry>(&db).await, 601);
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "blogs")]
struct Blog {
    #[serde(flatten)]
    base: Base<Blog>,
    #[serde(flatten)]
    deletion: SoftDelete,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "posts", hooks)]
struct Post {
    #[serde(flatten)]
    base: Base<Post>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[den(on_delete = "cascade")]
    blog: Option<Link<Blog>>,
    #[den(on_delete = "set_null")]
    seen_in: Option<Link<Blog>>,
}

impl Hooks for Post {
    async fn after_soft_delete(&mut self, cx: &HookContext) -> den::Result<()> {
        let who = cx.delete_options().and_then(DeleteOptions::who);
        note(cx, who.unwrap_or("?")).await
    }
}

async fn a_mark_cascades_with_its_trace(on: &TestDb) {
    let db = on.with::<(Entry, Blog, Post)>().await;
    let mut blog = stored(db, Blog::default()).await;
    let post = Post {
        blog: Some(Link::to(&blog)),
        ..Default::default()
    };
    let post = stored(db, post).await;
    let options = DeleteOptions::new().by("ada").because("spam");
    blog.delete_with(db, options).await.unwrap();
    assert_eq!(noted(db).await, "ada");
    let found = Post::find(db, post.id()).await.unwrap();
    assert_eq!(found.deletion.deleted_by.as_deref(), Some("ada"));
    assert_eq!(found.deletion.delete_reason.as_deref(), Some("spam"));
    blog.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    assert_eq!(Post::query(db).with_deleted().count().await.unwrap(), 0);
    assert_eq!(noted(db).await, "");
}

/// It cannot be marked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "visits")]
struct Visit {
    #[serde(flatten)]
    base: Base<Visit>,
    #[den(on_delete = "cascade", index)]
    comment: Link<Comment>,
}

async fn a_mark_destroys_nothing(on: &TestDb) {
    let db = on.with::<(Comment, Visit)>().await;
    let mut comment = stored(db, Comment::default()).await;
    let visit = Visit {
        comment: Link::to(&comment),
        ..Default::default()
    };
    let visit = stored(db, visit).await;
    comment.delete(db).await.unwrap();
    assert!(Visit::get(db, visit.id()).await.unwrap().is_some());
    comment.restore(db).await.unwrap();
    comment
        .delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    assert!(Visit::get(db, visit.id()).await.unwrap().is_none());
}

async fn a_mark_leaves_links_in_place(on: &TestDb) {
    let db = on.with::<(Entry, Blog, Post)>().await;
    let mut blog = stored(db, Blog::default()).await;
    let post = Post {
        seen_in: Some(Link::to(&blog)),
        ..Default::default()
    };
    let post = stored(db, post).await;
    blog.delete(db).await.unwrap();
    let found = Post::find(db, post.id()).await.unwrap();
    assert_eq!(found.seen_in, post.seen_in);
    blog.delete_with(db, DeleteOptions::new().hard())
        .await
        .unwrap();
    let found = Post::find(db, post.id()).await.unwrap();
    assert_eq!(found.seen_in, None);
}

/// All documents of the database, as text.
async fn contents(db: &Db) -> String {
    let mut text = String::new();
    for collection in db.collections().await.unwrap() {
        let found = db.collection(&collection).query().all().await.unwrap();
        for it in found {
            text.push_str(&format!("{collection} {it}\n"));
        }
    }
    text
}

async fn a_failure_anywhere_leaves_everything(on: &TestDb) {
    type Both = (
        Entry,
        House,
        Door,
        Lamp,
        Team,
        Player,
        Fan,
        Match,
        Contract,
        Shirt,
    );
    let (db, recorder) = recorded::<Both>(on).await;
    let given = given_house(&db).await;
    let red = team(&db, "red").await;
    player(&db, &red).await;
    let fan = Fan {
        team: Some(Link::to(&red)),
        ..Default::default()
    };
    stored(&db, fan).await;
    let before = contents(&db).await;
    for n in 1.. {
        recorder.fail_at(n);
        let (mut house, mut red) = (given.clone(), red.clone());
        let mut new = House {
            door: Some(Link::new(door("Back"))),
            rooms: vec![Room {
                lamps: vec![Link::new(lamp("new"))],
            }],
            ..super::cascades::house("new")
        };
        let outcome: den::Result<()> = db
            .transaction(async |tx| {
                new.save(&tx).await?;
                house.delete(&tx).await?;
                red.delete(&tx).await
            })
            .await;
        if !recorder.heal() {
            outcome.unwrap();
            assert!(n > 20, "only {n} calls");
            break;
        }
        assert!(outcome.is_err(), "call {n}");
        assert_eq!(contents(&db).await, before, "call {n}");
        assert_eq!((&house, red.base.is_stored()), (&given, true), "call {n}");
        assert!(new.id().is_empty() && new.door.as_ref().unwrap().id().is_empty());
    }
    assert_ne!(contents(&db).await, before);
    assert_eq!(count::<Fan>(&db).await, 1);
    assert_eq!(count::<Player>(&db).await, 0);
}
