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
                if left.is_some_and(|left| left.is_zero() || wait > left) {
                    return Err(error);
                }
                tokio::time::sleep(wait).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
            other => return other,
        }
    }
}
