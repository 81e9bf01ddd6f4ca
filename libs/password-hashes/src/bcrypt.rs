//! bcrypt: `$2b$COST$SALT22HASH31`, with the prefixes `$2a$`, `$2b$`, `$2x$` and `$2y$`.
//!
//! **72 bytes.** The algorithm has a key of 72 bytes. OpenBSD, PHP, Node.js, Ruby, Java and older Python libraries ignore what
//! a password has beyond them; newer ones (Python's `bcrypt` 5, Go) refuse to hash a longer password. So a longer password is cut at 72 bytes
//! here, which is right for the former and never happens with the latter.
//!
//! **`$2x$`** marks hashes of a faulty implementation, which spoilt bytes from 0x80 on. For a password of ASCII alone they are the same as
//! `$2y$`; another password does not match.

use std::fmt;

use base64::Engine;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use subtle::ConstantTimeEq;

use crate::cost::TimeParameter;
use crate::encoding::number;
use crate::limits::MAX_BCRYPT_COST;
use crate::{Cost, ImportError, Scheme};

/// The bytes of a password that are hashed.
pub(crate) const KEY_BYTES: usize = 72;

/// The last characters of salt and hash have bits that belong to no byte.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// A hash of bcrypt.
#[derive(Clone, PartialEq, Eq)]
pub struct BcryptHash {
    /// `a`, `b`, `x` or `y`.
    variant: char,
    cost: u32,
    salt: [u8; 16],
    hash: [u8; 23],
}

impl BcryptHash {
    /// Parses the text behind `$2`.
    pub(crate) fn parse(rest: &str) -> Result<Self, ImportError> {
        let mut parts = rest.split('$');
        let (Some(variant), Some(cost), Some(both), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("the text", "`$2b$COST$SALTHASH`"));
        };
        let variant = match variant {
            "a" => 'a',
            "b" => 'b',
            "x" => 'x',
            "y" => 'y',
            _ => return Err(wrong("the prefix", "$2a$, $2b$, $2x$ or $2y$")),
        };
        let cost = Some(cost)
            .filter(|cost| cost.len() == 2)
            .and_then(|cost| number(cost.strip_prefix('0').unwrap_or(cost)))
            .filter(|cost| (4..32).contains(cost))
            .ok_or_else(|| wrong("the cost", "two digits, from 04 to 31"))?;
        let (salt, hash) = both.split_at_checked(22).unwrap_or((both, ""));
        let salt = decode(salt).ok_or_else(|| wrong("the salt", "22 characters of bcrypt's base64"))?;
        let hash = decode(hash).ok_or_else(|| wrong("the hash", "31 characters of bcrypt's base64"))?;
        Ok(Self {
            variant,
            cost,
            salt,
            hash,
        })
    }

    pub(crate) fn cost(&self) -> Cost {
        Cost {
            scheme: Scheme::Bcrypt,
            time: Some(TimeParameter {
                name: "the cost",
                value: u64::from(self.cost),
                limit: u64::from(MAX_BCRYPT_COST),
            }),
            memory_bytes: 8 * 1024,
        }
    }

    pub(crate) fn verify(&self, password: &[u8]) -> bool {
        if self.variant == 'x' && !password.is_ascii() {
            return false;
        }
        // The NUL at the end is a part of the key.
        let key: Vec<u8> = password.iter().copied().chain([0]).take(KEY_BYTES).collect();
        let out = bcrypt::bcrypt(self.cost, self.salt, &key);
        // The last byte is not written into the text.
        out.iter()
            .take(self.hash.len())
            .copied()
            .collect::<Vec<u8>>()
            .ct_eq(&self.hash)
            .into()
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Bcrypt, part, expected)
}

impl fmt::Display for BcryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (BASE64.encode(self.salt), BASE64.encode(self.hash));
        write!(f, "$2{}${:02}${salt}{hash}", self.variant, self.cost)
    }
}
