//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How often a condition is looked at: short against what a test waits for, long against the cost of looking.
const LOOK_EVERY: Duration = Duration::from_millis(15);

/// Looks again and again until `look` finds something, for 20 seconds at most.
///
/// # Panics
/// When it finds nothing; the message says what was waited for.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(20), what, look).await
}

/// Like [`eventually`], with a limit that is part of what the test proves.
///
/// # Panics
/// When nothing was found in time.
pub async fn within<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
