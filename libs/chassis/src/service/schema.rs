//! The schema at the start of a service: migrates it, or waits until it is migrated.

use std::time::Duration;

use tokio::time::Instant;

use crate::db::{Db, DbConfig, DbError, Migrations};
use crate::health::Health;
use crate::shutdown::Shutdown;

/// The requirement of `/health/started` until the schema is there.
const SCHEMA: &str = "schema";
/// The interval at which the schema is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// The interval of the log line about a missing schema.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Migrates the schema, or waits until it is migrated if `database.migrate` is false. Returns `false` if shutdown began
/// meanwhile.
///
/// # Errors
/// See [`Db::migrate`] and [`Db::missing_schema`]. If the database becomes unavailable while this waits, it retries.
pub async fn wait_for_schema(
    db: &Db,
    config: &DbConfig,
    sets: &[&Migrations],
    health: &Health,
    shutdown: &Shutdown,
) -> Result<bool, DbError> {
    let location = config.location();
    if config.migrate {
        // Another replica may migrate for long, and an interrupted migration leaves nothing behind.
        return tokio::select! {
            done = db.migrate(&location, sets) => done.map(|()| true),
            () = shutdown.draining() => Ok(false),
        };
    }
    health.require(SCHEMA);
    let mut logged_at: Option<Instant> = None;
    loop {
        let missing = match db.missing_schema(&location, sets).await {
            Ok(None) => break,
            Ok(Some(missing)) => missing,
            Err(error) if is_transient(&error) => error.to_string(),
            Err(error) => return Err(error),
        };
        if logged_at.is_none_or(|logged_at| logged_at.elapsed() >= LOG_INTERVAL) {
            logged_at = Some(Instant::now());
            tracing::info!("waiting for the schema of the database at {location}, which lacks {missing}");
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
            () = shutdown.draining() => return Ok(false),
        }
    }
    health.satisfy(SCHEMA);
    Ok(true)
}

fn is_transient(error: &DbError) -> bool {
    match error {
        DbError::At { source, .. } => source.is_transient(),
        other => other.is_transient(),
    }
}
