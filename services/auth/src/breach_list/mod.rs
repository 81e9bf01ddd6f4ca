//! Passwords that were seen in breaches, or are made of such, by lists that work offline (SB-4).
//!
//! Three lists are asked: a filter of common passwords that is compiled in, a larger filter that the operator may supply, and
//! the pieces of which people make long passwords. The data and where they come from: `data/passwords/README.md`.

mod filter;
mod pieces;
mod ranges;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::LazyLock;

pub use filter::{Filter, FilterError, key};
pub use ranges::{RangeError, Ranges};

/// Characters that do not make another password of it.
const SEPARATORS: [char; 6] = ['-', '_', '.', ',', '+', '/'];

/// Digits and marks at the end of a password that are taken off.
const MAX_DECORATION: usize = 5;

/// A common password has at least so many characters, after its decoration was taken off too.
const MIN_LENGTH: usize = 8;

static COMMON: LazyLock<Option<Filter>> =
    LazyLock::new(|| Filter::from_bytes(include_bytes!("../../data/passwords/common.filter")).ok());

/// `text` without the digits and marks at its end, when they are few: a year, and a mark.
fn undecorated(text: &str) -> &str {
    let kept = text.trim_end_matches(|c: char| !c.is_alphabetic());
    match text
        .strip_prefix(kept)
        .is_some_and(|end| end.chars().count() <= MAX_DECORATION)
    {
        true => kept,
        false => text,
    }
}

/// The lists in force.
#[derive(Debug, Default)]
pub struct BreachList {
    custom: Option<Filter>,
}

impl BreachList {
    /// The list that is compiled in, and the operator's, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read or is no filter.
    pub fn open(custom: Option<&Path>) -> Result<Self, FilterError> {
        Ok(Self {
            custom: custom.map(Filter::read).transpose()?,
        })
    }

    /// Whether a guesser who knows the lists would try `password` early: as it is, in lower case, without what
    /// separates its words, without digits and marks at its end; and joined from three common passwords, or a common one
    /// repeated.
    pub fn contains(&self, password: &str) -> bool {
        let lower = password.to_lowercase();
        let bare: String = lower
            .chars()
            .filter(|c| !c.is_whitespace() && !SEPARATORS.contains(c))
            .collect();
        let undecorated = undecorated(&bare);
        let forms: HashSet<&str> = [password, &lower, &bare, undecorated]
            .into_iter()
            .filter(|form| form.chars().count() >= MIN_LENGTH)
            .collect();
        forms.iter().any(|form| self.is_listed(form))
            || [bare.as_str(), undecorated]
                .into_iter()
                .any(|form| pieces::is_made_of_pieces(form) || self.repeats(form))
    }

    fn is_listed(&self, form: &str) -> bool {
        let key = key(form);
        [COMMON.as_ref(), self.custom.as_ref()]
            .into_iter()
            .flatten()
            .any(|filter| filter.contains(key))
    }

    /// Whether `form` is one thing over and over, which is short, listed or made of pieces itself.
    fn repeats(&self, form: &str) -> bool {
        match pieces::repeated_unit(form) {
            Some(unit) => {
                unit.chars().count() < MIN_LENGTH || self.is_listed(unit) || pieces::is_made_of_pieces(unit)
            }
            None => false,
        }
    }
}
