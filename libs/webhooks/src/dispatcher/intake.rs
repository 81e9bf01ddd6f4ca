//! From the feed to the deliveries of each webhook.

use chassis::db::DbError;

use super::super::store::queue::{self, Behind};
use super::super::{Webhooks, metering};
use events::feed;

/// Takes in what was published since each webhook looked, `batch` events each at most. Answers whether one has more to
/// take in.
pub(crate) async fn take_in(webhooks: &Webhooks, batch: i64) -> Result<bool, DbError> {
    let behind = queue::behind(&mut webhooks.shared.db.reader().await?).await?;
    let mut more = false;
    for webhook in behind {
        more |= take_in_for(webhooks, &webhook, batch).await?;
    }
    Ok(more)
}

/// The same for one webhook, as it was when it was found behind.
pub(crate) async fn take_in_for(webhooks: &Webhooks, webhook: &Behind, batch: i64) -> Result<bool, DbError> {
    let now = webhooks.now();
    let types = webhook.types();
    let mut tx = webhooks.shared.db.begin("webhook_intake").await?;
    let events =
        feed::events_after(&mut tx, webhook.position, batch, webhooks.shared.outbox.source()).await?;
    let (pruned, _) = feed::bounds(&mut tx).await?;
    let begin = webhook.position.max(pruned);
    let end = events
        .last()
        .and_then(|event| event.position)
        .unwrap_or(begin)
        .max(begin);
    if !queue::advance(&mut tx, webhook, end).await? {
        // Another replica did it, or there is nobody to deliver to any more, or other types are wanted now.
        return Ok(false);
    }
    for event in events.iter().filter(|event| types.want(&event.kind)) {
        let envelope = match serde_json::to_string(event) {
            Ok(envelope) => envelope,
            Err(error) => {
                tracing::error!(event.id = %event.id, %error, "event cannot be rendered for webhooks");
                continue;
            }
        };
        queue::enqueue(&mut tx, webhook.id, event, &envelope, now).await?;
    }
    tx.commit().await?;
    if begin > webhook.position {
        metering::missed(begin - webhook.position);
        tracing::warn!(
            webhook.id = %webhook.id,
            events = begin - webhook.position,
            "webhook missed events: it was disabled for longer than events are retained"
        );
    }
    Ok(i64::try_from(events.len()).unwrap_or(i64::MAX) >= batch)
}
