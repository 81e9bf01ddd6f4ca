//! The limits of what is known of a user, which both services hold a registration against.

use oxilangtag::LanguageTag;

/// The greatest length of a part of a name, in characters.
pub const MAX_NAME_LENGTH: usize = 256;

/// The greatest length of a language tag, in bytes: enough for every tag without a private part (RFC 5646 §4.4.1).
const MAX_LANGUAGE_TAG_LENGTH: usize = 35;

/// True if `text` is a well-formed language tag (RFC 5646 §2.2.9), such as `fr-CH`.
pub fn is_language_tag(text: &str) -> bool {
    text.len() <= MAX_LANGUAGE_TAG_LENGTH && LanguageTag::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_a_well_formed_language_tag() {
        for good in [
            "fr",
            "fr-CH",
            "zh-Hant-TW",
            "de-CH-1996",
            "sl-rozaj-biske",
            "en-us",
        ] {
            assert!(is_language_tag(good), "{good}");
        }
        let long = format!("en-x-{}", "abcdefg-".repeat(4));
        for bad in [
            "",
            "f",
            "en_US",
            "fr--CH",
            "fr-",
            "not a locale",
            "fr-CH-",
            "12",
            long.as_str(),
        ] {
            assert!(!is_language_tag(bad), "{bad}");
        }
    }
}
