//! Password credentials of Keycloak: the JSON object of a credential in an export of a realm. PBKDF2 and argon2.
//!
//! Since version 8 the members `secretData` and `credentialData` are texts of JSON in JSON; before, the same facts stood in the
//! object itself.

use argon2::{Algorithm, Version};
use serde::Deserialize;

use crate::argon2::Argon2Hash;
use crate::encoding::{from_base64, number};
use crate::pbkdf2::{Digest, Pbkdf2Hash};
use crate::{ImportError, Scheme};

/// A hash of either scheme.
pub(crate) enum KeycloakHash {
    Pbkdf2(Pbkdf2Hash),
    Argon2(Argon2Hash),
}

/// A credential as exported. The other members do not matter here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(rename = "type")]
    kind: Option<String>,
    secret_data: Option<String>,
    credential_data: Option<String>,
    #[serde(flatten)]
    old: OldCredential,
}

/// A credential of Keycloak 7 and before.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldCredential {
    hashed_salted_value: Option<String>,
    salt: Option<String>,
    hash_iterations: Option<u32>,
    algorithm: Option<String>,
}

#[derive(Deserialize)]
struct SecretData {
    value: String,
    salt: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CredentialData {
    hash_iterations: u32,
    algorithm: String,
    #[serde(default)]
    additional_parameters: AdditionalParameters,
}

/// The parameters of argon2, each a list of one text.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AdditionalParameters {
    memory: Vec<String>,
    #[serde(rename = "type")]
    kind: Vec<String>,
    version: Vec<String>,
    parallelism: Vec<String>,
}

/// Parses the JSON object `text`.
pub(crate) fn parse(text: &str) -> Result<KeycloakHash, ImportError> {
    let credential: Credential = json(text, "the text", "a credential of Keycloak as a JSON object")?;
    if credential.kind.is_some_and(|kind| kind != "password") {
        return Err(wrong("the member type", "`password`"));
    }
    let (secret, data) = match (credential.secret_data, credential.credential_data) {
        (Some(secret), Some(data)) => (
            json(
                &secret,
                "the member secretData",
                "JSON with `value` and `salt`, as text",
            )?,
            json(
                &data,
                "the member credentialData",
                "JSON with `algorithm` and `hashIterations`, as text",
            )?,
        ),
        _ => old_data(credential.old).ok_or_else(|| {
            wrong(
                "the text",
                "the members secretData and credentialData, or hashedSaltedValue, salt, hashIterations and algorithm",
            )
        })?,
    };
    hash(&secret, &data)
}

fn old_data(old: OldCredential) -> Option<(SecretData, CredentialData)> {
    let secret = SecretData {
        value: old.hashed_salted_value?,
        salt: old.salt?,
    };
    let data = CredentialData {
        hash_iterations: old.hash_iterations?,
        algorithm: old.algorithm?,
        additional_parameters: AdditionalParameters::default(),
    };
    Some((secret, data))
}

fn hash(secret: &SecretData, data: &CredentialData) -> Result<KeycloakHash, ImportError> {
    let salt = from_base64(&secret.salt).ok_or_else(|| wrong("the member salt", "base64"))?;
    let value = from_base64(&secret.value).ok_or_else(|| wrong("the member value", "base64"))?;
    let digest = match data.algorithm.as_str() {
        "pbkdf2" => Digest::Sha1,
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha512" => Digest::Sha512,
        "argon2" => return argon2(data, salt, value).map(KeycloakHash::Argon2),
        _ => {
            return Err(wrong(
                "the member algorithm",
                "pbkdf2, pbkdf2-sha256, pbkdf2-sha512 or argon2",
            ));
        }
    };
    Pbkdf2Hash::new(digest, data.hash_iterations, salt, value).map(KeycloakHash::Pbkdf2)
}

fn argon2(data: &CredentialData, salt: Vec<u8>, hash: Vec<u8>) -> Result<Argon2Hash, ImportError> {
    let parameters = &data.additional_parameters;
    let first = |values: &[String]| values.first().cloned().unwrap_or_default();
    let algorithm = match first(&parameters.kind).as_str() {
        "id" => Algorithm::Argon2id,
        "i" => Algorithm::Argon2i,
        "d" => Algorithm::Argon2d,
        _ => return Err(wrong("the parameter type", "id, i or d")),
    };
    let version = match first(&parameters.version).as_str() {
        "1.0" => Version::V0x10,
        "1.3" => Version::V0x13,
        _ => return Err(wrong("the parameter version", "1.0 or 1.3")),
    };
    let whole = |values, part| number(&first(values)).ok_or_else(|| wrong(part, "a whole number"));
    let memory = whole(&parameters.memory, "the parameter memory")?;
    let parallelism = whole(&parameters.parallelism, "the parameter parallelism")?;
    let params = (memory, data.hash_iterations, parallelism);
    Argon2Hash::new((algorithm, version), params, salt, hash)
}

fn json<'a, T: Deserialize<'a>>(
    text: &'a str,
    part: &'static str,
    expected: &'static str,
) -> Result<T, ImportError> {
    // The error of serde can have a value in it.
    serde_json::from_str(text).map_err(|_| wrong(part, expected))
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Pbkdf2, part, expected)
}
