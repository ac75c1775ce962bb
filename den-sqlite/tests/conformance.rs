//! The suite that every backend must pass, on a file and in memory.

use std::process::ExitCode;

use den_backend::{
    DatabaseUrl, OpenOptions,
    conformance::{Fresh, trials},
};

fn main() -> ExitCode {
    let mut all = trials("sqlite", on_file);
    all.extend(trials("sqlite-memory", in_memory));
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, all).exit_code()
}

async fn on_file() -> Fresh {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite:///{}/test.db", folder.path().display());
    let fresh = open(&url).await;
    Fresh::with_cleanup(fresh, async move { drop(folder) })
}

async fn in_memory() -> Fresh {
    Fresh::new(open("sqlite::memory:").await)
}

async fn open(url: &str) -> std::sync::Arc<dyn den_backend::Backend> {
    let url = DatabaseUrl::parse(url).expect("a URL");
    (den_sqlite::DRIVER.open)(url, OpenOptions::default())
        .await
        .expect("an open database")
}
