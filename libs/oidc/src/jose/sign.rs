//! Signing keys and signed tokens.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
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
    /// There is no key of the algorithm.
    #[error("there is no {0} key to sign with")]
    NoKey(Algorithm),
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
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

/// A private key. Its id is the thumbprint of its public key.
pub struct SigningKey {
    algorithm: Algorithm,
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
    /// Generates a key. RSA has 2048 bits, which takes 50 to 500 ms: keep it off async threads.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the library refuses.
    pub fn generate(algorithm: Algorithm) -> Result<Self, SignError> {
        let private_key = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                EcdsaKeyPair::generate(curve(algorithm)).map(PrivateKey::Ec)
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).map(|pair| PrivateKey::Rsa(Box::new(pair)))
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(PrivateKey::Ed25519),
        };
        Self::from_private_key(algorithm, private_key.map_err(|_| SignError::Failed)?)
    }

    /// Parses a private key in PKCS#8, DER.
    ///
    /// # Errors
    /// [`SignError::Rejected`] if it is not a key of the algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, SignError> {
        let private_key = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                EcdsaKeyPair::from_pkcs8(curve(algorithm), der).map(PrivateKey::Ec)
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                RsaKeyPair::from_pkcs8(der).map(|pair| PrivateKey::Rsa(Box::new(pair)))
            }
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(PrivateKey::Ed25519),
        };
        Self::from_private_key(algorithm, private_key.map_err(|_| SignError::Rejected)?)
    }

    fn from_private_key(algorithm: Algorithm, private_key: PrivateKey) -> Result<Self, SignError> {
        let mut public = match &private_key {
            PrivateKey::Ec(pair) => {
                Jwk::ec(algorithm, pair.public_key().as_ref()).ok_or(SignError::Rejected)?
            }
            PrivateKey::Rsa(pair) => {
                let key = pair.public_key();
                Jwk::rsa(
                    algorithm,
                    key.modulus().big_endian_without_leading_zero(),
                    key.exponent().big_endian_without_leading_zero(),
                )
            }
            PrivateKey::Ed25519(pair) => Jwk::okp(algorithm, pair.public_key().as_ref()),
        };
        let kid = public.thumbprint().map_err(|_| SignError::Rejected)?;
        public.kid = Some(kid.clone());
        Ok(Self {
            algorithm,
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
            PrivateKey::Ec(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            PrivateKey::Rsa(pair) => pair.as_der().map(|der| der.as_ref().to_vec()),
            PrivateKey::Ed25519(pair) => pair.to_pkcs8().map(|der| der.as_ref().to_vec()),
        }
        .map(Zeroizing::new)
        .map_err(|_| SignError::Failed)
    }

    /// The algorithm of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
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
        let header = ProtectedHeader {
            typ,
            alg: self.algorithm().name(),
            kid: &self.kid,
        };
        self.sign_with_header(&header, claims)
    }

    /// Signs `claims` with any header, as a client does that proves possession of its key (RFC 9449 §4.2).
    ///
    /// # Errors
    /// When header or claims are not JSON or the library fails.
    pub fn sign_with_header(
        &self,
        header: &impl Serialize,
        claims: &impl Serialize,
    ) -> Result<String, SignError> {
        let payload = serde_json::to_vec(claims)?;
        let header = serde_json::to_vec(header)?;
        // Base64 has four bytes for three; a signature has at most 342 (RSA-2048).
        let mut token = String::with_capacity((header.len() + payload.len()).div_ceil(3) * 4 + 352);
        URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, signed: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.private_key {
            PrivateKey::Ec(pair) => pair
                .sign(&SystemRandom::new(), signed)
                .map(|signature| signature.as_ref().to_vec()),
            PrivateKey::Rsa(pair) => {
                let scheme: &'static dyn RsaEncoding = if self.algorithm == Algorithm::Ps256 {
                    &RSA_PSS_SHA256
                } else {
                    &RSA_PKCS1_SHA256
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(scheme, &SystemRandom::new(), signed, &mut signature)
                    .map(|()| signature)
            }
            PrivateKey::Ed25519(pair) => Ok(pair.sign(signed).as_ref().to_vec()),
        }
        .map_err(|_| SignError::Failed)
    }
}

/// The curve and encoding of an ECDSA algorithm (RFC 7518 §3.4).
fn curve(algorithm: Algorithm) -> &'static EcdsaSigningAlgorithm {
    match algorithm {
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
    }
}

#[derive(Serialize)]
struct ProtectedHeader<'a> {
    typ: &'a str,
    alg: &'static str,
    kid: &'a str,
}
