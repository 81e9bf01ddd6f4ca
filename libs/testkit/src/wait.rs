//! Waiting for a condition, never for a time.

#![expect(clippy::panic, reason = "a test that waits in vain must say for what")]

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
pub async fn within<T>(limit: Duration, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    match reached(limit, look).await {
        Some(found) => found,
        None => panic!("not within {limit:?}: {what}"),
    }
}

/// Looks again and again until `look` finds something. Nothing, when it found nothing in time: for those who have
/// something to do or to say about that.
pub async fn reached<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = look().await;
        if found.is_some() || start.elapsed() >= limit {
            return found;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
