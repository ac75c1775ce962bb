//! The conformance suite on the in-memory backend, with all of its capabilities and with none.

mod plain;

use std::sync::Arc;

use den_backend::{conformance, memory::MemoryBackend};
use libtest_mimic::Arguments;

use crate::plain::PlainBackend;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = conformance::trials("memory", async || Arc::new(MemoryBackend::new()));
    trials.extend(conformance::trials("plain", async || {
        Arc::new(PlainBackend::new())
    }));
    libtest_mimic::run(&arguments, trials).exit();
}
