//! The types of the first example of `docs/links.md`, and a few documents.

use den::{Result, prelude::*};
use serde::{Deserialize, Serialize};

/// Who wrote posts cannot be deleted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "authors")]
pub struct Author {
    #[serde(flatten)]
    pub base: Base<Author>,
    pub name: String,
}

/// A tag that is deleted vanishes from the posts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "tags")]
pub struct Tag {
    #[serde(flatten)]
    pub base: Base<Tag>,
    pub name: String,
}

/// A post goes with the one that it answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "posts")]
pub struct Post {
    #[serde(flatten)]
    pub base: Base<Post>,
    pub title: String,
    #[den(index, eager, on_delete = "restrict")]
    pub author: Link<Author>,
    #[den(index, on_delete = "set_null")]
    pub tags: Vec<Link<Tag>>,
    #[den(index, on_delete = "cascade")]
    pub answers: Option<Link<Post>>,
}

/// Two posts of Ada about Rust, of which one answers the other.
pub async fn library(db: &Db) -> Result<(Author, Tag)> {
    let mut ada = Author {
        name: "Ada".into(),
        ..Default::default()
    };
    ada.save(db).await?;
    let mut rust = Tag {
        name: "rust".into(),
        ..Default::default()
    };
    rust.save(db).await?;
    let mut engines = Post {
        title: "Engines".into(),
        author: Link::to(&ada),
        tags: vec![Link::to(&rust)],
        ..Default::default()
    };
    engines.save(db).await?;
    let mut more = Post {
        title: "More on engines".into(),
        answers: Some(Link::to(&engines)),
        ..engines.clone()
    };
    more.base = Base::default();
    more.insert(db).await?;
    Ok((ada, rust))
}
