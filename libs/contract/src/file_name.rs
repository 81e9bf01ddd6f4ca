//! The name of a declarative file, of which `vestibule apply` writes a mark to each object that it makes.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest name of a file, in characters.
const MAX_LENGTH: usize = 64;

/// The name of a declarative file, as its member `name` has it: `default`, `shop-team`. What one file made is left alone by others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FileName(String);

/// The text is not the name of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 64 lower-case letters, digits, and - . _ between them")]
pub struct FileNameError;

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = (1..=MAX_LENGTH).contains(&text.len())
            && text.chars().all(|c| plain(c) || "-._".contains(c))
            && text.starts_with(plain)
            && text.ends_with(plain);
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(FileNameError),
        }
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, FileNameError> {
        text.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl FileName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
