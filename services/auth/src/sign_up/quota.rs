//! The registration quota: how many accounts may be registered in an hour, from one source and in total.

use std::net::IpAddr;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::secret::TokenHash;

use super::{RegisterError, SignUp};
use crate::quotas::{self, HOUR, QuotaClaim, SourceQuota, SourceQuotas};

/// A claimed registration of the quotas. When it is dropped, it stays claimed for the rest of the hour.
pub(super) struct RegistrationClaim {
    keys: [TokenHash; 2],
}

impl SignUp {
    fn quotas(&self) -> SourceQuotas<'static> {
        SourceQuotas {
            name: "registrations",
            hourly_per_source: self.parts.settings.hourly_per_source,
            hourly: self.parts.settings.hourly,
        }
    }

    async fn find_full_quota(&self, ip: Option<IpAddr>) -> Result<Option<SourceQuota>, DbError> {
        let now = self.parts.clock.now();
        self.quotas()
            .find_full(&mut self.parts.db.reader().await?, ip, now)
            .await
    }

    /// True if the quotas have capacity. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn has_quota(&self, ip: Option<IpAddr>) -> Result<bool, DbError> {
        Ok(self.find_full_quota(ip).await?.is_none())
    }

    /// Checks that the quotas have capacity. A rejected request costs one read and no write.
    ///
    /// # Errors
    /// [`RegisterError::QuotaExceeded`].
    pub(super) async fn check_quota(&self, ip: Option<IpAddr>) -> Result<(), RegisterError> {
        match self.find_full_quota(ip).await? {
            Some(full) => Err(self.quota_exceeded(ip, &full)),
            None => Ok(()),
        }
    }

    /// Claims one registration of the source's quota and of the total one.
    ///
    /// # Errors
    /// [`RegisterError::QuotaExceeded`] when a quota is used up.
    pub(super) async fn claim_quota(&self, ip: Option<IpAddr>) -> Result<RegistrationClaim, RegisterError> {
        let now = self.parts.clock.now();
        let mut tx = self.parts.db.begin("registration_quota").await?;
        match self.quotas().claim(&mut tx, ip, now).await? {
            QuotaClaim::Claimed(keys) => {
                tx.commit().await?;
                Ok(RegistrationClaim { keys })
            }
            QuotaClaim::Full(full) => {
                tx.rollback().await?;
                Err(self.quota_exceeded(ip, &full))
            }
        }
    }

    fn quota_exceeded(&self, ip: Option<IpAddr>, full: &SourceQuota) -> RegisterError {
        tracing::warn!(
            event.action = "registration",
            event.outcome = "failure",
            event.reason = full.reason(),
            client.ip = ip.map(|ip| ip.to_string()),
            "registration rejected: the hourly limit is reached"
        );
        RegisterError::QuotaExceeded {
            from_source: full.is_of_source,
            retry_after: full.retry_after(self.parts.clock.now()),
        }
    }

    /// Releases a claim.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn release_quota(&self, claim: RegistrationClaim) -> Result<(), DbError> {
        let mut tx = self.parts.db.begin("registration_quota").await?;
        for key in &claim.keys {
            quotas::release(&mut tx, key).await?;
        }
        tx.commit().await
    }
}

/// Deletes quotas whose hour is over.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    quotas::sweep(tx, now - HOUR).await
}
