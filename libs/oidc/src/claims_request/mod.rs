//! `claims`: the request for single claims of the ID token and of userinfo (OpenID Connect Core §5.5).

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::claims::ClaimScopes;
use crate::error::{ErrorCode, OAuthError};
use crate::params::is_shallow;
use crate::scope::Scope;

/// The maximum length of the parameter in bytes.
const MAX_BYTES: usize = 4096;

/// The maximum number of claims that are requested of the ID token, and of userinfo.
const MAX_CLAIMS: usize = 64;

/// The maximum number of levels of arrays and objects in a requested value. `address` is an object.
const MAX_DEPTH: usize = 3;

/// A request for single claims. What is not understood is ignored (OpenID Connect Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ClaimsRequest {
    /// The claims of the ID token.
    #[serde(default)]
    id_token: Option<BTreeMap<String, Option<ClaimRequest>>>,
    /// The claims of userinfo.
    #[serde(default)]
    userinfo: Option<BTreeMap<String, Option<ClaimRequest>>>,
}

/// The request for one claim (OpenID Connect Core §5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct ClaimRequest {
    #[serde(default)]
    essential: Option<bool>,
    #[serde(default)]
    value: Option<Value>,
    #[serde(default)]
    values: Option<Vec<Value>>,
}

/// The single claims that a grant has, beside those of its scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantedClaims {
    /// The claims of the ID token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    id_token: BTreeSet<String>,
    /// The claims of userinfo.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    userinfo: BTreeSet<String>,
}

impl GrantedClaims {
    /// True if it has no claim.
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }

    /// The claims of the ID token.
    pub fn of_id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.iter().map(String::as_str)
    }

    /// The claims of userinfo.
    pub fn of_userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.iter().map(String::as_str)
    }

    /// The claims of the scopes that the client is registered for. A claim is not told to a client that could not have the
    /// scope of the claim (SB-48).
    #[must_use]
    pub fn of_scopes(&self, registered: &Scope, scopes: &ClaimScopes) -> Self {
        let allowed = |claims: &BTreeSet<String>| {
            let is_allowed =
                |claim: &&String| scopes.with_claim(claim).any(|scope| registered.contains(scope));
            claims.iter().filter(is_allowed).cloned().collect()
        };
        Self {
            id_token: allowed(&self.id_token),
            userinfo: allowed(&self.userinfo),
        }
    }
}

impl ClaimsRequest {
    /// Parses the parameter.
    ///
    /// # Errors
    /// `invalid_request`, also for a request that is too large or too deep.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let refuse = |why: &'static str| Err(ErrorCode::InvalidRequest.because(why));
        if text.len() > MAX_BYTES {
            return refuse("the parameter claims is longer than 4096 bytes");
        }
        let Some(request) = read(text) else {
            return refuse(
                "claims must be a JSON object with id_token and userinfo, which have null or an object for each claim",
            );
        };
        for claims in [&request.id_token, &request.userinfo].into_iter().flatten() {
            if claims.len() > MAX_CLAIMS {
                return refuse("claims asks for more than 64 claims");
            }
            let values = claims.values().flatten().flat_map(ClaimRequest::values);
            if values.into_iter().any(|value| !is_shallow(value, MAX_DEPTH)) {
                return refuse("a value in claims is nested too deeply");
            }
        }
        Ok(request)
    }

    /// True if the user `subject` is one that is asked for: `sub` names no other (OpenID Connect Core §5.5.1).
    pub fn accepts_subject(&self, subject: &str) -> bool {
        [&self.id_token, &self.userinfo]
            .into_iter()
            .flatten()
            .filter_map(|claims| claims.get("sub")?.as_ref())
            .all(|request| request.accepts(subject))
    }

    /// True if an authentication of the class `acr` is sufficient. Only an essential `acr` has to be met (OpenID Connect Core
    /// §5.5.1.1).
    pub fn accepts_acr(&self, acr: &str) -> bool {
        self.id_token
            .iter()
            .filter_map(|claims| claims.get("acr")?.as_ref())
            .all(|request| !request.is_essential() || request.accepts(acr))
    }

    /// The claims that the client may have of those that are requested: see [`GrantedClaims::of_scopes`].
    pub fn granted(&self, registered: &Scope, scopes: &ClaimScopes) -> GrantedClaims {
        // Values choose no claim of a user, and are not needed any more.
        let names = |claims: &Option<BTreeMap<String, Option<ClaimRequest>>>| {
            claims.iter().flat_map(BTreeMap::keys).cloned().collect()
        };
        let requested = GrantedClaims {
            id_token: names(&self.id_token),
            userinfo: names(&self.userinfo),
        };
        requested.of_scopes(registered, scopes)
    }
}

impl ClaimRequest {
    fn is_essential(&self) -> bool {
        self.essential == Some(true)
    }

    /// The values that are asked for.
    fn values(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().chain(self.values.iter().flatten())
    }

    /// True if `value` is one that is asked for, or any is good.
    fn accepts(&self, value: &str) -> bool {
        let mut values = self.values().peekable();
        values.peek().is_none() || values.any(|known| known == value)
    }
}

/// Reads a request. An array, which would do for a struct of Rust, is no object.
fn read(text: &str) -> Option<ClaimsRequest> {
    let members: Map<String, Value> = serde_json::from_str(text).ok()?;
    let requests = ["id_token", "userinfo"]
        .into_iter()
        .filter_map(|target| members.get(target)?.as_object())
        .flat_map(Map::values);
    for request in requests {
        if !request.is_null() && !request.is_object() {
            return None;
        }
    }
    serde_json::from_value(Value::Object(members)).ok()
}
