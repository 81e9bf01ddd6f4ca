//! Waiting for a condition, never for a time.

#![expect(clippy::panic, reason = "a test that waits in vain must say for what")]

use std::time::{Duration, Instant};

/// How often a condition is looked at: short against what a test waits for, long against the cost of looking.
const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// Looks again and again until `check` finds something, for 20 seconds at most.
///
/// # Panics
/// When it finds nothing; the message says what was waited for.
pub async fn eventually<T>(what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(20), what, check).await
}

/// Like [`eventually`], with a limit that is part of what the test proves.
///
/// # Panics
/// When nothing was found in time.
pub async fn within<T>(limit: Duration, what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    match poll_until(limit, check).await {
        Some(found) => found,
        None => panic!("not within {limit:?}: {what}"),
    }
}

/// Looks again and again until `check` finds something. Nothing, when it found nothing in time: for those who have
/// something to do or to say about that.
pub async fn poll_until<T>(limit: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = check().await;
        if found.is_some() || start.elapsed() >= limit {
            return found;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
