//! Verification keys and key sets, parsed once.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{Algorithm, JoseHeader, Jwk, JwkError, JwkSet, certificate_thumbprint};

/// A parsed public key, for one algorithm.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    kid: Option<String>,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Parses a public key for `algorithm`.
    ///
    /// # Errors
    /// [`JwkError::Unsupported`] for keys of another type, curve, use or `alg`; [`JwkError::Malformed`] otherwise.
    pub fn from_jwk(jwk: &Jwk, algorithm: Algorithm) -> Result<Self, JwkError> {
        let (kty, crv) = algorithm.key_type();
        if jwk.kty != kty
            || (crv.is_some() && jwk.crv.as_deref() != crv)
            || jwk.usage.as_deref().is_some_and(|usage| usage != "sig")
            || jwk.alg.as_deref().is_some_and(|name| name != algorithm.name())
        {
            return Err(JwkError::Unsupported);
        }
        let key = match algorithm {
            Algorithm::Rs256 => rsa(jwk, &RSA_PKCS1_2048_8192_SHA256)?,
            Algorithm::Ps256 => rsa(jwk, &RSA_PSS_2048_8192_SHA256)?,
            Algorithm::Es256 => ec(jwk, 32, &ECDSA_P256_SHA256_FIXED)?,
            Algorithm::Es384 => ec(jwk, 48, &ECDSA_P384_SHA384_FIXED)?,
            Algorithm::EdDsa => {
                ParsedPublicKey::new(&ED25519, bytes(&jwk.x)?).map_err(|_| JwkError::Malformed)?
            }
        };
        Ok(Self {
            algorithm,
            kid: jwk.kid.clone(),
            key,
        })
    }

    /// True if `signature` is the key's signature over `signed`.
    pub(crate) fn verifies(&self, signature: &[u8], signed: &str) -> bool {
        self.key.verify_sig(signed.as_bytes(), signature).is_ok()
    }

    /// The key id.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, JwkError> {
    let text = member.as_deref().ok_or(JwkError::Malformed)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed)
}

fn rsa(jwk: &Jwk, scheme: &'static aws_lc_rs::signature::RsaParameters) -> Result<ParsedPublicKey, JwkError> {
    let key = RsaPublicKeyComponents {
        n: bytes(&jwk.n)?,
        e: bytes(&jwk.e)?,
    };
    key.to_parsed_public_key(scheme).map_err(|_| JwkError::Malformed)
}

fn ec(
    jwk: &Jwk,
    length: usize,
    scheme: &'static dyn VerificationAlgorithm,
) -> Result<ParsedPublicKey, JwkError> {
    let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
    // RFC 7518 §6.2.1.2: coordinates have their full length.
    if x.len() != length || y.len() != length {
        return Err(JwkError::Malformed);
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(scheme, point).map_err(|_| JwkError::Malformed)
}

/// A set of public keys, with the certificates of the keys.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    /// The thumbprints of the certificates (RFC 8705 §3.1).
    certificates: Vec<String>,
    /// The keys that may be for encryption (RFC 7517 §4.2). They are parsed when one is needed.
    encryption: Vec<Jwk>,
}

impl KeySet {
    /// Parses the usable keys of a set; the others are ignored (RFC 7517 §5). A key without `alg` is used with every algorithm
    /// of its type.
    pub fn from_jwks(set: &JwkSet) -> Self {
        let parsed = |jwk| {
            Algorithm::ALL
                .into_iter()
                .filter_map(move |algorithm| VerifyingKey::from_jwk(jwk, algorithm).ok())
        };
        let certificates = set.certificates();
        let may_encrypt = |jwk: &&Jwk| jwk.usage.as_deref().is_none_or(|usage| usage == "enc");
        Self {
            keys: set.keys.iter().flat_map(parsed).collect(),
            certificates: certificates
                .iter()
                .map(|der| certificate_thumbprint(der))
                .collect(),
            encryption: set.keys.iter().filter(may_encrypt).cloned().collect(),
        }
    }

    /// The keys that may be for encryption.
    pub(super) fn encryption_keys(&self) -> &[Jwk] {
        &self.encryption
    }

    /// True if the set has a verification key with this id.
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// True if a key of the set has this certificate, in DER (RFC 8705 §2.2).
    pub fn has_certificate(&self, der: &[u8]) -> bool {
        !self.certificates.is_empty() && self.certificates.contains(&certificate_thumbprint(der))
    }

    /// True if the set has no verification key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn find(&self, header: &JoseHeader, algorithm: Algorithm) -> Option<&VerifyingKey> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
        match header.kid.as_deref() {
            Some(kid) => fitting.find(|key| key.kid() == Some(kid)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
    }
}
