//! Token verification: an algorithm allow-list, keys from a known set, and the registered claims (RFC 8725).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Algorithm, KeySet};

/// The maximum length in bytes of a token that is verified.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The JOSE header of a token. Other members are ignored, key references above all.
#[derive(Clone, Debug, Deserialize)]
pub struct JoseHeader {
    /// The algorithm, as written.
    pub alg: String,
    /// Key id.
    #[serde(default)]
    pub kid: Option<String>,
    /// Type.
    #[serde(default)]
    pub typ: Option<String>,
    #[serde(default)]
    crit: Option<serde_json::Value>,
}

/// A token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token is not a compact JWS of JSON objects, or its claims do not have the expected types.
    #[error("the token is malformed")]
    Malformed,
    /// The algorithm is not in the allow-list.
    #[error("the token's algorithm is not allowed")]
    Algorithm,
    /// `typ` is another one.
    #[error("the token is of another type")]
    Type,
    /// The set has no key of that id and algorithm. The key may be new: fetch the set again.
    #[error("the token was signed with an unknown key")]
    UnknownKey,
    /// The signature is invalid.
    #[error("the token's signature is wrong")]
    Signature,
    /// The issuer is another one.
    #[error("the token is from another issuer")]
    Issuer,
    /// The audience is another one.
    #[error("the token is for another audience")]
    Audience,
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token is not valid yet (`nbf`).
    #[error("the token is not valid yet")]
    NotYetValid,
}

/// `aud`: one audience or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One audience.
    One(String),
    /// Several audiences.
    Many(Vec<String>),
}

impl Default for Audience {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Audience {
    /// True if `name` is an audience.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The audiences.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// The checks that [`verify`] applies.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// The expected `typ`, without `application/`, compared without regard to case (RFC 7515 §4.1.9). A header without one
    /// counts as `JWT`.
    pub typ: &'a str,
    /// The algorithm allow-list.
    pub algorithms: &'a [Algorithm],
    /// The expected issuer.
    pub issuer: &'a str,
    /// The expected audience; `None` only if the caller checks `aud` itself.
    pub audience: Option<&'a str>,
    /// The current time, in seconds since the Unix epoch.
    pub now: i64,
    /// The tolerated clock skew in seconds.
    pub leeway: i64,
    /// Accepts an expired token, for an `id_token_hint` (OpenID Connect RP-Initiated Logout §2).
    pub accept_expired: bool,
}

/// A verified token.
#[derive(Clone, Debug)]
pub struct VerifiedToken<C> {
    /// The claims.
    pub claims: C,
    /// The expiration time, in seconds since the Unix epoch.
    pub expires_at: i64,
    /// The id of the key that signed it.
    pub kid: Option<String>,
}

#[derive(Deserialize)]
struct RegisteredClaims {
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
}

/// Parses the header without verification, to choose keys.
///
/// # Errors
/// [`VerifyError::Malformed`].
pub fn peek_header(token: &str) -> Result<JoseHeader, VerifyError> {
    let (header, _) = token.split_once('.').ok_or(VerifyError::Malformed)?;
    decode_json(header)
}

/// Verifies a compact JWS and its registered claims, in this order: shape, algorithm, type, key, signature, issuer,
/// audience, time.
///
/// # Errors
/// The first failed check. On [`VerifyError::UnknownKey`] the caller may fetch the set again.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &KeySet,
    validation: &Validation<'_>,
) -> Result<VerifiedToken<C>, VerifyError> {
    let (header, payload) = open(token, keys, validation.algorithms, &[validation.typ])?;
    let registered: RegisteredClaims =
        serde_json::from_slice(&payload).map_err(|_| VerifyError::Malformed)?;
    check_claims(&registered, validation)?;
    Ok(VerifiedToken {
        claims: serde_json::from_slice(&payload).map_err(|_| VerifyError::Malformed)?,
        expires_at: registered.exp,
        kid: header.kid,
    })
}

/// Verifies the signature of a compact JWS and no claim, for objects that need not have `iss`, `aud` and `exp`. `types` are the
/// accepted ones.
///
/// # Errors
/// As [`verify`], as far as shape, algorithm, type, key and signature are concerned.
pub fn verify_signature<C: DeserializeOwned>(
    token: &str,
    keys: &KeySet,
    algorithms: &[Algorithm],
    types: &[&str],
) -> Result<C, VerifyError> {
    let (_, payload) = open(token, keys, algorithms, types)?;
    serde_json::from_slice(&payload).map_err(|_| VerifyError::Malformed)
}

/// The header and the payload of a compact JWS whose signature is valid.
fn open(
    token: &str,
    keys: &KeySet,
    algorithms: &[Algorithm],
    types: &[&str],
) -> Result<(JoseHeader, Vec<u8>), VerifyError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(VerifyError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(VerifyError::Malformed)?;
    let header: JoseHeader = decode_json(header)?;
    // RFC 7515 §4.1.11: a critical extension must be understood, and none is supported.
    if header.crit.is_some() {
        return Err(VerifyError::Malformed);
    }
    let algorithm = Algorithm::from_name(&header.alg)
        .filter(|algorithm| algorithms.contains(algorithm))
        .ok_or(VerifyError::Algorithm)?;
    check_type(header.typ.as_deref(), types)?;
    let key = keys.find(&header, algorithm).ok_or(VerifyError::UnknownKey)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| VerifyError::Malformed)?;
    if !key.verifies(&signature, signed) {
        return Err(VerifyError::Signature);
    }
    let payload = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| VerifyError::Malformed)?;
    Ok((header, payload))
}

fn check_type(typ: Option<&str>, expected: &[&str]) -> Result<(), VerifyError> {
    let typ = typ.unwrap_or("JWT");
    let bare = match typ.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => typ,
    };
    if expected
        .iter()
        .any(|expected| bare.eq_ignore_ascii_case(expected))
    {
        Ok(())
    } else {
        Err(VerifyError::Type)
    }
}

fn check_claims(claims: &RegisteredClaims, validation: &Validation<'_>) -> Result<(), VerifyError> {
    if claims.iss != validation.issuer {
        return Err(VerifyError::Issuer);
    }
    if validation.audience.is_some_and(|name| !claims.aud.contains(name)) {
        return Err(VerifyError::Audience);
    }
    if !validation.accept_expired && claims.exp.saturating_add(validation.leeway) <= validation.now {
        return Err(VerifyError::Expired);
    }
    if claims
        .nbf
        .is_some_and(|nbf| nbf > validation.now.saturating_add(validation.leeway))
    {
        return Err(VerifyError::NotYetValid);
    }
    Ok(())
}

fn decode_json<T: DeserializeOwned>(part: &str) -> Result<T, VerifyError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| VerifyError::Malformed)
}
