//! The guard of long polls and event streams: the token of an open request is checked again every few seconds (SB-47).

use std::sync::Arc;
use std::time::Duration;

use chassis::access::{AccessToken, BoxFuture, HasVerifier};
use chassis::http::Problem;
use tokio::time::Instant;

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>;

/// The token of a request that stays open.
pub(super) struct Guard {
    every: Duration,
    checked_at: Instant,
    check: Check,
}

impl Guard {
    /// Guards a request that `token` was just accepted for; `state` checks it again after `every`.
    pub(super) fn new<S>(state: S, token: Arc<AccessToken>, every: Duration) -> Self
    where
        S: HasVerifier + Clone + Send + Sync + 'static,
    {
        let check = move || -> BoxFuture<'static, Result<(), Problem>> {
            let (state, token) = (state.clone(), Arc::clone(&token));
            Box::pin(async move { state.recheck(&token).await })
        };
        Self {
            every,
            checked_at: Instant::now(),
            check: Box::new(check),
        }
    }

    /// The time that the request may wait before the token has to be checked again.
    pub(super) fn patience(&self) -> Duration {
        self.every.saturating_sub(self.checked_at.elapsed())
    }

    /// Checks the token, unless that was done within the pause.
    ///
    /// # Errors
    /// The answer to the request when the token is no longer honoured.
    pub(super) async fn check(&mut self) -> Result<(), Problem> {
        if self.patience().is_zero() {
            (self.check)().await?;
            self.checked_at = Instant::now();
        }
        Ok(())
    }
}
