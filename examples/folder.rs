//! An application on a backend that den knows nothing of: one JSON file per document.
//!
//! ```sh
//! cargo run --example folder
//! ```

use den::prelude::*;
// The driver registers itself when it is linked, and it is linked because it is named here.
use den_folder as _;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "notes")]
struct Note {
    #[serde(flatten)]
    base: Base<Note>,
    title: String,
    tags: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = std::env::args().nth(1);
    let url = url.unwrap_or_else(|| format!("folder:{}", folder.path().display()));
    let db = Db::open(url).await?;
    db.register::<(Note,)>().await?;

    for (title, tags) in [
        ("Milk", vec!["shop"]),
        ("Bread", vec!["shop", "today"]),
        ("Taxes", vec![]),
    ] {
        let mut note = Note {
            title: title.into(),
            tags: tags.into_iter().map(String::from).collect(),
            ..Default::default()
        };
        note.save(&db).await?;
    }

    let n = Note::fields();
    let shopping = Note::query(&db)
        .filter(n.tags.contains("shop"))
        .sort(n.title.asc())
        .values(n.title)
        .await?;
    println!("{} on {}", shopping.join(", "), db.backend_name());

    // What the backend cannot do is refused, not approximated.
    let refused = db.begin().await.map_err(|it| it.to_string());
    println!("{}", refused.err().unwrap_or_default());
    db.close().await?;
    Ok(())
}
