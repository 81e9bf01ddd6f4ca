//! Verification keys and key sets, parsed once.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Algorithm, JoseHeader, Jwk, JwkError, JwkSet};

/// A parsed public key.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kid: Option<String>,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Parses a public key. Its type and curve decide the algorithm, which must match `alg` if that is there.
    ///
    /// # Errors
    /// [`JwkError::Unsupported`] for keys of another type or use; [`JwkError::Malformed`] otherwise.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JwkError> {
        let bytes = |member: &Option<String>| {
            let text = member.as_deref().ok_or(JwkError::Malformed)?;
            URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed)
        };
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(JwkError::Unsupported);
        }
        let (algorithm, key) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
                // RFC 7518 §6.2.1.2: coordinates have their full length.
                if x.len() != 32 || y.len() != 32 {
                    return Err(JwkError::Malformed);
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                (
                    Algorithm::Es256,
                    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point),
                )
            }
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, ParsedPublicKey::new(&ED25519, bytes(&jwk.x)?)),
            ("RSA", _) => {
                let key = RsaPublicKeyComponents {
                    n: bytes(&jwk.n)?,
                    e: bytes(&jwk.e)?,
                };
                (
                    Algorithm::Rs256,
                    key.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
                )
            }
            _ => return Err(JwkError::Unsupported),
        };
        if jwk.alg.as_deref().is_some_and(|name| name != algorithm.name()) {
            return Err(JwkError::Unsupported);
        }
        Ok(Self {
            algorithm,
            kid: jwk.kid.clone(),
            key: key.map_err(|_| JwkError::Malformed)?,
        })
    }

    /// True if `signature` is the key's signature over `signed`.
    pub(super) fn verifies(&self, signature: &[u8], signed: &str) -> bool {
        self.key.verify_sig(signed.as_bytes(), signature).is_ok()
    }

    /// The key id.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

/// A set of verification keys.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<VerifyingKey>);

impl KeySet {
    /// Parses the usable keys of a set; the others are ignored (RFC 7517 §5).
    pub fn from_jwks(set: &JwkSet) -> Self {
        Self(
            set.keys
                .iter()
                .filter_map(|jwk| VerifyingKey::from_jwk(jwk).ok())
                .collect(),
        )
    }

    /// True if the set has a key with this id.
    pub fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid() == Some(kid))
    }

    /// True if the set has no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, header: &JoseHeader, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let mut fitting = self.0.iter().filter(|key| key.algorithm == algorithm);
        match header.kid.as_deref() {
            Some(kid) => fitting.find(|key| key.kid() == Some(kid)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}
