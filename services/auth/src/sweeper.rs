//! The sweeper: a background task that deletes expired rows and publishes the counts of failed sign-ins.

use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::db::DbError;
use chassis::shutdown::Shutdown;

use crate::app::{App, SharedApp};
use crate::{
    accounts, authorization_requests, form_submissions, grants, registration, sessions, setup, throttle,
};

/// The interval between two sweeps.
const INTERVAL: Duration = Duration::from_secs(30);

/// How long a device is known, which is the lifetime of its cookie.
const DEVICE_RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Sweeps until `shutdown`. Replicas may sweep at the same time.
pub(crate) async fn run(app: SharedApp, shutdown: Shutdown) {
    let mut failures = Backoff::new("what is over cannot be removed");
    let mut tick = tokio::time::interval(INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shutdown.cancelled() => return,
        }
        match sweep(&app).await {
            Ok(()) => failures.succeeded(),
            Err(error) => {
                failures.failed(&error);
            }
        }
    }
}

/// Sweeps once, in short transactions.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App) -> Result<(), DbError> {
    loop {
        let mut tx = app.db.begin("sweep_sessions").await?;
        let gone = sessions::sweep(app, &mut tx).await?;
        tx.commit().await?;
        if gone == 0 {
            break;
        }
    }
    let mut tx = app.db.begin("sweep_registrations").await?;
    registration::sweep(app, &mut tx).await?;
    tx.commit().await?;
    loop {
        let mut tx = app.db.begin("publish_failed_sign_ins").await?;
        let published = accounts::failures::publish(app, &mut tx).await?;
        tx.commit().await?;
        if published == 0 {
            break;
        }
    }
    let mut tx = app.db.begin("sweep").await?;
    let now = app.clock.now();
    throttle::sweep(&mut tx, now).await?;
    setup::sweep(app, &mut tx).await?;
    accounts::store::sweep_devices(&mut tx, now - DEVICE_RETENTION).await?;
    tx.commit().await?;
    let mut tx = app.db.begin("sweep_short_lived").await?;
    authorization_requests::sweep(app, &mut tx).await?;
    form_submissions::sweep(&mut tx, now).await?;
    tx.commit().await?;
    grants::sweep(app).await.map(drop)
}
