//! Messages of a broker that are no events of ours: kept for people to look at.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::on_engine;

use super::{Handler, Inbox, store};
use crate::transport::UnreadableMessage;

/// Keeps a message, once for each place.
pub(super) async fn store_unreadable<H: Handler>(
    inbox: &Inbox<H>,
    transport: &'static str,
    message: &UnreadableMessage,
) -> Result<(), DbError> {
    tracing::error!(
        event.action = "event-unreadable",
        event.outcome = "failure",
        consumer = inbox.consumer,
        transport,
        place = message.place,
        error = message.error,
        "a message is no event; it is kept"
    );
    metrics::counter!("vestibule_inbox_unreadable_total", "consumer" => inbox.consumer).increment(1);
    let mut tx = inbox.db.begin("inbox_unreadable").await?;
    on_engine!(&mut tx, c => {
        sqlx::query(
            "INSERT INTO inbox_unreadable (consumer, transport, place, error, body, received_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
            .bind(inbox.consumer)
            .bind(transport)
            .bind(store::text(&message.place))
            .bind(store::text(&message.error))
            .bind(&message.body)
            .bind(inbox.clock.now())
            .execute(c)
            .await?;
    });
    tx.commit().await
}

/// Deletes what came before `before`. Answers how many.
pub(super) async fn prune(tx: &mut Tx, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM inbox_unreadable WHERE consumer = $1 AND received_at < $2")
            .bind(consumer)
            .bind(before)
            .execute(c)
            .await?
            .rows_affected()),
    )
}
