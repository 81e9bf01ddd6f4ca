//! Registration: the saga that makes a person in the user service and an account here.

use std::time::Duration;

use chassis::db::DbError;
use chassis::secret::SecretString;
use uuid::Uuid;

use crate::app::App;

/// What a new person tells.
#[derive(Debug, Default)]
pub struct NewAccount {
    /// The user name as typed.
    pub user_name: String,
    /// The e-mail address as typed.
    pub email: Option<String>,
    /// The whole name for display.
    pub name: Option<String>,
    /// A BCP 47 tag.
    pub locale: Option<String>,
    /// Without one, an invitation link lets the person choose it.
    pub password: Option<SecretString>,
    /// Groups to join; only for accounts that an administrator or the set-up link makes.
    pub groups: Vec<String>,
}

/// How far a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
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
    /// Somebody has the user name.
    UserNameTaken,
    /// The user service holds something in it for invalid.
    Invalid,
}

/// A registration under way or done.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// The id of the registration, the account and the user.
    pub id: Uuid,
    /// How far it is.
    pub state: State,
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
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Runs the saga: records the registration, asks the user service, applies its answer if it comes in time.
///
/// # Errors
/// [`RegisterError::Invalid`] names the fields.
pub async fn register(_app: &App, _new: NewAccount) -> Result<Registered, RegisterError> {
    Err(RegisterError::Invalid(Vec::new()))
}

/// How far the registration `id` is; nothing if there is none.
///
/// # Errors
/// When the database fails.
pub async fn status(_app: &App, _id: Uuid) -> Result<Option<State>, DbError> {
    Ok(None)
}
