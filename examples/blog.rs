//! A blog: authors, posts, comments, tags. Hooks make slugs, links load along, what is deleted can
//! come back, pictures lie beside the documents.
//!
//! ```sh
//! cargo run --example blog                                  # in memory, by SQLite
//! cargo run --example blog -- sqlite:///blog.db
//! cargo run --example blog -- postgres://user:pw@host/name
//! ```
//!
//! It prints the same lines whatever the database.

use den::attachments::{FolderStorage, PutOptions};
use den::prelude::*;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "blog_authors")]
struct Author {
    #[serde(flatten)]
    base: Base<Author>,
    #[den(unique)]
    name: String,
    portrait: Option<Attachment>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "blog_tags")]
struct Tag {
    #[serde(flatten)]
    base: Base<Tag>,
    #[den(unique)]
    name: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document, Validate)]
#[den(collection = "blog_posts", revision, hooks, validate)]
struct Post {
    #[serde(flatten)]
    base: Base<Post>,
    #[serde(flatten)]
    deletion: SoftDelete,
    #[serde(skip)]
    tracked: Tracked,
    #[validate(length(min = 5, max = 80))]
    title: String,
    /// Made of the title; unique among the posts that are not deleted.
    #[den(unique)]
    slug: String,
    #[validate(length(min = 1, message = "write something"))]
    body: String,
    /// Loaded with the post. An author with posts cannot be deleted.
    #[den(index, eager, on_delete = "restrict")]
    author: Link<Author>,
    /// A tag that is deleted vanishes from the posts.
    #[den(index, on_delete = "set_null")]
    tags: Vec<Link<Tag>>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "blog_comments")]
struct Comment {
    #[serde(flatten)]
    base: Base<Comment>,
    #[serde(flatten)]
    deletion: SoftDelete,
    /// Comments go with their post: marked as deleted, or for good.
    #[den(index, on_delete = "cascade")]
    post: Link<Post>,
    text: String,
}

impl Hooks for Post {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.slug = slug(&self.title);
        Ok(())
    }
}

/// The words of a title, for a URL.
fn slug(title: &str) -> String {
    let words = title.split(|it: char| !it.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|it| !it.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = std::env::args().nth(1);
    let db = Db::builder()
        .url(url.as_deref().unwrap_or("sqlite://:memory:"))
        .storage(FolderStorage::open(folder.path())?)
        .register::<(Author, Tag, Post, Comment)>()
        .open()
        .await?;

    clear(&db).await?;
    write(&db).await?;
    refuse(&db).await?;
    read(&db).await?;
    change(&db).await?;
    delete_and_restore(&db).await?;
    delete_for_good(&db).await?;
    db.close().await?;
    Ok(())
}

/// Takes away what an earlier run has left.
async fn clear(db: &Db) -> den::Result<()> {
    let posts = Post::query(db).with_deleted().all_rows();
    posts.delete_with(DeleteOptions::new().hard()).await?; // and their comments
    Author::query(db).all_rows().delete().await?;
    Tag::query(db).all_rows().delete().await?;
    Ok(())
}

/// Authors, one with a portrait; tags; posts, whose slugs a hook makes; comments.
async fn write(db: &Db) -> den::Result<()> {
    let picture = "<svg xmlns='http://www.w3.org/2000/svg'><circle r='9'/></svg>";
    let options = PutOptions::new("image/svg+xml").name("ada.svg");
    let portrait = db.attachments()?.put(picture, options).await?;
    println!(
        "A portrait: {} bytes of {}",
        portrait.size(),
        portrait.media_type()
    );
    let mut ada = Author {
        name: "Ada".into(),
        portrait: Some(portrait),
        ..Default::default()
    };
    let mut grace = Author {
        name: "Grace".into(),
        ..Default::default()
    };
    ada.save(db).await?;
    grace.save(db).await?;

    let mut tags = ["engines", "compilers", "history"].map(|name| Tag {
        name: name.into(),
        ..Default::default()
    });
    Tag::insert_many(db, &mut tags).await?;
    let [engines, compilers, history] = tags;

    let post = |author: &Author, title: &str, tags: &[&Tag]| Post {
        title: title.into(),
        body: format!("What {} has to say.", author.name),
        author: Link::to(author),
        tags: tags.iter().copied().map(Link::to).collect(),
        ..Default::default()
    };
    let mut posts = [
        post(&ada, "Notes on the Engine", &[&engines, &history]),
        post(&ada, "Poetical Science", &[&history]),
        post(&grace, "A-0, a compiler", &[&compilers, &history]),
    ];
    Post::insert_many(db, &mut posts).await?;
    for it in &posts {
        println!("Stored: {}", it.slug);
    }

    let mut comments = ["Brilliant.", "Will it compose music?"].map(|text| Comment {
        post: Link::to(&posts[0]),
        text: text.into(),
        ..Default::default()
    });
    Comment::insert_many(db, &mut comments).await?;
    println!("{} comments", Comment::query(db).count().await?);
    Ok(())
}

/// A post that breaks rules, and one whose slug is taken.
async fn refuse(db: &Db) -> den::Result<()> {
    println!("\nRefused:");
    let mut bad = by_slug(db, "poetical-science").await?;
    bad.title = "Oh!".into();
    bad.body.clear();
    if let Err(error) = bad.save(db).await {
        for it in error.violations() {
            println!("  {} [{}] {}", it.path, it.code, it.message);
        }
    }
    println!("  the slug is still {}", bad.slug);

    bad.title = "Notes, on the engine".into();
    bad.body = "Again.".into();
    if let Err(error) = bad.save(db).await {
        let fields = error.constraint().map(|it| it.fields().join(", "));
        println!("  {:?} in {}", error.kind(), fields.unwrap_or_default());
    }
    Ok(())
}

/// Links: eager, named, backwards, in filters; and as JSON for others.
async fn read(db: &Db) -> den::Result<()> {
    let (p, a, t) = (Post::fields(), Author::fields(), Tag::fields());

    println!("\nAll posts, with authors and tags:");
    let posts = Post::query(db)
        .with_links(|p| p.tags)
        .sort(p.slug.asc())
        .all()
        .await?;
    for it in &posts {
        println!("  {} by {}: {}", it.slug, author_of(it), tags_of(it));
    }

    let ada = Post::query(db)
        .filter(p.author.matches(a.name.eq("Ada")))
        .sort(p.slug.asc())
        .values(p.slug)
        .await?;
    println!("By Ada: {}", ada.join(", "));

    let tag = Tag::query(db).filter(t.name.eq("history")).one().await?;
    let tagged = Post::query(db)
        .linking_to(p.tags, tag.id())
        .sort(p.slug.asc())
        .values(p.slug)
        .await?;
    println!("About {}: {}", tag.name, tagged.join(", "));
    let about = Post::query(db)
        .filter(p.tags.any_matches(t.name.starts_with("c")))
        .values(p.slug)
        .await?;
    println!("About something with c: {}", about.join(", "));

    let c = Comment::fields();
    let mut comments = Comment::query(db).sort(c.text.asc()).all().await?;
    den::fetch_links(db, &mut comments).await?;
    for it in &comments {
        let on = it.post.get().map_or("nothing", |it| it.title.as_str());
        println!("On {on:?}: {}", it.text);
    }

    println!("A post for others:");
    if let Some(post) = posts.iter().find(|it| author_of(it) == "Ada") {
        let json = serde_json::to_value(Expanded(post)).map_err(Error::custom)?;
        println!("{:#}", without_own_keys(json));
    }
    Ok(())
}

/// Change tracking: what was changed, and writing only that.
async fn change(db: &Db) -> den::Result<()> {
    let mut post = by_slug(db, "poetical-science").await?;
    let mut stale = post.clone();

    println!("\nChanges before and after they are saved:");
    post.title = "On poetical science".into();
    for it in post.changes()? {
        println!("  {}: {} > {}", it.path, text(it.before), text(it.after));
    }
    let written = post.save_changes(db).await?;
    let changed = post.is_changed()?;
    println!(
        "  written: {written}, changed: {changed}, slug: {}",
        post.slug
    );
    let again = post.save_changes(db).await?;
    println!("  written again: {again}");

    stale.body = "Who was here first?".into();
    let refused = stale.save_changes(db).await.map_err(|it| it.kind());
    println!("  a copy from before: {refused:?}");
    stale.revert()?;
    println!("  reverted: {}", stale.body);
    Ok(())
}

/// Soft delete: a slug is free while its post is deleted, and the comments go and come along.
async fn delete_and_restore(db: &Db) -> den::Result<()> {
    let c = Comment::fields();
    let mut post = by_slug(db, "notes-on-the-engine").await?;
    let by_ada = DeleteOptions::new().by("ada").because("a mistake");
    post.delete_with(db, by_ada).await?;
    println!("\nDeleted:");
    let deleted = Post::query(db).only_deleted().one().await?;
    println!(
        "  {} by {} for {}",
        deleted.slug,
        deleted.deletion.deleted_by.unwrap_or_default(),
        deleted.deletion.delete_reason.unwrap_or_default()
    );
    print_counts(db).await?;

    let mut usurper = Post {
        title: post.title.clone(),
        body: "Mine now.".into(),
        author: post.author.clone(),
        ..Default::default()
    };
    usurper.save(db).await?;
    println!("  the slug is free: {}", usurper.slug);
    if let Err(error) = post.restore(db).await {
        println!("  the first cannot come back: {:?}", error.kind());
    }
    usurper.delete_with(db, DeleteOptions::new().hard()).await?;

    println!("Restored:");
    post.restore(db).await?;
    let comments = Comment::query(db).linking_to(c.post, post.id());
    println!(
        "  {} with {} comments",
        post.slug,
        comments.restore().await?
    );
    print_counts(db).await?;
    Ok(())
}

/// What links to a document when it is deleted: in the way, deleted along, or unlinked.
async fn delete_for_good(db: &Db) -> den::Result<()> {
    let (p, a, t) = (Post::fields(), Author::fields(), Tag::fields());
    println!("\nFor good:");
    let mut ada = Author::query(db).filter(a.name.eq("Ada")).one().await?;
    if let Err(error) = ada.delete(db).await {
        let posts = Post::query(db).linking_to(p.author, ada.id());
        let slugs = posts.sort(p.slug.asc()).values(p.slug).await?;
        println!("  Ada: {:?} by {}", error.kind(), slugs.join(", "));
    }

    let mut history = Tag::query(db).filter(t.name.eq("history")).one().await?;
    history.delete(db).await?;
    println!("  without the tag history:");
    let posts = Post::query(db)
        .with_links(|p| p.tags)
        .sort(p.slug.asc())
        .all()
        .await?;
    for it in &posts {
        println!("    {}: {}", it.slug, tags_of(it));
    }

    let hard = DeleteOptions::new().hard();
    let posts = Post::query(db).filter(p.author.eq(&ada));
    println!("  posts of Ada: {}", posts.delete_with(hard).await?);
    print_counts(db).await?;

    let portrait = ada.portrait.clone();
    ada.delete(db).await?;
    println!(
        "  Ada is gone: {}",
        Author::get(db, ada.id()).await?.is_none()
    );
    if let Some(portrait) = portrait {
        let stored = db.attachments()?.exists(&portrait).await?;
        println!("  her portrait is stored: {stored}");
    }
    Ok(())
}

async fn by_slug(db: &Db, slug: &str) -> den::Result<Post> {
    let p = Post::fields();
    Post::query(db).filter(p.slug.eq(slug)).one().await
}

async fn print_counts(db: &Db) -> den::Result<()> {
    let posts = Post::query(db).count().await?;
    let comments = Comment::query(db).count().await?;
    println!("  posts: {posts}, comments: {comments}");
    Ok(())
}

fn author_of(post: &Post) -> &str {
    post.author.get().map_or("nobody", |it| it.name.as_str())
}

fn tags_of(post: &Post) -> String {
    let tags = post.tags.iter().filter_map(Link::get);
    let mut names: Vec<&str> = tags.map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => "no tags".into(),
        names => names.join(", "),
    }
}

fn text(value: Option<Json>) -> String {
    value.map_or_else(|| "nothing".into(), |it| it.to_string())
}

/// Ids, times and revisions are different each time.
fn without_own_keys(json: Json) -> Json {
    match json {
        Json::Object(map) => map
            .into_iter()
            .filter(|(key, _)| !key.starts_with('_'))
            .map(|(key, value)| (key, without_own_keys(value)))
            .collect(),
        Json::Array(values) => values.into_iter().map(without_own_keys).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json,
    }
}
