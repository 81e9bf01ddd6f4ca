//! Provisioning against a SCIM endpoint on this machine.

mod adoption;
mod application;
mod drift;
mod dry_run;
mod faults;
mod groups;
mod members;
mod migrations;
mod replicas;
mod targets;
mod town;
mod users;

use std::sync::Arc;
use std::time::Duration;

use chassis::cipher::EncryptionSettings;
use chassis::clock::ManualClock;
use chassis::on_engine;
use chassis::outbound::SystemResolver;
use chassis::secret::SecretString;
use events::testing::{SOURCE, random};
use serde_json::{Value, json};

use super::credentials::Credentials;
use super::manage::{Edit, TargetSpec};
use super::rules::Rules;
use super::store::figures::Counts;
use super::store::{Target, figures, resources};
use super::*;
use application::{Application, Fault};
use town::Town;

const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);
const K1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const K2: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// A replica of a service with a directory and provisioning, whose clock is turned by hand, and an application.
pub(super) struct World {
    pub(super) provisioning: Provisioning,
    pub(super) clock: Arc<ManualClock>,
    pub(super) dispatcher: Dispatcher,
    pub(super) town: Town,
    pub(super) application: Application,
}

fn cipher(active: &str) -> Cipher {
    Cipher::new(&EncryptionSettings {
        active: active.to_owned(),
        keys: [("k1", K1), ("k2", K2)]
            .map(|(name, key)| (name.to_owned(), SecretString::from(key)))
            .into(),
    })
    .unwrap()
}

impl World {
    pub(super) async fn on(db: &Db) -> Self {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let outbox = Outbox::new(SOURCE, clock.clone(), random());
        let town = Town::new(db, &outbox);
        Self::replica(db, &clock, town, Application::start().await, "k1")
    }

    pub(super) fn replica(
        db: &Db,
        clock: &Arc<ManualClock>,
        town: Town,
        application: Application,
        key: &str,
    ) -> Self {
        Self::patient_replica(db, clock, town, application, (key, Duration::from_millis(400)))
    }

    /// A replica that waits for answers as long as is said.
    pub(super) fn patient_replica(
        db: &Db,
        clock: &Arc<ManualClock>,
        town: Town,
        application: Application,
        (key, timeout): (&str, Duration),
    ) -> Self {
        let config = ProvisioningConfig {
            allow: vec!["127.0.0.1".parse().unwrap()],
            ..ProvisioningConfig::default()
        };
        let provisioning = Provisioning::new(Parts {
            db: db.clone(),
            outbox: Outbox::new(SOURCE, clock.clone(), random()),
            directory: Arc::new(town.clone()),
            registry: Arc::new(Registry::new(&scim::schema::SchemaConfig::default()).unwrap()),
            clock: clock.clone(),
            random: random(),
            cipher: Some(cipher(key)),
            outbound: Outbound::new(config.policy(), Arc::new(SystemResolver), timeout).unwrap(),
            config,
        });
        let options = DispatcherOptions {
            poll: Duration::from_millis(20),
            batch: 3,
            ..DispatcherOptions::default()
        };
        Self {
            dispatcher: Dispatcher::new(provisioning.clone(), options),
            provisioning,
            clock: Arc::clone(clock),
            town,
            application,
        }
    }

    /// A target that is the application.
    pub(super) async fn target(&self, rules: Value) -> Target {
        self.try_target(rules).await.unwrap()
    }

    pub(super) async fn try_target(&self, rules: Value) -> Result<Target, ProvisioningError> {
        let spec = TargetSpec {
            name: "app".to_owned(),
            base_url: self.application.url.clone(),
            credentials: bearer("open sesame"),
            rules: serde_json::from_value::<Rules>(rules).unwrap(),
            enabled: true,
        };
        self.provisioning.create(spec).await
    }

    /// Pushes everything that is due now.
    pub(super) async fn push(&mut self) {
        self.dispatcher.push_due().await;
    }

    /// Pushes what is due after some time.
    pub(super) async fn push_later(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.push().await;
    }

    pub(super) async fn counts(&self, target: Uuid) -> Counts {
        let mut reader = self.provisioning.shared.db.reader().await.unwrap();
        figures::counts(&mut reader, target).await.unwrap()
    }

    /// State and last error of a resource.
    pub(super) async fn state(&self, target: Uuid, id: Uuid) -> Option<Value> {
        let mut reader = self.provisioning.shared.db.reader().await.unwrap();
        let found = resources::find(&mut reader, target, id).await.unwrap();
        found.map(|found| serde_json::to_value(found).unwrap())
    }

    pub(super) async fn stored(&self, target: Uuid) -> Target {
        let mut reader = self.provisioning.shared.db.reader().await.unwrap();
        store::find(&mut reader, target).await.unwrap().unwrap()
    }

    /// As if leases had run out, which the clock of the database measures.
    pub(super) async fn end_leases(&self) {
        let mut tx = self.provisioning.shared.db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE provisioning_resources SET claimed_until = 0")
            .execute(c)
            .await
            .unwrap()
            .rows_affected());
        tx.commit().await.unwrap();
    }
}

pub(super) fn bearer(token: &str) -> Credentials {
    Credentials::Bearer {
        token: SecretString::from(token),
    }
}

pub(super) fn counts(waiting: i64, in_step: i64, dead: i64) -> Counts {
    Counts {
        waiting,
        in_step,
        dead,
    }
}

pub(super) fn everybody() -> Value {
    json!({})
}

/// Gives every written event its position, as the relay would.
pub(super) async fn publish(db: &Db) {
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
                .bind(BEGINNING)
                .execute(&mut *c)
                .await
                .unwrap();
        }
    });
    tx.commit().await.unwrap();
}
