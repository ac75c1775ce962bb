//! All that a third party writes to have its backend tested.

use std::sync::Arc;

use den_backend::conformance::{self, Fresh};
use den_folder::FolderBackend;

fn main() {
    conformance::main("folder", || async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let backend = Arc::new(FolderBackend::new(folder.path()));
        Fresh::with_cleanup(backend, async move { drop(folder) })
    });
}
