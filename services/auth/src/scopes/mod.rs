//! Scopes: the claims that each gives and its words for people, of the standards and of the configuration.

mod settings;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use oidc::claims::{ClaimScopes, UserInfo};

pub use settings::{InvalidScopes, ScopeSettings};

use crate::subjects::{self, ConfiguredClaims, Subject};

/// The scopes of this installation. It is cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Scopes(Arc<Definitions>);

#[derive(Debug, Default)]
struct Definitions {
    claims: ClaimScopes,
    /// The attributes of the claims of the configuration.
    configured: ConfiguredClaims,
    /// The words of the configuration for scopes.
    descriptions: BTreeMap<String, String>,
}

impl Scopes {
    /// The scopes, each with the names of its claims.
    pub fn claims(&self) -> &ClaimScopes {
        &self.0.claims
    }

    /// The words in which a user reads what an application may do with a scope.
    pub(crate) fn permission(&self, scope: &str) -> String {
        let words = self.0.descriptions.get(scope).map(String::as_str);
        match words.or_else(|| words::describe(scope)) {
            Some(text) => text.to_owned(),
            None => format!("Use the permission “{scope}”"),
        }
    }

    /// The claims about a subject that the scopes of an access token give (OpenID Connect Core §5.4), and those of `single`
    /// (§5.5). `sub` is the identifier of the subject for the client.
    pub(crate) fn user_info<'a>(
        &'a self,
        (sub, subject): (&str, &Subject),
        allows: impl Fn(&str) -> bool,
        single: impl Iterator<Item = &'a str>,
    ) -> UserInfo {
        let names = self.0.claims.claims_of(allows).into_iter().chain(single);
        UserInfo::of(sub, names, |name| self.claim(subject, name))
    }

    /// The value of one claim about a subject.
    pub(crate) fn claim(&self, subject: &Subject, name: &str) -> Option<serde_json::Value> {
        subjects::claim(subject, &self.0.configured, name)
    }
}
