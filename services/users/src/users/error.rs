//! The reasons why nothing was changed of a user.

use std::time::Duration;

use chassis::db::DbError;
use events::OutboxError;

use super::Invalid;
use crate::authority::Forbidden;

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    /// Nobody has this id.
    #[error("no such user")]
    NotFound,
    /// Somebody else has the user name.
    #[error("the user name is taken")]
    NameTaken,
    /// The user was changed since the caller read.
    #[error("the user was changed meanwhile")]
    Changed,
    /// The caller may see the user and not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The protocol does not allow the change.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// The authentication service does not take the password of the change, which was not made.
    #[error("the authentication service does not take the password now")]
    NoCredentials {
        /// The time until another attempt makes sense.
        retry_after: Duration,
    },
    /// A delegated administrator was refused too often because a value was taken.
    #[error("too many of your changes were refused because somebody has the value")]
    TooManyTaken {
        /// The time until another attempt is made.
        retry_after: Duration,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The error of the outbox, as the failure of the database that it nearly always is.
pub(crate) fn outbox_failed(error: OutboxError) -> DbError {
    match error {
        OutboxError::Db(error) => error,
        unwritable => DbError::Other(sqlx::Error::Encode(Box::new(unwritable))),
    }
}
