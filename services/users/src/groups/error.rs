//! The reasons why nothing was changed of a group.

use chassis::db::DbError;

use super::MAX_MEMBER_CHANGES;
use crate::authority::Forbidden;
use crate::users::Invalid;

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    /// No group has this id.
    #[error("no such group")]
    NotFound,
    /// The client gave the external identifier to another group.
    #[error("the client gave the external identifier to another group")]
    ExternalIdTaken,
    /// A group or a user has the name.
    #[error("the name is taken")]
    NameTaken,
    /// A PATCH was applied to attributes that somebody has changed meanwhile: it is applied once more.
    #[error("the attributes of the group were changed meanwhile")]
    Raced,
    /// The group was changed since the caller read.
    #[error("the group was changed meanwhile")]
    Changed,
    /// The caller may see the group and not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The group of the administrators keeps its name, and cannot be deleted.
    #[error("the group of the administrators keeps its name, and cannot be deleted")]
    BuiltIn,
    /// More than [`MAX_MEMBER_CHANGES`].
    #[error("at most {MAX_MEMBER_CHANGES} members can be added and removed at once")]
    TooManyChanges,
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The protocol does not allow the change.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl GroupError {
    /// The SCIM error (RFC 7644 §3.12).
    ///
    /// # Errors
    /// The failure of the database, which SCIM has no error for.
    pub(crate) fn into_scim(self) -> Result<scim::Error, DbError> {
        use scim::Error;
        Ok(match self {
            Self::NotFound => Error::not_found(),
            Self::NameTaken => Error::uniqueness("displayName"),
            Self::ExternalIdTaken => Error::uniqueness("externalId"),
            Self::Forbidden(forbidden) => Error::new(403, forbidden.to_string()),
            Self::Changed | Self::Raced => Error::precondition_failed(),
            Self::BuiltIn => Error::mutability("displayName", Self::BuiltIn),
            Self::TooManyChanges => Error::payload_too_large(format!(
                "members: at most {MAX_MEMBER_CHANGES} can be added and removed by one request"
            )),
            Self::Invalid(Invalid { field, reason }) => Error::invalid_value(&field, reason),
            Self::Scim(error) => error,
            Self::Db(error) => return Err(error),
        })
    }
}
