//! Identities of Ory Kratos: the answer of `GET /admin/identities?include_credential=password`, and the output of
//! `ory list identities --format json`, which has them in `identities` (Ory documentation, *Export identities*).
//!
//! The traits are those of the schemas in Ory's documentation: `email`, `username`, `name.first`, `name.last`, `phone`.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::super::{Record, Rejection};
use super::{put, put_value};
use crate::api::text_at;

/// The record of an identity. The name to sign in with is the trait `username`, else `email`, else the first identifier.
pub(super) fn user(source: Map<String, Value>) -> Result<Record, Rejection> {
    let source = Value::Object(source);
    let text = |pointer: &str| text_at(&source, pointer);
    let names = [
        "/traits/username",
        "/traits/email",
        "/credentials/password/identifiers/0",
    ];
    let name = names.into_iter().map(text).find(|text| !text.is_empty());
    let mut record = Record::default();
    let user = &mut record.user;
    put(user, &["userName"], name.as_deref());
    put(user, &["externalId"], Some(&text("/id")));
    put(user, &["name", "givenName"], Some(&text("/traits/name/first")));
    put(user, &["name", "familyName"], Some(&text("/traits/name/last")));
    if let Some(Value::String(whole)) = source.pointer("/traits/name") {
        put(user, &["name", "formatted"], Some(whole));
    }
    put_value(user, "emails", None, Some(&text("/traits/email")));
    put_value(user, "phoneNumbers", None, Some(&text("/traits/phone")));
    if text("/state") == "inactive" {
        user.insert("active".to_owned(), false.into());
    }
    let hash = text("/credentials/password/config/hashed_password");
    record.password_hash = (!hash.is_empty()).then(|| SecretString::from(hash));
    Ok(record)
}
