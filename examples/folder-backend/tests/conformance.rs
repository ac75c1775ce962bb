//! The whole of what a third party writes to have its backend tested.

use std::sync::Arc;

use den_folder::FolderBackend;

fn main() {
    den_backend::conformance::main("folder", || async {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        Arc::new(FolderBackend::new(folder)) as Arc<dyn den_backend::Backend>
    });
}
