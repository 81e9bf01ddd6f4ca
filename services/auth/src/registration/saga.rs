//! The steps of the registration saga that this service drives.

use chassis::db::{DbError, Tx};
use contract::RegistrationRequested;
use metrics::counter;
use uuid::Uuid;

use super::users_service::{RegistrationDecision, UsersUnavailable};
use super::validated::ValidatedAccount;
use super::{NewAccount, RegisterError, Registered, RegistrationState, decision, store};
use crate::app::App;
use crate::{accounts, credentials, subjects};

/// Runs the saga: records the registration, submits it to the user service, and applies its decision when it
/// comes in time.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields.
pub async fn register(app: &App, new: NewAccount) -> Result<Registered, RegisterError> {
    let prepared = prepare(app, new).await?;
    let mut tx = app.db.begin("register").await?;
    prepared.record(app, &mut tx).await?;
    tx.commit().await?;
    submit(app, prepared).await
}

/// The state of the registration `id`.
///
/// # Errors
/// When the database fails.
pub async fn status(app: &App, id: Uuid) -> Result<Option<RegistrationState>, DbError> {
    let mut reader = app.db.reader().await?;
    store::state(&mut reader, id).await
}

/// A registration with valid fields and a hashed password that is not recorded yet.
pub(crate) struct PreparedRegistration {
    request: RegistrationRequested,
    hash: Option<String>,
}

/// Validates the fields and hashes the password.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields. [`RegisterError::Busy`] when the queue is full.
pub(crate) async fn prepare(app: &App, new: NewAccount) -> Result<PreparedRegistration, RegisterError> {
    let mut account = ValidatedAccount::parse(app, new)?;
    let hash = account.hash_password(app).await?;
    Ok(PreparedRegistration::new(account.into_request(app), hash))
}

impl PreparedRegistration {
    pub(super) fn new(request: RegistrationRequested, hash: Option<String>) -> Self {
        Self { request, hash }
    }

    /// The id of the registration, the account and the user.
    pub(crate) fn id(&self) -> Uuid {
        self.request.id
    }

    /// The first step: records the pending registration and its event in the transaction of the caller.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn record(&self, app: &App, tx: &mut Tx) -> Result<(), DbError> {
        let request = &self.request;
        accounts::store::ensure_row(tx, request.id, request.requested_at).await?;
        if let Some(hash) = &self.hash {
            credentials::store::set_password(tx, request.id, hash, request.requested_at).await?;
        }
        store::insert(tx, request).await?;
        accounts::append_event(app, tx, request.id, |_| request.clone())
            .await
            .map(drop)
    }
}

/// The second step: submits the registration to the user service and applies its decision.
///
/// # Errors
/// When the database fails. The registration is then completed by its event.
pub(crate) async fn submit(app: &App, prepared: PreparedRegistration) -> Result<Registered, RegisterError> {
    let id = prepared.request.id;
    let state = match app.users.register(&prepared.request).await {
        Err(UsersUnavailable(reason)) => {
            tracing::warn!(user.id = %id, error.message = reason, "the user service did not answer a registration; its event will");
            counter!("vestibule_registrations_total", "outcome" => "pending").increment(1);
            RegistrationState::Pending
        }
        Ok(given) => {
            let mut tx = app.db.begin("registration_answer").await?;
            match given {
                RegistrationDecision::Accepted(state) => subjects::apply_state(app, &mut tx, &state).await?,
                RegistrationDecision::Rejected(reason) => decision::reject(app, &mut tx, id, reason).await?,
            }
            // The event may have been faster. The stored state counts.
            let state = store::state(&mut tx, id)
                .await?
                .unwrap_or(RegistrationState::Expired);
            tx.commit().await?;
            state
        }
    };
    Ok(Registered { id, state })
}
