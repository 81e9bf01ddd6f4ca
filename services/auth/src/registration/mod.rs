//! Registration: the saga that creates a user in the user service and an account here.
//!
//! 1. One transaction: a pending registration with the password's hash, and the event `registration.requested`.
//! 2. The same command over HTTP, two seconds at most.
//! 3. The user service decides, once, whichever way the command came.
//! 4. Its decision is applied here once, whether it comes over HTTP or as an event.
//!
//! Without a response the registration stays pending until the event comes. After [`EXPIRES_AFTER`] the
//! sweeper expires it.

mod decision;
pub(crate) mod proof;
mod quota;
mod saga;
mod settings;
mod sign_up;
pub(crate) mod store;
#[cfg(test)]
mod tests;
mod users_service;
mod validated;

use std::time::Duration;

use chassis::db::DbError;
use chassis::secret::SecretString;
use contract::RejectionReason;
pub(crate) use decision::{append_password_added, complete, reject, sweep};
pub(crate) use saga::{prepare, submit};
pub use saga::{register, status};
pub use settings::RegistrationSettings;
pub use sign_up::{is_admitted, sign_up};
pub use users_service::{HttpUsersService, RegistrationDecision, UsersService, UsersUnavailable};
use uuid::Uuid;
pub(crate) use validated::{PersonalContext, hash_new_password};

use crate::credentials::HashError;
use crate::throttle::ReserveError;

/// How long a registration stays pending.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long a decided registration is retained.
pub const DECISION_RETENTION: Duration = Duration::from_secs(24 * 3600);

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

/// The state of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The user service accepted it, and the person can sign in.
    Active,
    /// The user service has not decided yet.
    Pending,
    /// The user service rejected it.
    Rejected(Rejection),
    /// No decision came in time. The person has to register again.
    Expired,
}

/// Why the user service rejected a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The user name, or one that looks like it, is taken.
    UserNameTaken,
    /// The user name is reserved for administrators, or is the name of a group.
    UserNameReserved,
    /// The user service rejected a value.
    Invalid,
}

impl From<RejectionReason> for Rejection {
    fn from(reason: RejectionReason) -> Self {
        match reason {
            RejectionReason::UserNameTaken => Self::UserNameTaken,
            RejectionReason::UserNameReserved => Self::UserNameReserved,
            RejectionReason::Invalid | RejectionReason::Other => Self::Invalid,
        }
    }
}

impl Rejection {
    /// The name that is stored and shown: `user_name_taken`, `user_name_reserved`, `invalid`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserNameTaken => "user_name_taken",
            Self::UserNameReserved => "user_name_reserved",
            Self::Invalid => "invalid",
        }
    }
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
    /// What is wrong, for the person.
    pub detail: String,
}

/// Why a registration failed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Some fields are invalid.
    #[error("some fields are invalid")]
    Invalid(Vec<FieldError>),
    /// The queue of the hashing pool is full.
    #[error("too many registrations at once")]
    Busy {
        /// When another attempt makes sense.
        retry_after: Duration,
    },
    /// The source has to wait after too many failures.
    #[error("too many tries")]
    Throttled {
        /// When another attempt is admitted.
        retry_after: Duration,
    },
    /// The registration quota of the hour is used up, for this source or in total.
    #[error("too many registrations")]
    QuotaExceeded {
        /// Whether it is the quota of the source.
        from_source: bool,
        /// When the hour is over.
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
