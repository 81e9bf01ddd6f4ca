//! Webhooks against a real receiver on this machine.

mod api;
mod delivering;
mod fairness;
mod faults;
mod message;
mod receiver;
mod refusals;
mod replicas;
mod retries;
mod rotation;

use std::sync::Arc;
use std::time::Duration;

use chassis::cipher::EncryptionSettings;
use chassis::clock::{ManualClock, Timestamp};
use chassis::on_engine;
use chassis::outbound::{Resolver, SystemResolver};
use chassis::secret::SecretString;
use uuid::Uuid;

use super::manage::{Edit, NewWebhook};
use super::store::{Webhook, log, queue};
use super::*;
use events::testing::{SOURCE, changed, random};
use receiver::Receiver;

pub(super) const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(super) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const K1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const K2: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// The retention of events and of the log here.
pub(super) const RETENTION: Duration = Duration::from_secs(30 * 86_400);

/// A service with webhooks, whose clock is turned by hand.
pub(super) struct World {
    pub(super) webhooks: Webhooks,
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<ManualClock>,
    pub(super) dispatcher: Dispatcher,
}

pub(super) fn cipher(active: &str) -> Cipher {
    cipher_with(active, &["k1", "k2"])
}

/// A cipher that knows no other keys than `names`.
pub(super) fn cipher_with(active: &str, names: &[&str]) -> Cipher {
    let known = [("k1", K1), ("k2", K2)].into_iter();
    Cipher::new(&EncryptionSettings {
        active: active.to_owned(),
        keys: known
            .filter(|(name, _)| names.contains(name))
            .map(|(name, key)| (name.to_owned(), SecretString::from(key)))
            .collect(),
    })
    .unwrap()
}

/// A replica of the service on `db`.
pub(super) fn replica(
    db: &Db,
    clock: &Arc<ManualClock>,
    cipher: Option<Cipher>,
    resolver: Arc<dyn Resolver>,
) -> World {
    configured(db, clock, cipher, resolver, (config(), Duration::from_secs(5)))
}

pub(super) fn config() -> WebhooksConfig {
    WebhooksConfig {
        allow: vec!["127.0.0.1".parse().unwrap()],
        ..WebhooksConfig::default()
    }
}

/// A replica with `[webhooks]` of its own, which waits for answers no longer than that.
pub(super) fn configured(
    db: &Db,
    clock: &Arc<ManualClock>,
    cipher: Option<Cipher>,
    resolver: Arc<dyn Resolver>,
    (config, timeout): (WebhooksConfig, Duration),
) -> World {
    let outbox = Outbox::new(SOURCE, clock.clone(), random());
    let webhooks = Webhooks::new(Parts {
        db: db.clone(),
        outbox: outbox.clone(),
        service: "auth",
        cipher,
        outbound: Outbound::new(config.policy(), resolver, timeout).unwrap(),
        config,
        retention: RETENTION,
    });
    let options = DispatcherOptions {
        poll: Duration::from_millis(20),
        ..DispatcherOptions::default()
    };
    World {
        dispatcher: Dispatcher::new(webhooks.clone(), options),
        webhooks,
        outbox,
        clock: Arc::clone(clock),
    }
}

impl World {
    pub(super) fn on(db: &Db) -> Self {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        replica(db, &clock, Some(cipher("k1")), Arc::new(SystemResolver))
    }

    /// A webhook for every event.
    pub(super) async fn subscribe(&self, url: &str) -> Webhook {
        self.subscribe_to(url, &["*"]).await.unwrap()
    }

    pub(super) async fn subscribe_to(&self, url: &str, types: &[&str]) -> Result<Webhook, WebhookError> {
        let new = NewWebhook {
            url: url.to_owned(),
            types: types.iter().map(|kind| (*kind).to_owned()).collect(),
            description: String::new(),
            secret: Some(SecretString::from(SECRET)),
        };
        self.webhooks.create(new).await.map(|(webhook, _)| webhook)
    }

    /// Changes a thing and publishes the event.
    pub(super) async fn happen(&self, id: Uuid) {
        changed(&self.webhooks.shared.db, &self.outbox, id).await;
        publish(&self.webhooks.shared.db, self.webhooks.now()).await;
    }

    /// Delivers everything that is due now, and waits for the answers.
    pub(super) async fn deliver(&mut self) {
        self.dispatcher.deliver_due().await;
    }

    /// State, attempts, status and error of a webhook's deliveries, oldest first.
    pub(super) async fn log(&self, webhook: Uuid) -> Vec<(String, i32, Option<i32>, String)> {
        let mut reader = self.webhooks.shared.db.reader().await.unwrap();
        on_engine!(&mut reader, c => sqlx::query_as(
                "SELECT state, attempts, last_status, coalesce(last_error, '') FROM webhook_deliveries
                 WHERE webhook_id = $1 ORDER BY position, event_id")
            .bind(webhook)
            .fetch_all(c)
            .await
            .unwrap())
    }

    /// As if that much time had passed for the claims, which the clock of the database measures.
    pub(super) async fn age_claims(&self, by: Duration) {
        let mut tx = self.webhooks.shared.db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => {
            sqlx::query("UPDATE webhook_deliveries SET claimed_until = claimed_until - $1 WHERE claimed_until > 0")
                .bind(i64::try_from(by.as_micros()).unwrap())
                .execute(c)
                .await
                .unwrap();
        });
        tx.commit().await.unwrap();
    }

    pub(super) async fn stored(&self, webhook: Uuid) -> Webhook {
        let mut reader = self.webhooks.shared.db.reader().await.unwrap();
        store::find(&mut reader, webhook).await.unwrap().unwrap()
    }
}

/// Gives every written event its position, as the relay would.
pub(super) async fn publish(db: &Db, now: Timestamp) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        let rows: Vec<i64> = sqlx::query_scalar("SELECT number FROM outbox WHERE position IS NULL ORDER BY number")
            .fetch_all(&mut *c)
            .await
            .unwrap();
        for number in rows {
            sqlx::query("UPDATE outbox_feed SET last = last + 1").execute(&mut *c).await.unwrap();
            sqlx::query(
                    "UPDATE outbox SET position = (SELECT last FROM outbox_feed), published_at = $2 WHERE number = $1")
                .bind(number)
                .bind(now)
                .execute(&mut *c)
                .await
                .unwrap();
        }
    });
    tx.commit().await.unwrap();
}
