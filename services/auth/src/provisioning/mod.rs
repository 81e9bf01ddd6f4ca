//! Provisioning: what the state of a user has as consequences here, for the subject, the account, the sessions
//! and the registration. The user service decides on users; this module follows it.

#[cfg(test)]
mod tests;
mod user_event_handler;

use chassis::clock::SharedClock;
use chassis::db::{DbError, Tx};
use contract::{SessionEnd, SubjectErased, UserState};
use events::restore::first_sequence;
pub use user_event_handler::UserEventHandler;
use uuid::Uuid;

use crate::accounts::{self, Accounts};
use crate::registration::{self, RegistrationState, Registrations, Rejection};
use crate::sessions::Sessions;
use crate::throttle::{self, Key};
use crate::{credentials, pending_credentials, setup_links, subjects};

/// Applies the states of users.
#[derive(Clone)]
pub struct Provisioning {
    clock: SharedClock,
    accounts: Accounts,
    registrations: Registrations,
    sessions: Sessions,
}

impl Provisioning {
    /// A provisioning of these accounts, registrations and sessions.
    pub fn new(
        clock: SharedClock,
        accounts: Accounts,
        registrations: Registrations,
        sessions: Sessions,
    ) -> Self {
        Self {
            clock,
            accounts,
            registrations,
            sessions,
        }
    }

    /// Applies the state of a user: completes its registration, and ends the sessions of a disabled one. An older
    /// state and the state of an erased user change nothing. A user whose registration was rejected is erased:
    /// the user service was restored from a backup and has decided differently.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn apply_state(&self, tx: &mut Tx, state: &UserState) -> Result<(), DbError> {
        let credential = self.new_credential(tx, state).await?;
        if !subjects::upsert_if_newer(tx, state).await? {
            return Ok(());
        }
        let registration = registration::state(tx, state.id).await?;
        if matches!(registration, Some(RegistrationState::Rejected(_))) {
            tracing::warn!(user.id = %state.id, "user of a rejected registration erased");
            return self.erase(tx, state.id).await;
        }
        accounts::ensure_row(tx, state.id, self.clock.now()).await?;
        if registration.is_some() {
            self.registrations.complete(tx, state.id).await?;
        }
        if let Some(credential) = credential {
            self.apply_credential(tx, state, credential).await?;
        }
        if !state.active {
            self.sessions
                .end_all(tx, state.id, SessionEnd::Deactivated)
                .await?;
        }
        Ok(())
    }

    /// The credential that the state names, if the state before did not name it.
    async fn new_credential(&self, tx: &mut Tx, state: &UserState) -> Result<Option<Uuid>, DbError> {
        let Some(named) = state.credential_id else {
            return Ok(None);
        };
        let before = subjects::credential_id(tx, state.id).await?;
        Ok((before != Some(named)).then_some(named))
    }

    /// Makes a pending credential the password of its account, and ends the sessions and grants of the account, as every
    /// other change of a password does. Links with which somebody could choose another one end too, and failures at the old
    /// password are forgotten.
    async fn apply_credential(
        &self,
        tx: &mut Tx,
        state: &UserState,
        credential: Uuid,
    ) -> Result<(), DbError> {
        let id = state.id;
        accounts::lock(tx, id).await?;
        let Some(hash) = pending_credentials::consume(tx, credential, id).await? else {
            tracing::warn!(user.id = %id, "the password that came with a change of a user is not here any more: a later change has another one, or the database was restored");
            return Ok(());
        };
        credentials::set_password(tx, id, &hash, self.clock.now()).await?;
        setup_links::delete_by_account(tx, id).await?;
        throttle::clear(tx, &Key::account(state.user_name.key())).await?;
        throttle::clear(tx, &Key::devices(id)).await?;
        self.sessions.end_all(tx, id, SessionEnd::PasswordChanged).await?;
        self.accounts.append_password_added(tx, id).await?;
        tracing::info!(event.action = "password-provisioned", event.outcome = "success", user.target.id = %id, "password set with a change of a user");
        Ok(())
    }

    /// Suspends a subject, and ends its sessions, until a newer state is applied. There is no event, because only
    /// this service is not up to date.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn suspend(&self, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
        if subjects::deactivate(tx, id).await? {
            self.sessions.end_all(tx, id, SessionEnd::Deactivated).await?;
        }
        Ok(())
    }

    /// Erases a subject: its credentials, sessions, tokens, devices and personal data. A tombstone with its id
    /// stays, and `subject.erased` is appended once.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn erase(&self, tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
        let now = self.clock.now();
        // The subject is locked before the account, in the same order as at the start of a session.
        let name = subjects::delete(tx, id).await?;
        self.sessions.end_all(tx, id, SessionEnd::Deleted).await?;
        // Without an account row there were no events except the registration, or the database was restored and
        // consumers have seen higher versions.
        let before = match accounts::version(tx, id).await? {
            Some(version) => version,
            None => first_sequence(tx).await?,
        };
        let version = before.saturating_add(1);
        if !subjects::insert_tombstone(tx, id, version, now).await? {
            return Ok(());
        }
        if let Some(name) = name {
            throttle::clear(tx, &Key::account(&name)).await?;
        }
        registration::delete(tx, id).await?;
        setup_links::delete_by_account(tx, id).await?;
        pending_credentials::delete_by_user(tx, id).await?;
        accounts::delete(tx, id).await?;
        let event = SubjectErased {
            id,
            version,
            erased_at: now,
        };
        self.accounts.append_event_at(tx, id, version, &event).await
    }

    /// Rejects the registration `id` when it is pending: see [`Registrations::reject`].
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn reject_registration(
        &self,
        tx: &mut Tx,
        id: Uuid,
        why: Rejection,
    ) -> Result<(), DbError> {
        self.registrations.reject(tx, id, why).await
    }
}
