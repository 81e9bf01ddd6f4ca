//! `Password`: a normalized password that is never printed and never longer than what is hashed.

use std::fmt;

use chassis::secret::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

/// The maximum length of a password in bytes of UTF-8. A longer one is rejected and never truncated (SB-2).
pub const MAX_BYTES: usize = 1024;

/// A password of at most [`MAX_BYTES`] in Unicode's Normalization Form C, so that the same characters typed
/// on another keyboard are the same password (NIST SP 800-63B-4 §3.1.1.2).
#[derive(Clone)]
pub struct Password {
    normal: SecretString,
    /// The text as typed, when it is not in the normal form.
    typed: Option<SecretString>,
}

impl Password {
    /// Normalizes a password. Returns `None` when it is too long.
    pub fn new(typed: &SecretString) -> Option<Self> {
        let typed = typed.expose_secret();
        if typed.len() > MAX_BYTES {
            return None;
        }
        let normal: String = typed.nfc().collect();
        (normal.len() <= MAX_BYTES).then(|| Self {
            typed: (normal != typed).then(|| typed.into()),
            normal: normal.into(),
        })
    }

    /// An empty password, which is hashed in place of one that is too long.
    pub(crate) fn empty() -> Self {
        Self {
            normal: String::new().into(),
            typed: None,
        }
    }

    /// The number of its characters (Unicode code points).
    pub fn characters(&self) -> usize {
        self.expose().chars().count()
    }

    /// The normalised text.
    pub(super) fn expose(&self) -> &str {
        self.normal.expose_secret()
    }

    /// The normalised text, then the text as typed if it is another. Other systems have hashed what was typed.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &[u8]> {
        let all = [Some(&self.normal), self.typed.as_ref()];
        all.into_iter()
            .flatten()
            .map(|text| text.expose_secret().as_bytes())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
