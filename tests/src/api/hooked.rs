//! Documents that note which of their hooks run, and fail where they are told to.

use std::sync::{Arc, Mutex};

use den::{Error, ErrorKind, Violation, prelude::*};
use serde::{Deserialize, Serialize};

use crate::harness::TestDb;

tokio::task_local! {
    /// What ran in this task.
    pub(super) static RAN: Arc<Mutex<Vec<&'static str>>>;
}

/// The names of the hooks that ran during `work`, joined with spaces, and its answer.
pub(super) async fn ran<T>(work: impl Future<Output = T>) -> (String, T) {
    let log = Arc::default();
    let answer = RAN.scope(Arc::clone(&log), work).await;
    let names = log.lock().unwrap().join(" ");
    (names, answer)
}

/// What hooks write down in the database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "entries")]
pub(super) struct Entry {
    #[serde(flatten)]
    pub(super) base: Base<Entry>,
    pub(super) what: String,
}

/// What the two types below do in each hook.
macro_rules! hooks {
    ($type:ident: $($hook:ident)+) => {
        impl Hooks for $type {
            $(async fn $hook(&mut self, cx: &HookContext) -> den::Result<()> {
                self.seen.push(stringify!($hook).to_owned());
                step(cx, stringify!($hook), self.fail_at.as_deref()).await
            })+

            async fn validate(&self, cx: &HookContext) -> den::Result<()> {
                step(cx, "validate", self.fail_at.as_deref()).await?;
                if self.title == "empty" && self.slug.is_none() {
                    return Err(Error::new(ErrorKind::Validation, "the post is not valid")
                        .with_violations(vec![Violation {
                            path: "slug".into(),
                            code: "required".into(),
                            message: "a post needs a slug".into(),
                        }]));
                }
                Ok(())
            }

            async fn after_load(&mut self, cx: &HookContext) -> den::Result<()> {
                let _ = RAN.try_with(|it| it.lock().unwrap().push("after_load"));
                self.is_loaded = true;
                if self.fail_at.as_deref() == Some("after_load") {
                    return Err(Error::custom("after_load says no"));
                }
                Entry::query(cx).exists().await.map(drop)
            }
        }
    };
}

/// Notes that a hook ran, in the task and in the database, and fails if it is to.
pub(super) async fn step(
    cx: &HookContext,
    name: &'static str,
    fail_at: Option<&str>,
) -> den::Result<()> {
    let _ = RAN.try_with(|it| it.lock().unwrap().push(name));
    let mut entry = Entry {
        what: name.to_owned(),
        ..Default::default()
    };
    entry.save(cx).await?;
    match fail_at {
        Some(at) if at == name => Err(Error::custom(format!("{name} says no"))),
        Some("hang") if name == "before_save" => std::future::pending().await,
        _ => Ok(()),
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "posts", hooks)]
pub(super) struct Post {
    #[serde(flatten)]
    pub(super) base: Base<Post>,
    pub(super) title: String,
    #[den(unique)]
    pub(super) slug: Option<String>,
    pub(super) n: i64,
    /// Which hook fails.
    pub(super) fail_at: Option<String>,
    /// The hooks that had this copy in hand.
    #[serde(skip)]
    pub(super) seen: Vec<String>,
    #[serde(skip)]
    pub(super) is_loaded: bool,
}

hooks!(Post: before_insert before_update before_save after_insert after_update after_save
    before_delete before_soft_delete after_soft_delete after_delete);

/// As `Post`, with a revision, and marked as deleted only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "memos", hooks, revision)]
pub(super) struct Memo {
    #[serde(flatten)]
    pub(super) base: Base<Memo>,
    #[serde(flatten)]
    pub(super) deletion: SoftDelete,
    pub(super) title: String,
    pub(super) slug: Option<String>,
    pub(super) fail_at: Option<String>,
    #[serde(skip)]
    pub(super) seen: Vec<String>,
    #[serde(skip)]
    pub(super) is_loaded: bool,
}

hooks!(Memo: before_insert before_update before_save after_insert after_update after_save
    before_delete before_soft_delete after_soft_delete after_delete);

pub(super) const INSERT: &str = "before_insert before_save validate after_insert after_save";
pub(super) const UPDATE: &str = "before_update before_save validate after_update after_save";
pub(super) const DELETE: &str = "before_delete after_delete";
pub(super) const MARK: &str = "before_delete before_soft_delete after_soft_delete after_delete";

pub(super) async fn given(on: &TestDb) -> &Db {
    on.with::<(Post, Memo, Entry)>().await
}

pub(super) fn post(title: &str) -> Post {
    Post {
        title: title.to_owned(),
        ..Default::default()
    }
}

pub(super) fn memo(title: &str) -> Memo {
    Memo {
        title: title.to_owned(),
        ..Default::default()
    }
}

/// The hooks of a chain up to and with this one.
pub(super) fn up_to(chain: &str, last: &str) -> String {
    let all: Vec<&str> = chain.split(' ').collect();
    let at = all.iter().position(|it| *it == last).unwrap();
    all[..=at].join(" ")
}

pub(super) async fn numbered(db: &Db, many: i64) {
    let mut all: Vec<Post> = (0..many).map(|n| Post { n, ..post("a") }).collect();
    Post::insert_many(db, &mut all).await.unwrap();
    Entry::query(db).all_rows().delete().await.unwrap();
}
