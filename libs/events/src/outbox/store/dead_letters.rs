//! The statements of events that could not be published: they are listed, replayed and pruned.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use crate::outbox::Outbox;

/// Deletes what was given up before `before`. Answers how many.
pub(crate) async fn prune_dead_letters(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM outbox WHERE dead_lettered_at < $1")
        .bind(before)
        .execute(c)
        .await?
        .rows_affected()),
    )
}

/// An event that was given up after too many attempts. Those after it went on without it.
#[derive(Clone, Debug, serde::Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub struct DeadLetter {
    /// The event.
    pub id: Uuid,
    /// The aggregate that it is about.
    pub aggregate_id: Uuid,
    /// Its type.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of the aggregate.
    pub sequence: i64,
    /// The number of attempts.
    pub attempts: i32,
    /// The error of the transport at the last attempt.
    pub last_error: Option<String>,
    /// The time at which it was given up.
    pub dead_lettered_at: Timestamp,
}

/// The events given up, oldest first, `limit` at most.
///
/// # Errors
/// When the database fails.
pub async fn dead_letters(connection: &mut impl Connection, limit: i64) -> Result<Vec<DeadLetter>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT id, aggregate_id, type, sequence, attempts, last_error, dead_lettered_at FROM outbox
             WHERE dead_lettered_at IS NOT NULL ORDER BY dead_lettered_at, number LIMIT $1")
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Has the event published after all, when the transaction is committed. Consumers that have a newer version of the
/// aggregate will drop it. Answers whether there was such a dead letter.
///
/// # Errors
/// When the database fails.
pub async fn replay(tx: &mut Tx, outbox: &Outbox, event: Uuid) -> Result<bool, DbError> {
    let revived = on_engine!(tx, c => sqlx::query(
            "UPDATE outbox SET dead_lettered_at = NULL, attempts = 0, next_attempt_at = 0
             WHERE id = $1 AND dead_lettered_at IS NOT NULL")
        .bind(event)
        .execute(c)
        .await?
        .rows_affected());
    tx.wake_on_commit(outbox.written());
    Ok(revived > 0)
}

/// Has all dead letters published after all, and answers how many there were.
///
/// # Errors
/// When the database fails.
pub async fn replay_all(tx: &mut Tx, outbox: &Outbox) -> Result<u64, DbError> {
    let revived = on_engine!(tx, c => sqlx::query(
            "UPDATE outbox SET dead_lettered_at = NULL, attempts = 0, next_attempt_at = 0
             WHERE dead_lettered_at IS NOT NULL")
        .execute(c)
        .await?
        .rows_affected());
    tx.wake_on_commit(outbox.written());
    Ok(revived)
}
