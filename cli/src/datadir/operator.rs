//! `operator.json`: the URLs and the credential with which the administrator's commands reach the running services.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{DataDirError, StackAddresses, files};

/// The URLs of the services, and the credential that may administer them.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operator {
    pub(crate) auth_url: String,
    pub(crate) users_url: String,
    pub(crate) auth_management_url: String,
    pub(crate) users_management_url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operator({} at {})", self.client_id, self.auth_url)
    }
}

impl Operator {
    pub(super) fn new(addresses: &StackAddresses, client_secret: SecretString) -> Self {
        Self {
            auth_url: addresses.auth.url.clone(),
            users_url: addresses.users.url.clone(),
            auth_management_url: addresses.auth.management_url(),
            users_management_url: addresses.users.management_url(),
            client_id: "vestibule-cli".to_owned(),
            client_secret,
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), DataDirError> {
        let text = serde_json::json!({
            "auth_url": self.auth_url,
            "users_url": self.users_url,
            "auth_management_url": self.auth_management_url,
            "users_management_url": self.users_management_url,
            "client_id": self.client_id,
            "client_secret": self.client_secret.expose_secret(),
        });
        files::replace(path, format!("{text:#}\n").as_bytes())
    }

    pub(super) fn read(path: &Path) -> Result<Option<Self>, DataDirError> {
        let Some(text) = files::read(path)? else {
            return Ok(None);
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| DataDirError::Content {
                path: path.to_owned(),
                reason: format!("expected what `vestibule up` writes: {error}"),
            })
    }
}
