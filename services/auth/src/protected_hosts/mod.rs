//! Protected hosts: the hosts behind a proxy that asks this service about every request, with the rules of each.

mod cache;
mod managed;
mod refusals;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::http::PublicUrl;
use forward_auth::{AccessRules, InvalidRules, Origin, is_display_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use cache::HostCache;
pub use managed::WantedHost;
pub use refusals::Refusal;
use refusals::RefusalLog;

/// The most protected hosts of an installation.
const MAX_HOSTS: i64 = 1000;

/// A protected host.
#[derive(Clone, Debug)]
pub struct ProtectedHost {
    /// Its origin.
    pub origin: Origin,
    /// Its name and its rules.
    pub settings: HostSettings,
    /// The version, which rises with every change.
    pub version: i64,
    /// The time of the registration.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
}

/// The settings of a protected host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostSettings {
    /// The name that people see, such as `Wiki`.
    pub name: String,
    /// The people who may use it, and exceptions by path.
    pub rules: AccessRules,
}

/// The reason why a protected host cannot be registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProtectedHostError {
    /// The name is empty or too long.
    #[error("the name is not one")]
    Name,
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] InvalidRules),
    /// This service itself has the host, and the host would get its cookies.
    #[error("the host is that of this service")]
    Issuer,
    /// The host is registered already.
    #[error("the host is registered already")]
    Taken,
    /// There are too many hosts.
    #[error("there are {MAX_HOSTS} protected hosts")]
    Full,
    /// The host is registered with the other scheme.
    #[error("the host is registered with the other scheme")]
    Scheme,
    /// The host has another version than the caller expected, or is gone.
    #[error("the host was changed meanwhile")]
    Changed,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The protected hosts of this installation.
#[derive(Clone)]
pub struct ProtectedHosts {
    db: Db,
    clock: SharedClock,
    issuer: PublicUrl,
    cache: HostCache,
    refusals: RefusalLog,
}

impl ProtectedHosts {
    /// The hosts that stand in `db`. None of them may be that of `issuer`.
    pub fn new(db: Db, clock: SharedClock, issuer: PublicUrl) -> Self {
        Self {
            db,
            clock,
            issuer,
            cache: HostCache::default(),
            refusals: RefusalLog::default(),
        }
    }

    /// The protected host of an origin, which may be two seconds old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, origin: &Origin) -> Result<Option<Arc<ProtectedHost>>, DbError> {
        let now = self.clock.now();
        if let Some(host) = self.cache.get(origin, now) {
            return Ok(Some(host));
        }
        let found = self.find_by_name(&origin.host()).await?;
        let Some(host) = found.filter(|host| host.origin == *origin).map(Arc::new) else {
            self.cache.remove(origin);
            return Ok(None);
        };
        self.cache.put(Arc::clone(&host), now);
        Ok(Some(host))
    }

    /// The protected host by its host with its port.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_by_name(&self, host: &str) -> Result<Option<ProtectedHost>, DbError> {
        store::find(&mut self.db.reader().await?, host).await
    }

    /// Records that a question of a proxy was refused. The log has a line a minute of each kind at most, because the sender may be
    /// anybody.
    pub fn record_refusal(&self, refusal: Refusal, detail: &str) {
        self.refusals.record(refusal, detail, self.clock.now());
    }

    /// One page of hosts after `after`, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, after: &str, limit: u16) -> Result<Vec<ProtectedHost>, DbError> {
        store::list(&mut self.db.reader().await?, after, i64::from(limit)).await
    }

    /// Registers a host.
    ///
    /// # Errors
    /// [`ProtectedHostError`].
    pub async fn create(
        &self,
        origin: Origin,
        settings: HostSettings,
    ) -> Result<ProtectedHost, ProtectedHostError> {
        let mut tx = self.db.begin("create_protected_host").await?;
        let host = self.insert_new(&mut tx, origin, settings).await?;
        tx.commit().await?;
        self.cache.remove(&host.origin);
        Ok(host)
    }

    async fn insert_new(
        &self,
        tx: &mut Tx,
        origin: Origin,
        settings: HostSettings,
    ) -> Result<ProtectedHost, ProtectedHostError> {
        check(&settings)?;
        // Browsers send cookies to every port of a host.
        if origin.host_name() == self.issuer.host() {
            return Err(ProtectedHostError::Issuer);
        }
        let now = self.clock.now();
        let host = ProtectedHost {
            origin,
            settings,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if store::count(tx).await? >= MAX_HOSTS {
            return Err(ProtectedHostError::Full);
        }
        match store::insert(tx, &host).await {
            Err(DbError::Unique { .. }) => Err(ProtectedHostError::Taken),
            outcome => Ok(outcome.map(|()| host)?),
        }
    }

    /// Replaces the settings of a host. Returns `None` when it is not registered.
    ///
    /// # Errors
    /// [`ProtectedHostError`].
    pub async fn replace(
        &self,
        host: &str,
        settings: HostSettings,
    ) -> Result<Option<ProtectedHost>, ProtectedHostError> {
        check(&settings)?;
        let mut tx = self.db.begin("replace_protected_host").await?;
        if !store::update(&mut tx, host, &settings, self.clock.now()).await? {
            return Ok(None);
        }
        let changed = store::find(&mut tx, host).await?;
        tx.commit().await?;
        if let Some(host) = &changed {
            self.cache.remove(&host.origin);
        }
        Ok(changed)
    }

    /// Deletes a host with the sessions there. Returns whether it was registered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, host: &str) -> Result<bool, DbError> {
        let mut tx = self.db.begin("delete_protected_host").await?;
        let Some(found) = store::find(&mut tx, host).await? else {
            return Ok(false);
        };
        store::delete(&mut tx, host).await?;
        tx.commit().await?;
        self.cache.remove(&found.origin);
        Ok(true)
    }
}

fn check(settings: &HostSettings) -> Result<(), ProtectedHostError> {
    if !is_display_name(&settings.name) {
        return Err(ProtectedHostError::Name);
    }
    Ok(settings.rules.check()?)
}
