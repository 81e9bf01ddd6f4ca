//! Encryption of stored secrets: AES-256-GCM under configured keys that can be rotated.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::random::Random;

/// `[encryption]`: the keys that secrets in the database are encrypted under.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionSettings {
    /// The name of the key that new secrets are encrypted under.
    pub active: String,
    /// Every key that something may still be encrypted under: 32 bytes each, in base64. To change the key, add one,
    /// make it active, start every replica; the old one can go after that.
    #[schemars(with = "BTreeMap<String, String>")]
    pub keys: BTreeMap<String, SecretString>,
}

/// Encryption or decryption failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// The configuration has no key of that name.
    #[error(
        "[encryption.keys] has no key {0:?}; something in the database is encrypted under it, or it is active"
    )]
    UnknownKey(String),
    /// A key in the configuration is not 32 bytes of base64.
    #[error("encryption.keys.{0}: expected 32 bytes in base64 (`openssl rand -base64 32`)")]
    BadKey(String),
    /// The stored bytes were changed, or the key of that name is another one now.
    #[error(
        "a secret in the database cannot be decrypted with encryption.keys.{0}: is it still the same key?"
    )]
    Undecipherable(String),
}

/// Encrypts and decrypts secrets that are stored in the database.
pub struct Cipher {
    active: String,
    keys: BTreeMap<String, LessSafeKey>,
    /// From which other secrets are derived, by the name of the key.
    derivation: BTreeMap<String, hmac::Key>,
}

/// An encrypted secret, as stored.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The name of the key that it is encrypted under.
    pub key: String,
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher({} of {:?})", self.active, self.keys.keys())
    }
}

impl Cipher {
    /// Reads the configured keys.
    ///
    /// # Errors
    /// [`CipherError::BadKey`], or [`CipherError::UnknownKey`] when the active one is missing.
    pub fn new(settings: &EncryptionSettings) -> Result<Self, CipherError> {
        let (mut keys, mut derivation) = (BTreeMap::new(), BTreeMap::new());
        for (name, text) in &settings.keys {
            let bad = || CipherError::BadKey(name.clone());
            let bytes = Zeroizing::new(STANDARD.decode(text.expose_secret().trim()).map_err(|_| bad())?);
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| bad())?;
            keys.insert(name.clone(), LessSafeKey::new(key));
            derivation.insert(name.clone(), hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        }
        if !keys.contains_key(&settings.active) {
            return Err(CipherError::UnknownKey(settings.active.clone()));
        }
        Ok(Self {
            active: settings.active.clone(),
            keys,
            derivation,
        })
    }

    /// The name of the key that new secrets are encrypted under.
    pub fn active(&self) -> &str {
        &self.active
    }

    /// A secret for `purpose` from each key, that of the active one first. All replicas with the same configuration derive the
    /// same secrets.
    pub fn derive(&self, purpose: &str) -> Vec<[u8; 32]> {
        let active = self.derivation.get(&self.active);
        let others = self.derivation.iter().filter(|(name, _)| **name != self.active);
        active
            .into_iter()
            .chain(others.map(|(_, key)| key))
            .map(|key| {
                let mut secret = [0; 32];
                secret.copy_from_slice(hmac::sign(key, purpose.as_bytes()).as_ref());
                secret
            })
            .collect()
    }

    /// Encrypts `secret`. `purpose` is the associated data: decryption succeeds only with the same purpose.
    ///
    /// # Errors
    /// [`CipherError::UnknownKey`]; not after [`Cipher::new`] succeeded.
    pub fn seal(&self, random: &dyn Random, purpose: &str, secret: &[u8]) -> Result<Sealed, CipherError> {
        let unknown = || CipherError::UnknownKey(self.active.clone());
        let key = self.keys.get(&self.active).ok_or_else(unknown)?;
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut encrypted = secret.to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut encrypted,
        )
        .map_err(|_| unknown())?;
        Ok(Sealed {
            key: self.active.clone(),
            bytes: [nonce.as_slice(), encrypted.as_slice()].concat(),
        })
    }

    /// Decrypts the result of [`Cipher::seal`], with the key that it names.
    ///
    /// # Errors
    /// [`CipherError::UnknownKey`], [`CipherError::Undecipherable`].
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let key = self
            .keys
            .get(&sealed.key)
            .ok_or_else(|| CipherError::UnknownKey(sealed.key.clone()))?;
        let refused = || CipherError::Undecipherable(sealed.key.clone());
        let (nonce, encrypted) = sealed
            .bytes
            .split_first_chunk::<NONCE_LEN>()
            .ok_or_else(refused)?;
        let mut secret = Zeroizing::new(encrypted.to_vec());
        let length = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(purpose.as_bytes()),
                &mut secret,
            )
            .map_err(|_| refused())?
            .len();
        secret.truncate(length);
        Ok(secret)
    }
}
