//! The steps of the registration saga that this service drives.

use chassis::db::{DbError, Tx};
use contract::RegistrationRequested;
use metrics::counter;
use uuid::Uuid;

use super::users_service::{RegistrationDecision, UsersUnavailable};
use super::validated::ValidatedAccount;
use super::{NewAccount, RegisterError, Registered, SignUp};
use crate::registration::{self, RegistrationState};
use crate::{accounts, credentials};

/// A registration with valid fields and a hashed password that is not recorded yet.
pub(crate) struct PreparedRegistration {
    request: RegistrationRequested,
    hash: Option<String>,
}

impl PreparedRegistration {
    pub(super) fn new(request: RegistrationRequested, hash: Option<String>) -> Self {
        Self { request, hash }
    }

    /// The id of the registration, the account and the user.
    pub(crate) fn id(&self) -> Uuid {
        self.request.id
    }
}

impl SignUp {
    /// Runs the saga: records the registration, submits it to the user service, and applies its decision when it
    /// comes in time.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] names the fields.
    #[cfg(test)]
    pub(crate) async fn register(&self, new: NewAccount) -> Result<Registered, RegisterError> {
        let prepared = self.prepare(new).await?;
        let mut tx = self.parts.db.begin("register").await?;
        self.record(&prepared, &mut tx).await?;
        tx.commit().await?;
        self.submit(prepared).await
    }

    /// Validates the fields and hashes the password.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] names the fields. [`RegisterError::Busy`] when the queue is full.
    pub(crate) async fn prepare(&self, new: NewAccount) -> Result<PreparedRegistration, RegisterError> {
        let mut account = ValidatedAccount::parse(&self.parts.passwords, new)?;
        let hash = account.hash_password(&self.parts.passwords).await?;
        Ok(PreparedRegistration::new(self.request(account), hash))
    }

    /// The command to the user service.
    pub(super) fn request(&self, account: ValidatedAccount) -> RegistrationRequested {
        let id = self.parts.random.uuid(&*self.parts.clock);
        account.into_request(id, self.parts.clock.now())
    }

    /// The first step: records the pending registration and its event in the transaction of the caller.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn record(&self, prepared: &PreparedRegistration, tx: &mut Tx) -> Result<(), DbError> {
        let request = &prepared.request;
        accounts::ensure_row(tx, request.id, request.requested_at).await?;
        if let Some(hash) = &prepared.hash {
            credentials::set_password(tx, request.id, hash, request.requested_at).await?;
        }
        registration::insert(tx, request).await?;
        self.parts
            .accounts
            .append_event(tx, request.id, |_| request.clone())
            .await
            .map(drop)
    }

    /// The second step: submits the registration to the user service and applies its decision.
    ///
    /// # Errors
    /// When the database fails. The registration is then completed by its event.
    pub(crate) async fn submit(&self, prepared: PreparedRegistration) -> Result<Registered, RegisterError> {
        let id = prepared.request.id;
        let state = match self.parts.users.register(&prepared.request).await {
            Err(UsersUnavailable(reason)) => {
                tracing::warn!(user.id = %id, error.message = reason, "user service did not answer a registration in time: its event completes it");
                counter!("vestibule_registrations_total", "outcome" => "pending").increment(1);
                RegistrationState::Pending
            }
            Ok(given) => {
                let mut tx = self.parts.db.begin("registration_answer").await?;
                match given {
                    RegistrationDecision::Accepted(state) => {
                        self.parts.provisioning.apply_state(&mut tx, &state).await?
                    }
                    RegistrationDecision::Rejected(reason) => {
                        self.parts
                            .provisioning
                            .reject_registration(&mut tx, id, reason)
                            .await?
                    }
                }
                // The event may have been faster. The stored state counts.
                let state = registration::state(&mut tx, id)
                    .await?
                    .unwrap_or(RegistrationState::Expired);
                tx.commit().await?;
                state
            }
        };
        Ok(Registered { id, state })
    }
}
