//! The rules for choosing a password: long enough, and not one that a guesser tries early (SB-1 to SB-4).
//!
//! No rule asks for kinds of characters, and no password ever gets too old: such rules make passwords worse
//! (NIST SP 800-63B-4 §3.1.1.2).

use zxcvbn::Score;

use super::Password;

/// Characters that are judged at most. The estimate's cost grows with the square of the length, and the first
/// characters of a longer password that is guessable as a whole are guessable too.
const JUDGED: usize = 100;

/// Words that a guesser tries first here, beside the person's own.
const OUR_WORDS: [&str; 6] = [
    "vestibule",
    "password",
    "passphrase",
    "signin",
    "login",
    "welcome",
];

/// What a guesser knows of the person and the site.
#[derive(Clone, Debug, Default)]
pub struct Context<'a> {
    /// The site's name and address.
    pub site: Vec<&'a str>,
    /// User name, e-mail address, names.
    pub person: Vec<&'a str>,
}

/// The rules in force.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Characters at least.
    pub min_length: usize,
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

impl Policy {
    /// Whether `typed` may be chosen.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(
        &self,
        typed: &chassis::secret::SecretString,
        context: &Context<'_>,
    ) -> Result<Password, Weakness> {
        let password = Password::new(typed).ok_or(Weakness::TooLong)?;
        if password.characters() < self.min_length {
            return Err(Weakness::TooShort { min: self.min_length });
        }
        if guessable(password.expose(), context) {
            return Err(Weakness::Guessable);
        }
        Ok(password)
    }
}

fn guessable(password: &str, context: &Context<'_>) -> bool {
    let judged: String = password.chars().take(JUDGED).collect();
    let words = known_words(context);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    zxcvbn::zxcvbn(&judged, &words).score() < Score::Three || bare_of_known(&judged, &words)
}

/// What a guesser would combine: each text whole, and its parts of three letters and more.
fn known_words(context: &Context<'_>) -> Vec<String> {
    let mut words: Vec<String> = OUR_WORDS.iter().map(|&word| word.to_owned()).collect();
    for text in context.site.iter().chain(&context.person) {
        let text = text.to_lowercase();
        let parts = text.split(|c: char| !c.is_alphanumeric());
        words.extend(parts.filter(|part| part.chars().count() >= 3).map(str::to_owned));
        words.push(text);
    }
    words
}

/// Whether fewer than eight characters are left once the known words are taken out: a name that is repeated is long
/// and still the first thing that is tried.
fn bare_of_known(password: &str, words: &[&str]) -> bool {
    let mut rest = password.to_lowercase();
    let mut words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().filter(|c| c.is_alphanumeric()).count() < 8 && rest.len() < password.len()
}
