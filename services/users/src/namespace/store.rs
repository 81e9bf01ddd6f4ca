//! The statements that look for a name among users and groups.

use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};

/// Lets one transaction at a time give out the name with this key, until it ends. The last lock that a transaction takes.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock(tx: &mut Tx, key: &str) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT $1",
        postgres: "SELECT CAST(pg_advisory_xact_lock(hashtextextended('name ' || $1, 0)) AS TEXT)",
    );
    let _: Option<String> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(key).fetch_optional(c).await?);
    Ok(())
}

/// True if a group has the name with this key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_group_name(connection: &mut impl Connection, key: &str) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM groups WHERE name_key = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(key).fetch_one(c).await?))
}

/// True if a user has the name with this key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_user_name(connection: &mut impl Connection, key: &str) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE user_name_key = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(key).fetch_one(c).await?))
}
