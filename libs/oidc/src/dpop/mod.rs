//! DPoP: proof of possession of a key at the token endpoint and at resource servers (RFC 9449).
//!
//! The proof is verified here. The caller has the nonces and remembers the proofs that were used.

#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use crate::jose::{Algorithm, Jwk, VerifyingKey};

/// `typ` of a proof (RFC 9449 §4.2).
pub const TYP_DPOP: &str = "dpop+jwt";
/// The algorithms that a proof may be signed with, which are all that there are (`dpop_signing_alg_values_supported`, RFC 9449
/// §5.1).
pub const DPOP_ALGORITHMS: [Algorithm; 5] = Algorithm::ALL;
/// The longest time in seconds since a proof was made (`iat`), clock differences included.
pub const MAX_PROOF_AGE: i64 = 300;
/// The longest time in seconds that a proof may come from the future, by the clock of its client.
pub const MAX_PROOF_LEAD: i64 = 60;

const MAX_PROOF_BYTES: usize = 8 * 1024;
const MAX_JTI_BYTES: usize = 256;
/// The members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpopError {
    /// There are two proofs (RFC 9449 §4.3, check 1).
    #[error("there must be one DPoP header")]
    Several,
    /// The proof is not a compact JWS of JSON objects (check 2).
    #[error("the DPoP proof is not a JWT")]
    Malformed,
    /// A claim is missing or of another type (check 3).
    #[error("the DPoP proof needs the claims jti, htm, htu and iat")]
    Claims,
    /// The type is another one (check 4).
    #[error("typ of the DPoP proof must be dpop+jwt")]
    Type,
    /// The algorithm is not in the list (check 5).
    #[error("the DPoP proof is signed with an algorithm that is not supported")]
    Algorithm,
    /// The key does not fit the algorithm or is malformed (check 6).
    #[error("jwk of the DPoP proof is not a public key of its algorithm")]
    Key,
    /// The key is private (check 7).
    #[error("jwk of the DPoP proof has a private key")]
    PrivateKey,
    /// The signature is wrong (check 6).
    #[error("the signature of the DPoP proof is wrong")]
    Signature,
    /// The method is another one (check 8).
    #[error("htm of the DPoP proof is not the method of this request")]
    Method,
    /// The URL is another one (check 9).
    #[error("htu of the DPoP proof is not the URL of this request")]
    Url,
    /// The proof is too old or from the future (check 11).
    #[error("iat of the DPoP proof is too far from now")]
    Time,
    /// The proof is for another access token (check 12).
    #[error("ath of the DPoP proof is not the hash of the access token")]
    AccessToken,
    /// The key is not the one that the token, the code or the request is bound to (check 12, §10).
    #[error("the DPoP proof is by another key")]
    OtherKey,
    /// The nonce is missing or not one of the server's current ones (check 10, §8).
    #[error("the DPoP proof needs the nonce of the DPoP-Nonce header")]
    Nonce,
    /// The proof was used before (§11.1).
    #[error("the DPoP proof was used before")]
    Replayed,
    /// The request has no proof although it must have one.
    #[error("a DPoP proof is needed")]
    Missing,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedProof<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URL of the request, as clients know it.
    pub url: &'a str,
    /// The access token that comes with the proof, at a resource server.
    pub access_token: Option<&'a str>,
    /// The current time, in seconds since the Unix epoch.
    pub now: i64,
}

/// A proof whose signature and claims fit the request. The nonce and the first use are still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    /// The SHA-256 thumbprint of the key (RFC 7638), as in `cnf.jkt`.
    pub jkt: String,
    /// The algorithm that it is signed with.
    pub algorithm: Algorithm,
    /// `jti`.
    pub jti: String,
    /// `nonce`.
    pub nonce: Option<String>,
}

/// The confirmation of a token: what its holder has to prove (RFC 7800 §3.1). A token with another member is refused, because
/// what it asks for cannot be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The thumbprint of the key of DPoP proofs (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// The thumbprint of the certificate of the client (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256", default, skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    jwk: Map<String, Value>,
    #[serde(default)]
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    ath: Option<String>,
    #[serde(default)]
    nonce: Option<String>,
}

/// Verifies a DPoP proof for a request (RFC 9449 §4.3).
///
/// # Errors
/// The first failed check.
pub fn verify_proof(proof: &str, expected: &ExpectedProof<'_>) -> Result<VerifiedProof, DpopError> {
    let parts = split(proof)?;
    let header: Map<String, Value> = decode(parts.header).ok_or(DpopError::Malformed)?;
    let header: Header = from_map(header).ok_or(DpopError::Key)?;
    if header.crit.is_some() {
        return Err(DpopError::Malformed);
    }
    let typ = header.typ.unwrap_or_default();
    if !typ.eq_ignore_ascii_case(TYP_DPOP) {
        return Err(DpopError::Type);
    }
    let algorithm = Algorithm::from_name(&header.alg).ok_or(DpopError::Algorithm)?;
    if PRIVATE_MEMBERS
        .iter()
        .any(|member| header.jwk.contains_key(*member))
    {
        return Err(DpopError::PrivateKey);
    }
    let jwk: Jwk = from_map(header.jwk).ok_or(DpopError::Key)?;
    let key = VerifyingKey::from_jwk(&jwk, algorithm).map_err(|_| DpopError::Key)?;
    let jkt = jwk.thumbprint().map_err(|_| DpopError::Key)?;
    let signature = URL_SAFE_NO_PAD
        .decode(parts.signature)
        .map_err(|_| DpopError::Malformed)?;
    if !key.verifies(&signature, parts.signed) {
        return Err(DpopError::Signature);
    }
    let claims: Map<String, Value> = decode(parts.payload).ok_or(DpopError::Malformed)?;
    let claims: Claims = from_map(claims).ok_or(DpopError::Claims)?;
    check_claims(&claims, expected)?;
    Ok(VerifiedProof {
        jkt,
        algorithm,
        jti: claims.jti,
        nonce: claims.nonce,
    })
}

/// Reads the nonce of a proof whose signature is not verified. It says whether the request has to be sent again with another nonce
/// (RFC 9449 §8), and nothing else.
///
/// # Errors
/// [`verify_proof`] refuses the text as well: it is not a JWS of JSON objects, or its claims are not those of a proof.
pub fn unverified_nonce(proof: &str) -> Result<Option<String>, DpopError> {
    let parts = split(proof)?;
    let claims: Map<String, Value> = decode(parts.payload).ok_or(DpopError::Malformed)?;
    let claims: Claims = from_map(claims).ok_or(DpopError::Claims)?;
    Ok(claims.nonce)
}

/// The parts of a compact JWS, encoded.
struct Parts<'a> {
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

fn split(proof: &str) -> Result<Parts<'_>, DpopError> {
    if proof.len() > MAX_PROOF_BYTES {
        return Err(DpopError::Malformed);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(DpopError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(DpopError::Malformed)?;
    Ok(Parts {
        signed,
        header,
        payload,
        signature,
    })
}

fn check_claims(claims: &Claims, expected: &ExpectedProof<'_>) -> Result<(), DpopError> {
    if claims.jti.is_empty() || claims.jti.len() > MAX_JTI_BYTES {
        return Err(DpopError::Claims);
    }
    // RFC 9110 §9.1: methods are case-sensitive.
    if claims.htm != expected.method {
        return Err(DpopError::Method);
    }
    if !same_url(&claims.htu, expected.url) {
        return Err(DpopError::Url);
    }
    let age = expected.now.saturating_sub(claims.iat);
    if !(-MAX_PROOF_LEAD..=MAX_PROOF_AGE).contains(&age) {
        return Err(DpopError::Time);
    }
    match expected.access_token {
        Some(token) if claims.ath.as_deref() != Some(&access_token_hash(token)) => {
            Err(DpopError::AccessToken)
        }
        _ => Ok(()),
    }
}

/// `ath`: the hash of an access token (RFC 9449 §4.2).
pub fn access_token_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.as_bytes()))
}

/// True if `text` can be a SHA-256 thumbprint in base64url, as `dpop_jkt` must be (RFC 9449 §10).
pub fn is_thumbprint(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// True if two URLs are the same without their query and fragment, normalised by RFC 3986 §6.2.2 and §6.2.3 but for percent-encoded
/// characters, which have to be the same.
fn same_url(sent: &str, expected: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(sent).is_some_and(|sent| Some(sent) == normal(expected))
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn from_map<T: DeserializeOwned>(map: Map<String, Value>) -> Option<T> {
    serde_json::from_value(Value::Object(map)).ok()
}
