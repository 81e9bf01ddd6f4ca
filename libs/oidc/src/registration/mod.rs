//! Dynamic client registration and its management (RFC 7591, RFC 7592, OpenID Connect Registration 1.0).
//!
//! Metadata that is not known is ignored (RFC 7591 §3.1). Known metadata that would change what the client gets, and is not
//! supported, is answered with `invalid_client_metadata`, so that no client waits for something that never comes.

mod members;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

pub use statement::StatementIssuer;

use crate::client::{AuthMethod, ClientMetadata, GrantType, InvalidMetadata, extended_members};
use crate::error::{ErrorCode, OAuthError};
use crate::redirect_uri::RedirectUri;
use crate::scope::Scope;

/// The rules of the installation for clients that register themselves.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationRules<'a> {
    /// The scopes that they may be registered for. Privileged ones are not among them (SB-48).
    pub scopes: &'a Scope,
    /// The types of `authorization_details` that they may be registered for (RFC 9396 §10).
    pub detail_types: &'a BTreeSet<String>,
    /// True if a code needs a proof key. A client cannot choose it (SB-22).
    pub require_pkce: bool,
    /// True if people are asked before such a client gets access. A client cannot choose it (SB-29).
    pub require_consent: bool,
    /// The methods by which a client can authenticate here.
    pub methods: &'a [AuthMethod],
    /// The issuers whose software statements are trusted.
    pub statement_issuers: &'a [StatementIssuer],
    /// The current time, in seconds since the Unix epoch.
    pub now: i64,
}

/// The scopes that clients may be registered for by themselves: those about a user, and `offline_access`. None of them is privileged.
pub fn registrable_scopes() -> Scope {
    let names = [
        "openid",
        "profile",
        "email",
        "phone",
        "address",
        "groups",
        "offline_access",
    ];
    Scope::of(names).unwrap_or_default()
}

/// The scopes of a client that names none. Phone numbers, addresses and groups are for clients that name them.
fn unnamed_scopes() -> Scope {
    Scope::of(["openid", "profile", "email", "offline_access"]).unwrap_or_default()
}

/// A registration request: a JSON object without a member that is there twice.
#[derive(Clone, Debug)]
pub struct RegistrationRequest(Map<String, Value>);

impl<'de> Deserialize<'de> for RegistrationRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RegistrationRequest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of client metadata")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.contains_key(&name) {
                        return Err(de::Error::custom("a member is there twice"));
                    }
                    members.insert(name, value);
                }
                Ok(RegistrationRequest(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn invalid(member: &str, problem: impl fmt::Display) -> OAuthError {
    let code = match member {
        "redirect_uris" => ErrorCode::InvalidRedirectUri,
        _ => ErrorCode::InvalidClientMetadata,
    };
    let text = format!("{member}: {problem}");
    code.because(text.chars().take(300).collect::<String>())
}

impl From<InvalidMetadata> for OAuthError {
    /// `invalid_redirect_uri` or `invalid_client_metadata` (RFC 7591 §3.2.2).
    fn from(error: InvalidMetadata) -> Self {
        invalid(error.field, error.detail)
    }
}

impl RegistrationRequest {
    /// Parses the body of a request.
    ///
    /// # Errors
    /// `invalid_client_metadata` if it is no JSON object, or has a member twice.
    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        serde_json::from_slice(body).map_err(|_| {
            ErrorCode::InvalidClientMetadata
                .because("the body must be a JSON object without a member that is there twice")
        })
    }

    /// The metadata that the client is registered with.
    ///
    /// # Errors
    /// `invalid_redirect_uri`, `invalid_client_metadata`, `invalid_software_statement` or `unapproved_software_statement` (RFC 7591
    /// §3.2.2).
    pub fn metadata(&self, rules: &RegistrationRules<'_>) -> Result<ClientMetadata, OAuthError> {
        self.with_statement(rules)?.stated_metadata(rules)
    }

    /// The metadata of a request that has the claims of its software statement.
    fn stated_metadata(&self, rules: &RegistrationRules<'_>) -> Result<ClientMetadata, OAuthError> {
        self.check_unsupported()?;
        let mut metadata = self.known_members()?;
        if self.value("grant_types").is_none() {
            // RFC 7591 §2. An administrator's client may refresh by default.
            metadata.grant_types = [GrantType::AuthorizationCode].into();
        }
        if metadata.grant_types.contains(&GrantType::ClientCredentials) {
            let problem = "client_credentials is for clients that an administrator registers";
            return Err(invalid("grant_types", problem));
        }
        if metadata.grant_types.contains(&GrantType::TokenExchange) {
            let problem = "token-exchange is for clients that an administrator registers";
            return Err(invalid("grant_types", problem));
        }
        // SB-48. RFC 7591 §2 lets the server register less than was asked for, and have defaults of its own.
        let asked = match self.value("scope") {
            Some(_) => metadata.scope,
            None => unnamed_scopes(),
        };
        metadata.scope = asked.intersection(rules.scopes);
        metadata
            .authorization_details_types
            .retain(|name| rules.detail_types.contains(name));
        if !metadata.grant_types.contains(&GrantType::RefreshToken) {
            // Without a refresh token nothing outlives a session (OpenID Connect Core §11).
            metadata.scope = without(&metadata.scope, "offline_access");
        }
        metadata.require_pkce = rules.require_pkce || metadata.is_public();
        metadata.require_consent = rules.require_consent;
        if !rules.methods.contains(&metadata.token_endpoint_auth_method) {
            return Err(invalid("token_endpoint_auth_method", "not supported here"));
        }
        metadata.check()?;
        metadata.check_proof_of_sector()?;
        self.check_response_types(&metadata)?;
        self.check_application_type(&metadata)?;
        Ok(metadata)
    }

    /// The value of a member that is not null.
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The value of a member, if it asks for something that not every client has.
    fn requested(&self, name: &str) -> Option<&Value> {
        let harmless = |text| members::HARMLESS.contains(&(name, text));
        self.value(name)
            .filter(|value| !value.as_str().is_some_and(harmless))
    }

    fn text(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "expected a string")),
        }
    }

    /// The members that a client may choose, each read by itself so that an error names it.
    fn known_members(&self) -> Result<ClientMetadata, OAuthError> {
        let supported = extended_members("");
        let mut chosen = Map::new();
        for name in members::REGISTRABLE {
            let Some(value) = self.requested(name).filter(|_| supported.contains(name)) else {
                continue;
            };
            let alone = json!({ (*name): value });
            serde_json::from_value::<ClientMetadata>(alone).map_err(|error| invalid(name, error))?;
            chosen.insert((*name).to_owned(), value.clone());
        }
        serde_json::from_value(Value::Object(chosen))
            .map_err(|error| ErrorCode::InvalidClientMetadata.because(error.to_string()))
    }

    /// Refuses metadata that is known, not supported, and asks for something.
    fn check_unsupported(&self) -> Result<(), OAuthError> {
        let supported = extended_members("");
        let is_requested = |name: &str| match self.requested(name) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(_) => true,
        };
        let unsupported = members::UNSUPPORTED
            .iter()
            .find(|name| !supported.contains(*name) && is_requested(name));
        match unsupported {
            Some(name) => Err(invalid(name, "not supported")),
            None => Ok(()),
        }
    }

    /// `response_types` (RFC 7591 §2.1): `code` goes with the grant `authorization_code`.
    fn check_response_types(&self, metadata: &ClientMetadata) -> Result<(), OAuthError> {
        let Some(value) = self.value("response_types") else {
            return Ok(());
        };
        let types: Vec<String> = serde_json::from_value(value.clone())
            .map_err(|_| invalid("response_types", "expected an array of strings"))?;
        let has_code = metadata.grant_types.contains(&GrantType::AuthorizationCode);
        if types.iter().any(|name| name != "code") {
            Err(invalid("response_types", "expected code and no other"))
        } else if types.is_empty() == has_code {
            Err(invalid(
                "response_types",
                "code goes with the grant type authorization_code",
            ))
        } else {
            Ok(())
        }
    }

    /// `application_type` (OpenID Connect Registration §2).
    fn check_application_type(&self, metadata: &ClientMetadata) -> Result<(), OAuthError> {
        match self.text("application_type")? {
            None | Some("native") => Ok(()),
            Some("web") if metadata.redirect_uris.iter().all(is_of_the_web) => Ok(()),
            Some("web") => Err(invalid(
                "redirect_uris",
                "a web application has https or http URIs",
            )),
            Some(_) => Err(invalid("application_type", "expected web or native")),
        }
    }

    /// Checks what a change of the registration repeats (RFC 7592 §2.2). Returns the `client_secret`, which must be the one that
    /// the client has.
    ///
    /// # Errors
    /// `invalid_request` if `client_id` is not this one, or members are there that only the server may set.
    pub fn check_update(&self, client_id: &str) -> Result<Option<&str>, OAuthError> {
        if self.text("client_id")? != Some(client_id) {
            return Err(ErrorCode::InvalidRequest.because("client_id must be the one of the registration"));
        }
        let forbidden = members::SET_BY_SERVER
            .iter()
            .find(|name| self.0.contains_key(**name));
        if let Some(name) = forbidden {
            return Err(ErrorCode::InvalidRequest.because(format!("{name} must not be sent (RFC 7592 2.2)")));
        }
        self.text("client_secret")
    }
}

fn without(scope: &Scope, name: &str) -> Scope {
    Scope::of(scope.iter().filter(|token| *token != name)).unwrap_or_default()
}

fn is_of_the_web(uri: &RedirectUri) -> bool {
    uri.as_str().starts_with("https://") || uri.as_str().starts_with("http://")
}

/// The metadata as a client sees them in its registration (RFC 7591 §3.2.1, RFC 7592 §3).
///
/// # Errors
/// When they cannot be written as JSON.
pub fn registered_members(metadata: &ClientMetadata) -> Result<Map<String, Value>, serde_json::Error> {
    let Value::Object(mut members) = serde_json::to_value(metadata)? else {
        return Ok(Map::new());
    };
    members.remove("audiences");
    let has_code = metadata.grant_types.contains(&GrantType::AuthorizationCode);
    members.insert(
        "response_types".to_owned(),
        if has_code { json!(["code"]) } else { json!([]) },
    );
    let of_the_web = metadata.redirect_uris.iter().all(is_of_the_web);
    let kind = if of_the_web { "web" } else { "native" };
    members.insert("application_type".to_owned(), json!(kind));
    // The default is not written.
    let subject_type = metadata.subject_type.name();
    members.insert("subject_type".to_owned(), json!(subject_type));
    Ok(members)
}
