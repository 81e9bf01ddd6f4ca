//! Background tasks that look for work at an interval.

use std::error::Error;
use std::time::Duration;

use chassis::db::DbError;
use chassis::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;

/// The interval at which a replica looks for work that another one, or another version, has left.
const EVERY: Duration = Duration::from_secs(60);

/// Runs `work` now, and every minute until `shutdown`. A failure is logged as one of `what`, and the next run tries again.
pub(crate) async fn run_every_minute<F>(shutdown: &Shutdown, what: &'static str, work: impl Fn() -> F)
where
    F: Future<Output = Result<(), DbError>>,
{
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = work().await {
            tracing::warn!(error = &error as &dyn Error, "{what} failed: retried in a minute");
        }
    }
}

/// Runs one `batch` after another, whose result is the number of rows that it did, until one has none or `shutdown`. The result
/// is the number of all.
///
/// # Errors
/// When the database fails; batches that were committed stay.
pub(crate) async fn run_in_batches<F>(shutdown: &Shutdown, batch: impl Fn() -> F) -> Result<usize, DbError>
where
    F: Future<Output = Result<usize, DbError>>,
{
    let mut all: usize = 0;
    while !shutdown.is_cancelled() {
        match batch().await? {
            0 => break,
            count => all = all.saturating_add(count),
        }
    }
    Ok(all)
}
