//! Base64 in its variants, whole numbers, and the alphabet of `crypt(3)`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig as Config};

/// Some writers leave bits in the last character that belong to no byte.
const LENIENT: Config = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const DECODER: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);

/// The bytes of base64 (RFC 4648 §4 and §5), with padding or without. `.` stands for `+` as in passlib.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let standard: String = text
        .chars()
        .map(|letter| match letter {
            '-' | '.' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    DECODER.decode(standard).ok()
}

/// Base64 (RFC 4648 §4) without padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// A whole number in decimal digits, without a sign and without zeros before it.
pub(crate) fn number(text: &str) -> Option<u32> {
    let is_canonical = text.bytes().all(|digit| digit.is_ascii_digit())
        && !text.is_empty()
        && (text.len() == 1 || !text.starts_with('0'));
    is_canonical.then(|| text.parse().ok()).flatten()
}

/// The alphabet of `crypt(3)`, in the order of its values.
const CRYPT_ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The value of a character in the alphabet of `crypt(3)`.
pub(crate) fn crypt_value(letter: u8) -> Option<u32> {
    let at = CRYPT_ALPHABET.iter().position(|known| *known == letter)?;
    u32::try_from(at).ok()
}

/// Appends the low `count` groups of six bits of `bits`, the lowest first.
pub(crate) fn push_crypt(text: &mut String, mut bits: u32, count: usize) {
    for _ in 0..count {
        let letter = usize::try_from(bits & 63)
            .ok()
            .and_then(|at| CRYPT_ALPHABET.get(at));
        text.push(char::from(*letter.unwrap_or(&b'.')));
        bits >>= 6;
    }
}
