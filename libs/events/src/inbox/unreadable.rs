//! Messages of a broker that are no events of ours: kept for people to look at.

use chassis::db::DbError;

use super::store::unreadable;
use super::{Handler, Inbox};
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
        "message is not an event: kept as unreadable"
    );
    metrics::counter!("vestibule_inbox_unreadable_total", "consumer" => inbox.consumer).increment(1);
    let mut tx = inbox.db.begin("inbox_unreadable").await?;
    unreadable::insert(&mut tx, inbox.consumer, transport, message, inbox.clock.now()).await?;
    tx.commit().await
}
