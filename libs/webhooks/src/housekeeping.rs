//! Housekeeping of webhooks: old deliveries and secrets are deleted, secrets encrypted under the active key.

use std::time::Duration;

use chassis::cipher::Cipher;
use chassis::db::DbError;
use tokio::time::Instant;
use uuid::Uuid;

use super::secret::Secret;
use super::store::{self, Webhook, log};
use super::{WebhookError, Webhooks};

/// The interval between two deletions of what is past its retention.
const EVERY: Duration = Duration::from_secs(3600);
/// Webhooks read at a time.
const PAGE: i64 = 100;
/// Deliveries forgotten in one transaction: sending waits for it.
const AT_ONCE: i64 = 1000;

#[derive(Debug)]
pub(super) struct Housekeeping {
    due: Instant,
}

impl Housekeeping {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Tidies up a little, when it is time. Answers whether there is more to do at once.
    pub(super) async fn tidy(&mut self, webhooks: &Webhooks) -> Result<bool, DbError> {
        if Instant::now() < self.due {
            return Ok(false);
        }
        let more = tidy(webhooks).await?;
        if !more {
            self.due = Instant::now() + EVERY;
        }
        Ok(more)
    }
}

/// Forgets deliveries that were kept long enough, and secrets that sign no more. Answers whether there may be more.
pub(super) async fn tidy(webhooks: &Webhooks) -> Result<bool, DbError> {
    let now = webhooks.now();
    let mut tx = webhooks.shared.db.begin("webhook_housekeeping").await?;
    let more = log::prune(&mut tx, now - webhooks.shared.retention, AT_ONCE).await?;
    store::forget_previous(&mut tx, now).await?;
    tx.commit().await?;
    Ok(more)
}

/// Encrypts every secret under the active key, so that an old one can leave the configuration. One that cannot be read
/// stays as it is, and does not keep the others from it.
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
            match reseal_one(webhooks, cipher, webhook).await {
                Err(WebhookError::Cipher(error)) => tracing::error!(
                    webhook.id = %webhook.id,
                    webhook.key = webhook.secret().key,
                    error = &error as &dyn std::error::Error,
                    "webhook secret cannot be decrypted: add its key again, or give the webhook a new secret"
                ),
                other => other?,
            }
        }
    }
}

async fn reseal_one(webhooks: &Webhooks, cipher: &Cipher, webhook: &Webhook) -> Result<(), WebhookError> {
    let sealed = [Some(webhook.secret()), webhook.previous()];
    if sealed
        .iter()
        .flatten()
        .all(|sealed| sealed.key == cipher.active())
    {
        return Ok(());
    }
    let anew = |sealed| Secret::open(cipher, webhook.id, sealed)?.seal(cipher, webhooks.random(), webhook.id);
    let [secret, previous] = sealed
        .each_ref()
        .map(|sealed| sealed.as_ref().map(anew).transpose());
    if let Some(secret) = secret? {
        let mut tx = webhooks.shared.db.begin("webhook_reseal").await?;
        store::reseal(&mut tx, webhook, &secret, previous?.as_ref()).await?;
        tx.commit().await?;
    }
    Ok(())
}
