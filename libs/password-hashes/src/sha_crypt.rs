//! SHA-256-crypt and SHA-512-crypt of `crypt(3)`: `$5$rounds=N$SALT$HASH` and `$6$rounds=N$SALT$HASH`. Without `rounds=` there
//! are 5000.
//!
//! No part of a long password is ignored.

use std::fmt;

use sha_crypt::Params;
use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::{crypt_value, number, push_crypt};
use crate::limits::{MAX_HASHED_BYTES, MAX_SHA_CRYPT_ROUNDS};
use crate::{Cost, ImportError, Scheme};

/// The rounds of a text that does not say how many.
const DEFAULT_ROUNDS: u32 = 5000;

/// The hash function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    Sha256,
    Sha512,
}

impl Variant {
    /// The length of a hash in characters.
    fn characters(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }
}

/// A hash of SHA-crypt.
#[derive(Clone, PartialEq, Eq)]
pub struct ShaCryptHash {
    variant: Variant,
    rounds: u32,
    salt: String,
    /// The hash in the alphabet of `crypt(3)`.
    hash: String,
}

impl ShaCryptHash {
    /// Parses the text behind `$5$` or `$6$`.
    pub(crate) fn parse(variant: Variant, rest: &str) -> Result<Self, ImportError> {
        let wrong_text = || wrong("the text", "`$5$rounds=N$SALT$HASH` or `$6$rounds=N$SALT$HASH`");
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => rest.split_once('$').ok_or_else(wrong_text)?,
            None => ("5000", rest),
        };
        // `crypt(3)` raises fewer rounds to 1000 and writes this into the text.
        let rounds = number(rounds)
            .filter(|rounds| (Params::ROUNDS_MIN..=Params::ROUNDS_MAX).contains(rounds))
            .ok_or_else(|| wrong("the number of rounds", "1000 to 999999999"))?;
        let (salt, hash) = rest.split_once('$').ok_or_else(wrong_text)?;
        if salt.len() > 16 || !salt.bytes().all(|letter| letter.is_ascii_graphic()) {
            return Err(wrong("the salt", "16 printable ASCII characters at most"));
        }
        let is_hash =
            hash.len() == variant.characters() && hash.bytes().all(|letter| crypt_value(letter).is_some());
        if !is_hash {
            return Err(wrong(
                "the hash",
                "43 characters in $5$ and 86 in $6$, of the alphabet of crypt(3)",
            ));
        }
        Ok(Self {
            variant,
            rounds,
            salt: salt.to_owned(),
            hash: hash.to_owned(),
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            scheme: Scheme::ShaCrypt,
            time: Some(TimeParameter {
                name: "the number of rounds",
                value: u64::from(self.rounds),
                limit: u64::from(MAX_SHA_CRYPT_ROUNDS),
            }),
            memory_bytes: 4 * 1024,
        }
    }

    pub(crate) fn verify(&self, password: &[u8]) -> Result<bool, ImportError> {
        // A round hashes the password about twice, the salt and the digest before.
        let round = 2 * u64::try_from(password.len()).unwrap_or(u64::MAX / 4) + 80;
        if round.saturating_mul(u64::from(self.rounds)) > MAX_HASHED_BYTES {
            return Ok(false);
        }
        let params = Params::new(self.rounds).map_err(|_| ImportError::parameter(Scheme::ShaCrypt))?;
        let text = match self.variant {
            Variant::Sha256 => {
                encode_sha256(&sha_crypt::sha256_crypt(password, self.salt.as_bytes(), params))
            }
            Variant::Sha512 => {
                encode_sha512(&sha_crypt::sha512_crypt(password, self.salt.as_bytes(), params))
            }
        };
        Ok(text.as_bytes().ct_eq(self.hash.as_bytes()).into())
    }
}

/// The digest in the order of bytes that SHA-256-crypt has: three at a time, from three thirds of the digest in turn.
fn encode_sha256(digest: &[u8; 32]) -> String {
    let mut text = String::with_capacity(43);
    let mut triple = [0, 10, 20];
    for _ in 0..10 {
        push_bytes(&mut text, triple.map(|at| byte(digest, at)), 4);
        let [a, b, c] = triple;
        triple = [c + 1, a + 1, b + 1];
    }
    push_bytes(&mut text, [0, byte(digest, 31), byte(digest, 30)], 3);
    text
}

/// The digest in the order of bytes that SHA-512-crypt has.
fn encode_sha512(digest: &[u8; 64]) -> String {
    let mut text = String::with_capacity(86);
    let mut triple = [0, 21, 42];
    for _ in 0..21 {
        push_bytes(&mut text, triple.map(|at| byte(digest, at)), 4);
        let [a, b, c] = triple;
        triple = [b + 1, c + 1, a + 1];
    }
    push_bytes(&mut text, [0, 0, byte(digest, 63)], 2);
    text
}

fn byte(digest: &[u8], at: usize) -> u8 {
    digest.get(at).copied().unwrap_or_default()
}

fn push_bytes(text: &mut String, [high, middle, low]: [u8; 3], characters: usize) {
    let bits = u32::from_be_bytes([0, high, middle, low]);
    push_crypt(text, bits, characters);
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::ShaCrypt, part, expected)
}

impl fmt::Display for ShaCryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.variant {
            Variant::Sha256 => '5',
            Variant::Sha512 => '6',
        };
        write!(f, "${prefix}$")?;
        // A salt may begin like the number of rounds, which is then written before it.
        if self.rounds != DEFAULT_ROUNDS || self.salt.starts_with("rounds=") {
            write!(f, "rounds={}$", self.rounds)?;
        }
        write!(f, "{}${}", self.salt, self.hash)
    }
}
