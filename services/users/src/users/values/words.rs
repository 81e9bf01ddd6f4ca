//! The words by which administrators search users (ADR 0038): those of names, user names and e-mail addresses, without accents and case.

use contract::UserState;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use super::Row;

/// The name by which `user_values` knows the words. Words that are made in another way get another name, so that everybody's
/// are made anew.
pub(in crate::users) const WORDS: &str = "word";

/// The character between two words of a key. It is less than every character of a word.
pub(in crate::users) const SEPARATOR: char = ' ';
/// The character after [`SEPARATOR`]: the keys that begin with a whole word are below it.
pub(in crate::users) const AFTER_SEPARATOR: char = '!';
/// The beginning of the key of a domain.
const DOMAIN: char = '@';

/// The characters of a word that are indexed.
const MAX_WORD_CHARS: usize = 40;
/// The words of a name that are indexed.
const MAX_NAME_WORDS: usize = 8;
/// The words of user names and addresses that are indexed beside those of the name.
const MAX_OTHER_WORDS: usize = 4;
/// The words of a name of which every pair is indexed. Of more words those that stand side by side are.
const ALL_PAIRS: usize = 3;
/// The addresses whose domains are indexed.
const MAX_DOMAINS: usize = 4;

/// The words of a user.
#[derive(Debug, Default)]
pub(in crate::users) struct UserWords {
    /// Those of the name, in its order.
    pub(in crate::users) names: Vec<String>,
    /// Those of the user name and of e-mail addresses that the name does not have.
    pub(in crate::users) others: Vec<String>,
    /// The domains of e-mail addresses.
    pub(in crate::users) domains: Vec<String>,
}

impl UserWords {
    pub(in crate::users) fn of(state: &UserState) -> Self {
        let mut words = Self::default();
        let name = &state.name;
        let parts = [
            &name.given_name,
            &name.middle_name,
            &name.family_name,
            &name.formatted,
        ];
        let shown = state.attributes.get("displayName").and_then(Value::as_str);
        for part in parts.into_iter().filter_map(Option::as_deref).chain(shown) {
            for word in words_of(&fold(part)) {
                add(&mut words.names, word, MAX_NAME_WORDS);
            }
        }
        let addresses = || {
            state
                .emails
                .iter()
                .filter_map(|email| email.value.as_str().rsplit_once('@'))
        };
        for identifier in std::iter::once(state.user_name.as_str()).chain(addresses().map(|(local, _)| local))
        {
            for word in letters_of(&fold(identifier)) {
                if !words.names.contains(&word) {
                    add(&mut words.others, word, MAX_OTHER_WORDS);
                }
            }
        }
        for (_, domain) in addresses() {
            add(&mut words.domains, domain.to_lowercase(), MAX_DOMAINS);
        }
        words
    }

    /// The rows of `user_values`.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        self.keys().into_iter().map(|key| (WORDS.to_owned(), key))
    }

    /// The keys: each word, with another one of the name after it.
    pub(in crate::users) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.others.iter().map(|word| pair(word, "")).collect();
        if let [one] = self.names.as_slice() {
            keys.push(pair(one, ""));
        }
        for (first, second) in self.name_pairs() {
            keys.push(pair(first, second));
        }
        keys.extend(self.domains.iter().map(|domain| domain_key(domain)));
        keys
    }

    fn name_pairs(&self) -> Vec<(&str, &str)> {
        let count = self.names.len();
        let mut pairs = Vec::new();
        for (at, first) in self.names.iter().enumerate() {
            for (other, second) in self.names.iter().enumerate() {
                let gap = at.abs_diff(other);
                if gap == 1 || (gap > 0 && (count <= ALL_PAIRS || gap == count - 1)) {
                    pairs.push((first.as_str(), second.as_str()));
                }
            }
        }
        pairs
    }
}

/// The key of a word with another one after it, which may be empty.
pub(in crate::users) fn pair(first: &str, second: &str) -> String {
    format!("{first}{SEPARATOR}{second}")
}

/// The key of a domain.
pub(in crate::users) fn domain_key(domain: &str) -> String {
    let domain = super::shorten(domain);
    format!("{DOMAIN}{domain}")
}

/// A text in lower case, without accents, and with letters that have no accent but are typed as others (`ß`, `ø`) replaced.
pub(in crate::users) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text
        .nfkd()
        .filter(|letter| canonical_combining_class(*letter) == 0)
    {
        for letter in letter.to_lowercase() {
            match replacement(letter) {
                Some(replacement) => folded.push_str(replacement),
                None => folded.push(letter),
            }
        }
    }
    folded
}

fn replacement(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ł' => "l",
        'ħ' => "h",
        'ı' => "i",
        'ς' => "σ",
        // O'Brien is one word.
        '\'' | '’' | 'ʼ' | '`' => "",
        _ => return None,
    })
}

/// The words of a folded text.
pub(in crate::users) fn words_of(folded: &str) -> impl Iterator<Item = String> + '_ {
    let words = folded.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(limited)
}

/// The words of a folded user name, or of an address before its `@`: digits are not part of them.
pub(in crate::users) fn letters_of(folded: &str) -> impl Iterator<Item = String> + '_ {
    let words = folded.split(|letter: char| !letter.is_alphabetic());
    words.filter(|word| !word.is_empty()).map(limited)
}

fn limited(word: &str) -> String {
    word.chars().take(MAX_WORD_CHARS).collect()
}

fn add(words: &mut Vec<String>, word: String, limit: usize) {
    if words.len() < limit && !words.contains(&word) {
        words.push(word);
    }
}
