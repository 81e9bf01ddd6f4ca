//! Self-registration, which is limited by the throttle and the quota.

use std::net::IpAddr;

use chassis::db::DbError;

use super::saga::PreparedRegistration;
use super::validated::ValidatedAccount;
use super::{NewAccount, RegisterError, Registered, SignUp};
use crate::registration::{RegistrationState, Rejection};

impl SignUp {
    /// True if a registration from `ip` would be admitted now. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_admitted(&self, ip: Option<IpAddr>) -> Result<bool, DbError> {
        Ok(self.has_quota(ip).await? && self.parts.throttle.is_source_admitted(ip).await?)
    }

    /// Registers an account for an anonymous caller from `ip`. Before the password is checked and hashed, the
    /// attempt is counted like a sign-in from the same source (SB-43) and claims a registration of the quota. An
    /// attempt that fails by its password or by a taken user name stays counted for the source.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] names the fields. [`RegisterError::Throttled`] and
    /// [`RegisterError::QuotaExceeded`] say when to try again.
    pub async fn sign_up(&self, new: NewAccount, ip: Option<IpAddr>) -> Result<Registered, RegisterError> {
        let mut account = ValidatedAccount::parse(&self.parts.passwords, new)?;
        self.check_quota(ip).await?;
        let guess = self.parts.throttle.reserve_source(ip).await?;
        let claim = match self.claim_quota(ip).await {
            Ok(claim) => claim,
            Err(error) => {
                self.parts.throttle.settle(guess, false).await?;
                return Err(error);
            }
        };
        let hash = match account.hash_password(&self.parts.passwords).await {
            Ok(hash) => hash,
            Err(error) => {
                self.release_quota(claim).await?;
                let failed = matches!(error, RegisterError::Invalid(_));
                self.parts.throttle.settle(guess, failed).await?;
                return Err(error);
            }
        };
        let prepared = PreparedRegistration::new(self.request(account), hash);
        let mut tx = self.parts.db.begin("register").await?;
        self.record(&prepared, &mut tx).await?;
        tx.commit().await?;
        let registered = self.submit(prepared).await?;
        // A source that tries one user name after the other is slowed down like one that guesses (SB-8).
        let failed = registered.state == RegistrationState::Rejected(Rejection::UserNameTaken);
        self.parts.throttle.settle(guess, failed).await?;
        Ok(registered)
    }
}
