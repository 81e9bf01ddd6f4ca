//! The claims about a user and the scopes that give them (OpenID Connect Core §5.1, §5.4), those of an installation included.

use std::collections::{BTreeMap, BTreeSet};

use crate::scope::Scope;

/// The scopes of OpenID Connect Core §5.4 and `groups`, each with its claims.
pub const STANDARD_SCOPES: [(&str, &[&str]); 5] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    ("groups", &["groups"]),
];

/// The claims that are not about the user but about the token, which no attribute may carry, as far as ID tokens have them.
const ID_TOKEN_CLAIMS: [&str; 12] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "acr",
    "amr",
    "nonce",
    "at_hash",
    "sid",
    "roles",
];

/// Further claims that a token server sets itself (RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core §2).
const RESERVED: [&str; 15] = [
    "nbf",
    "jti",
    "azp",
    "c_hash",
    "s_hash",
    "gid",
    "cnf",
    "act",
    "may_act",
    "client_id",
    "scope",
    "events",
    "active",
    "token_type",
    "authorization_details",
];

/// The scopes of a server, each with its claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimScopes(BTreeMap<String, BTreeSet<String>>);

impl Default for ClaimScopes {
    /// Those of [`STANDARD_SCOPES`].
    fn default() -> Self {
        let scopes = STANDARD_SCOPES.iter().map(|(scope, claims)| {
            let claims = claims.iter().map(|claim| (*claim).to_owned()).collect();
            ((*scope).to_owned(), claims)
        });
        Self(scopes.collect())
    }
}

impl ClaimScopes {
    /// Adds a scope without claims, if it is new.
    pub fn add_scope(&mut self, scope: &str) {
        self.0.entry(scope.to_owned()).or_default();
    }

    /// Adds a claim to a scope.
    pub fn add_claim(&mut self, scope: &str, claim: &str) {
        self.0
            .entry(scope.to_owned())
            .or_default()
            .insert(claim.to_owned());
    }

    /// The names of the scopes, in order.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// `scopes_supported` (RFC 8414 §2): these scopes, `openid` and `offline_access`, each once.
    pub fn supported_scopes(&self) -> impl Iterator<Item = &str> {
        // The configuration may have words for these.
        let others = self
            .scopes()
            .filter(|scope| !["openid", "offline_access"].contains(scope));
        ["openid"].into_iter().chain(others).chain(["offline_access"])
    }

    /// The claims that these scopes give. `sub` is not among them: it is always there.
    pub fn claims_of(&self, allows: impl Fn(&str) -> bool) -> BTreeSet<&str> {
        self.0
            .iter()
            .filter(|(scope, _)| allows(scope))
            .flat_map(|(_, claims)| claims.iter().map(String::as_str))
            .collect()
    }

    /// The scopes that give `claim`.
    pub fn with_claim<'a>(&'a self, claim: &str) -> impl Iterator<Item = &'a str> {
        let gives = move |claims: &BTreeSet<String>| claims.contains(claim);
        self.0
            .iter()
            .filter(move |(_, claims)| gives(claims))
            .map(|(scope, _)| scope.as_str())
    }

    /// True if `scope` gives `claim`.
    pub fn gives(&self, scope: &Scope, claim: &str) -> bool {
        scope
            .iter()
            .any(|token| self.0.get(token).is_some_and(|claims| claims.contains(claim)))
    }

    /// `claims_supported` (OpenID Connect Discovery §3): the claims of ID tokens and those of all scopes.
    pub fn supported(&self) -> Vec<String> {
        let about_the_user = self.claims_of(|_| true);
        ID_TOKEN_CLAIMS
            .into_iter()
            .chain(about_the_user)
            .map(str::to_owned)
            .collect()
    }
}

/// True if a token server sets this claim itself, so that no attribute of a user may carry it.
pub fn is_reserved(claim: &str) -> bool {
    ID_TOKEN_CLAIMS.contains(&claim) || RESERVED.contains(&claim)
}
