//! Registration by people themselves, who are limited as strangers are.

use std::net::IpAddr;

use chassis::db::DbError;

use super::draft::Draft;
use super::saga::Prepared;
use super::{NewAccount, RegisterError, Registered, Rejection, State, quota, settle};
use crate::app::App;
use crate::throttle;

/// Whether somebody may register from `ip` at this moment, and would not be told to wait. Changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn is_admitted(app: &App, ip: Option<IpAddr>) -> Result<bool, DbError> {
    Ok(quota::has_room(app, ip).await? && throttle::admits_source(app, ip).await?)
}

/// Registers somebody who comes by themselves from `ip`. Before anything is judged or hashed, the try is counted like a
/// sign-in from the same source (SB-43), and takes a place among those that may register in an hour. A try that fails by
/// its password, or by a name that somebody has, stays counted for the source.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields; [`RegisterError::Throttled`] and [`RegisterError::TooMany`] say when to
/// come back.
pub async fn sign_up(app: &App, new: NewAccount, ip: Option<IpAddr>) -> Result<Registered, RegisterError> {
    let mut draft = Draft::parse(app, new)?;
    quota::look(app, ip).await?;
    let guess = throttle::reserve_source(app, ip).await?;
    let place = match quota::take(app, ip).await {
        Ok(place) => place,
        Err(error) => {
            guess.settle(app, false).await?;
            return Err(error);
        }
    };
    let hash = match draft.hash_password(app).await {
        Ok(hash) => hash,
        Err(error) => {
            place.give_back(app).await?;
            let failed = matches!(error, RegisterError::Invalid(_));
            guess.settle(app, failed).await?;
            return Err(error);
        }
    };
    let prepared = Prepared::new(draft.request(app), hash);
    let mut tx = app.db.begin("register").await?;
    prepared.record(app, &mut tx).await?;
    tx.commit().await?;
    let registered = settle(app, prepared).await?;
    // Whoever asks for name after name is slowed down like a guesser (SB-8).
    let failed = registered.state == State::Rejected(Rejection::UserNameTaken);
    guess.settle(app, failed).await?;
    Ok(registered)
}
