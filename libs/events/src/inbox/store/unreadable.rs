//! The statements of messages that are no events.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::on_engine;

use super::text;
use crate::transport::UnreadableMessage;

/// Keeps a message, once for each place.
pub(in crate::inbox) async fn insert(
    tx: &mut Tx,
    consumer: &str,
    transport: &str,
    message: &UnreadableMessage,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO inbox_unreadable (consumer, transport, place, error, body, received_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
            .bind(consumer)
            .bind(transport)
            .bind(text(&message.place))
            .bind(text(&message.error))
            .bind(&message.body)
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Deletes what came before `before`. Answers how many.
pub(in crate::inbox) async fn prune(tx: &mut Tx, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM inbox_unreadable WHERE consumer = $1 AND received_at < $2")
            .bind(consumer)
            .bind(before)
            .execute(c)
            .await?
            .rows_affected()),
    )
}
