//! Users of Firebase Authentication, as `firebase auth:export FILE --format=json` writes them (documentation of the Firebase CLI,
//! *auth:import and auth:export*), and the parameters of the project's scrypt, as its console shows them.

use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::super::{Record, Rejection};
use super::{put, put_value};
use crate::api::text_at;
use crate::error::{CommandError, ErrorCode};

/// The password hash parameters of a project.
#[derive(Debug)]
pub(super) struct HashParameters {
    rounds: String,
    memory_cost: String,
    salt_separator: String,
    signer_key: SecretString,
}

impl HashParameters {
    /// Reads the text `hash_config { … }` of the console, or its lines.
    ///
    /// # Errors
    /// When the file cannot be read or lacks a parameter.
    pub(super) fn read(path: &Path) -> Result<Self, CommandError> {
        let fault =
            |reason: String| CommandError::new(ErrorCode::Usage, format!("{}: {reason}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| fault(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(|name| fault(format!("has no {name}")))
    }

    /// Reads the text of a file. The error is the name of a parameter that is missing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let find = |name: &'static str| {
            let value = text.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                let value = value.trim().trim_end_matches(',').trim_matches('"');
                (key.trim().trim_matches('"') == name && !value.is_empty()).then(|| value.to_owned())
            });
            value.ok_or(name)
        };
        Ok(Self {
            rounds: find("rounds")?,
            memory_cost: find("mem_cost")?,
            salt_separator: find("base64_salt_separator")?,
            signer_key: SecretString::from(find("base64_signer_key")?),
        })
    }

    /// The text of a hash (guide *Importing passwords*).
    fn hash(&self, salt: &str, hash: &str) -> SecretString {
        SecretString::from(format!(
            "$firebase-scrypt$ln={},r={},ss={},sk={}${}${}",
            self.memory_cost,
            self.rounds,
            self.salt_separator,
            self.signer_key.expose_secret(),
            standard_base64(salt),
            standard_base64(hash),
        ))
    }
}

/// Base64 of the standard alphabet. The export has that of URLs.
fn standard_base64(text: &str) -> String {
    text.replace('-', "+").replace('_', "/")
}

/// The record of a user. The name to sign in with is the address, else the telephone number, else the id of Firebase.
pub(super) fn user(
    source: Map<String, Value>,
    parameters: Option<&HashParameters>,
) -> Result<Record, Rejection> {
    let source = Value::Object(source);
    let text = |pointer: &str| text_at(&source, pointer);
    let names = ["/email", "/phoneNumber", "/localId"];
    let name = names.into_iter().map(text).find(|text| !text.is_empty());
    let mut record = Record::default();
    let user = &mut record.user;
    put(user, &["userName"], name.as_deref());
    put(user, &["externalId"], Some(&text("/localId")));
    put(user, &["displayName"], Some(&text("/displayName")));
    put_value(user, "emails", None, Some(&text("/email")));
    put_value(user, "phoneNumbers", None, Some(&text("/phoneNumber")));
    put_value(user, "photos", None, Some(&text("/photoUrl")));
    if source.get("disabled") == Some(&Value::Bool(true)) {
        user.insert("active".to_owned(), false.into());
    }
    let (salt, hash) = (text("/salt"), text("/passwordHash"));
    if !hash.is_empty() {
        let Some(parameters) = parameters else {
            let reason = "needs the parameters of the project: --firebase-hash-config FILE";
            return Err(Rejection::new("password_hash", reason).of(record.user_name()));
        };
        record.password_hash = Some(parameters.hash(&salt, &hash));
    }
    Ok(record)
}
