//! The form of a provisioning token: `vestibule_scim_`, 256 random bits and a checksum, in letters and digits.
//!
//! The prefix lets scanners of source code and logs find a token that has leaked, and the checksum lets them, and this service,
//! tell a token from a text that only looks like one.

use chassis::random::SharedRandom;
use chassis::secret::{Token, TokenHash};

/// The beginning of every provisioning token. No access token has it, because a JWT begins with `ey`.
pub(crate) const PREFIX: &str = "vestibule_scim_";

/// The digits of base 62, in the order of ASCII.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The digits of 256 bits.
const SECRET_DIGITS: usize = 43;
/// The digits of 32 bits.
const CHECKSUM_DIGITS: usize = 6;

/// True if a bearer token claims to be a provisioning token.
pub(crate) fn has_prefix(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// A new token.
pub(super) fn generate(random: &SharedRandom) -> Token {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    let body = format!("{PREFIX}{}", base_62(&bytes, SECRET_DIGITS));
    let checksum = checksum(&body);
    Token::new(body + &checksum)
}

/// The checksum at the end of a token. It is made from the rest, and the rest cannot be made from it.
pub(super) fn ending(token: &Token) -> &str {
    let text = token.expose();
    text.get(text.len().saturating_sub(CHECKSUM_DIGITS)..)
        .unwrap_or_default()
}

/// The hash to find a token by; `None` for a text that is no token, for which the database is not asked.
pub(super) fn hash(text: &str) -> Option<TokenHash> {
    let whole = PREFIX.len() + SECRET_DIGITS + CHECKSUM_DIGITS;
    let (body, ending) = text.split_at_checked(whole - CHECKSUM_DIGITS)?;
    (text.len() == whole && has_prefix(text) && checksum(body) == ending).then(|| TokenHash::of(text))
}

/// The first 32 bits of SHA-256 of `text`.
fn checksum(text: &str) -> String {
    let hash = TokenHash::of(text);
    base_62(hash.as_bytes().get(..4).unwrap_or_default(), CHECKSUM_DIGITS)
}

/// A number of big-endian bytes in base 62, with zeros before it up to `digits`.
fn base_62(bytes: &[u8], digits: usize) -> String {
    let mut rest = bytes.to_vec();
    let mut text: Vec<char> = (0..digits)
        .map(|_| {
            let remainder = rest.iter_mut().fold(0_u32, |carry, byte| {
                let value = carry << 8 | u32::from(*byte);
                *byte = u8::try_from(value / 62).unwrap_or_default();
                value % 62
            });
            let digit = usize::try_from(remainder).unwrap_or_default();
            DIGITS.get(digit).map_or('0', |digit| char::from(*digit))
        })
        .collect();
    text.reverse();
    text.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chassis::random::SystemRandom;

    use super::*;

    #[test]
    fn a_number_has_its_digits() {
        assert_eq!(base_62(&[0, 0, 0, 61], 2), "0z");
        assert_eq!(base_62(&[0xff; 4], CHECKSUM_DIGITS), "4gfFC3");
        // 62^43 is more than 2^256, so that no bit is lost.
        let greatest = base_62(&[0xff; 32], SECRET_DIGITS + 1);
        assert!(
            greatest.starts_with('0') && !greatest.starts_with("00"),
            "{greatest}"
        );
    }

    #[test]
    fn a_token_is_found_by_its_hash_and_nothing_else_is() {
        let random: SharedRandom = Arc::new(SystemRandom::default());
        let token = generate(&random);
        let text = token.expose();
        assert_eq!(text.len(), 64);
        assert!(text.ends_with(ending(&token)) && ending(&token).len() == CHECKSUM_DIGITS);
        assert_eq!(hash(text), Some(token.hash()));
        assert_ne!(text, generate(&random).expose());
        let mistyped = text.replacen(&text[20..21], if &text[20..21] == "x" { "y" } else { "x" }, 1);
        let longer = format!("{text}0");
        for bad in [
            mistyped.as_str(),
            &longer,
            &text[..63],
            PREFIX,
            "",
            &text.to_uppercase(),
            &"é".repeat(32),
        ] {
            assert_eq!(hash(bad), None, "{bad}");
        }
    }
}
