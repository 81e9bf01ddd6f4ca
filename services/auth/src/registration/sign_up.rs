//! Registration by people themselves, who are limited as strangers are.

use std::net::IpAddr;

use chassis::db::DbError;

use super::saga::PreparedRegistration;
use super::validated::ValidatedAccount;
use super::{NewAccount, RegisterError, Registered, RegistrationState, Rejection, quota, submit};
use crate::app::App;
use crate::throttle;

/// Whether somebody may register from `ip` at this moment, and would not be told to wait. Changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn is_admitted(app: &App, ip: Option<IpAddr>) -> Result<bool, DbError> {
    Ok(quota::has_capacity(app, ip).await? && throttle::is_source_admitted(app, ip).await?)
}

/// Registers somebody who comes by themselves from `ip`. Before anything is judged or hashed, the try is counted like a
/// sign-in from the same source (SB-43), and takes a claim among those that may register in an hour. A try that fails by
/// its password, or by a name that somebody has, stays counted for the source.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields; [`RegisterError::Throttled`] and [`RegisterError::QuotaExceeded`] say when to
/// come back.
pub async fn sign_up(app: &App, new: NewAccount, ip: Option<IpAddr>) -> Result<Registered, RegisterError> {
    let mut account = ValidatedAccount::parse(app, new)?;
    quota::check(app, ip).await?;
    let guess = throttle::reserve_source(app, ip).await?;
    let claim = match quota::claim(app, ip).await {
        Ok(claim) => claim,
        Err(error) => {
            guess.settle(app, false).await?;
            return Err(error);
        }
    };
    let hash = match account.hash_password(app).await {
        Ok(hash) => hash,
        Err(error) => {
            claim.release(app).await?;
            let failed = matches!(error, RegisterError::Invalid(_));
            guess.settle(app, failed).await?;
            return Err(error);
        }
    };
    let prepared = PreparedRegistration::new(account.into_request(app), hash);
    let mut tx = app.db.begin("register").await?;
    prepared.record(app, &mut tx).await?;
    tx.commit().await?;
    let registered = submit(app, prepared).await?;
    // Whoever asks for name after name is slowed down like a guesser (SB-8).
    let failed = registered.state == RegistrationState::Rejected(Rejection::UserNameTaken);
    guess.settle(app, failed).await?;
    Ok(registered)
}
