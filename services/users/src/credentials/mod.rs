//! The passwords of SCIM requests (RFC 7643 §4.1.1), which are handed to the authentication service and never stored here.
//!
//! 1. Before the transaction of a change begins, the password goes to `auth` under a new id. `auth` checks it, hashes it and keeps it
//!    for an hour.
//! 2. The state that is committed names the id as `credential_id`.
//! 3. `auth` reads that state from the event, and the password takes effect.
//!
//! A change that is not committed has no state, so its password never takes effect.

mod http;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::access::BoxFuture;
use contract::{EmailAddress, PersonName, UserName, UserState};
use scim::Password;
use uuid::Uuid;

pub(crate) use http::HttpCredentialService;

/// A password, and what its strength is checked against.
#[derive(Debug)]
pub(crate) struct NewCredential<'a> {
    /// The state after the change.
    pub(crate) user: &'a UserState,
    /// The password.
    pub(crate) password: &'a Password,
}

impl NewCredential<'_> {
    fn user_name(&self) -> &UserName {
        &self.user.user_name
    }

    fn email(&self) -> Option<&EmailAddress> {
        let emails = &self.user.emails;
        let primary = emails.iter().find(|email| email.primary);
        primary.or(emails.first()).map(|email| &email.value)
    }

    fn name(&self) -> &PersonName {
        &self.user.name
    }
}

/// The reason why `auth` did not take a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialError {
    /// Its rules refuse the password. The text has the reason, and nothing of the password.
    #[error("{0}")]
    Refused(String),
    /// It does not accept another field than the password: a fault of one of both services.
    #[error("the authentication service does not accept what is known of the user")]
    NotAccepted,
    /// It cannot be reached, or is too busy.
    #[error("the authentication service does not take the password now")]
    Unavailable {
        /// The time until another attempt makes sense.
        retry_after: Duration,
    },
}

/// The authentication service, as a password needs it.
pub(crate) trait CredentialService: Send + Sync + 'static {
    /// Hands a password over under an id. The same id again replaces it.
    ///
    /// # Errors
    /// See [`CredentialError`].
    fn put<'a>(&'a self, id: Uuid, new: &'a NewCredential<'a>) -> BoxFuture<'a, Result<(), CredentialError>>;

    /// Has a password forgotten, because the change was not made. A failure is harmless: the password lapses.
    fn cancel(&self, id: Uuid) -> BoxFuture<'_, ()>;
}

/// The treatment of the passwords of SCIM requests.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// They are handed to the authentication service.
    HandedTo(Arc<dyn CredentialService>),
    /// A request with one is refused.
    Refused,
    /// They are left out of requests, as if nobody had sent them.
    Ignored,
}

impl Credentials {
    /// Passwords are handed to `service`.
    pub(crate) fn to(service: impl CredentialService) -> Self {
        Self::HandedTo(Arc::new(service))
    }

    /// The service to hand them to.
    pub(crate) fn service(&self) -> Option<&dyn CredentialService> {
        match self {
            Self::HandedTo(service) => Some(&**service),
            Self::Refused | Self::Ignored => None,
        }
    }

    /// True if passwords are taken.
    pub(crate) fn are_taken(&self) -> bool {
        matches!(self, Self::HandedTo(_))
    }

    /// True if passwords are left out of requests.
    pub(crate) fn are_ignored(&self) -> bool {
        matches!(self, Self::Ignored)
    }
}
