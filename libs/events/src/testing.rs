//! Support for the tests of this crate and of those above it: a made-up service whose things have a version, and an event
//! for each change.

mod effects;
mod outage;
mod service;

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use chassis::clock::{SharedClock, SystemClock, Timestamp};
use chassis::db::{Db, DbError, Migrations, Reader, Tx};
use chassis::on_engine;
use chassis::random::{SharedRandom, SystemRandom};
use uuid::Uuid;

use crate::outbox::Outbox;
use crate::snapshot::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use crate::transport::{PublishError, Transport};
use contract::{Envelope, EventContext, SubjectErased};

pub use effects::{Effects, effects, of, quick};
pub use outage::tries_seldom_and_says_so_once;
#[cfg(test)]
pub(crate) use service::Issuer;
pub use service::{Service, Snapshots};

/// Tables of a made-up service.
pub static THINGS: Migrations = Migrations {
    name: "things",
    sqlite: sqlx_macros::migrate!("tests/migrations/sqlite"),
    postgres: sqlx_macros::migrate!("tests/migrations/postgres"),
};

/// The public URL of the made-up service.
pub const SOURCE: &str = "http://things.test";

/// The time of this machine.
pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// Real randomness.
pub fn random() -> SharedRandom {
    Arc::new(SystemRandom::default())
}

/// A new id.
pub fn new_id() -> Uuid {
    random().uuid(&SystemClock)
}

/// The outbox of the made-up service.
pub fn outbox() -> Outbox {
    Outbox::new(SOURCE, clock(), random())
}

/// The data of an event about the thing `id`.
pub fn data(id: Uuid, version: i64) -> SubjectErased {
    SubjectErased {
        id,
        version,
        erased_at: Timestamp::from_secs(version),
    }
}

/// Changes a thing: its version rises under its row lock, and an event is written.
pub async fn change(tx: &mut Tx, outbox: &Outbox, id: Uuid) -> i64 {
    let version: i64 = on_engine!(&mut *tx, c => sqlx::query_scalar(
            "INSERT INTO things (id, version) VALUES ($1, 1)
             ON CONFLICT (id) DO UPDATE SET version = things.version + 1 RETURNING version")
        .bind(id)
        .fetch_one(c)
        .await
        .unwrap());
    outbox
        .append(tx, "thing", id, version, &data(id, version))
        .await
        .unwrap();
    version
}

/// [`change`] in a transaction of its own.
pub async fn changed(db: &Db, outbox: &Outbox, id: Uuid) -> i64 {
    let mut tx = db.begin("test").await.unwrap();
    let version = change(&mut tx, outbox, id).await;
    tx.commit().await.unwrap();
    version
}

/// An event as it would be delivered.
pub fn event(id: Uuid, sequence: i64) -> Envelope {
    let context = EventContext {
        id: new_id(),
        source: SOURCE,
        kind: "vestibule.subject.erased.v1",
        subject: id,
        sequence,
        time: clock().now(),
    };
    let data = serde_json::value::to_raw_value(&data(id, sequence)).unwrap();
    Envelope::new(context, data)
}

type Rule = dyn Fn(&Envelope) -> Result<(), PublishError> + Send + Sync;

/// A transport that keeps what it was given and fails as it is told.
#[derive(Clone)]
pub struct Recorder {
    delivered: Arc<Mutex<Vec<Envelope>>>,
    rule: Arc<Mutex<Box<Rule>>>,
}

impl Recorder {
    /// Fails as `rule` says.
    pub fn new(rule: impl Fn(&Envelope) -> Result<(), PublishError> + Send + Sync + 'static) -> Self {
        Self {
            delivered: Arc::default(),
            rule: Arc::new(Mutex::new(Box::new(rule))),
        }
    }

    /// Fails as `rule` says from now on.
    pub fn behave(&self, rule: impl Fn(&Envelope) -> Result<(), PublishError> + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// The aggregate and sequence of everything delivered.
    pub fn delivered(&self) -> Vec<(Uuid, i64)> {
        self.delivered
            .lock()
            .unwrap()
            .iter()
            .map(|event| (event.subject, event.sequence))
            .collect()
    }

    /// Everything delivered.
    pub fn events(&self) -> Vec<Envelope> {
        self.delivered.lock().unwrap().clone()
    }

    /// The sequences of one aggregate, as delivered.
    pub fn of(&self, id: Uuid) -> Vec<i64> {
        self.delivered()
            .into_iter()
            .filter(|(subject, _)| *subject == id)
            .map(|(_, sequence)| sequence)
            .collect()
    }
}

impl Transport for Recorder {
    fn name(&self) -> &'static str {
        "recorder"
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        let rule = self.rule.lock().unwrap();
        let mut failed = Vec::new();
        events
            .iter()
            .map(|event| {
                if failed.contains(&event.subject) {
                    return Err(PublishError::Refused("behind another".to_owned()));
                }
                let result = rule(event);
                match &result {
                    Ok(()) => self.delivered.lock().unwrap().push(event.clone()),
                    Err(_) => failed.push(event.subject),
                }
                result
            })
            .collect()
    }
}

/// The snapshot of a service that has nothing to say.
pub struct NoSnapshot;

impl Snapshot for NoSnapshot {
    fn page<'a>(
        &'a self,
        _: &'a mut Reader,
        _: Option<&'a str>,
        _: i64,
    ) -> Pin<Box<dyn Future<Output = Result<SnapshotPage, DbError>> + Send + 'a>> {
        Box::pin(async { Ok(SnapshotPage::default()) })
    }

    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn states<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// A second database of the same engine.
#[cfg(test)]
pub(crate) async fn fresh(db: &Db) -> testkit::TestDb {
    testkit::of_engine(db.engine(), &[&crate::MIGRATIONS, &THINGS]).await
}
