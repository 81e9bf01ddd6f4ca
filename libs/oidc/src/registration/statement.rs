//! Software statements: metadata of a client that an issuer has signed (RFC 7591 §2.3).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{RegistrationRequest, RegistrationRules, invalid};
use crate::error::{ErrorCode, OAuthError};
use crate::jose::{Algorithm, KeySet, VerifyError, verify_signature};

/// The accepted types. RFC 7591 names none.
const TYPES: [&str; 1] = ["JWT"];

/// The tolerated clock skew of issuers in seconds.
const LEEWAY: i64 = 30;

/// An issuer of software statements that the installation trusts.
#[derive(Clone, Debug)]
pub struct StatementIssuer {
    /// Its name, as in `iss`.
    pub issuer: String,
    /// Its public keys.
    pub keys: KeySet,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

impl RegistrationRequest {
    /// The software statement as it was sent. The response repeats it (RFC 7591 §3.2.1).
    pub fn software_statement(&self) -> Option<&str> {
        self.value("software_statement").and_then(Value::as_str)
    }

    /// The issuer of the software statement of a request that was accepted.
    pub fn statement_issuer(&self) -> Option<String> {
        let claims = unverified_claims(self.software_statement()?)?;
        claims.get("iss")?.as_str().map(str::to_owned)
    }

    /// The request with the claims of `statement`, with which its client has registered. They were verified then, and keep their
    /// precedence until a new statement comes (RFC 7591 §2.3, RFC 7592 §2.2).
    #[must_use]
    pub fn with_registered_statement(&self, statement: &str) -> Self {
        let mut members = self.0.clone();
        if self.value("software_statement").is_none() {
            let claims = unverified_claims(statement).unwrap_or_default();
            let stated = |(name, value): &(String, Value)| name != "software_statement" && !value.is_null();
            members.extend(claims.into_iter().filter(stated));
        }
        Self(members)
    }

    /// The request with the claims of its software statement, which take precedence over what stands beside it.
    pub(super) fn with_statement(&self, rules: &RegistrationRules<'_>) -> Result<Cow<'_, Self>, OAuthError> {
        if self.value("software_statement").is_none() {
            return Ok(Cow::Borrowed(self));
        }
        let statement = self
            .software_statement()
            .ok_or_else(|| invalid("software_statement", "expected a string"))?;
        let claims = verify(statement, rules)?;
        let mut members = self.0.clone();
        members.extend(claims.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(Cow::Owned(Self(members)))
    }
}

/// The claims of a JWT, whose signature is not looked at.
fn unverified_claims(statement: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(statement.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn verify(statement: &str, rules: &RegistrationRules<'_>) -> Result<Map<String, Value>, OAuthError> {
    let refused = |why: &'static str| ErrorCode::InvalidSoftwareStatement.because(why);
    let malformed = || refused("software_statement must be a signed JWT with iss");
    let payload = statement.split('.').nth(1).ok_or_else(malformed)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?;
    let Issuer { iss } = serde_json::from_slice(&payload).map_err(|_| malformed())?;
    let issuer = rules
        .statement_issuers
        .iter()
        .find(|known| known.issuer == iss)
        .ok_or_else(|| {
            ErrorCode::UnapprovedSoftwareStatement
                .because("the issuer of software_statement is not one that is trusted here")
        })?;
    let verified = verify_signature(statement, &issuer.keys, &Algorithm::ALL, &TYPES);
    let claims: Map<String, Value> = verified.map_err(|error| {
        refused(match error {
            VerifyError::UnknownKey => "software_statement is signed with a key that is not known here",
            VerifyError::Algorithm => "software_statement is signed with an algorithm that is not accepted",
            VerifyError::Signature => "the signature of software_statement is wrong",
            VerifyError::Type => "typ of software_statement must be JWT",
            _ => "software_statement must be a signed JWT with iss",
        })
    })?;
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_i64()
            .map(Some)
            .ok_or_else(|| refused("exp and nbf of software_statement must be whole numbers")),
    };
    if time("exp")?.is_some_and(|exp| exp.saturating_add(LEEWAY) <= rules.now) {
        return Err(refused("software_statement has expired"));
    }
    if time("nbf")?.is_some_and(|nbf| nbf > rules.now.saturating_add(LEEWAY)) {
        return Err(refused("software_statement is not valid yet"));
    }
    Ok(claims)
}
