//! The clock of the database, which is one for all replicas.

use super::{Connection, DbError};
use crate::clock::Timestamp;
use crate::{on_engine, sql};

/// The time by the clock of the database. Leases are held by it, so that a replica whose own clock is wrong takes nothing from others.
///
/// # Errors
/// When the database fails.
pub async fn clock(connection: &mut impl Connection) -> Result<Timestamp, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER)",
        postgres: "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
    );
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}
