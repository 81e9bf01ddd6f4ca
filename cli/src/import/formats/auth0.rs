//! Users of Auth0, a JSON object a line.
//!
//! Auth0's documentation has three forms: the job *Bulk User Exports* (`user_id`, `email`, `given_name`, …), the export of password
//! hashes that its support makes (`_id.$oid`, `email`, `passwordHash`), and the file of *Bulk User Imports* (`password_hash`).

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::super::{Record, Rejection};
use super::{put, put_value};
use crate::api::text_at;

/// The record of a user. One without a user name signs in with the address.
pub(super) fn user(source: Map<String, Value>) -> Result<Record, Rejection> {
    let source = Value::Object(source);
    let text = |pointer: &str| text_at(&source, pointer);
    let first = |pointers: [&str; 2]| pointers.into_iter().map(text).find(|text| !text.is_empty());
    let mut record = Record::default();
    let user = &mut record.user;
    put(user, &["userName"], first(["/username", "/email"]).as_deref());
    let object_id = text("/_id/$oid");
    match object_id.is_empty() {
        true => put(user, &["externalId"], Some(&text("/user_id"))),
        // The same id as in the export of users.
        false => put(user, &["externalId"], Some(&format!("auth0|{object_id}"))),
    }
    put(user, &["name", "givenName"], Some(&text("/given_name")));
    put(user, &["name", "familyName"], Some(&text("/family_name")));
    put(user, &["name", "formatted"], Some(&text("/name")));
    put(user, &["nickName"], Some(&text("/nickname")));
    put(user, &["locale"], Some(&text("/locale")));
    put_value(user, "emails", None, Some(&text("/email")));
    put_value(user, "phoneNumbers", None, Some(&text("/phone_number")));
    put_value(user, "photos", None, Some(&text("/picture")));
    if source.get("blocked") == Some(&Value::Bool(true)) {
        user.insert("active".to_owned(), false.into());
    }
    // The Authorization Extension keeps the groups of a user there.
    let groups = source
        .pointer("/app_metadata/authorization/groups")
        .and_then(Value::as_array);
    let groups = groups.into_iter().flatten().map(|group| text_at(group, ""));
    record.groups = groups.filter(|group| !group.is_empty()).collect();
    record.password_hash = first(["/passwordHash", "/password_hash"]).map(SecretString::from);
    Ok(record)
}
