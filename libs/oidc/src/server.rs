//! The authorization server (RFC 6749 §1.1), as far as decisions of the protocol depend on it.

use std::fmt;

use crate::jose::KeySet;
use crate::resource::Resource;

/// The facts about the authorization server that decisions need.
#[derive(Clone, Copy)]
pub struct AuthorizationServer<'a> {
    /// `iss`: its URL without a slash at its end.
    pub issuer: &'a str,
    /// The audiences of tokens for clients that are not registered for others.
    pub audiences: &'a [Resource],
    /// The scopes that not everybody may grant.
    pub privileged_scopes: PrivilegedScopes<'a>,
    /// The keys that verify an `id_token_hint`, also those that are not published any more.
    pub hint_keys: &'a KeySet,
    /// The clock skew between replicas that is tolerated, in seconds.
    pub clock_skew: i64,
}

/// Scopes that only administrators may grant to a client, and that clients have for themselves only by registration.
#[derive(Clone, Copy, Debug)]
pub struct PrivilegedScopes<'a>(pub &'a [&'a str]);

impl PrivilegedScopes<'_> {
    /// True if `scope` is privileged.
    pub fn contains(self, scope: &str) -> bool {
        self.0.contains(&scope)
    }
}

impl fmt::Debug for AuthorizationServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
