//! Keys: public ones, to which files are encrypted, and secret ones, which decrypt.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use zeroize::Zeroizing;

use super::{CryptoError, FILE_KEY_BYTES, TAG_BYTES, bech32, cipher, derive_key, open, seal};

/// The label of the derivation of a key that wraps the key of a file.
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// The prefixes of keys in text.
const PUBLIC_PREFIX: &str = "age";
const SECRET_PREFIX: &str = "age-secret-key-";

/// A public key of X25519 (RFC 7748).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// A secret key of X25519.
pub struct Identity {
    key: PrivateKey,
    public: [u8; 32],
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// The key of a file for one recipient.
pub(super) struct WrappedKey {
    /// The public half of the key pair that was made for this file.
    pub(super) share: [u8; 32],
    pub(super) body: Vec<u8>,
}

/// The reason why a text is no key. It never has the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// It is no public key.
    #[error("expected a public key of age, as `age-keygen -y` prints it: age1...")]
    Recipient,
    /// It is no secret key.
    #[error("expected a secret key of age: AGE-SECRET-KEY-1...")]
    Identity,
    /// There is no key.
    #[error("there is no key")]
    Missing,
}

impl FromStr for Recipient {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bech32::decode(PUBLIC_PREFIX, text)
            .map(|bytes| Self(*bytes))
            .ok_or(InvalidKey::Recipient)
    }
}

impl FromStr for Identity {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = InvalidKey::Identity;
        let secret = bech32::decode(SECRET_PREFIX, text).ok_or(wrong)?;
        let key = PrivateKey::from_private_key(&X25519, &*secret).map_err(|_| wrong)?;
        let public = public_of(&key).map_err(|CryptoError| wrong)?;
        Ok(Self { key, public })
    }
}

/// The secret keys in a text, one a line. Lines that are empty or begin with `#` are passed over.
///
/// # Errors
/// [`InvalidKey::Identity`] for another line, [`InvalidKey::Missing`] without any key.
pub fn parse_identities(text: &str) -> Result<Vec<Identity>, InvalidKey> {
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Vec<Identity> = keys.map(str::parse).collect::<Result<_, _>>()?;
    match keys.is_empty() {
        true => Err(InvalidKey::Missing),
        false => Ok(keys),
    }
}

impl Recipient {
    /// Encrypts the key of a file.
    pub(super) fn wrap(&self, file_key: &[u8; FILE_KEY_BYTES]) -> Result<WrappedKey, CryptoError> {
        let ephemeral = PrivateKey::generate(&X25519).map_err(|_| CryptoError)?;
        let share = public_of(&ephemeral)?;
        let key = wrapping_key(&ephemeral, &self.0, (&share, &self.0))?;
        let mut body = file_key.to_vec();
        seal(&cipher(&key)?, [0; 12], &mut body)?;
        Ok(WrappedKey { share, body })
    }
}

impl Identity {
    /// The public half.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.public)
    }

    /// Decrypts the key of a file, if it is encrypted to this key.
    pub(super) fn unwrap(&self, wrapped: &WrappedKey) -> Option<Zeroizing<[u8; FILE_KEY_BYTES]>> {
        if wrapped.body.len() != FILE_KEY_BYTES + TAG_BYTES {
            return None;
        }
        let key = wrapping_key(&self.key, &wrapped.share, (&wrapped.share, &self.public)).ok()?;
        let mut body = Zeroizing::new(wrapped.body.clone());
        open(&cipher(&key).ok()?, [0; 12], &mut body).ok()?;
        Some(Zeroizing::new(body.as_slice().try_into().ok()?))
    }
}

fn public_of(key: &PrivateKey) -> Result<[u8; 32], CryptoError> {
    let public = key.compute_public_key().map_err(|_| CryptoError)?;
    public.as_ref().try_into().map_err(|_| CryptoError)
}

/// The key that wraps the key of a file: of the secret that both sides agree on, the share and the recipient.
fn wrapping_key(
    own: &PrivateKey,
    other: &[u8; 32],
    (share, recipient): (&[u8; 32], &[u8; 32]),
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let other = UnparsedPublicKey::new(&X25519, other);
    let salt = [*share, *recipient].concat();
    agree(own, other, CryptoError, |secret| derive_key(secret, &salt, LABEL))
}
