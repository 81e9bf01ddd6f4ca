//! JSON Web Encryption in compact form (RFC 7516), for ID tokens and responses of userinfo.
//!
//! This server only encrypts, to public keys of clients. `RSA1_5` is not there: its padding lets an attacker who can ask often
//! decrypt (RFC 8725 §3.2).

mod agreement;

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Jwk, KeySet};
use agreement::PartyKey;

/// The smallest RSA key in bytes (RFC 7518 §4.3).
const MIN_RSA_BYTES: usize = 256;

/// A key management algorithm (RFC 7518 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum KeyManagement {
    /// RSAES OAEP with SHA-256 (RFC 7518 §4.3).
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// Elliptic curve Diffie-Hellman (RFC 7518 §4.6), whose result encrypts the content.
    #[serde(rename = "ECDH-ES")]
    EcdhEs,
    /// The same, whose result wraps the key of the content.
    #[serde(rename = "ECDH-ES+A256KW")]
    EcdhEsA256Kw,
}

impl KeyManagement {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::RsaOaep256, Self::EcdhEs, Self::EcdhEsA256Kw];

    /// The value of `alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
        }
    }
}

/// A content encryption algorithm (RFC 7518 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ContentEncryption {
    /// AES in GCM with a key of 128 bits.
    #[serde(rename = "A128GCM")]
    A128Gcm,
    /// AES in GCM with a key of 256 bits.
    #[serde(rename = "A256GCM")]
    A256Gcm,
}

impl ContentEncryption {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::A128Gcm, Self::A256Gcm];

    /// The value of `enc`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    const fn key_bytes(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}

/// A token cannot be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// The cryptographic library failed.
    #[error("a token could not be encrypted")]
    Crypto,
    /// The header or the claims cannot be written as JSON.
    #[error("the claims of an encrypted token could not be written")]
    Claims,
}

/// A public key of a client that tokens are encrypted to, with the algorithms.
pub struct Recipient {
    key: RecipientKey,
    kid: Option<String>,
    alg: KeyManagement,
    enc: ContentEncryption,
}

enum RecipientKey {
    Rsa(OaepPublicEncryptingKey),
    Party(PartyKey),
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("kid", &self.kid)
            .field("alg", &self.alg)
            .field("enc", &self.enc)
            .finish_non_exhaustive()
    }
}

impl Recipient {
    /// The first key of a set that is for encryption with `alg`; `None` without one. A key with another `use` or `alg` (RFC
    /// 7517 §4.2, §4.4), and one that does not work, are passed over.
    pub fn find(keys: &KeySet, alg: KeyManagement, enc: ContentEncryption) -> Option<Self> {
        keys.encryption_keys()
            .iter()
            .find_map(|jwk| Self::from_jwk(jwk, alg, enc))
    }

    fn from_jwk(jwk: &Jwk, alg: KeyManagement, enc: ContentEncryption) -> Option<Self> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "enc")
            || jwk.alg.as_deref().is_some_and(|name| name != alg.name())
        {
            return None;
        }
        let key = match alg {
            KeyManagement::RsaOaep256 => RecipientKey::Rsa(rsa(jwk)?),
            KeyManagement::EcdhEs | KeyManagement::EcdhEsA256Kw => {
                RecipientKey::Party(PartyKey::from_jwk(jwk)?)
            }
        };
        let recipient = Self {
            key,
            kid: jwk.kid.clone(),
            alg,
            enc,
        };
        // An RSA modulus that is even, or a point of a small order, is found out by using it.
        recipient.encrypt_jwt("").is_ok().then_some(recipient)
    }

    /// Encrypts a signed JWT: a nested JWT (RFC 7519 §5.2, OpenID Connect Core §10.2).
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn encrypt_jwt(&self, jwt: &str) -> Result<String, EncryptError> {
        let mut header = Map::new();
        header.insert("cty".to_owned(), json!("JWT"));
        self.encrypt(header, jwt.as_bytes())
    }

    /// Encrypts claims that are not signed (RFC 7519 §7.1).
    ///
    /// # Errors
    /// [`EncryptError`].
    pub fn encrypt_claims(&self, claims: &impl Serialize) -> Result<String, EncryptError> {
        let claims = serde_json::to_vec(claims).map_err(|_| EncryptError::Claims)?;
        self.encrypt(Map::new(), &claims)
    }

    fn encrypt(&self, mut header: Map<String, Value>, content: &[u8]) -> Result<String, EncryptError> {
        header.insert("alg".to_owned(), json!(self.alg.name()));
        header.insert("enc".to_owned(), json!(self.enc.name()));
        if let Some(kid) = &self.kid {
            header.insert("kid".to_owned(), json!(kid));
        }
        let (content_key, encrypted_key) = match &self.key {
            RecipientKey::Rsa(key) => {
                let content_key = random_key(self.enc)?;
                let encrypted = rsa_encrypt(key, &content_key)?;
                (content_key, encrypted)
            }
            RecipientKey::Party(key) => self.agree(key, &mut header)?,
        };
        let header = serde_json::to_vec(&Value::Object(header)).map_err(|_| EncryptError::Claims)?;
        let header = URL_SAFE_NO_PAD.encode(header);
        let mut iv = [0; 12];
        rand::fill(&mut iv).map_err(|_| EncryptError::Crypto)?;
        let (ciphertext, tag) = seal(self.enc, &content_key, iv, header.as_bytes(), content)?;
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok([
            header,
            part(&encrypted_key),
            part(&iv),
            part(&ciphertext),
            part(&tag),
        ]
        .join("."))
    }

    /// Agrees on a key with the key of the client, and puts the ephemeral public key into the header (RFC 7518 §4.6.1.1).
    fn agree(
        &self,
        key: &PartyKey,
        header: &mut Map<String, Value>,
    ) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), EncryptError> {
        match self.alg {
            KeyManagement::EcdhEsA256Kw => {
                let (secret, ephemeral) = key.agree(self.alg.name(), 32)?;
                header.insert("epk".to_owned(), ephemeral);
                let content_key = random_key(self.enc)?;
                let wrapped = wrap(&secret, &content_key)?;
                Ok((content_key, wrapped))
            }
            // RFC 7516 §5.1, step 5: the encrypted key is empty.
            _ => {
                let (secret, ephemeral) = key.agree(self.enc.name(), self.enc.key_bytes())?;
                header.insert("epk".to_owned(), ephemeral);
                Ok((secret, Vec::new()))
            }
        }
    }
}

fn rsa(jwk: &Jwk) -> Option<OaepPublicEncryptingKey> {
    if jwk.kty != "RSA" {
        return None;
    }
    let bytes = |member: &Option<String>| URL_SAFE_NO_PAD.decode(member.as_deref()?).ok();
    let components = PublicKeyComponents {
        n: bytes(&jwk.n)?,
        e: bytes(&jwk.e)?,
    };
    let key: PublicEncryptingKey = components.try_into().ok()?;
    OaepPublicEncryptingKey::new(key)
        .ok()
        .filter(|key| key.key_size_bytes() >= MIN_RSA_BYTES)
}

fn rsa_encrypt(key: &OaepPublicEncryptingKey, content_key: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let mut encrypted = vec![0; key.ciphertext_size()];
    let length = key
        .encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut encrypted, None)
        .map_err(|_| EncryptError::Crypto)?
        .len();
    encrypted.truncate(length);
    Ok(encrypted)
}

fn random_key(enc: ContentEncryption) -> Result<Zeroizing<Vec<u8>>, EncryptError> {
    let mut key = Zeroizing::new(vec![0; enc.key_bytes()]);
    rand::fill(&mut key).map_err(|_| EncryptError::Crypto)?;
    Ok(key)
}

/// Wraps the key of the content (RFC 7518 §4.4, RFC 3394).
fn wrap(key: &[u8], content_key: &[u8]) -> Result<Vec<u8>, EncryptError> {
    let mut wrapped = vec![0; content_key.len() + 8];
    let length = AesKek::new(&AES_256, key)
        .and_then(|kek| kek.wrap(content_key, &mut wrapped).map(|wrapped| wrapped.len()))
        .map_err(|_| EncryptError::Crypto)?;
    wrapped.truncate(length);
    Ok(wrapped)
}

/// Encrypts the content: the ciphertext and the tag (RFC 7518 §5.3).
fn seal(
    enc: ContentEncryption,
    key: &[u8],
    iv: [u8; 12],
    header: &[u8],
    content: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), EncryptError> {
    let algorithm = match enc {
        ContentEncryption::A128Gcm => &AES_128_GCM,
        ContentEncryption::A256Gcm => &AES_256_GCM,
    };
    let key = UnboundKey::new(algorithm, key).map_err(|_| EncryptError::Crypto)?;
    let mut text = content.to_vec();
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(iv), Aad::from(header), &mut text)
        .map_err(|_| EncryptError::Crypto)?;
    Ok((text, tag.as_ref().to_vec()))
}
