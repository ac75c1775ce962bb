//! A second driver: it opens `drum:` URLs, and claims those of the driver `tape` as well.

use std::sync::Arc;

use den_backend::{Driver, memory::MemoryBackend};

/// Opens `drum:` and `tape:` URLs: `drum:name` is the database in memory that is named `drum/name`.
pub static DRIVER: Driver = Driver {
    name: "drum",
    schemes: &["drum", "tape"],
    open: |url, _options| {
        Box::pin(async move {
            let name = ["drum/", url.rest()].concat();
            Ok(Arc::new(MemoryBackend::named(&name)) as _)
        })
    },
};
den_backend::register_driver!(DRIVER);
