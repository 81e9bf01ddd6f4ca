//! What is due from time to time: forgetting old deliveries and old secrets, and encrypting anew.

use std::time::Duration;

use chassis::db::DbError;
use tokio::time::Instant;
use uuid::Uuid;

use super::secret::Secret;
use super::{WebhookError, Webhooks, log, store};

/// How often is looked for what was kept long enough.
const EVERY: Duration = Duration::from_secs(3600);
/// Webhooks read at a time.
const PAGE: i64 = 100;

#[derive(Debug)]
pub(super) struct Housekeeping {
    due: Instant,
}

impl Housekeeping {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Tidies up, when it is time.
    pub(super) async fn tidy(&mut self, webhooks: &Webhooks) -> Result<(), DbError> {
        if Instant::now() < self.due {
            return Ok(());
        }
        tidy(webhooks).await?;
        self.due = Instant::now() + EVERY;
        Ok(())
    }
}

/// Forgets deliveries that were kept long enough, and secrets that sign no more.
pub(super) async fn tidy(webhooks: &Webhooks) -> Result<(), DbError> {
    let now = webhooks.now();
    let mut tx = webhooks.shared.db.begin("webhook_housekeeping").await?;
    log::prune(&mut tx, now - webhooks.shared.retention).await?;
    store::forget_previous(&mut tx, now).await?;
    tx.commit().await
}

/// Encrypts every secret under the active key, so that an old one can leave the configuration.
pub(super) async fn reseal(webhooks: &Webhooks) -> Result<(), WebhookError> {
    let Some(cipher) = &webhooks.shared.cipher else {
        return Ok(());
    };
    let mut after = Uuid::nil();
    loop {
        let mut reader = webhooks.shared.db.reader().await?;
        let page = store::list(&mut reader, after, PAGE).await?;
        drop(reader);
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for webhook in &page {
            let sealed = [Some(webhook.secret()), webhook.previous()];
            if sealed
                .iter()
                .flatten()
                .all(|sealed| sealed.key == cipher.active())
            {
                continue;
            }
            let anew = |sealed| {
                Secret::open(cipher, webhook.id, sealed)?.seal(cipher, webhooks.random(), webhook.id)
            };
            let [secret, previous] = sealed
                .each_ref()
                .map(|sealed| sealed.as_ref().map(anew).transpose());
            if let Some(secret) = secret? {
                let mut tx = webhooks.shared.db.begin("webhook_reseal").await?;
                store::reseal(&mut tx, webhook, &secret, previous?.as_ref()).await?;
                tx.commit().await?;
            }
        }
    }
}
