//! The rules for choosing a password: long enough, and not one that a guesser tries early (SB-1 to SB-4).
//!
//! No rule asks for kinds of characters, and no password ever gets too old: such rules make passwords worse
//! (NIST SP 800-63B-4 §3.1.1.2).

use std::sync::Arc;

use chassis::secret::SecretString;
use zxcvbn::Score;

use super::Password;
use crate::breach_list::BreachList;

/// Characters that are judged at most. An estimate costs far more than linear time, and a longer password whose first
/// characters are hard to guess is hard to guess as a whole: length speaks for the rest (SB-43).
const MAX_ESTIMATED: usize = 40;

/// Words of a [`PasswordContext`] at most.
const MAX_WORDS: usize = 48;

/// Words that a guesser tries first here, beside the person's own.
const OUR_WORDS: [&str; 6] = [
    "vestibule",
    "password",
    "passphrase",
    "signin",
    "login",
    "welcome",
];

/// What a guesser knows of the person and the site, as words: each text whole, and its parts of three letters and more.
/// At most [`MAX_WORDS`] of them, none longer than what is judged, so that nothing that somebody types makes an estimate
/// cost more (SB-43).
#[derive(Clone, Debug)]
pub struct PasswordContext {
    pub(super) words: Vec<String>,
}

impl PasswordContext {
    /// The words of `texts`: the site's name and host, and what was accepted as user name, e-mail address and names.
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

/// The rules in force.
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    /// Characters at least.
    pub min_length: usize,
    /// Passwords that were seen in breaches.
    pub breached: Arc<BreachList>,
}

/// Why a password cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer characters than the policy asks for.
    #[error("use at least {min} characters: a few words that only you would put together work well")]
    TooShort {
        /// Characters at least.
        min: usize,
    },
    /// More bytes than are hashed.
    #[error("use at most {} bytes", super::MAX_BYTES)]
    TooLong,
    /// Among the first that a guesser tries.
    #[error(
        "this is too easy to guess: avoid common words, repetitions, sequences, your name and the site's name"
    )]
    Guessable,
}

impl PasswordPolicy {
    /// Takes `typed` if it is as long as it has to be and no longer than what is hashed. Cheap: for request threads.
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

    /// Whether a guesser would try `password` late enough. It costs milliseconds, so it runs on the threads that hash:
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
        if self.breached.contains(password.expose())
            || zxcvbn::zxcvbn(&judged, &words).score() < Score::Three
            || is_mostly_known_words(&judged, &words)
        {
            return Err(Weakness::Guessable);
        }
        Ok(())
    }
}

/// Whether fewer than eight characters are left once the known words are taken out: a name that is repeated is long
/// and still the first thing that is tried.
fn is_mostly_known_words(password: &str, words: &[&str]) -> bool {
    let mut rest = password.to_lowercase();
    let mut words = words.to_vec();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().filter(|c| c.is_alphanumeric()).count() < 8 && rest.len() < password.len()
}
