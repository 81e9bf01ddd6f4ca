//! Portable hashes of phpass, as WordPress (`$P$`) and phpBB (`$H$`) write them: one character for the binary logarithm of the number
//! of rounds, eight characters of salt, and the MD5 digest.

use std::fmt;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::{crypt_value, push_crypt};
use crate::limits::{MAX_HASHED_BYTES, MAX_PHPASS_LOG2_ROUNDS};
use crate::{Cost, ImportError, Scheme};

/// A hash of phpass.
#[derive(Clone, PartialEq, Eq)]
pub struct PhpassHash {
    /// `P` or `H`, which mean the same.
    prefix: char,
    log2_rounds: u32,
    salt: String,
    /// The digest in the alphabet of `crypt(3)`.
    hash: String,
}

impl PhpassHash {
    /// Parses the text behind `$P$` or `$H$`.
    pub(crate) fn parse(prefix: char, rest: &str) -> Result<Self, ImportError> {
        if rest.len() != 31 || !rest.bytes().all(|letter| crypt_value(letter).is_some()) {
            return Err(wrong("the text", "31 characters of the alphabet of crypt(3)"));
        }
        let (rounds, rest) = rest.split_at_checked(1).unwrap_or_default();
        let (salt, hash) = rest.split_at_checked(8).unwrap_or_default();
        let log2_rounds = rounds
            .bytes()
            .next()
            .and_then(crypt_value)
            .filter(|rounds| (7..=30).contains(rounds))
            .ok_or_else(|| wrong("the number of rounds", "2^7 to 2^30"))?;
        Ok(Self {
            prefix,
            log2_rounds,
            salt: salt.to_owned(),
            hash: hash.to_owned(),
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            scheme: Scheme::Phpass,
            time: Some(TimeParameter {
                name: "the binary logarithm of the number of rounds",
                value: u64::from(self.log2_rounds),
                limit: u64::from(MAX_PHPASS_LOG2_ROUNDS),
            }),
            memory_bytes: 4 * 1024,
        }
    }

    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        let rounds = 1_u64 << self.log2_rounds;
        let round = u64::try_from(password.len()).unwrap_or(u64::MAX / 4) + 16;
        if round.saturating_mul(rounds) > MAX_HASHED_BYTES {
            return false;
        }
        let mut digest = Md5::new()
            .chain_update(&self.salt)
            .chain_update(password)
            .finalize();
        for _ in 0..rounds {
            digest = Md5::new().chain_update(digest).chain_update(password).finalize();
        }
        encode(&digest).as_bytes().ct_eq(self.hash.as_bytes()).into()
    }
}

/// The digest, three bytes at a time, the lowest six bits first.
fn encode(digest: &[u8]) -> String {
    let mut text = String::with_capacity(22);
    for bytes in digest.chunks(3) {
        let bits = bytes
            .iter()
            .rev()
            .fold(0, |bits, byte| (bits << 8) | u32::from(*byte));
        push_crypt(&mut text, bits, bytes.len() + 1);
    }
    text
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Phpass, part, expected)
}

impl fmt::Display for PhpassHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rounds = String::new();
        push_crypt(&mut rounds, self.log2_rounds, 1);
        write!(f, "${}${rounds}{}{}", self.prefix, self.salt, self.hash)
    }
}
