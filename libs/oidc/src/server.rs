//! The authorization server (RFC 6749 §1.1), as far as decisions of the protocol depend on it.

use std::fmt;

use crate::authorization_details::DetailTypes;
use crate::claims::ClaimScopes;
use crate::jose::KeySet;
use crate::resource::Resource;

/// The facts about the authorization server that decisions need.
#[derive(Clone, Copy)]
pub struct AuthorizationServer<'a> {
    /// `iss`: its URL without a slash at its end.
    pub issuer: &'a str,
    /// The audiences of tokens for clients that are not registered for others. The first is this server.
    pub audiences: &'a [Resource],
    /// The scopes that not everybody may grant.
    pub privileged_scopes: PrivilegedScopes<'a>,
    /// The keys that verify an `id_token_hint`, also those that are not published any more.
    pub hint_keys: &'a KeySet,
    /// True if every client has to push its authorization requests (RFC 9126 §5).
    pub requires_pushed_requests: bool,
    /// The claims that each scope gives.
    pub claims: &'a ClaimScopes,
    /// The types of `authorization_details` (RFC 9396).
    pub detail_types: &'a DetailTypes,
    /// True if users can register by themselves.
    pub registers_users: bool,
    /// The clock skew between replicas that is tolerated, in seconds.
    pub clock_skew: i64,
}

/// Scopes that are granted on request alone (SB-48).
#[derive(Clone, Copy, Debug)]
pub struct PrivilegedScopes<'a> {
    /// Scopes that only administrators may grant to a client, and that clients have for themselves only by registration.
    pub of_administrators: &'a [&'a str],
    /// Scopes that every user may grant to a client, to act with rights that the resource server knows of. No client has one
    /// for itself.
    pub of_users: &'a [&'a str],
}

impl PrivilegedScopes<'_> {
    /// True if only administrators may grant `scope`.
    pub fn contains(self, scope: &str) -> bool {
        self.of_administrators.contains(&scope)
    }

    /// True if `scope` is granted by users alone.
    pub fn is_of_users(self, scope: &str) -> bool {
        self.of_users.contains(&scope)
    }
}

impl fmt::Debug for AuthorizationServer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
