//! Words that every service shares, as types that cannot hold a bad value.

use std::fmt;
use std::str::FromStr;

use precis_core::profile::Profile;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What a person signs in with: shown as typed, compared without regard to case and width (RFC 8265 §3.3,
/// `UsernameCaseMapped`). 1 to 64 characters. Values are equal when both the text and the key are: to ask whether
/// two names are the same name, compare their [`UserName::key`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    shown: String,
    key: String,
}

/// Why a text is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserName {
    /// Nothing was typed.
    #[error("a user name has at least one character")]
    Empty,
    /// More than 64 characters.
    #[error("a user name has at most 64 characters")]
    TooLong,
    /// A space, a control, a symbol, or a mixture of writing directions.
    #[error("a user name has letters, digits and ordinary punctuation, without spaces")]
    Characters,
}

impl UserName {
    /// Characters at most.
    pub const MAX_CHARACTERS: usize = 64;

    /// As the person writes it (normalised by RFC 8265 §3.4, `UsernameCasePreserved`).
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// What makes it unique: two names with the same key are the same name.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for UserName {
    type Err = InvalidUserName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidUserName::Empty);
        }
        // Counted before normalising too, which costs more than linear time in places.
        if text.chars().count() > Self::MAX_CHARACTERS {
            return Err(InvalidUserName::TooLong);
        }
        let shown = stable(text, |text| UsernameCasePreserved::new().enforce(text.to_owned()))?;
        let key = stable(&shown, |text| UsernameCaseMapped::new().enforce(text.to_owned()))?;
        if key.chars().count() > Self::MAX_CHARACTERS || shown.chars().count() > Self::MAX_CHARACTERS {
            return Err(InvalidUserName::TooLong);
        }
        Ok(Self { shown, key })
    }
}

/// Applies a profile until nothing changes (RFC 8264 §7: at most three times more), so that a stored key is its
/// own key.
fn stable<F>(text: &str, enforce: F) -> Result<String, InvalidUserName>
where
    F: Fn(&str) -> Result<std::borrow::Cow<'static, str>, precis_core::Error>,
{
    let mut text = text.to_owned();
    for _ in 0..4 {
        let next = enforce(&text).map_err(|_| InvalidUserName::Characters)?;
        if next == text {
            return Ok(text);
        }
        text = next.into_owned();
    }
    Err(InvalidUserName::Characters)
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// An e-mail address: `local@domain`, at most 254 bytes (RFC 5321 §4.5.3.1, with RFC 3696 erratum 1690), with the
/// domain in lower case. Letters outside ASCII are fine (RFC 6531); quoted local parts and address literals are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

/// A text that is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like name@example.org and has at most 254 characters")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What to compare by: the address in lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmailAddress)?;
        let domain = domain.to_lowercase();
        let fits = text.len() <= 254 && local.len() <= 64;
        if !fits || !local.split('.').all(is_atom) || !domain.split('.').all(is_label) {
            return Err(InvalidEmailAddress);
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

/// RFC 5322 §3.2.3 `atext`, with RFC 6531 §3.3.
fn is_atom(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || (c.is_ascii() && "!#$%&'*+-/=?^_`{|}~".contains(c)))
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.chars().all(|c| c.is_alphanumeric() || c == '-')
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads and writes a word as its text; what cannot be parsed is refused with the word's own reason.
macro_rules! as_text {
    ($($word:ident, $schema:tt;)+) => {$(
        impl Serialize for $word {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $word {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $word {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($word).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    )+};
}

as_text! {
    UserName, { "type": "string", "minLength": 1, "maxLength": 64 };
    EmailAddress, { "type": "string", "format": "email", "maxLength": 254 };
}
