//! Outbound provisioning: the users and groups of this directory, pushed to the SCIM 2.0 endpoints of applications.
//!
//! The feed of events says *what* changed; what is pushed is the state that the directory has at that moment. A change marks
//! the resource for each target in the transaction that moves the target on in the feed, a replica claims the resource for the
//! length of a lease, and what it pushes is compared with a digest of what was pushed before. So no change is lost, changes
//! of one resource are pushed one after the other, and a replica that dies repeats at most one push, which finds what the
//! earlier one created. See `docs/decisions/0042-outbound-provisioning.md`.

mod catalogue;
mod compare;
mod config;
mod credentials;
mod directory;
mod dispatcher;
mod drift;
mod dry_run;
mod health;
mod invalid;
mod log_catalogue;
mod manage;
mod mapping;
mod metering;
mod openapi;
mod push;
mod remote;
mod routes;
mod rules;
mod schedule;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chassis::cipher::{Cipher, CipherError};
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Migrations};
use chassis::outbound::Outbound;
use chassis::random::{Random, SharedRandom};
use chassis::telemetry::Declarations;
use events::Outbox;
use scim::schema::Registry;
use tokio::sync::Notify;
use uuid::Uuid;

pub use catalogue::METRICS;
pub use config::ProvisioningConfig;
pub use directory::{Directory, DirectoryFuture, DirectoryGroup, DirectoryUser, Nesting};
pub use dispatcher::{Dispatcher, DispatcherOptions};
pub use openapi::{PROVISIONING_TAG, operations as described_operations};
pub use routes::{HasProvisioning, routes};
pub use store::{Account, accounts_of};

/// The tables of this crate.
pub static MIGRATIONS: Migrations = Migrations {
    name: "provisioning",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// The provisioning of one service. Cheap to clone.
#[derive(Clone)]
pub struct Provisioning {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    outbox: Outbox,
    directory: Arc<dyn Directory>,
    registry: Arc<Registry>,
    clock: SharedClock,
    random: SharedRandom,
    cipher: Option<Cipher>,
    outbound: Outbound,
    config: ProvisioningConfig,
    tokens: remote::TokenCache,
    answers: remote::AnswerBudget,
    /// The features of targets, by the version of the target.
    features: Mutex<HashMap<Uuid, (i64, remote::Features)>>,
    health: health::Health,
    /// There is something to push that the feed did not bring.
    wake: Arc<Notify>,
}

/// The parts of the service that provisioning needs.
pub struct Parts {
    /// The database of the service.
    pub db: Db,
    /// Its events.
    pub outbox: Outbox,
    /// Its users and groups.
    pub directory: Arc<dyn Directory>,
    /// Its attributes.
    pub registry: Arc<Registry>,
    /// The clock.
    pub clock: SharedClock,
    /// The random source.
    pub random: SharedRandom,
    /// The cipher that encrypts credentials. Without it, there can be no target.
    pub cipher: Option<Cipher>,
    /// The client of targets.
    pub outbound: Outbound,
    /// `[provisioning]`
    pub config: ProvisioningConfig,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// The reason why something could not be done with a target.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisioningError {
    /// A field does not hold what it may.
    #[error(transparent)]
    Invalid(#[from] invalid::InvalidRule),
    /// The service has no `[encryption]`.
    #[error("no encryption key is configured")]
    NoEncryption,
    /// There is no such target or resource.
    #[error("not found")]
    NotFound,
    /// Another target has the name.
    #[error("another target has this name")]
    NameTaken,
    /// There are as many targets as there may be.
    #[error("there are as many targets as there may be")]
    TooMany,
    /// The target is paused.
    #[error("the target is paused")]
    Paused,
    /// A drift check is under way.
    #[error("a drift check of the target is under way")]
    Checking,
    /// The target failed.
    #[error(transparent)]
    Remote(#[from] remote::RemoteError),
    /// Credentials cannot be encrypted or read.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Provisioning {
    /// The provisioning of a service.
    pub fn new(parts: Parts) -> Self {
        Self {
            shared: Arc::new(Shared {
                db: parts.db,
                outbox: parts.outbox,
                directory: parts.directory,
                registry: parts.registry,
                clock: parts.clock,
                random: parts.random,
                cipher: parts.cipher,
                outbound: parts.outbound,
                config: parts.config,
                tokens: remote::TokenCache::default(),
                answers: remote::AnswerBudget::default(),
                features: Mutex::default(),
                health: health::Health::default(),
                wake: Arc::new(Notify::new()),
            }),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.shared.random
    }

    pub(crate) fn cipher(&self) -> Result<&Cipher, ProvisioningError> {
        self.shared.cipher.as_ref().ok_or(ProvisioningError::NoEncryption)
    }
}

impl std::fmt::Debug for Provisioning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provisioning")
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
