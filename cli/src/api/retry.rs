//! Repetition of a request while a service is away or overloaded.

use std::time::{Duration, Instant};

use super::ApiError;

/// The longest wait between two tries, unless the service names a longer one.
const MAX_BACKOFF: Duration = Duration::from_secs(10);

/// Repeats a request for `patience` while its error is temporary, and waits as long as `Retry-After` says.
///
/// # Errors
/// The last error of the request.
pub(crate) async fn retry<T, F>(patience: Duration, request: impl Fn() -> F) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    retry_if(patience, ApiError::is_temporary, request).await
}

/// As [`retry`], while the error is one that `is_temporary` names.
///
/// # Errors
/// The last error of the request.
pub(crate) async fn retry_if<T, F>(
    patience: Duration,
    is_temporary: impl Fn(&ApiError) -> bool,
    request: impl Fn() -> F,
) -> Result<T, ApiError>
where
    F: Future<Output = Result<T, ApiError>>,
{
    // A time that is too long for the clock has no end.
    let deadline = Instant::now().checked_add(patience);
    let mut backoff = Duration::from_millis(100);
    loop {
        match request().await {
            Err(error) if is_temporary(&error) => {
                let wait = error.retry_after().unwrap_or(backoff);
                let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
                if !is_worth_waiting(wait, left) {
                    return Err(error);
                }
                tokio::time::sleep(wait).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
            other => return other,
        }
    }
}

/// True if time is left for a request after this wait. Without `left` the time has no end.
fn is_worth_waiting(wait: Duration, left: Option<Duration>) -> bool {
    left.is_none_or(|left| wait < left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_begins_when_the_time_is_over() {
        let second = Duration::from_secs(1);
        for (wait, left, worth) in [
            (Duration::ZERO, Some(Duration::ZERO), false),
            (Duration::ZERO, Some(second), true),
            (second, Some(second), false),
            (second, Some(second * 2), true),
            (second * 2, Some(second), false),
            (Duration::MAX, None, true),
        ] {
            assert_eq!(is_worth_waiting(wait, left), worth, "{wait:?} {left:?}");
        }
    }
}
