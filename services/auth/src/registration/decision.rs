//! The decision of the user service on a registration, which is applied once, whether it comes over HTTP or
//! as an event.

use std::time::Duration;

use chassis::db::{DbError, Tx};
use contract::{CredentialAdded, CredentialChange, CredentialKind};
use metrics::{counter, gauge};
use uuid::Uuid;

use super::{Rejection, quota, store};
use crate::accounts;
use crate::app::App;
use crate::throttle::{self, Key};
use crate::{credentials, setup};

/// Completes the registration `id` when it is pending. It is called for every new subject, registered here or
/// not.
///
/// # Errors
/// When the database fails.
pub(crate) async fn complete(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let name = store::pending_user_name_key(tx, id).await?;
    if !store::accept(tx, id, app.clock.now()).await? {
        return Ok(());
    }
    if let Some(name) = name {
        // Failures at this name before the account existed were guesses at no password.
        throttle::clear(tx, &Key::account(&name)).await?;
    }
    counter!("vestibule_registrations_total", "outcome" => "accepted").increment(1);
    tracing::info!(
        event.action = "registration",
        event.outcome = "success",
        user.id = %id,
        "a person registered"
    );
    if credentials::store::has_password(tx, id).await? {
        append_password_added(app, tx, id).await?;
    }
    Ok(())
}

/// Appends the event that an account has a new password.
///
/// # Errors
/// When the database fails.
pub(crate) async fn append_password_added(app: &App, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let event = |version| {
        CredentialAdded(CredentialChange {
            // An account has one password: it goes by the account's id.
            id,
            user_id: id,
            kind: CredentialKind::Password,
            version,
        })
    };
    accounts::append_event(app, tx, id, event).await.map(drop)
}

/// Rejects the registration `id` when it is pending. Its account is deleted, and its set-up link is valid
/// again.
///
/// # Errors
/// When the database fails.
pub(crate) async fn reject(app: &App, tx: &mut Tx, id: Uuid, why: Rejection) -> Result<(), DbError> {
    if !store::reject(tx, id, why, app.clock.now()).await? {
        return Ok(());
    }
    counter!("vestibule_registrations_total", "outcome" => "rejected").increment(1);
    tracing::info!(
        event.action = "registration",
        event.outcome = "failure",
        event.reason = why.as_str(),
        user.id = %id,
        "a registration was refused"
    );
    undo_account(tx, id).await
}

/// Expires registrations without a decision, deletes old ones, and records the metrics of pending ones.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    let now = app.clock.now();
    let ended = store::expire(tx, now).await?;
    for &id in &ended {
        counter!("vestibule_registrations_total", "outcome" => "expired").increment(1);
        tracing::warn!(event.action = "registration", event.outcome = "failure", event.reason = "expired", user.id = %id, "a registration got no answer from the user service and was ended");
        undo_account(tx, id).await?;
    }
    store::delete_decided(tx, now).await?;
    quota::sweep(tx, now).await?;
    let (pending, oldest) = store::pending_stats(tx).await?;
    let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
    gauge!("vestibule_registrations_pending").set(pending as f64);
    gauge!("vestibule_registration_oldest_pending_seconds").set(age.as_secs_f64());
    Ok(ended.len() as u64)
}

async fn undo_account(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    accounts::store::delete(tx, id).await?;
    setup::store::reopen(tx, id).await?;
    setup::store::delete_by_account(tx, id).await
}
