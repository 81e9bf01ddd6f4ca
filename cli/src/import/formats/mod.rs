//! The formats of files of users and groups.

mod auth0;
mod cognito;
mod encrypted;
mod firebase;
mod json_elements;
mod keycloak;
mod kratos;
mod ldif;
mod okta;
mod rows;
mod source;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::columns::{Mapping, set, set_item};
pub(crate) use rows::Rows;
pub(crate) use source::RowSource;

/// The format of a file of users
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// A SCIM User or Group a line, in JSON, with `password_hash` beside its attributes (.ndjson, .jsonl)
    Ndjson,
    /// Comma-separated values with a header (.csv)
    Csv,
    /// LDAP Data Interchange Format with people of inetOrgPerson and groups (.ldif)
    Ldif,
    /// Export of a realm of Keycloak, in JSON
    Keycloak,
    /// Export of users or of password hashes of Auth0, in NDJSON
    Auth0,
    /// Output of `firebase auth:export`, in JSON; needs --firebase-hash-config
    Firebase,
    /// CSV with the header of Amazon Cognito
    Cognito,
    /// List of identities of Ory Kratos, in JSON
    Kratos,
    /// CSV with the columns of Okta
    Okta,
}

impl FileFormat {
    /// The format that the name of a file says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_lowercase();
        let name = name.strip_suffix(".age").unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "ldif" => Some(Self::Ldif),
            _ => None,
        }
    }
}

/// The options of a reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReaderOptions {
    /// The attributes of columns, for the formats of CSV.
    pub(crate) mappings: Vec<Mapping>,
    /// The file with the hash parameters of a Firebase project.
    pub(crate) firebase_hash_config: Option<PathBuf>,
    /// Make groups of the realm roles of Keycloak.
    pub(crate) roles: bool,
    /// The file with the keys with which an encrypted file, or encrypted password hashes in it, are decrypted.
    pub(crate) identity: Option<PathBuf>,
}

/// Sets an attribute if there is a text for it.
fn put(user: &mut Map<String, Value>, path: &[&str], text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        set(user, &path, text.into());
    }
}

/// Adds the primary value of `emails`, or a value of another list.
fn put_value(user: &mut Map<String, Value>, list: &str, kind: Option<&str>, text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
        set_item(user, list, kind, ("value", text.into()));
    }
}
