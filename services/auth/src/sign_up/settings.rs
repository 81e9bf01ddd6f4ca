//! `[registration]` of the configuration: whether and how many people and applications may register.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chassis::config::ConfigError;
use oidc::jose::{JwkSet, KeySet};
use oidc::registration::StatementIssuer;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::clients::ClientRegistrationMode;

/// `[registration]`: whether people make accounts, and applications register, by themselves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSettings {
    /// Opens `/register` to everybody.
    pub open: bool,
    /// People who may register in an hour from one address (an IPv6 /48); 0 for no limit. Raise it when many people share
    /// an address.
    pub hourly_per_source: u32,
    /// People who may register in an hour in all; 0 for no limit.
    pub hourly: u32,
    /// The conditions under which applications register themselves (RFC 7591): `off`, `token` with an initial access token alone, `open` for everybody.
    pub clients: ClientRegistrationMode,
    /// True if applications that registered themselves need PKCE. `false` holds for those with a secret or a key only.
    pub require_pkce: bool,
    /// True if people are asked before an application that registered itself gets access.
    pub require_consent: bool,
    /// Applications that may register in an hour from one address without an initial access token; 0 for no limit.
    pub clients_hourly_per_source: u32,
    /// Applications that may register in an hour in all without an initial access token; 0 for no limit.
    pub clients_hourly: u32,
    /// Applications that registered themselves and are there at a time; 0 for no limit.
    pub clients_in_all: u32,
    /// Types of `authorization_details` that applications may register for by themselves (RFC 9396 §10).
    pub authorization_details_types: BTreeSet<String>,
    /// Issuers whose software statements are trusted (RFC 7591 §2.3), each with the file of its public keys, a JSON Web Key Set.
    pub software_statement_issuers: BTreeMap<String, PathBuf>,
}

impl RegistrationSettings {
    /// The issuers of software statements, with the keys of their files.
    ///
    /// # Errors
    /// When a file cannot be read, or has no key.
    pub fn statement_issuers(&self) -> Result<Vec<StatementIssuer>, ConfigError> {
        let read = |(issuer, path): (&String, &PathBuf)| {
            let refused = |reason: String| {
                let key = "registration.software_statement_issuers";
                ConfigError::invalid(key, format!("{}: {reason}", path.display()))
            };
            let text = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
            let set: JwkSet = serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
            let keys = KeySet::from_jwks(&set);
            if keys.is_empty() {
                return Err(refused("expected a key that verifies signatures".to_owned()));
            }
            Ok(StatementIssuer {
                issuer: issuer.clone(),
                keys,
            })
        };
        self.software_statement_issuers.iter().map(read).collect()
    }
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            open: true,
            hourly_per_source: 30,
            hourly: 1000,
            clients: ClientRegistrationMode::Off,
            require_pkce: true,
            require_consent: true,
            clients_hourly_per_source: 10,
            clients_hourly: 100,
            clients_in_all: 10_000,
            authorization_details_types: BTreeSet::new(),
            software_statement_issuers: BTreeMap::new(),
        }
    }
}
