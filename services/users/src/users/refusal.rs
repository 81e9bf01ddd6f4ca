//! The errors of users as SCIM errors (RFC 7644 §3.12).

use chassis::db::DbError;
use scim::Error;

use super::{Invalid, UserError};

/// The text of [`UserError::NoCredentials`].
pub(crate) const NO_CREDENTIALS: &str =
    "The authentication service does not take the password now; nothing was changed. Try again.";

impl UserError {
    /// The SCIM error.
    ///
    /// # Errors
    /// The failure of the database, which SCIM has no error for.
    pub(crate) fn into_scim(self) -> Result<Error, DbError> {
        Ok(match self {
            Self::NotFound => Error::not_found(),
            Self::NameTaken => Error::uniqueness("userName"),
            Self::Changed => Error::precondition_failed(),
            Self::Forbidden(forbidden) => Error::new(403, forbidden.to_string()),
            Self::Invalid(Invalid { field, reason }) => Error::invalid_value(&scim_name(&field), reason),
            Self::Scim(error) => error,
            Self::NoCredentials { .. } => Error::new(503, NO_CREDENTIALS),
            Self::TooManyTaken { .. } => Error::new(429, self.to_string()),
            Self::Db(error) => return Err(error),
        })
    }
}

/// Our name of a field, as SCIM calls it.
fn scim_name(field: &str) -> String {
    match field {
        "user_name" => "userName".to_owned(),
        "name.given_name" => "name.givenName".to_owned(),
        "name.family_name" => "name.familyName".to_owned(),
        "name.middle_name" => "name.middleName".to_owned(),
        "name.honorific_prefix" => "name.honorificPrefix".to_owned(),
        "name.honorific_suffix" => "name.honorificSuffix".to_owned(),
        "zoneinfo" => "timezone".to_owned(),
        other => other.strip_prefix("attributes.").unwrap_or(other).to_owned(),
    }
}
