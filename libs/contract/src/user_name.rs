//! User names: what they are, which may be given to somebody new, and which look alike.

use std::fmt;
use std::str::FromStr;

use precis_core::profile::Profile;
use precis_profiles::{UsernameCaseMapped, UsernameCasePreserved};
use unicode_security::RestrictionLevel;
use unicode_security::confusable_detection::skeleton;
use unicode_security::restriction_level::RestrictionLevelDetection;
use uuid::Uuid;

/// Characters with a meaning in HTML, in Markdown and to shells, which no new name has. The apostrophe is not among them:
/// people have it in their names and addresses.
const MARKUP: [char; 6] = ['<', '>', '&', '"', '`', '\\'];

/// The version of the UUIDs that are ids of people here. Other directories have UUIDs of other versions as user names, which nobody
/// takes for an id of this one.
const ID_VERSION: usize = 7;

/// The name that a person signs in with: shown as typed, compared without regard to case and width (RFC 8265
/// §3.3, `UsernameCaseMapped`). 1 to 64 characters. Values are equal when both the text and the key are: to
/// ask whether two names are the same name, compare their [`UserName::key`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName {
    shown: String,
    key: String,
}

/// The reason why a text is no user name.
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
    /// New names only: the text of a UUID of version 7, which would be taken for the id of a person.
    #[error("a user name does not have the form of an id")]
    IdShaped,
    /// New names only: a character that markup languages give a meaning to.
    #[error("a user name has none of the characters < > & \" ` \\")]
    Markup,
    /// New names only: a character that is not in everyday use (UTS #39 §3.1).
    #[error("a user name has letters and digits in everyday use, and no special forms of them")]
    Unusual,
    /// New names only: letters of scripts that are not written together (UTS #39 §5.2).
    #[error("a user name does not mix scripts, such as Latin and Cyrillic letters")]
    MixedScripts,
}

impl UserName {
    /// Characters at most.
    pub const MAX_CHARACTERS: usize = 64;

    /// As the person writes it (normalised by RFC 8265 §3.4, `UsernameCasePreserved`).
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The key that makes it unique: two names with the same key are the same name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Checks that the name may be given to somebody who does not have it yet. Names that were given by an
    /// earlier version are read, and looked for, without this check.
    ///
    /// # Errors
    /// [`InvalidUserName::IdShaped`], [`InvalidUserName::Markup`], [`InvalidUserName::Unusual`], or
    /// [`InvalidUserName::MixedScripts`] when the name is beyond the level *Highly Restrictive* of UTS #39 §5.2.
    pub fn check_new(&self) -> Result<(), InvalidUserName> {
        if Uuid::try_parse(&self.key).is_ok_and(|id| id.get_version_num() == ID_VERSION) {
            return Err(InvalidUserName::IdShaped);
        }
        if self.shown.contains(MARKUP) {
            return Err(InvalidUserName::Markup);
        }
        // UTS #39 §3.1 leaves out punctuation of ASCII that names have, `@` and `+` for example. It belongs to no script.
        let letters: String = self.key.chars().filter(|c| !c.is_ascii_punctuation()).collect();
        match letters.detect_restriction_level() {
            RestrictionLevel::Unrestricted => Err(InvalidUserName::Unusual),
            level if level <= RestrictionLevel::HighlyRestrictive => Ok(()),
            _ => Err(InvalidUserName::MixedScripts),
        }
    }

    /// The skeleton of the key (UTS #39 §4), without regard to case: names that look alike have the same.
    pub fn skeleton(&self) -> String {
        let mut text = self.key.clone();
        // The prototype of `0` is the capital `O`, whose lower case is what `o` looks like: until nothing changes.
        for _ in 0..4 {
            let next = skeleton(&text).collect::<String>().to_lowercase();
            if next == text {
                break;
            }
            text = next;
        }
        text
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
