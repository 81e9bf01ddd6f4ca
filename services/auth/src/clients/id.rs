//! `client_id`: the identifier of a client (RFC 6749 §2.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A `client_id` (RFC 6749 §2.2): 1 to 100 letters, digits, `-`, `_`, `.`. It is never a UUID, because UUIDs
/// identify users, and both stand in `sub` (RFC 9700 §4.15), and never a segment that URLs leave out (RFC 3986 §5.2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// The text is not 1 to 100 letters, digits, `-`, `_`, `.`, or it is a UUID, `.` or `..`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 100 letters, digits, hyphens, underscores and full stops, no UUID, and not . or ..")]
pub struct ClientIdError;

impl ClientId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = ClientIdError;

    fn from_str(text: &str) -> Result<Self, ClientIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_id = (1..=100).contains(&text.len())
            && text.bytes().all(allowed)
            && ![".", ".."].contains(&text)
            && Uuid::try_parse(text).is_err();
        match is_id {
            true => Ok(Self(text.to_owned())),
            false => Err(ClientIdError),
        }
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        text.parse()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_segment_of_a_url_and_no_id_of_a_user() {
        for id in ["web", "a.b-c_D9", "...", ".a", &"x".repeat(100)] {
            assert!(id.parse::<ClientId>().is_ok(), "{id}");
        }
        for id in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "ü",
            "0193f2a0-0000-7000-8000-000000000000",
            &"x".repeat(101),
        ] {
            assert!(id.parse::<ClientId>().is_err(), "{id}");
        }
    }
}
