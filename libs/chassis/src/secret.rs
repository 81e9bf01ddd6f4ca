//! Secret types: they cannot be printed, logged or serialised by accident, and are compared in constant time.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
pub use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// A bearer secret in clear: a session id, an authorization code, a refresh token. Only its [`Token::hash`] is stored.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Wraps a text from a caller or from [`crate::random::Random`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, to be handed to its owner once.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The SHA-256 hash of the text, which may be stored.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.expose())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The SHA-256 hash of a [`Token`], as stored: 32 bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `text`.
    pub fn of(text: &str) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(bytes)
    }

    /// The 32 bytes, to bind to a statement.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// True if `stored` is this hash, in constant time.
    pub fn matches(&self, stored: &[u8]) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.0.as_slice(), stored).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_prints_itself() {
        let token = Token::new("swordfish");
        assert!(!format!("{token:?} {:?}", token.hash()).contains("swordfish"));
        assert!(token.hash().matches(TokenHash::of("swordfish").as_bytes()));
        assert!(!token.hash().matches(TokenHash::of("swordfisH").as_bytes()));
    }
}
