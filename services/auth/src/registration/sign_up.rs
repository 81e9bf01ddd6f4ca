//! Self-registration, which is limited by the throttle and the quota.

use std::net::IpAddr;

use chassis::db::DbError;

use super::saga::PreparedRegistration;
use super::validated::ValidatedAccount;
use super::{NewAccount, RegisterError, Registered, RegistrationState, Rejection, quota, submit};
use crate::app::App;

/// Whether a registration from `ip` would be admitted now. It changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn is_admitted(app: &App, ip: Option<IpAddr>) -> Result<bool, DbError> {
    Ok(quota::has_capacity(app, ip).await? && app.throttle.is_source_admitted(ip).await?)
}

/// Registers an account for an anonymous caller from `ip`. Before the password is checked and hashed, the
/// attempt is counted like a sign-in from the same source (SB-43) and claims a registration of the quota. An
/// attempt that fails by its password or by a taken user name stays counted for the source.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields. [`RegisterError::Throttled`] and
/// [`RegisterError::QuotaExceeded`] say when to try again.
pub async fn sign_up(app: &App, new: NewAccount, ip: Option<IpAddr>) -> Result<Registered, RegisterError> {
    let mut account = ValidatedAccount::parse(app, new)?;
    quota::check(app, ip).await?;
    let guess = app.throttle.reserve_source(ip).await?;
    let claim = match quota::claim(app, ip).await {
        Ok(claim) => claim,
        Err(error) => {
            app.throttle.settle(guess, false).await?;
            return Err(error);
        }
    };
    let hash = match account.hash_password(app).await {
        Ok(hash) => hash,
        Err(error) => {
            claim.release(app).await?;
            let failed = matches!(error, RegisterError::Invalid(_));
            app.throttle.settle(guess, failed).await?;
            return Err(error);
        }
    };
    let prepared = PreparedRegistration::new(account.into_request(app), hash);
    let mut tx = app.db.begin("register").await?;
    prepared.record(app, &mut tx).await?;
    tx.commit().await?;
    let registered = submit(app, prepared).await?;
    // A source that tries one user name after the other is slowed down like one that guesses (SB-8).
    let failed = registered.state == RegistrationState::Rejected(Rejection::UserNameTaken);
    app.throttle.settle(guess, failed).await?;
    Ok(registered)
}
