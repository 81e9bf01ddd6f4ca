//! What every service waits for before it starts: the schema of its database.

use std::time::Duration;

use tokio::time::Instant;

use crate::db::{Db, DbConfig, DbError, Migrations};
use crate::health::Health;
use crate::shutdown::Shutdown;

/// What `/health/started` says while the schema is not there.
pub const SCHEMA: &str = "schema";
/// How often is looked whether the schema is there.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// How often it is said that it is not.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Brings the schema up to date, or, if `database.migrate` is false, waits until somebody else has. Answers no when
/// the end was asked for meanwhile.
///
/// # Errors
/// See [`Db::migrate`] and [`Db::missing_schema`]. A database that goes away while the schema is waited for is asked again.
pub async fn wait_for_schema(
    db: &Db,
    config: &DbConfig,
    sets: &[&Migrations],
    health: &Health,
    shutdown: &Shutdown,
) -> Result<bool, DbError> {
    let location = config.location();
    if config.migrate {
        // Another replica may be at work for long, and what is broken off leaves nothing behind.
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
