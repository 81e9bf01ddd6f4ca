//! The limits of what is known of a user, which both services hold a registration against.

/// The greatest length of a part of a name, in characters.
pub const MAX_NAME_LENGTH: usize = 256;

/// The greatest length of a language tag, in bytes: enough for every tag without a private part (RFC 5646 §4.4.1).
const MAX_LANGUAGE_TAG_LENGTH: usize = 35;

/// Whether `text` has the form of a language tag, such as `fr-CH`: parts of one to eight letters and digits (RFC 5646 §2.1).
pub fn is_language_tag(text: &str) -> bool {
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_LANGUAGE_TAG_LENGTH && text.split('-').all(is_part)
}
