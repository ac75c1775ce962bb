//! A driver as a third party would publish it: it opens `tape:` URLs, and forgets.

use std::sync::Arc;

use den_backend::{Driver, memory::MemoryBackend};

/// Opens `tape:` URLs: `tape:name` is the database in memory that is named `tape/name`.
pub static DRIVER: Driver = Driver {
    name: "tape",
    schemes: &["tape"],
    open: |url, _options| {
        Box::pin(async move {
            let name = ["tape/", url.rest()].concat();
            Ok(Arc::new(MemoryBackend::named(&name)) as _)
        })
    },
};
den_backend::register_driver!(DRIVER);
