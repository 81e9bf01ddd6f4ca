//! Scope values (RFC 6749 §3.3).

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A set of scope tokens, in the order of their first occurrence. It is written as one text with spaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

/// The scope has a forbidden character or is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is made of printable ASCII characters without quotes and backslashes, separated by spaces")]
pub struct ScopeError;

/// The maximum number of characters of a whole scope.
const MAX_SCOPE_CHARS: usize = 2048;

impl Scope {
    /// The scope of these tokens.
    ///
    /// # Errors
    /// [`ScopeError`] if one is empty or has a forbidden character.
    pub fn of<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Result<Self, ScopeError> {
        let mut scope = Self::default();
        let mut length = 0_usize;
        for token in tokens {
            let token = token.as_ref();
            length += token.len() + 1;
            if token.is_empty() || length > MAX_SCOPE_CHARS + 1 || !token.bytes().all(is_scope_char) {
                return Err(ScopeError);
            }
            if !scope.contains(token) {
                scope.0.push(token.to_owned());
            }
        }
        Ok(scope)
    }

    /// True if the scope contains `token`.
    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|known| known == token)
    }

    /// True if the scope contains every token of `other`.
    pub fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|token| self.contains(token))
    }

    /// The tokens that are in both scopes, in the order of this one.
    pub fn intersection(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|token| other.contains(token))
                .cloned()
                .collect(),
        )
    }

    /// True if the scope has no token.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// True if a byte may be in a scope token (RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E).
fn is_scope_char(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl FromStr for Scope {
    type Err = ScopeError;

    /// Accepts repeated spaces, which RFC 6749 §3.3 does not have, because programs concatenate scopes.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE_CHARS {
            return Err(ScopeError);
        }
        Self::of(text.split(' ').filter(|token| !token.is_empty()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
