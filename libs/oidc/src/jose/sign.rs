//! Signing keys and signed tokens.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Algorithm, Jwk};

/// A key could not be generated, parsed or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The algorithm is only for verification.
    #[error("{0} is not an algorithm to sign with")]
    Algorithm(Algorithm),
    /// The private key does not fit the algorithm.
    #[error("the private key is not a PKCS#8 key of the algorithm")]
    Rejected,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Failed,
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written as JSON")]
    Claims(#[from] serde_json::Error),
}

enum PrivateKey {
    Es256(EcdsaKeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// A private key. Its id is the thumbprint of its public key.
pub struct SigningKey {
    private_key: PrivateKey,
    kid: String,
    public: Jwk,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm(), self.kid)
    }
}

impl SigningKey {
    /// Generates a key: P-256, or RSA with 2048 bits (which takes 50 to 500 ms: keep it off async threads).
    ///
    /// # Errors
    /// [`SignError::Algorithm`] for an algorithm that only verifies.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let pair = match algorithm {
            Algorithm::Es256 => PrivateKey::Es256(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SignError::Failed)?,
            ),
            Algorithm::Rs256 => PrivateKey::Rs256(Box::new(
                RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| SignError::Failed)?,
            )),
            Algorithm::EdDsa => return Err(SignError::Algorithm(algorithm)),
        };
        Self::from_private_key(pair)
    }

    /// Parses a private key in PKCS#8, DER.
    ///
    /// # Errors
    /// [`SignError::Rejected`] if it is not a key of the algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, SignError> {
        let pair = match algorithm {
            Algorithm::Es256 => PrivateKey::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                    .map_err(|_| SignError::Rejected)?,
            ),
            Algorithm::Rs256 => PrivateKey::Rs256(Box::new(
                RsaKeyPair::from_pkcs8(der).map_err(|_| SignError::Rejected)?,
            )),
            Algorithm::EdDsa => return Err(SignError::Algorithm(algorithm)),
        };
        Self::from_private_key(pair)
    }

    fn from_private_key(private_key: PrivateKey) -> Result<Self, SignError> {
        let mut public = match &private_key {
            PrivateKey::Es256(pair) => Jwk::p256(pair.public_key().as_ref()).ok_or(SignError::Rejected)?,
            PrivateKey::Rs256(pair) => {
                let key = pair.public_key();
                Jwk::rsa(
                    key.modulus().big_endian_without_leading_zero(),
                    key.exponent().big_endian_without_leading_zero(),
                )
            }
        };
        let kid = public.thumbprint().map_err(|_| SignError::Rejected)?;
        public.kid = Some(kid.clone());
        Ok(Self {
            private_key,
            kid,
            public,
        })
    }

    /// The private key in PKCS#8, DER, wiped when it is dropped. Store it encrypted only.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the library refuses.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        match &self.private_key {
            PrivateKey::Es256(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            PrivateKey::Rs256(pair) => pair.as_der().map(|der| der.as_ref().to_vec()),
        }
        .map(Zeroizing::new)
        .map_err(|_| SignError::Failed)
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        match self.private_key {
            PrivateKey::Es256(_) => Algorithm::Es256,
            PrivateKey::Rs256(_) => Algorithm::Rs256,
        }
    }

    /// The key id, as in `kid` of the headers it signs.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, to be published.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// Signs `claims` as a compact JWS with header `typ`, `alg`, `kid` (RFC 7515 §3.1).
    ///
    /// # Errors
    /// When the claims are not JSON or the library fails.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
        let payload = serde_json::to_vec(claims)?;
        let header = serde_json::to_vec(&ProtectedHeader {
            typ,
            alg: self.algorithm().name(),
            kid: &self.kid,
        })?;
        // Base64 has four bytes for three; a signature has at most 342 (RSA-2048).
        let mut token = String::with_capacity((header.len() + payload.len()).div_ceil(3) * 4 + 352);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        match &self.private_key {
            PrivateKey::Es256(pair) => {
                let signature = pair
                    .sign(&SystemRandom::new(), token.as_bytes())
                    .map_err(|_| SignError::Failed)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
            PrivateKey::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    token.as_bytes(),
                    &mut signature,
                )
                .map_err(|_| SignError::Failed)?;
                token.push('.');
                URL_SAFE_NO_PAD.encode_string(signature, &mut token);
            }
        }
        Ok(token)
    }
}

#[derive(Serialize)]
struct ProtectedHeader<'a> {
    typ: &'a str,
    alg: &'static str,
    kid: &'a str,
}
