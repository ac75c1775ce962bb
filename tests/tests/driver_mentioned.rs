//! A program that mentions one of the drivers it depends on: it has that one, and not the other.

use den::{Error, ErrorKind, drivers, prelude::*};
// All that an application writes for a third party's driver.
use den_test_tape as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "songs")]
struct Song {
    #[serde(flatten)]
    base: Base<Song>,
    title: String,
}

async fn refused(url: &str) -> Error {
    let error = Db::open(url).await.expect_err("no driver opens it");
    assert_eq!(error.kind(), ErrorKind::UnknownScheme, "{url}: {error:?}");
    error
}

#[tokio::test]
async fn a_driver_that_is_mentioned_opens_its_urls() {
    for url in ["tape:songs", "TAPE:songs", "tApE:songs"] {
        let db = Db::open(url).await.unwrap();
        db.register::<Song>().await.unwrap();
        let mut song = Song {
            title: url.to_owned(),
            ..Default::default()
        };
        song.save(&db).await.unwrap();
        assert_eq!(Song::find(&db, song.id()).await.unwrap(), song);
        db.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_driver_that_is_never_mentioned_is_not_there() {
    for url in ["drum:songs", "DRUM://songs"] {
        let text = refused(url).await.to_string();
        // What is missing, what there is, and what to write.
        for part in [
            "no driver for the scheme `drum`",
            "registered: memory, postgres, postgresql, sqlite, tape;",
            "`use the_crate as _;`",
        ] {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }
}

#[tokio::test]
async fn a_driver_can_be_chosen_without_its_scheme() {
    let open = |url: &str| Db::builder().url(url).driver(&den_test_tape::DRIVER).open();
    for url in ["drum:x", "sqlite:x", "anything-else:x"] {
        open(url).await.unwrap().close().await.unwrap();
    }
}

#[test]
fn drivers_are_listed_by_name() {
    let names: Vec<&str> = drivers().iter().map(|it| it.name).collect();
    assert_eq!(names, ["memory", "postgres", "sqlite", "tape"]);
}
