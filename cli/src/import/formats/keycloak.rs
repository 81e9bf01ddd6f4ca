//! Users of a realm of Keycloak, as `kc.sh export` writes them: the list `users` of a realm, or of a file `REALM-users-0.json`.
//!
//! The members are those of Keycloak's documentation, Server Administration Guide, *Importing and exporting realms*, and of
//! `UserRepresentation` and `CredentialRepresentation` of its Admin REST API.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::super::{Record, Rejection};
use super::{put, put_value};
use crate::api::text_at;

/// The record of a `UserRepresentation`. The user who stands for a client (`serviceAccountClientId`) is not a person.
pub(super) fn user(source: Map<String, Value>) -> Result<Record, Rejection> {
    let source = Value::Object(source);
    let text = |pointer: &str| text_at(&source, pointer);
    let name = text("/username");
    if !text("/serviceAccountClientId").is_empty() {
        return Err(Rejection::new("", "is the account of a client, not of a person").of(&name));
    }
    let mut record = Record::default();
    let user = &mut record.user;
    put(user, &["userName"], Some(&name));
    put(user, &["externalId"], Some(&text("/id")));
    put(user, &["name", "givenName"], Some(&text("/firstName")));
    put(user, &["name", "familyName"], Some(&text("/lastName")));
    put_value(user, "emails", None, Some(&text("/email")));
    put(user, &["locale"], Some(&text("/attributes/locale/0")));
    put_value(
        user,
        "phoneNumbers",
        None,
        Some(&text("/attributes/phoneNumber/0")),
    );
    if let Some(Value::Bool(enabled)) = source.get("enabled") {
        user.insert("active".to_owned(), (*enabled).into());
    }
    let credentials = source.get("credentials").and_then(Value::as_array);
    let mut credentials = credentials.into_iter().flatten();
    record.password_hash = credentials
        .find(|credential| text_at(credential, "/type") == "password")
        // `auth` reads the whole credential as text.
        .map(|credential| SecretString::from(credential.to_string()));
    Ok(record)
}
