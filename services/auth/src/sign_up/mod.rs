//! Sign-up: the steps that make a user and an account, started by a person, an administrator or a set-up link.
//! See [`crate::registration`] for the saga as a whole.

mod quota;
mod saga;
mod self_service;
mod settings;
#[cfg(test)]
mod tests;
mod users_service;
mod validated;

use std::sync::Arc;
use std::time::Duration;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::random::SharedRandom;
use chassis::secret::SecretString;
pub(crate) use quota::sweep;
pub use settings::RegistrationSettings;
pub use users_service::{HttpUsersService, RegistrationDecision, UsersService, UsersUnavailable};
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::credentials::{HashError, NewPasswordError, Passwords, Weakness};
use crate::provisioning::Provisioning;
use crate::registration::RegistrationState;
use crate::throttle::{ReserveError, Throttle};

/// Makes users and accounts.
#[derive(Clone)]
pub struct SignUp {
    parts: Arc<SignUpParts>,
}

/// The collaborators of [`SignUp`].
pub struct SignUpParts {
    /// The database of this service.
    pub db: Db,
    /// The clock.
    pub clock: SharedClock,
    /// The source of randomness for ids.
    pub random: SharedRandom,
    /// The accounts.
    pub accounts: Accounts,
    /// The throttle of sign-ups.
    pub throttle: Throttle,
    /// The rules for new passwords.
    pub passwords: Passwords,
    /// Applies the decision of the user service.
    pub provisioning: Provisioning,
    /// The user service.
    pub users: Arc<dyn UsersService>,
    /// `[registration]` of the configuration.
    pub settings: RegistrationSettings,
}

impl SignUp {
    /// A sign-up with these collaborators.
    pub fn new(parts: SignUpParts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    /// True if everybody may register.
    pub fn is_open(&self) -> bool {
        self.parts.settings.open
    }
}

/// The data of a new account, as typed.
#[derive(Debug, Default)]
pub struct NewAccount {
    /// The user name as typed.
    pub user_name: String,
    /// The e-mail address as typed.
    pub email: Option<String>,
    /// The whole name for display.
    pub name: Option<String>,
    /// As in "Ann".
    pub given_name: Option<String>,
    /// As in "Archer".
    pub family_name: Option<String>,
    /// A BCP 47 language tag.
    pub locale: Option<String>,
    /// The password. Without one the account needs an invitation.
    pub password: Option<SecretString>,
    /// The groups to join, for accounts that an administrator or the set-up link makes.
    pub groups: Vec<String>,
}

/// A registration and its state.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The id of the registration, the account and the user.
    pub id: Uuid,
    /// Its state.
    pub state: RegistrationState,
}

/// One invalid field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `user_name`, `email`, `name`, `locale`, `password`, `groups`.
    pub field: &'static str,
    /// The description of the fault, for the person.
    pub detail: String,
}

/// The reason why a registration failed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Some fields are invalid.
    #[error("some fields are invalid")]
    Invalid(Vec<FieldError>),
    /// The queue of the hashing pool is full.
    #[error("too many registrations at once")]
    Busy {
        /// The time until another attempt makes sense.
        retry_after: Duration,
    },
    /// The source has to wait after too many failures.
    #[error("too many tries")]
    Throttled {
        /// The time until another attempt is admitted.
        retry_after: Duration,
    },
    /// The registration quota of the hour is used up, for this source or in total.
    #[error("too many registrations")]
    QuotaExceeded {
        /// True if it is the quota of the source.
        from_source: bool,
        /// The time until the hour is over.
        retry_after: Duration,
    },
    /// The pool that hashes passwords failed.
    #[error("the password could not be hashed")]
    Hash,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ReserveError> for RegisterError {
    fn from(error: ReserveError) -> Self {
        match error {
            ReserveError::Throttled { retry_after } => Self::Throttled { retry_after },
            ReserveError::Db(error) => Self::Db(error),
        }
    }
}

impl From<HashError> for RegisterError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::QueueFull { retry_after } => Self::Busy { retry_after },
            HashError::Failed => Self::Hash,
        }
    }
}

impl From<NewPasswordError> for RegisterError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Weak(weakness) => weakness.into(),
            NewPasswordError::Hash(error) => error.into(),
        }
    }
}

impl From<Weakness> for RegisterError {
    fn from(weakness: Weakness) -> Self {
        Self::Invalid(vec![FieldError {
            field: "password",
            detail: weakness.to_string(),
        }])
    }
}
