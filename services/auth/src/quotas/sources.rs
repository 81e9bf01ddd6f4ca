//! The quotas of one kind of registration: one for each source, and one for all sources together.

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;

use super::{HOUR, QuotaUsage, claim, find_usage, limit};
use crate::throttle;

/// A source with so many registrations cannot use the last quarter of the total quota.
const SMALL_SOURCE: i64 = 3;

/// The quotas of one kind of registration in an hour; 0 for no limit.
pub(crate) struct SourceQuotas<'a> {
    /// The key of the total quota. Those of sources begin with it.
    pub(crate) name: &'a str,
    pub(crate) hourly_per_source: u32,
    pub(crate) hourly: u32,
}

/// One quota: its key, its usage and its limit.
pub(crate) struct SourceQuota {
    key: TokenHash,
    usage: QuotaUsage,
    limit: i64,
    /// True if it is the quota of the source.
    pub(crate) is_of_source: bool,
}

/// The outcome of a claim.
pub(crate) enum QuotaClaim {
    /// One use of each of these was claimed.
    Claimed([TokenHash; 2]),
    /// This one is used up. The caller rolls back.
    Full(SourceQuota),
}

impl SourceQuota {
    pub(crate) fn is_full(&self) -> bool {
        self.usage.used >= self.limit
    }

    /// `event.reason` of a refusal.
    pub(crate) fn reason(&self) -> &'static str {
        if self.is_of_source {
            "source-limit"
        } else {
            "limit"
        }
    }

    /// The time until its hour is over.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Duration {
        (self.usage.began_at + HOUR)
            .since(now)
            .max(Duration::from_secs(1))
    }
}

impl SourceQuotas<'_> {
    /// The quota of the source and the total one.
    pub(crate) async fn read(
        &self,
        db: &mut impl Connection,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<[SourceQuota; 2], DbError> {
        let key = TokenHash::of(&format!("{} of {}", self.name, throttle::subscriber(ip)));
        let of_source = SourceQuota {
            usage: find_usage(db, &key, now, now - HOUR).await?,
            key,
            limit: limit(self.hourly_per_source),
            is_of_source: true,
        };
        let key = TokenHash::of(self.name);
        let limit = limit(self.hourly);
        let in_all = SourceQuota {
            usage: find_usage(db, &key, now, now - HOUR).await?,
            key,
            limit: match of_source.usage.used < SMALL_SOURCE {
                true => limit,
                false => limit - limit / 4,
            },
            is_of_source: false,
        };
        Ok([of_source, in_all])
    }

    /// The quota that is used up, if there is one. It costs reads and no write.
    pub(crate) async fn find_full(
        &self,
        db: &mut impl Connection,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<SourceQuota>, DbError> {
        let quotas = self.read(db, ip, now).await?;
        Ok(quotas.into_iter().find(SourceQuota::is_full))
    }

    /// Claims one use of both quotas.
    pub(crate) async fn claim(
        &self,
        tx: &mut Tx,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<QuotaClaim, DbError> {
        let [of_source, in_all] = self.read(tx, ip, now).await?;
        let keys = [of_source.key.clone(), in_all.key.clone()];
        for quota in [of_source, in_all] {
            // The usage that was read may be stale. The guarded statement decides.
            if !claim(tx, &quota.key, quota.limit, now, now - HOUR).await? {
                return Ok(QuotaClaim::Full(quota));
            }
        }
        Ok(QuotaClaim::Claimed(keys))
    }
}
