//! The name of a group: what it may be, and how two are compared.

use std::fmt;
use std::str::FromStr;

use contract::UserName;

/// Characters at most.
pub(crate) const MAX_CHARACTERS: usize = 256;

/// The display name of a group: shown as it was sent, compared without regard to case. A name that has the form of a user
/// name is compared as one, because the two share a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupName {
    shown: String,
    key: String,
}

/// The reason why a text is no name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidGroupName {
    /// Nothing, or spaces alone.
    #[error("must not be empty")]
    Empty,
    /// More than [`MAX_CHARACTERS`].
    #[error("at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// SB-34: a line feed or another control character.
    #[error("control characters are not allowed")]
    Control,
}

impl GroupName {
    /// The name as it was sent, without spaces around it.
    pub(crate) fn as_str(&self) -> &str {
        &self.shown
    }

    /// The key that makes it unique.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The skeleton of the name (UTS #39 §4), where it has the form of a user name.
    pub(crate) fn skeleton(&self) -> Option<String> {
        self.shown.parse::<UserName>().ok().map(|name| name.skeleton())
    }
}

impl FromStr for GroupName {
    type Err = InvalidGroupName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = text.trim();
        if shown.is_empty() {
            return Err(InvalidGroupName::Empty);
        }
        if shown.chars().count() > MAX_CHARACTERS {
            return Err(InvalidGroupName::TooLong);
        }
        if shown.chars().any(char::is_control) {
            return Err(InvalidGroupName::Control);
        }
        let key = match shown.parse::<UserName>() {
            Ok(name) => name.key().to_owned(),
            Err(_) => shown.to_lowercase(),
        };
        Ok(Self {
            shown: shown.to_owned(),
            key,
        })
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let key = |name: &str| name.parse::<GroupName>().map(|name| name.key().to_owned());
        for (one, other) in [
            ("Archers", "ARCHERS"),
            (" Sales team ", "sales TEAM"),
            ("Ａnn", "ann"),
        ] {
            assert_eq!(key(one), key(other), "{one}");
        }
        assert_ne!(key("archers"), key("archer"));
        let long = "x".repeat(MAX_CHARACTERS + 1);
        for (bad, why) in [
            ("", InvalidGroupName::Empty),
            ("  ", InvalidGroupName::Empty),
            ("a\nb", InvalidGroupName::Control),
            (long.as_str(), InvalidGroupName::TooLong),
        ] {
            assert_eq!(key(bad), Err(why), "{bad}");
        }
    }
}
