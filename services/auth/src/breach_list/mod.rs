//! Common and breached passwords, from lists that work offline (SB-4).
//!
//! There are three lists: a filter of common passwords that is compiled in, a larger filter that the operator
//! may supply, and the pieces of which people make long passwords. `data/passwords/README.md` describes the
//! data and their origin.

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

/// Separators that are ignored in the comparison.
const SEPARATORS: [char; 6] = ['-', '_', '.', ',', '+', '/'];

/// The number of digits and marks that are stripped from the end of a password at most.
const MAX_DECORATION: usize = 5;

/// The minimum length of a common password, also after its decoration was stripped.
const MIN_LENGTH: usize = 8;

static COMMON: LazyLock<Option<Filter>> =
    LazyLock::new(|| Filter::from_bytes(include_bytes!("../../data/passwords/common.filter")).ok());

/// `text` without the digits and marks at its end, when they are few (a year and a mark).
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

/// The lists of common and breached passwords in use.
#[derive(Debug, Default)]
pub struct BreachList {
    custom: Option<Filter>,
}

impl BreachList {
    /// Opens the compiled-in list, and the operator's list when there is one.
    ///
    /// # Errors
    /// When the file cannot be read or is not a filter.
    pub fn open(custom: Option<&Path>) -> Result<Self, FilterError> {
        Ok(Self {
            custom: custom.map(Filter::read).transpose()?,
        })
    }

    /// True if an attacker with these lists would try `password` early. It is compared as it is, in lower
    /// case, without separators, and without digits and marks at its end. Up to three joined pieces and
    /// repeated passwords match too.
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

    /// True if `form` repeats a unit that is short, listed or made of pieces.
    fn repeats(&self, form: &str) -> bool {
        match pieces::repeated_unit(form) {
            Some(unit) => {
                unit.chars().count() < MIN_LENGTH || self.is_listed(unit) || pieces::is_made_of_pieces(unit)
            }
            None => false,
        }
    }
}
