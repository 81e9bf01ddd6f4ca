//! Waiting for a condition by polling, never for a fixed time.

#![expect(clippy::panic, reason = "a test that waits in vain must say for what")]

use std::time::{Duration, Instant};

/// The first pauses between two checks: short compared to what a test waits for.
const SHORTEST_PAUSE: Duration = Duration::from_millis(15);
/// The last pauses of a long wait. A check is often a request, and requests without a pause would take the processors that others need.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Polls `check` until it returns a value, for at most 20 seconds.
///
/// # Panics
/// It returns no value in time; the message has `what`.
pub async fn eventually<T>(what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    within(Duration::from_secs(20), what, check).await
}

/// Like [`eventually`], with a time limit that is part of what the test proves.
///
/// # Panics
/// It returns no value in time.
pub async fn within<T>(limit: Duration, what: &str, check: impl AsyncFnMut() -> Option<T>) -> T {
    match poll_until(limit, check).await {
        Some(found) => found,
        None => panic!("not within {limit:?}: {what}"),
    }
}

/// Polls `check` until it returns a value; `None` if it does not within `limit`. For callers that handle the failure.
pub async fn poll_until<T>(limit: Duration, mut check: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let found = check().await;
        let waited = start.elapsed();
        if found.is_some() || waited >= limit {
            return found;
        }
        tokio::time::sleep((waited / 10).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)).await;
    }
}
