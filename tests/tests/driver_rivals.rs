//! A program with two drivers that claim one scheme: neither is taken by chance.
#![expect(
    clippy::unwrap_used,
    reason = "this is a test: a panic is how it fails"
)]

use den::{Driver, ErrorKind, drivers, prelude::*};
use den_backend::memory::MemoryBackend;
use den_test_drum as _;
use den_test_tape as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Document)]
#[den(collection = "songs")]
struct Song {
    #[serde(flatten)]
    base: Base<Song>,
}

/// Whether what is written through `db` lands in the database in memory of this name.
async fn is_stored_in(db: &Db, name: &str) -> bool {
    db.register::<Song>().await.unwrap();
    let mut song = Song::default();
    song.save(db).await.unwrap();
    let below = Db::builder()
        .backend(MemoryBackend::named(name))
        .register::<Song>();
    let below = below.open().await.unwrap();
    Song::get(&below, song.id()).await.unwrap().is_some()
}

#[tokio::test]
async fn a_scheme_of_two_drivers_is_refused() {
    for url in ["tape:refused", "TAPE:refused"] {
        let error = Db::open(url).await.expect_err("two drivers claim it");
        assert_eq!(error.kind(), ErrorKind::UnknownScheme, "{error:?}");
        let text = error.to_string();
        for part in ["`tape`", "`drum` and `tape`", "Db::builder().driver("] {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
    }
}

#[tokio::test]
async fn the_builder_chooses_between_two_drivers() {
    let chosen: [(&'static Driver, &str); 2] = [
        (&den_test_tape::DRIVER, "tape/chosen"),
        (&den_test_drum::DRIVER, "drum/chosen"),
    ];
    for (driver, name) in chosen {
        let db = Db::builder()
            .url("tape:chosen")
            .driver(driver)
            .open()
            .await
            .unwrap();
        for it in ["tape/chosen", "drum/chosen"] {
            assert_eq!(
                is_stored_in(&db, it).await,
                it == name,
                "{} in {it}",
                driver.name
            );
        }
    }
}

#[tokio::test]
async fn a_scheme_of_one_driver_opens_as_ever() {
    let db = Db::open("drum:alone").await.unwrap();
    assert!(is_stored_in(&db, "drum/alone").await);
}

#[test]
fn drivers_are_listed_by_name() {
    let names: Vec<&str> = drivers().iter().map(|it| it.name).collect();
    assert_eq!(names, ["drum", "memory", "postgres", "sqlite", "tape"]);
}
