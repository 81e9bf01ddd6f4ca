//! CSV with the header of Amazon Cognito (Developer Guide, *Importing users into user pools from a CSV file*). It has no passwords:
//! Cognito gives them to nobody.

use serde_json::Value;
use uuid::Uuid;

use super::super::{Record, Rejection};

/// The columns of the header.
pub(super) const COLUMNS: &[(&str, &str)] = &[
    ("cognito:username", "userName"),
    ("cognito:username", "externalId"),
    ("preferred_username", "displayName"),
    ("name", "name.formatted"),
    ("given_name", "name.givenName"),
    ("family_name", "name.familyName"),
    ("middle_name", "name.middleName"),
    ("nickname", "nickName"),
    ("profile", "profileUrl"),
    ("picture", "photos"),
    ("website", "website"),
    ("email", "emails"),
    ("gender", "gender"),
    ("birthdate", "birthdate"),
    ("zoneinfo", "timezone"),
    ("locale", "locale"),
    ("phone_number", "phoneNumbers"),
    ("address", "addresses.formatted"),
    // The server proves addresses itself, and sets these.
    ("email_verified", ""),
    ("phone_number_verified", ""),
    ("updated_at", ""),
    ("cognito:mfa_enabled", ""),
];

/// Gives the address as user name to a user whose name of Cognito is an id: pools in which people sign in with their addresses have
/// such names.
pub(super) fn complete(mut record: Record) -> Result<Record, Rejection> {
    if Uuid::try_parse(record.user_name()).is_ok() {
        let address = record
            .user
            .get("emails")
            .and_then(|emails| emails.pointer("/0/value"))
            .or_else(|| {
                record
                    .user
                    .get("phoneNumbers")
                    .and_then(|numbers| numbers.pointer("/0/value"))
            })
            .and_then(Value::as_str);
        if let Some(address) = address {
            let address = Value::from(address);
            record.user.insert("userName".to_owned(), address);
        }
    }
    Ok(record)
}
