//! The tables `user_total` and `user_total_changes`.

use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};

/// The number of users.
pub(in crate::users) async fn read(connection: &mut impl Connection) -> Result<i64, DbError> {
    const READ: &str = "SELECT CAST((SELECT people FROM user_total) +
         (SELECT COALESCE(sum(change), 0) FROM user_total_changes) AS BIGINT)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(READ).fetch_one(c).await?))
}

/// Records that users were added or, below 0, removed.
pub(in crate::users) async fn change(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    const CHANGE: &str = "INSERT INTO user_total_changes (change) VALUES ($1)";
    on_engine!(tx, c => sqlx::query(CHANGE).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

/// True if there are changes that the total does not have.
pub(super) async fn has_changes(connection: &mut impl Connection) -> Result<bool, DbError> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM user_total_changes)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(ANY).fetch_one(c).await?))
}

/// Adds the changes to the total. Replicas take turns at the row of the total, so that none adds what another one has added.
pub(super) async fn fold(tx: &mut Tx) -> Result<(), DbError> {
    const REMOVE: &str = "DELETE FROM user_total_changes RETURNING change";
    const ADD: &str = "UPDATE user_total SET people = people + $1";
    lock(tx).await?;
    let changes: Vec<i64> = on_engine!(&mut *tx, c => sqlx::query_scalar(REMOVE).fetch_all(c).await?);
    let by: i64 = changes.iter().sum();
    on_engine!(tx, c => sqlx::query(ADD).bind(by).execute(c).await?.rows_affected());
    Ok(())
}

/// Counts everybody. What is committed meanwhile is a change that is not in the count.
pub(super) async fn recount(tx: &mut Tx) -> Result<(), DbError> {
    const COUNT: &str = "UPDATE user_total SET people = (SELECT count(*) FROM people) -
         (SELECT COALESCE(sum(change), 0) FROM user_total_changes)";
    lock(tx).await?;
    on_engine!(tx, c => sqlx::query(COUNT).execute(c).await?.rows_affected());
    Ok(())
}

async fn lock(tx: &mut Tx) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT people FROM user_total",
        postgres: "SELECT people FROM user_total FOR UPDATE",
    );
    let _: i64 = on_engine!(tx, c => sqlx::query_scalar(statement).fetch_one(c).await?);
    Ok(())
}
