//! JSON Web Keys: public keys (RFC 7517) and their thumbprints (RFC 7638).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::Algorithm;

/// A public key. Other members are ignored, private ones among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Jwk {
    /// Key type: `EC`, `RSA` or `OKP`.
    pub kty: String,
    /// The use of the key: `sig` or `enc`.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// The algorithm of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Key id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Curve of an `EC` or `OKP` key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// Coordinate x, or the public key of an `OKP` key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Coordinate y.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// RSA modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// The certificate of the key and those between it and its authority, in DER and base64 (RFC 7517 §4.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
}

/// A set of public keys, as served at a `jwks_uri`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

/// `x5t#S256` of a certificate in DER: its SHA-256 hash in base64url (RFC 7515 §4.1.8, RFC 8705 §3.1).
pub fn certificate_thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

impl JwkSet {
    /// The certificates of the keys, in DER.
    pub fn certificates(&self) -> Vec<Vec<u8>> {
        let first = |key: &Jwk| STANDARD.decode(key.x5c.as_ref()?.first()?).ok();
        self.keys.iter().filter_map(first).collect()
    }
}

/// A key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// The type, curve or use is not supported. A set may hold such keys; they are ignored (RFC 7517 §5).
    #[error("the key is of a type that is not supported")]
    Unsupported,
    /// A member is missing or does not fit the key type.
    #[error("the key is malformed")]
    Malformed,
}

impl Jwk {
    /// An `EC` key from its uncompressed point: 0x04, x, y.
    pub(super) fn ec(algorithm: Algorithm, point: &[u8]) -> Option<Self> {
        let (tag, coordinates) = point.split_first()?;
        if *tag != 4 {
            return None;
        }
        let (x, y) = coordinates.split_at_checked(coordinates.len() / 2)?;
        Some(Self {
            x: Some(URL_SAFE_NO_PAD.encode(x)),
            y: Some(URL_SAFE_NO_PAD.encode(y)),
            ..Self::bare(algorithm)
        })
    }

    /// An `OKP` key from its public key (RFC 8037 §2).
    pub(super) fn okp(algorithm: Algorithm, public: &[u8]) -> Self {
        Self {
            x: Some(URL_SAFE_NO_PAD.encode(public)),
            ..Self::bare(algorithm)
        }
    }

    /// An RSA key from its modulus and exponent, big-endian.
    pub(super) fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Self {
        Self {
            n: Some(URL_SAFE_NO_PAD.encode(modulus)),
            e: Some(URL_SAFE_NO_PAD.encode(exponent)),
            ..Self::bare(algorithm)
        }
    }

    fn bare(algorithm: Algorithm) -> Self {
        let (kty, crv) = algorithm.key_type();
        Self {
            kty: kty.to_owned(),
            usage: Some("sig".to_owned()),
            alg: Some(algorithm.name().to_owned()),
            kid: None,
            crv: crv.map(str::to_owned),
            x: None,
            y: None,
            n: None,
            e: None,
            x5c: None,
        }
    }

    /// The SHA-256 thumbprint in base64url (RFC 7638 §3).
    ///
    /// # Errors
    /// [`JwkError`] if the key type is unknown or a required member is missing.
    pub fn thumbprint(&self) -> Result<String, JwkError> {
        let part = |member: &Option<String>| {
            let text = member.as_deref().ok_or(JwkError::Malformed)?;
            // Also keeps quotes out of the JSON below.
            URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed)?;
            Ok(text.to_owned())
        };
        let curve = match self.crv.as_deref() {
            known @ (Some("P-256" | "P-384" | "Ed25519") | None) => known.unwrap_or_default(),
            Some(_) => return Err(JwkError::Unsupported),
        };
        let canonical = match self.kty.as_str() {
            "EC" => format!(
                r#"{{"crv":"{curve}","kty":"EC","x":"{}","y":"{}"}}"#,
                part(&self.x)?,
                part(&self.y)?
            ),
            "OKP" => format!(r#"{{"crv":"{curve}","kty":"OKP","x":"{}"}}"#, part(&self.x)?),
            "RSA" => format!(
                r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
                part(&self.e)?,
                part(&self.n)?
            ),
            _ => return Err(JwkError::Unsupported),
        };
        Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
    }
}
