//! `authorization_details`: what a client wants to do, in more detail than a scope can say (RFC 9396).

mod schema;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use schema::{InvalidSchema, Schema};

use crate::error::{ErrorCode, OAuthError};
use crate::params::{Params, is_shallow};
use crate::resource::Resource;

/// The maximum length of the parameter in bytes, as it comes and as it is written into tokens.
const MAX_BYTES: usize = 8192;

/// The maximum number of details in a request.
const MAX_DETAILS: usize = 16;

/// The maximum number of levels of arrays and objects in a detail.
const MAX_DEPTH: usize = 6;

/// The details of a request or of a grant (RFC 9396 §2): objects, each with a `type`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuthorizationDetails(Vec<Map<String, Value>>);

/// The types of details that a server knows (RFC 9396 §2.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetailTypes(BTreeMap<String, DetailType>);

/// A type of details.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetailType {
    /// The permission of an application in plain words, for the consent page.
    pub description: String,
    /// The members of a detail beside `type`.
    pub schema: Schema,
}

fn refuse(why: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    ErrorCode::InvalidAuthorizationDetails.because(why)
}

impl AuthorizationDetails {
    /// The parameter of a request, if it has one.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(params: &Params) -> Result<Option<Self>, OAuthError> {
        params.get("authorization_details").map(Self::parse).transpose()
    }

    /// Refuses a request that has the parameter, where it is not supported: the client would believe that it asked (RFC 9396 §5).
    ///
    /// # Errors
    /// `invalid_authorization_details` if it has the parameter.
    pub fn refuse_in(params: &Params, what: &str) -> Result<(), OAuthError> {
        match params.get("authorization_details") {
            None => Ok(()),
            Some(_) => Err(refuse(format!(
                "authorization_details is not supported with {what}"
            ))),
        }
    }

    /// Parses the parameter.
    ///
    /// # Errors
    /// `invalid_authorization_details` (RFC 9396 §5), also for details that are too many, too long or too deep.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        if text.len() > MAX_BYTES {
            return Err(refuse("authorization_details is longer than 8192 bytes"));
        }
        let details: Vec<Map<String, Value>> = serde_json::from_str(text)
            .map_err(|_| refuse("authorization_details must be a JSON array of objects"))?;
        if details.len() > MAX_DETAILS {
            return Err(refuse("authorization_details has more than 16 objects"));
        }
        for detail in &details {
            if !detail.get("type").is_some_and(Value::is_string) {
                return Err(refuse("every object of authorization_details needs a type"));
            }
            if !detail.values().all(|value| is_shallow(value, MAX_DEPTH)) {
                return Err(refuse("an object of authorization_details is nested too deeply"));
            }
            if !detail.get("locations").is_none_or(is_list_of_texts) {
                return Err(refuse(
                    "locations of authorization_details must be an array of strings",
                ));
            }
            if !text::is_plain_object(detail) {
                return Err(refuse(
                    "authorization_details has control characters, or characters that people cannot see",
                ));
            }
        }
        let details = Self(details);
        details.check_written()?;
        Ok(details)
    }

    /// Checks the details as they are written into the store and into tokens: they are no longer than they may come, and every
    /// number is read back as it is. A number may be written longer than it came (`1e15`).
    fn check_written(&self) -> Result<(), OAuthError> {
        let written = serde_json::to_vec(self)
            .map_err(|_| refuse("authorization_details must be a JSON array of objects"))?;
        if written.len() > MAX_BYTES {
            return Err(refuse(
                "authorization_details is longer than 8192 bytes when its numbers are written out",
            ));
        }
        match serde_json::from_slice::<Self>(&written) {
            Ok(read) if read == *self => Ok(()),
            _ => Err(refuse("a number of authorization_details has too many digits")),
        }
    }

    /// True if there is no detail.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The details, each with its type.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
        self.0.iter().map(|detail| (type_of(detail), detail))
    }

    /// The SHA-256 of the details as they are written, in base64url; `None` without any.
    pub fn sha256(&self) -> Option<String> {
        let written = serde_json::to_vec(self).ok().filter(|_| !self.is_empty())?;
        Some(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &written)))
    }

    /// Those of the requested details that a grant has. A grant has a detail only if it has the same one: what is less than a
    /// detail depends on its type (RFC 9396 §6.1). A request without the parameter gets all of the grant, one with an empty list none.
    ///
    /// # Errors
    /// `invalid_authorization_details` if the grant lacks one.
    pub fn narrowed_to(&self, requested: Option<&Self>) -> Result<Self, OAuthError> {
        let Some(requested) = requested else {
            return Ok(self.clone());
        };
        if requested.0.iter().all(|detail| self.0.contains(detail)) {
            Ok(requested.clone())
        } else {
            Err(refuse("authorization_details asks for more than was granted"))
        }
    }

    /// The details for a token with these audiences: those without `locations`, and those with one that is at an audience
    /// (RFC 9396 §2.2). A service does not learn what others are asked to do.
    #[must_use]
    pub fn at(&self, audiences: &[Resource]) -> Self {
        let is_at = |location: &Value| {
            location
                .as_str()
                .is_some_and(|location| audiences.iter().any(|audience| audience.contains(location)))
        };
        let details = self.0.iter().filter(|detail| match detail.get("locations") {
            Some(Value::Array(locations)) => locations.iter().any(is_at),
            Some(_) => false,
            None => true,
        });
        Self(details.cloned().collect())
    }
}

fn type_of(detail: &Map<String, Value>) -> &str {
    detail.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn is_list_of_texts(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().all(Value::is_string))
}

impl DetailTypes {
    /// Adds a type.
    pub fn add(&mut self, name: &str, detail_type: DetailType) {
        self.0.insert(name.to_owned(), detail_type);
    }

    /// The names of the types (`authorization_details_types_supported`), in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&DetailType> {
        self.0.get(name)
    }

    /// Those of the granted details that the client may still use: their types are known, and the client is registered for them (SB-47).
    pub fn allowed(
        &self,
        granted: &AuthorizationDetails,
        registered: &BTreeSet<String>,
    ) -> AuthorizationDetails {
        let details = granted.0.iter().filter(|detail| {
            let name = type_of(detail);
            registered.contains(name) && self.0.contains_key(name)
        });
        AuthorizationDetails(details.cloned().collect())
    }

    /// Checks details of a request (RFC 9396 §5): their types are known, the client is registered for them, and each fits the
    /// schema of its type.
    ///
    /// # Errors
    /// `invalid_authorization_details` names the type and the member.
    pub fn check(
        &self,
        details: &AuthorizationDetails,
        registered: &BTreeSet<String>,
    ) -> Result<(), OAuthError> {
        for (name, detail) in details.iter() {
            let Some(known) = self.0.get(name) else {
                return Err(refuse(
                    "authorization_details has a type that this server does not know",
                ));
            };
            if !registered.contains(name) {
                return Err(refuse(format!(
                    "the client is not registered for authorization_details of the type {name}"
                )));
            }
            let members: Map<String, Value> = detail
                .iter()
                .filter(|(member, _)| *member != "type")
                .map(|(member, value)| (member.clone(), value.clone()))
                .collect();
            known
                .schema
                .check(&Value::Object(members))
                .map_err(|why| refuse(format!("authorization_details of the type {name}: {why}")))?;
        }
        Ok(())
    }
}
