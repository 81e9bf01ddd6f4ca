//! Background tasks that run at an interval until the service stops.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::backoff::Backoff;
use crate::shutdown::Shutdown;

/// Runs `task` now, and at each `interval` until `shutdown`. A run that began is finished. Failures are logged by `failures`, and the
/// next run tries again.
pub async fn run_on_schedule<F, E>(
    interval: Duration,
    mut failures: Backoff,
    shutdown: &Shutdown,
    task: impl Fn() -> F,
) where
    F: Future<Output = Result<(), E>>,
    E: Error + 'static,
{
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        match task().await {
            Ok(()) => failures.succeeded(),
            Err(error) => {
                failures.failed(&error);
            }
        }
    }
}
