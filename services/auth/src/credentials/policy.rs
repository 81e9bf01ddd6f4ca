//! The rules for new passwords: a minimum length and a minimum strength (SB-1 to SB-4).
//!
//! There are no rules on kinds of characters and no expiry, because such rules make passwords worse (NIST SP
//! 800-63B-4 §3.1.1.2).

use std::sync::Arc;

use chassis::secret::SecretString;
use zxcvbn::Score;

use super::Password;
use crate::breach_list::BreachList;

/// The number of characters that are estimated at most. An estimate costs far more than linear time, and a
/// password whose first characters are hard to guess is hard to guess as a whole (SB-43).
const MAX_ESTIMATED: usize = 40;

/// The number of words of a [`PasswordContext`] at most.
const MAX_WORDS: usize = 48;

/// Words that an attacker tries first at any Vestibule.
const OUR_WORDS: [&str; 6] = [
    "vestibule",
    "password",
    "passphrase",
    "signin",
    "login",
    "welcome",
];

/// Words that an attacker knows of the person and the site: each text as a whole, and its parts of three
/// letters and more. There are at most [`MAX_WORDS`], none longer than what is estimated, so that no input
/// makes an estimate more expensive (SB-43).
#[derive(Clone, Debug)]
pub struct PasswordContext {
    pub(super) words: Vec<String>,
}

impl PasswordContext {
    /// Takes the words of `texts`: the name and host of the site, and the user name, e-mail address and names
    /// of the person.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut context = Self {
            words: OUR_WORDS.iter().map(|&word| word.to_owned()).collect(),
        };
        for text in texts {
            let text = text.to_lowercase();
            for part in text.split(|c: char| !c.is_alphanumeric()) {
                context.add(part);
            }
            context.add(&text);
        }
        context
    }

    fn add(&mut self, word: &str) {
        let fits = (3..=MAX_ESTIMATED).contains(&word.chars().count());
        if fits && self.words.len() < MAX_WORDS && !self.words.iter().any(|known| known == word) {
            self.words.push(word.to_owned());
        }
    }
}

/// The rules for new passwords.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    /// The minimum number of characters.
    pub min_length: usize,
    /// The lists of common and breached passwords.
    pub breach_list: Arc<BreachList>,
}

/// The reason why a new password is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// It has fewer characters than the policy requires.
    #[error("use at least {min} characters: a few words that only you would put together work well")]
    TooShort {
        /// Characters at least.
        min: usize,
    },
    /// It has more bytes than are hashed.
    #[error("use at most {} bytes", super::MAX_BYTES)]
    TooLong,
    /// It is too easy to guess.
    #[error(
        "this is too easy to guess: avoid common words, repetitions, sequences, your name and the site's name"
    )]
    Guessable,
}

impl PasswordPolicy {
    /// Checks the length of `typed`. This is cheap enough for request threads.
    ///
    /// # Errors
    /// [`Weakness::TooShort`] and [`Weakness::TooLong`].
    pub fn check_length(&self, typed: &SecretString) -> Result<Password, Weakness> {
        let password = Password::new(typed).ok_or(Weakness::TooLong)?;
        if password.characters() < self.min_length {
            return Err(Weakness::TooShort { min: self.min_length });
        }
        Ok(password)
    }

    /// Checks that `password` is hard to guess. This takes milliseconds, so it runs on the hashing threads:
    /// see [`super::Hasher::check_and_hash`].
    ///
    /// # Errors
    /// [`Weakness::Guessable`].
    pub(super) fn check_strength(
        &self,
        password: &Password,
        context: &PasswordContext,
    ) -> Result<(), Weakness> {
        let judged: String = password.expose().chars().take(MAX_ESTIMATED).collect();
        let words: Vec<&str> = context.words.iter().map(String::as_str).collect();
        if self.breach_list.contains(password.expose())
            || zxcvbn::zxcvbn(&judged, &words).score() < Score::Three
            || is_mostly_known_words(&judged, &words)
        {
            return Err(Weakness::Guessable);
        }
        Ok(())
    }
}

/// True if fewer than eight characters are left without the known words. A repeated name is long and still
/// easy to guess.
fn is_mostly_known_words(password: &str, words: &[&str]) -> bool {
    let mut rest = password.to_lowercase();
    let mut words = words.to_vec();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().filter(|c| c.is_alphanumeric()).count() < 8 && rest.len() < password.len()
}
