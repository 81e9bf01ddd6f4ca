//! `[scopes.NAME]` of the configuration: scopes with claims of attributes of users.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::scopes::{DELEGATED, OF_CLIENTS};
use oidc::claims::{ClaimScopes, is_reserved};
use oidc::scope::Scope;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Definitions, Scopes};
use crate::subjects::{AttributePath, ConfiguredClaims};

/// The most characters of a description.
const MAX_DESCRIPTION: usize = 200;

/// `[scopes.NAME]`: a scope, or more claims of one of the standard.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeSettings {
    /// The words in which people read on the consent page what an application may do with it: `See your department`.
    pub description: Option<String>,
    /// The claims that it gives, each with the SCIM path of the attribute of the user that carries it: `title`,
    /// `addresses.country`, or `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`.
    pub claims: BTreeMap<String, String>,
}

/// A scope of the configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct InvalidScopes {
    /// The key.
    pub key: String,
    /// The rule that it breaks.
    pub reason: &'static str,
}

impl Scopes {
    /// The scopes of the standards and of the configuration.
    ///
    /// # Errors
    /// [`InvalidScopes`] names the key.
    pub fn new(settings: &BTreeMap<String, ScopeSettings>) -> Result<Self, InvalidScopes> {
        let mut definitions = Definitions {
            claims: ClaimScopes::default(),
            configured: ConfiguredClaims::new(),
            descriptions: BTreeMap::new(),
        };
        for (scope, settings) in settings {
            definitions.add(scope, settings)?;
        }
        Ok(Self(Arc::new(definitions)))
    }
}

impl Definitions {
    fn add(&mut self, scope: &str, settings: &ScopeSettings) -> Result<(), InvalidScopes> {
        let refuse = |key: String, reason| Err(InvalidScopes { key, reason });
        if Scope::of([scope]).is_err() {
            return refuse(
                format!("scopes.{scope}"),
                "expected a name of printable ASCII characters without spaces, quotes and backslashes",
            );
        }
        self.claims.add_scope(scope);
        if let Some(description) = &settings.description {
            let length = description.chars().count();
            if description.trim().is_empty()
                || length > MAX_DESCRIPTION
                || description.chars().any(char::is_control)
            {
                return refuse(
                    format!("scopes.{scope}.description"),
                    "expected 1 to 200 printable characters",
                );
            }
            self.descriptions.insert(scope.to_owned(), description.clone());
        }
        if !settings.claims.is_empty() && is_without_claims(scope) {
            return refuse(
                format!("scopes.{scope}.claims"),
                "a scope with rights, and offline_access, give no claims: name another scope",
            );
        }
        for (claim, path) in &settings.claims {
            let key = || format!("scopes.{scope}.claims.{claim}");
            if claim.is_empty() || claim.len() > 255 || claim == "groups" || is_reserved(claim) {
                return refuse(
                    key(),
                    "expected the name of a claim that this server does not set itself",
                );
            }
            let Some(path) = AttributePath::parse(path) else {
                return refuse(
                    key(),
                    "expected the SCIM path of an attribute, such as title or urn:…:User:department",
                );
            };
            if self.configured.get(claim).is_some_and(|other| *other != path) {
                return refuse(key(), "another scope has this claim from another attribute");
            }
            self.claims.add_claim(scope, claim);
            self.configured.insert(claim.clone(), path);
        }
        Ok(())
    }
}

/// True for the scopes that not everybody may grant, and for `offline_access`. A single claim (OpenID Connect Core §5.5) is allowed
/// as a scope that gives it, and must not be a way to these (SB-48).
fn is_without_claims(scope: &str) -> bool {
    let privileged = OF_CLIENTS.iter().map(|(name, _)| *name).chain([DELEGATED]);
    privileged.chain(["offline_access"]).any(|name| name == scope)
}
