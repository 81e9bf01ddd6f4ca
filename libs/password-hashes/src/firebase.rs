//! The modified scrypt of Firebase Authentication.
//!
//! Firebase derives a key with scrypt from the password and from salt and salt separator, joined, and encrypts the signer key
//! of the project with it (AES-256 in counter mode, from a counter of zero). The ciphertext is the hash.
//!
//! Firebase exports the parameters of a project apart from its users, and has no text form of both. Here it is a PHC string of
//! a hash with its parameters, all base64:
//! `$firebase-scrypt$ln=MEM_COST,r=ROUNDS,ss=SALT_SEPARATOR,sk=SIGNER_KEY$SALT$PASSWORD_HASH`.

use std::fmt;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use subtle::ConstantTimeEq;

use crate::encoding::{from_base64, to_base64};
use crate::phc::Phc;
use crate::scrypt::ScryptParams;
use crate::{Cost, ImportError, Scheme};

/// The length of the derived key that encrypts.
const KEY_BYTES: usize = 32;

/// A hash of Firebase.
#[derive(Clone, PartialEq, Eq)]
pub struct FirebaseHash {
    params: ScryptParams,
    salt: Vec<u8>,
    salt_separator: Vec<u8>,
    signer_key: Vec<u8>,
    hash: Vec<u8>,
}

impl FirebaseHash {
    /// Parses the text behind `$firebase-scrypt$`.
    pub(crate) fn parse(rest: &str) -> Result<Self, ImportError> {
        let phc = Phc::split(Scheme::FirebaseScrypt, rest, &["ln", "r", "ss", "sk"])?;
        let params = ScryptParams::new(
            Scheme::FirebaseScrypt,
            phc.number("ln", "the memory cost (ln)")?,
            phc.number("r", "the rounds (r)")?,
            1,
        )?;
        let bytes = |name, part| {
            let bytes = phc.text(name).and_then(from_base64);
            bytes.ok_or_else(|| wrong(part, "base64"))
        };
        let salt_separator = bytes("ss", "the salt separator (ss)")?;
        let signer_key = bytes("sk", "the signer key (sk)")?;
        if !(1..=128).contains(&phc.salt.len()) {
            return Err(wrong("the salt", "1 to 128 bytes"));
        }
        if salt_separator.len() > 64 {
            return Err(wrong("the salt separator (ss)", "64 bytes at most"));
        }
        if !(16..=128).contains(&signer_key.len()) {
            return Err(wrong("the signer key (sk)", "16 to 128 bytes"));
        }
        if phc.hash.len() != signer_key.len() {
            return Err(wrong("the hash", "as many bytes as the signer key has"));
        }
        Ok(Self {
            params,
            salt: phc.salt,
            salt_separator,
            signer_key,
            hash: phc.hash,
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        self.params.cost(Scheme::FirebaseScrypt)
    }

    pub(crate) fn verify(&self, password: &[u8]) -> Result<bool, ImportError> {
        let salt = [self.salt.as_slice(), &self.salt_separator].concat();
        let mut key = [0; KEY_BYTES];
        self.params
            .run(Scheme::FirebaseScrypt, password, &salt, &mut key)?;
        let encrypted =
            encrypt(&key, &self.signer_key).ok_or(ImportError::parameter(Scheme::FirebaseScrypt))?;
        Ok(encrypted.ct_eq(&self.hash).into())
    }
}

fn encrypt(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_256, key).ok()?).ok()?;
    let mut text = text.to_vec();
    let zero = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    key.less_safe_encrypt(&mut text, zero).ok()?;
    Some(text)
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::FirebaseScrypt, part, expected)
}

impl fmt::Display for FirebaseHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "$firebase-scrypt$ln={},r={},ss={},sk={}${}${}",
            self.params.log_n,
            self.params.r,
            to_base64(&self.salt_separator),
            to_base64(&self.signer_key),
            to_base64(&self.salt),
            to_base64(&self.hash)
        )
    }
}
