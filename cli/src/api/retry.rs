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
    let deadline = Instant::now() + patience;
    let mut backoff = Duration::from_millis(100);
    loop {
        match request().await {
            Err(error) if error.is_temporary() => {
                let wait = error.retry_after().unwrap_or(backoff);
                if Instant::now() + wait > deadline {
                    return Err(error);
                }
                tokio::time::sleep(wait).await;
                backoff = (backoff * 2).min(MAX_BACKOFF);
            }
            other => return other,
        }
    }
}
