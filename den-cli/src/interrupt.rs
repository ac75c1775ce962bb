//! Ctrl-C.

use std::time::Duration;

use crate::failure::INTERRUPTED;

/// So long may it take until the work stops: it may be waiting for a reader of its output.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits until the user wants the command to end.
///
/// # Behavior
///
/// - The second time, and if the command does not end in time, the process ends at once: databases take back
///   what was not committed.
pub(crate) async fn requested() {
    let (tell, told) = tokio::sync::oneshot::channel();
    // In a task of its own, so that it runs while the work holds its thread.
    tokio::spawn(async move {
        if signal().await {
            let _ = tell.send(());
            let _ = tokio::time::timeout(PATIENCE, signal()).await;
            std::process::exit(i32::from(INTERRUPTED));
        }
    });
    if told.await.is_err() {
        // Signals cannot be listened to here, so the system ends the process.
        std::future::pending::<()>().await;
    }
}

/// Waits for a signal; false if there is no way to.
#[cfg(unix)]
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return tokio::signal::ctrl_c().await.is_ok();
    };
    tokio::select! {
        it = tokio::signal::ctrl_c() => it.is_ok(),
        it = terminate.recv() => it.is_some(),
    }
}

/// Waits for a signal; false if there is no way to.
#[cfg(not(unix))]
async fn signal() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
