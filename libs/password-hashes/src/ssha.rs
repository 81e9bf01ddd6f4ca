//! Salted hashes of LDAP directories: `{SSHA}`, `{SSHA256}` and `{SSHA512}`, each with base64 of the digest and the salt, joined.

use std::fmt;

use aws_lc_rs::digest::{Algorithm, Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::encoding::from_base64;
use crate::{Cost, ImportError, Scheme};

/// The hash function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Sha1 => "{SSHA}",
            Self::Sha256 => "{SSHA256}",
            Self::Sha512 => "{SSHA512}",
        }
    }
}

/// A salted hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SshaHash {
    digest: Digest,
    hash: Vec<u8>,
    salt: Vec<u8>,
}

impl SshaHash {
    /// Parses the text behind the prefix of `digest`.
    pub(crate) fn parse(digest: Digest, rest: &str) -> Result<Self, ImportError> {
        let bytes = from_base64(rest).ok_or_else(|| wrong("the text", "base64"))?;
        let length = digest.algorithm().output_len();
        let (hash, salt) = bytes
            .split_at_checked(length)
            .filter(|(_, salt)| (1..=128).contains(&salt.len()))
            .ok_or_else(|| wrong("the length", "a digest and a salt of 1 to 128 bytes"))?;
        Ok(Self {
            digest,
            hash: hash.to_vec(),
            salt: salt.to_vec(),
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            scheme: Scheme::Ssha,
            time: None,
            memory_bytes: 4 * 1024,
        }
    }

    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        let mut context = Context::new(self.digest.algorithm());
        context.update(password);
        context.update(&self.salt);
        context.finish().as_ref().ct_eq(&self.hash).into()
    }
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Ssha, part, expected)
}

impl fmt::Display for SshaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.hash.as_slice(), &self.salt].concat();
        write!(f, "{}{}", self.digest.prefix(), STANDARD.encode(bytes))
    }
}
