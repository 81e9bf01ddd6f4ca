//! Password hashes of ASP.NET Identity, in base64.
//!
//! Version 2 is `0x00`, a salt of 16 bytes and a key of 32 bytes (PBKDF2, HMAC-SHA1, 1000 iterations). Version 3 is `0x01`, then
//! the pseudo-random function, the number of iterations and the length of the salt, each in 32 bits with the high byte first,
//! then the salt and the key.

use crate::encoding::from_base64;
use crate::pbkdf2::{Digest, Pbkdf2Hash};
use crate::{ImportError, Scheme};

/// Parses `text`; `None` when it is not base64 that begins with a known version.
pub(crate) fn parse(text: &str) -> Option<Result<Pbkdf2Hash, ImportError>> {
    let bytes = from_base64(text)?;
    let (version, rest) = bytes.split_first()?;
    match version {
        0 => Some(parse_v2(rest)),
        1 => Some(parse_v3(rest)),
        _ => None,
    }
}

fn parse_v2(rest: &[u8]) -> Result<Pbkdf2Hash, ImportError> {
    let (salt, key) = rest.split_at_checked(16).unwrap_or_default();
    if key.len() != 32 {
        return Err(wrong("the length", "49 bytes in version 2"));
    }
    Pbkdf2Hash::new(Digest::Sha1, 1000, salt.to_vec(), key.to_vec())
}

fn parse_v3(rest: &[u8]) -> Result<Pbkdf2Hash, ImportError> {
    let too_short = || {
        wrong(
            "the length",
            "a header of 13 bytes, a salt and a key in version 3",
        )
    };
    let (function, rest) = take_u32(rest).ok_or_else(too_short)?;
    let (iterations, rest) = take_u32(rest).ok_or_else(too_short)?;
    let (salt_bytes, rest) = take_u32(rest).ok_or_else(too_short)?;
    let digest = match function {
        0 => Digest::Sha1,
        1 => Digest::Sha256,
        2 => Digest::Sha512,
        _ => {
            return Err(wrong(
                "the pseudo-random function",
                "HMAC-SHA1, HMAC-SHA256 or HMAC-SHA512",
            ));
        }
    };
    let (salt, key) = usize::try_from(salt_bytes)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or_else(too_short)?;
    Pbkdf2Hash::new(digest, iterations, salt.to_vec(), key.to_vec())
}

fn take_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*first), rest))
}

fn wrong(part: &'static str, expected: &'static str) -> ImportError {
    ImportError::malformed(Scheme::Pbkdf2, part, expected)
}
