//! The text that an administrator searches by.

use contract::UserId;
use uuid::Uuid;

use super::super::values::user_name_key;
use super::super::values::words::{fold, letters_of, words_of};

/// Characters of a text at most.
pub(crate) const MAX_TEXT_CHARS: usize = 100;
/// Words of a text at most.
pub(crate) const MAX_WORDS: usize = 5;
/// Digits that the beginning of an id has at least. Fewer are those of everybody who was added in the same years.
const ID_DIGITS: usize = 6;

/// The reason why a text cannot be searched by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidText {
    /// No letter or digit is in it.
    #[error("Expected a letter or a digit at least.")]
    Empty,
    /// It has too many characters.
    #[error("Expected at most {MAX_TEXT_CHARS} characters.")]
    TooLong,
    /// It has too many words.
    #[error("Expected at most {MAX_WORDS} words.")]
    TooManyWords,
    /// It has characters that nobody can type.
    #[error("Expected no control characters.")]
    Control,
}

/// A text that was typed, as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct SearchText {
    /// The folded words, each once.
    pub(super) words: Vec<String>,
    /// The words that users with typos in this text have: of an address or a user name with digits, those that are indexed.
    pub(super) near: Vec<String>,
    /// The text as the key of a user name, if it may be a user name or an address, or the beginning of one: it has no spaces.
    pub(super) identifier: Option<String>,
    /// The first and the last id that begin as the text does.
    pub(super) ids: Option<(UserId, UserId)>,
}

impl SearchText {
    /// Reads a text.
    ///
    /// # Errors
    /// See [`InvalidText`].
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidText> {
        if text.chars().count() > MAX_TEXT_CHARS {
            return Err(InvalidText::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidText::Control);
        }
        let text = text.trim();
        let folded = fold(text);
        let words = unique(words_of(&folded));
        if words.is_empty() {
            return Err(InvalidText::Empty);
        }
        if words.len() > MAX_WORDS {
            return Err(InvalidText::TooManyWords);
        }
        let single = !text.contains(char::is_whitespace);
        let local = folded.split('@').next().unwrap_or_default();
        let parts = match single && folded.contains(|letter: char| letter == '@' || letter.is_numeric()) {
            true => unique(letters_of(local)),
            false => words.clone(),
        };
        Ok(Self {
            words,
            near: parts,
            identifier: single.then(|| user_name_key(text)),
            ids: single.then(|| ids_that_begin(text)).flatten(),
        })
    }
}

/// The longest word, which the fewest users have, and the longest of the others.
pub(super) fn longest_two(words: &[String]) -> (&str, Option<&str>) {
    let mut sorted = longest_first(words).into_iter();
    (sorted.next().unwrap_or_default(), sorted.next())
}

/// The words, the longest first.
pub(super) fn longest_first(words: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
    sorted.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    sorted
}

fn unique(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut found = Vec::new();
    for word in words {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// The first and the last id that begin with these digits.
fn ids_that_begin(text: &str) -> Option<(UserId, UserId)> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    let count = digits.len();
    let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    if !is_hex || !(ID_DIGITS..=32).contains(&count) {
        return None;
    }
    let end = |fill: &str| Uuid::try_parse(&format!("{digits}{}", fill.repeat(32 - count))).ok();
    Some((end("0")?, end("f")?))
}
