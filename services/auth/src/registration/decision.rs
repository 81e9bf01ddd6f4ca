//! The decision of the user service on a registration, which is applied once, whether it comes over HTTP or
//! as an event.

use std::time::Duration;

use chassis::db::{DbError, Tx};
use metrics::{counter, gauge};
use uuid::Uuid;

use super::{Registrations, Rejection, store};
use crate::throttle::{self, Key};
use crate::{accounts, credentials, setup_links};

impl Registrations {
    /// Completes the registration `id` when it is pending. It is called for every new subject, registered here or
    /// not.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn complete(&self, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
        let name = store::pending_user_name_key(tx, id).await?;
        if !store::accept(tx, id, self.clock.now()).await? {
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
            "registration completed"
        );
        if credentials::has_password(tx, id).await? {
            self.accounts.append_password_added(tx, id).await?;
        }
        Ok(())
    }

    /// Rejects the registration `id` when it is pending. Its account is deleted, and its set-up link is valid
    /// again.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn reject(&self, tx: &mut Tx, id: Uuid, why: Rejection) -> Result<(), DbError> {
        if !store::reject(tx, id, why, self.clock.now()).await? {
            return Ok(());
        }
        counter!("vestibule_registrations_total", "outcome" => "rejected").increment(1);
        tracing::info!(
            event.action = "registration",
            event.outcome = "failure",
            event.reason = why.as_str(),
            user.id = %id,
            "registration rejected"
        );
        undo_account(tx, id).await
    }

    /// Expires registrations without a decision, deletes old ones, and records the metrics of pending ones.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep(&self, tx: &mut Tx) -> Result<u64, DbError> {
        let now = self.clock.now();
        let ended = store::expire(tx, now).await?;
        for &id in &ended {
            counter!("vestibule_registrations_total", "outcome" => "expired").increment(1);
            tracing::warn!(event.action = "registration", event.outcome = "failure", event.reason = "expired", user.id = %id, "registration expired: the user service did not answer");
            undo_account(tx, id).await?;
        }
        store::delete_decided(tx, now).await?;
        let (pending, oldest) = store::pending_stats(tx).await?;
        let age = oldest.map_or(Duration::ZERO, |oldest| now.since(oldest));
        gauge!("vestibule_registrations_pending").set(pending as f64);
        gauge!("vestibule_registration_oldest_pending_seconds").set(age.as_secs_f64());
        Ok(ended.len() as u64)
    }
}

async fn undo_account(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    accounts::delete(tx, id).await?;
    setup_links::reopen(tx, id).await?;
    setup_links::delete_by_account(tx, id).await
}
