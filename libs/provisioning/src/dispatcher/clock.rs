//! Corrections after a clock has gone back: due times that lie further ahead than any can.

use std::time::Duration;

use chassis::db::DbError;
use chassis::dispatch::ClockWatch;

use super::super::store::correct_clock;
use super::super::{Provisioning, schedule};

/// Makes due what waits for longer than anything can, when the watch says so.
pub(super) async fn correct(
    provisioning: &Provisioning,
    watch: &mut ClockWatch,
    lease: Duration,
) -> Result<(), DbError> {
    let now = provisioning.now();
    if !watch.is_due(now) {
        return Ok(());
    }
    let mut tx = provisioning.shared.db.begin("provisioning_clock").await?;
    let held = chassis::db::clock(&mut tx).await?;
    let count = correct_clock(&mut tx, (now, held), schedule::LONGEST_WAIT, lease).await?;
    tx.commit().await?;
    if count > 0 {
        tracing::warn!(count, "clock went back: due times of pushes corrected");
    }
    watch.checked(now);
    Ok(())
}
