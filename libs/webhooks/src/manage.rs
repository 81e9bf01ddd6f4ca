//! Use cases of administrators: webhooks are created, changed, deleted, tested and replayed.

use chassis::clock::Timestamp;
use chassis::outbound::OutboundError;
use chassis::secret::{ExposeSecret, SecretString, Token};
use url::Url;
use uuid::Uuid;

use super::message::test_event;
use super::secret::Secret;
use super::store::{self, Change, NewRow, Webhook, log, queue};
use super::types::Types;
use super::{WebhookError, Webhooks};

const LONGEST_URL: usize = 2048;
const LONGEST_DESCRIPTION: usize = 500;

/// A webhook to be made.
#[derive(Debug)]
pub(super) struct NewWebhook {
    pub(super) url: String,
    pub(super) types: Vec<String>,
    pub(super) description: String,
    /// `whsec_…`, or nothing for a new one.
    pub(super) secret: Option<SecretString>,
}

/// The changes to a webhook; fields that are not named stay.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) url: Option<String>,
    pub(super) types: Option<Vec<String>>,
    pub(super) description: Option<String>,
    pub(super) enabled: Option<bool>,
}

fn invalid(field: &str, detail: impl Into<String>) -> WebhookError {
    WebhookError::Invalid {
        field: field.to_owned(),
        detail: detail.into(),
    }
}

impl Webhooks {
    /// Makes a webhook that begins with what is published from now on, and answers it with its secret.
    pub(super) async fn create(&self, new: NewWebhook) -> Result<(Webhook, Token), WebhookError> {
        let cipher = self.cipher()?;
        let types = self.types(new.types)?;
        let description = description(new.description)?;
        let secret = self.secret(new.secret)?;
        let url = self.callable(&new.url).await?;
        let now = self.now();
        let id = self.random().uuid(&**self.shared.outbox.clock());
        let sealed = secret.seal(cipher, self.random(), id)?;
        let new = NewRow {
            id,
            url: &url,
            types: &types,
            description: &description,
            secret: &sealed,
            now,
        };
        let mut tx = self.shared.db.begin("webhook_create").await?;
        store::insert(&mut tx, &new).await?;
        let made = store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        tx.commit().await?;
        tracing::info!(event.action = "webhook-created", event.outcome = "success", webhook.id = %id, "webhook created");
        Ok((made, secret.to_token()))
    }

    /// Changes a webhook.
    pub(super) async fn change(&self, id: Uuid, edit: Edit) -> Result<Webhook, WebhookError> {
        let types = edit.types.map(|types| self.types(types)).transpose()?;
        let text = edit.description.map(description).transpose()?;
        let url = match edit.url {
            Some(url) => Some(self.callable(&url).await?),
            None => None,
        };
        let now = self.now();
        let mut tx = self.shared.db.begin("webhook_change").await?;
        let old = store::lock(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        let kept = old.disabled_at.zip(old.disabled_reason.as_deref());
        let disabled = match edit.enabled {
            Some(true) => None,
            Some(false) => kept.or(Some((now, "operator"))),
            None => kept,
        };
        let change = Change {
            url: url.as_deref().unwrap_or(&old.url),
            types: &types.unwrap_or_else(|| old.types()),
            description: text.as_deref().unwrap_or(&old.description),
            disabled,
        };
        store::update(&mut tx, id, &change, now).await?;
        let new = store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        tx.wake_on_commit(&self.shared.work);
        tx.commit().await?;
        tracing::info!(event.action = "webhook-changed", event.outcome = "success", webhook.id = %id, webhook.version = new.version, "webhook updated");
        Ok(new)
    }

    /// Removes a webhook and everything that was to be delivered to it.
    pub(super) async fn delete(&self, id: Uuid) -> Result<(), WebhookError> {
        let mut tx = self.shared.db.begin("webhook_delete").await?;
        if !store::delete(&mut tx, id).await? {
            return Err(WebhookError::NotFound);
        }
        tx.commit().await?;
        tracing::info!(event.action = "webhook-deleted", event.outcome = "success", webhook.id = %id, "webhook deleted");
        Ok(())
    }

    /// Gives a webhook a new secret; the old one signs beside it for a while. There is room for one old secret: while it
    /// signs, another rotation needs `force`, for the receiver may know no other.
    pub(super) async fn rotate(
        &self,
        id: Uuid,
        secret: Option<SecretString>,
        force: bool,
    ) -> Result<(Webhook, Token), WebhookError> {
        let cipher = self.cipher()?;
        let secret = self.secret(secret)?;
        let sealed = secret.seal(cipher, self.random(), id)?;
        let now = self.now();
        let mut tx = self.shared.db.begin("webhook_rotate").await?;
        let old = store::lock(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        let rotation = self.shared.config.rotation();
        let signs = |until: &Timestamp| !until.left(now, rotation).is_zero();
        if let Some(until) = old.previous_until.filter(|until| signs(until) && !force) {
            return Err(WebhookError::Rotating(until));
        }
        store::rotate(&mut tx, id, &sealed, now + rotation, now).await?;
        let rotated = store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        tx.commit().await?;
        tracing::info!(event.action = "webhook-secret-changed", event.outcome = "success", webhook.id = %id, "webhook secret rotated");
        Ok((rotated, secret.to_token()))
    }

    /// Sends an event that says nothing, once, and answers its id.
    pub(super) async fn test(&self, id: Uuid) -> Result<Uuid, WebhookError> {
        self.cipher()?;
        let now = self.now();
        let event = self.random().uuid(&**self.shared.outbox.clock());
        let envelope = test_event(id, self.shared.outbox.source(), event, now)?;
        let mut tx = self.shared.db.begin("webhook_test").await?;
        let webhook = store::lock(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        if webhook.disabled_at.is_some() {
            return Err(WebhookError::Disabled);
        }
        queue::enqueue(&mut tx, id, &envelope, &serde_json::to_string(&envelope)?, now).await?;
        tx.wake_on_commit(&self.shared.work);
        tx.commit().await?;
        tracing::info!(event.action = "webhook-tested", event.outcome = "success", webhook.id = %id, "test event queued for a webhook");
        Ok(event)
    }

    /// Delivers an event again.
    pub(super) async fn replay(&self, id: Uuid, event: Uuid) -> Result<(), WebhookError> {
        let mut tx = self.shared.db.begin("webhook_replay").await?;
        if !log::replay(&mut tx, id, event, self.now()).await? {
            return Err(WebhookError::NotFound);
        }
        tx.wake_on_commit(&self.shared.work);
        tx.commit().await?;
        tracing::info!(event.action = "webhook-replayed", event.outcome = "success", webhook.id = %id, event.id = %event, "event queued for a webhook again");
        Ok(())
    }

    /// Delivers again what was given up, and answers how much that is.
    pub(super) async fn replay_dead(&self, id: Uuid) -> Result<u64, WebhookError> {
        let mut tx = self.shared.db.begin("webhook_replay").await?;
        store::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
        let count = log::replay_dead(&mut tx, id, self.now()).await?;
        tx.wake_on_commit(&self.shared.work);
        tx.commit().await?;
        tracing::info!(event.action = "webhook-replayed", event.outcome = "success", webhook.id = %id, count, "dead-lettered deliveries replayed to a webhook");
        Ok(count)
    }

    fn types(&self, patterns: Vec<String>) -> Result<Types, WebhookError> {
        Types::parse(patterns, &self.shared.known).map_err(|wrong| invalid(&wrong.field, wrong.detail))
    }

    fn secret(&self, given: Option<SecretString>) -> Result<Secret, WebhookError> {
        match given {
            Some(text) => {
                Secret::parse(text.expose_secret()).map_err(|error| invalid("secret", error.to_string()))
            }
            None => Ok(Secret::generate(self.random())),
        }
    }

    /// A URL that may be called at this moment; every delivery checks again.
    async fn callable(&self, text: &str) -> Result<String, WebhookError> {
        let wrong = |detail: String| invalid("url", detail);
        if text.len() > LONGEST_URL {
            return Err(wrong(format!("Expected {LONGEST_URL} characters at most.")));
        }
        let url: Url = text
            .parse()
            .map_err(|_| wrong("Expected an https:// URL.".to_owned()))?;
        match self.shared.outbound.check(&url).await {
            Ok(()) => Ok(url.into()),
            Err(error @ OutboundError::Refused(_)) => Err(wrong(format!("Refused: {error}."))),
            Err(error) => Err(wrong(format!("Not reachable: {error}."))),
        }
    }
}

fn description(text: String) -> Result<String, WebhookError> {
    if text.chars().count() > LONGEST_DESCRIPTION || text.chars().any(char::is_control) {
        return Err(invalid(
            "description",
            format!("Expected {LONGEST_DESCRIPTION} characters at most, in one line."),
        ));
    }
    Ok(text)
}
