//! The registration quota: how many accounts may be registered in an hour, from one source and in total.

mod store;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;

use super::{RegisterError, SignUp};
use crate::throttle;

/// The period of a quota. A clock that was set back ends it too.
const HOUR: Duration = Duration::from_secs(3600);

/// A claimed registration of the quotas. When it is dropped, it stays claimed for the rest of the hour.
pub(super) struct QuotaClaim {
    keys: [TokenHash; 2],
}

/// A source with so many registrations cannot use the last quarter of the total quota.
const SMALL_SOURCE: i64 = 3;

/// A quota: its key, its usage and its limit.
struct Quota {
    key: TokenHash,
    usage: store::QuotaUsage,
    limit: i64,
    is_of_source: bool,
}

impl Quota {
    fn is_full(&self) -> bool {
        self.usage.used >= self.limit
    }
}

/// The limit of a setting. 0 means no limit.
fn limit(setting: u32) -> i64 {
    match setting {
        0 => i64::MAX,
        limit => i64::from(limit),
    }
}

impl SignUp {
    /// The quota of the source and the total one.
    async fn read_quotas(&self, db: &mut impl Connection, ip: Option<IpAddr>) -> Result<[Quota; 2], DbError> {
        let settings = &self.parts.settings;
        let now = self.parts.clock.now();
        let key = TokenHash::of(&format!("registrations of {}", throttle::subscriber(ip)));
        let of_source = Quota {
            usage: store::find_usage(db, &key, now, now - HOUR).await?,
            key,
            limit: limit(settings.hourly_per_source),
            is_of_source: true,
        };
        let key = TokenHash::of("registrations");
        let limit = limit(settings.hourly);
        let in_all = Quota {
            usage: store::find_usage(db, &key, now, now - HOUR).await?,
            key,
            limit: match of_source.usage.used < SMALL_SOURCE {
                true => limit,
                false => limit - limit / 4,
            },
            is_of_source: false,
        };
        Ok([of_source, in_all])
    }

    /// True if the quotas have capacity. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn has_quota(&self, ip: Option<IpAddr>) -> Result<bool, DbError> {
        let quotas = self.read_quotas(&mut self.parts.db.reader().await?, ip).await?;
        Ok(!quotas.iter().any(Quota::is_full))
    }

    /// Checks that the quotas have capacity. A rejected request costs one read and no write.
    ///
    /// # Errors
    /// [`RegisterError::QuotaExceeded`].
    pub(super) async fn check_quota(&self, ip: Option<IpAddr>) -> Result<(), RegisterError> {
        let quotas = self.read_quotas(&mut self.parts.db.reader().await?, ip).await?;
        match quotas.iter().find(|quota| quota.is_full()) {
            Some(full) => Err(self.quota_exceeded(ip, full)),
            None => Ok(()),
        }
    }

    /// Claims one registration of the source's quota and of the total one.
    ///
    /// # Errors
    /// [`RegisterError::QuotaExceeded`] when a quota is used up.
    pub(super) async fn claim_quota(&self, ip: Option<IpAddr>) -> Result<QuotaClaim, RegisterError> {
        let now = self.parts.clock.now();
        let mut tx = self.parts.db.begin("registration_quota").await?;
        let quotas = self.read_quotas(&mut tx, ip).await?;
        for quota in &quotas {
            // The usage that was read may be stale. The guarded statement decides.
            if !store::claim(&mut tx, &quota.key, quota.limit, now, now - HOUR).await? {
                tx.rollback().await?;
                return Err(self.quota_exceeded(ip, quota));
            }
        }
        tx.commit().await?;
        Ok(QuotaClaim {
            keys: quotas.map(|quota| quota.key),
        })
    }

    fn quota_exceeded(&self, ip: Option<IpAddr>, full: &Quota) -> RegisterError {
        let now = self.parts.clock.now();
        let reason = if full.is_of_source {
            "source-limit"
        } else {
            "limit"
        };
        tracing::warn!(
            event.action = "registration",
            event.outcome = "failure",
            event.reason = reason,
            client.ip = ip.map(|ip| ip.to_string()),
            "registration rejected: the hourly limit is reached"
        );
        RegisterError::QuotaExceeded {
            from_source: full.is_of_source,
            retry_after: (full.usage.began_at + HOUR)
                .since(now)
                .max(Duration::from_secs(1)),
        }
    }

    /// Releases a claim.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn release_quota(&self, claim: QuotaClaim) -> Result<(), DbError> {
        let mut tx = self.parts.db.begin("registration_quota").await?;
        for key in &claim.keys {
            store::release(&mut tx, key).await?;
        }
        tx.commit().await
    }
}

/// Deletes quotas whose hour is over.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    store::sweep(tx, now - HOUR).await
}
