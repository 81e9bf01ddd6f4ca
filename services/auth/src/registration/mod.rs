//! Registration: the saga that makes a person in the user service and an account here.
//!
//! 1. One transaction: a pending registration with the password's hash, and the event `registration.requested`.
//! 2. The same command over HTTP, two seconds at most.
//! 3. The user service decides, once, whichever way the command came.
//! 4. Its answer is applied here once, whether it comes over HTTP or as an event.
//!
//! Without an answer the registration stays pending; the event brings it. After [`EXPIRES_AFTER`] the sweeper ends it.

mod decision;
pub(crate) mod proof;
mod quota;
mod saga;
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
pub use sign_up::{is_admitted, sign_up};
pub use users_service::{HttpUsersService, RegistrationDecision, UsersService, UsersUnavailable};
use uuid::Uuid;
pub(crate) use validated::{PersonalContext, hash_new_password};

use crate::credentials::HashError;
use crate::throttle::ReserveError;

/// How long a registration waits for the user service.
pub const EXPIRES_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long an answer is kept for whoever asks for it.
pub const DECISION_RETENTION: Duration = Duration::from_secs(24 * 3600);

/// What a new person tells.
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
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// Without one, an invitation link lets the person choose it.
    pub password: Option<SecretString>,
    /// Groups to join; only for accounts that an administrator or the set-up link makes.
    pub groups: Vec<String>,
}

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The person can sign in.
    Active,
    /// The user service has not answered yet.
    Pending,
    /// The user service refused.
    Rejected(Rejection),
    /// No answer came in time; the person has to start again.
    Expired,
}

/// Why the user service refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Somebody has the user name, or one that looks like it.
    UserNameTaken,
    /// The user name is kept for administrators, or is that of a group.
    UserNameReserved,
    /// The user service holds something in it for invalid.
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

/// A registration under way or done.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The id of the registration, the account and the user.
    pub id: Uuid,
    /// How far it is.
    pub state: RegistrationState,
}

/// One field that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// `user_name`, `email`, `name`, `locale`, `password`, `groups`.
    pub field: &'static str,
    /// What is wrong, for the person.
    pub detail: String,
}

/// Why no registration began.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Fields that the person has to correct.
    #[error("some fields are invalid")]
    Invalid(Vec<FieldError>),
    /// More passwords at once than can be hashed.
    #[error("too many registrations at once")]
    Busy {
        /// When another try is worth it.
        retry_after: Duration,
    },
    /// The source has to wait: too many tries of it were wrong.
    #[error("too many tries")]
    Throttled {
        /// When another try is admitted.
        retry_after: Duration,
    },
    /// As many people registered as may in an hour, from this source or in all.
    #[error("too many registrations")]
    QuotaExceeded {
        /// Whether the limit is that of the source.
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
