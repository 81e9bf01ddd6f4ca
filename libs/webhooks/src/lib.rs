//! Webhooks by the Standard Webhooks specification (version 1.0.0): the events of this service, sent to
//! their receivers, at least once and in order for each aggregate.
//!
//! Published events have positions without gaps, so a webhook is a place in the feed. One transaction reads what
//! comes after it, writes down a delivery for each event that is wanted, and moves on; the guard of that step is the
//! place itself, so replicas never do it twice. A delivery is then claimed by one replica for the length of a lease and
//! sent; what fails is tried again for three days. See `docs/decisions/0012-webhooks.md`.

mod catalogue;
mod config;
mod dispatcher;
mod health;
mod housekeeping;
mod log_catalogue;
mod manage;
mod message;
mod metering;
mod openapi;
mod routes;
mod schedule;
mod secret;
mod store;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;
use std::time::Duration;

use chassis::cipher::{Cipher, CipherError};
use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};
use chassis::outbound::Outbound;
use chassis::random::Random;
use tokio::sync::Notify;

use chassis::telemetry::Declarations;

pub use catalogue::METRICS;
pub use config::WebhooksConfig;
pub use dispatcher::{Dispatcher, DispatcherOptions};
pub use message::TEST_TYPE;
pub use openapi::{WEBHOOKS_TAG, operations as described_operations};
pub use routes::{HasWebhooks, routes};

use events::Outbox;

/// The webhooks of one service. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    outbox: Outbox,
    cipher: Option<Cipher>,
    outbound: Outbound,
    config: WebhooksConfig,
    retention: Duration,
    /// The types that this service publishes.
    known: Vec<&'static str>,
    /// There is something to send that the feed did not bring.
    work: Arc<Notify>,
    health: health::Health,
}

/// The parts of the service that its webhooks need.
#[derive(Debug)]
pub struct Parts {
    /// The database with the outbox.
    pub db: Db,
    /// The events that are sent.
    pub outbox: Outbox,
    /// `auth` or `users`: whose types can be subscribed to.
    pub service: &'static str,
    /// The cipher that encrypts secrets. Without it, nothing can be subscribed to.
    pub cipher: Option<Cipher>,
    /// The way out.
    pub outbound: Outbound,
    /// `[webhooks]`
    pub config: WebhooksConfig,
    /// The retention of the log of deliveries.
    pub retention: Duration,
}

/// The reason why something could not be done with a webhook.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// A field does not hold what it may.
    #[error("{field}: {detail}")]
    Invalid {
        /// The field.
        field: String,
        /// The value that is expected.
        detail: String,
    },
    /// The service has no `[encryption]`.
    #[error("no encryption key is configured")]
    NoEncryption,
    /// There is no such webhook or delivery.
    #[error("not found")]
    NotFound,
    /// It cannot be done while the webhook is disabled.
    #[error("the webhook is disabled")]
    Disabled,
    /// The secret from before the last rotation still signs, until then.
    #[error("the secret was changed a short time ago")]
    Rotating(Timestamp),
    /// A secret cannot be encrypted or read.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// An event cannot be written as JSON, or read.
    #[error("an event cannot be written or read")]
    Json(#[from] serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Webhooks {
    /// The webhooks of a service.
    pub fn new(parts: Parts) -> Self {
        let known = contract::catalogue()
            .into_iter()
            .filter(|kind| kind.service == parts.service)
            .map(|kind| kind.name)
            .collect();
        Self {
            shared: Arc::new(Shared {
                db: parts.db,
                outbox: parts.outbox,
                cipher: parts.cipher,
                outbound: parts.outbound,
                config: parts.config,
                retention: parts.retention,
                known,
                work: Arc::new(Notify::new()),
                health: health::Health::default(),
            }),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.outbox.clock().now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &**self.shared.outbox.random()
    }

    pub(crate) fn cipher(&self) -> Result<&Cipher, WebhookError> {
        self.shared.cipher.as_ref().ok_or(WebhookError::NoEncryption)
    }
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhooks")
            .field("outbox", &self.shared.outbox)
            .finish_non_exhaustive()
    }
}

/// The metrics, actions and log fields of this crate.
pub const TELEMETRY: Declarations = Declarations {
    metrics: METRICS,
    actions: log_catalogue::ACTIONS,
    fields: log_catalogue::FIELDS,
};
