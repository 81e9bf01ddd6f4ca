//! What every service waits for before it starts: the schema of its database.

use std::time::Duration;

use tokio::time::Instant;

use crate::db::{Db, DbConfig, DbError, Migrations};
use crate::health::Health;
use crate::shutdown::Shutdown;

/// What `/health/started` says while the schema is not there.
pub const SCHEMA: &str = "schema";
/// How often is looked whether the schema is there.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it is said that it is not.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// Brings the schema up to date, or, if `database.migrate` is false, waits until somebody else has. Answers no when
/// the end was asked for meanwhile.
///
/// # Errors
/// See [`Db::migrate`] and [`Db::lacks`]. A database that goes away while the schema is waited for is asked again.
pub async fn schema(
    db: &Db,
    config: &DbConfig,
    sets: &[&Migrations],
    health: &Health,
    shutdown: &Shutdown,
) -> Result<bool, DbError> {
    let place = config.place();
    if config.migrate {
        // Another replica may be at work for long, and what is broken off leaves nothing behind.
        return tokio::select! {
            done = db.migrate(&place, sets) => done.map(|()| true),
            () = shutdown.draining() => Ok(false),
        };
    }
    health.require(SCHEMA);
    let mut said: Option<Instant> = None;
    loop {
        let lacking = match db.lacks(&place, sets).await {
            Ok(None) => break,
            Ok(Some(lacking)) => lacking,
            Err(error) if passes(&error) => error.to_string(),
            Err(error) => return Err(error),
        };
        if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) {
            said = Some(Instant::now());
            tracing::info!("waiting for the schema of the database at {place}, which lacks {lacking}");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = shutdown.draining() => return Ok(false),
        }
    }
    health.found(SCHEMA);
    Ok(true)
}

fn passes(error: &DbError) -> bool {
    match error {
        DbError::At { source, .. } => source.is_transient(),
        other => other.is_transient(),
    }
}
