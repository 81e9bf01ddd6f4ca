//! Client assertions: `private_key_jwt` (RFC 7523 §2.2 and §3, OpenID Connect Core §9).
//!
//! `aud` has to be the issuer, as a string and alone: an assertion for another server, which named our token endpoint as its
//! own, is no assertion for us (draft-ietf-oauth-rfc7523bis §4, FAPI 2.0 Security Profile §5.3.2.1).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::{ErrorCode, OAuthError};
use crate::jose::{Algorithm, Audience, KeySet, Validation, VerifyError, peek_header, verify};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The algorithms that an assertion may be signed with (`token_endpoint_auth_signing_alg_values_supported`).
pub const ASSERTION_ALGORITHMS: &[Algorithm] = &Algorithm::ALL;

/// The tolerated clock skew of clients in seconds.
pub const ASSERTION_LEEWAY: i64 = 30;

/// The longest time in seconds for which an assertion may be valid. So long its `jti` has to be remembered.
const MAX_LIFETIME: i64 = 3600;

/// The longest `jti` in bytes.
const MAX_JTI: usize = 256;

/// `typ` of an assertion that says what it is (draft-ietf-oauth-rfc7523bis). Most clients send `JWT`, or none.
const TYP: &str = "client-authentication+jwt";

/// A client assertion that was read, and not verified.
#[derive(Clone)]
pub struct ClientAssertion {
    token: SecretString,
    typed: bool,
    subject: String,
}

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAssertion({})", self.subject)
    }
}

/// The expected properties of an assertion.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedAssertion<'a> {
    /// The `client_id` of the client that is to be authenticated.
    pub client_id: &'a str,
    /// The audiences, one of which it must have, alone.
    pub audiences: &'a [&'a str],
    /// The algorithms that it may be signed with.
    pub algorithms: &'a [Algorithm],
    /// The current time, in seconds since the Unix epoch.
    pub now: i64,
}

/// A verified assertion, which must not be accepted twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Its identifier, unique for the client.
    pub jti: String,
    /// The time until which it would be accepted, in seconds since the Unix epoch.
    pub expires_at: i64,
    /// The time at which it was made: its `iat`, or else the earliest that its `exp` allows, in seconds since the Unix epoch.
    pub issued_at: i64,
}

/// An assertion was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// The key is not in the set. It may be new: fetch the set again.
    #[error("client_assertion was signed with a key that the client is not registered with")]
    UnknownKey,
    /// Something else is wrong with it.
    #[error("{0}")]
    Refused(&'static str),
}

impl From<AssertionError> for OAuthError {
    /// `invalid_client` (RFC 7523 §3.2).
    fn from(error: AssertionError) -> Self {
        ErrorCode::InvalidClient.because(error.to_string())
    }
}

#[derive(Deserialize)]
struct Subject {
    sub: String,
}

#[derive(Deserialize)]
struct AssertionClaims {
    sub: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    jti: Option<String>,
}

impl ClientAssertion {
    /// Reads the subject, to find the client and its keys.
    ///
    /// # Errors
    /// `invalid_client` if it is no JWT with a `sub` (RFC 7523 §3).
    pub fn parse(token: &str) -> Result<Self, OAuthError> {
        let malformed = || {
            ErrorCode::InvalidClient
                .because("client_assertion is not a signed JWT with the client_id as its sub")
        };
        let header = peek_header(token).map_err(|_| malformed())?;
        let payload = token.split('.').nth(1).ok_or_else(malformed)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?;
        let Subject { sub } = serde_json::from_slice(&payload).map_err(|_| malformed())?;
        Ok(Self {
            typed: header
                .typ
                .is_some_and(|typ| typ.to_ascii_lowercase().ends_with(TYP)),
            token: SecretString::from(token.to_owned()),
            subject: sub,
        })
    }

    /// `sub`: the `client_id` of the client that it claims to be from.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Verifies the signature and the claims (RFC 7523 §3).
    ///
    /// # Errors
    /// [`AssertionError::UnknownKey`] if a newer key set may have the key; otherwise the first failed check.
    pub fn verify(
        &self,
        keys: &KeySet,
        expected: &ExpectedAssertion<'_>,
    ) -> Result<VerifiedAssertion, AssertionError> {
        let validation = Validation {
            typ: if self.typed { TYP } else { "JWT" },
            algorithms: expected.algorithms,
            issuer: expected.client_id,
            audience: None,
            now: expected.now,
            leeway: ASSERTION_LEEWAY,
            accept_expired: false,
        };
        let verified =
            verify::<AssertionClaims>(self.token.expose_secret(), keys, &validation).map_err(explain)?;
        check_claims(verified.claims, expected).map_err(AssertionError::Refused)
    }
}

fn check_claims(
    claims: AssertionClaims,
    expected: &ExpectedAssertion<'_>,
) -> Result<VerifiedAssertion, &'static str> {
    if claims.sub != expected.client_id {
        return Err("sub of client_assertion is not the client_id");
    }
    match &claims.aud {
        Audience::One(name) if expected.audiences.contains(&name.as_str()) => {}
        _ => return Err("aud of client_assertion must be the issuer of this server, as a string and alone"),
    }
    if claims
        .iat
        .is_some_and(|iat| iat > expected.now.saturating_add(ASSERTION_LEEWAY))
    {
        return Err("client_assertion is from the future: compare the clocks");
    }
    if claims.exp > expected.now.saturating_add(MAX_LIFETIME + ASSERTION_LEEWAY) {
        return Err("exp of client_assertion is more than an hour away");
    }
    match claims.jti {
        Some(jti) if (1..=MAX_JTI).contains(&jti.len()) => Ok(VerifiedAssertion {
            jti,
            expires_at: claims.exp.saturating_add(ASSERTION_LEEWAY),
            issued_at: claims
                .iat
                .unwrap_or_else(|| claims.exp.saturating_sub(MAX_LIFETIME)),
        }),
        _ => Err("client_assertion needs a jti of 1 to 256 bytes"),
    }
}

fn explain(error: VerifyError) -> AssertionError {
    AssertionError::Refused(match error {
        VerifyError::UnknownKey => return AssertionError::UnknownKey,
        VerifyError::Algorithm => "client_assertion is signed with an algorithm that the client may not use",
        VerifyError::Type => "typ of client_assertion must be JWT or client-authentication+jwt",
        VerifyError::Signature => "the signature of client_assertion is wrong",
        VerifyError::Issuer => "iss of client_assertion is not the client_id",
        VerifyError::Expired => "client_assertion has expired",
        VerifyError::NotYetValid => "client_assertion is not valid yet: compare the clocks",
        _ => "client_assertion is malformed, or lacks iss, sub, aud or exp",
    })
}
