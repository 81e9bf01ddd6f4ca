//! SCIM filters (RFC 7644 §3.4.2.2), as far as this server supports them.

use std::str::FromStr;

use scim_v2::filter::{AttrExp, CompValue, CompareOp, Filter};

use crate::Error;
use crate::schema::CORE_USER;

/// The maximum number of characters of a filter. The parser itself stops at 64 levels and 1024 terms.
pub const MAX_CHARS: usize = 1024;
/// The maximum number of opening brackets in a filter.
pub const MAX_BRACKETS: usize = 16;

const SUPPORTED: &str = "this server supports one form: userName eq \"NAME\"";

/// A supported filter over users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserFilter {
    /// `userName eq "…"`; compared without regard to case by the store.
    UserNameEq(String),
}

impl UserFilter {
    /// Parses a filter.
    ///
    /// # Errors
    /// `invalidFilter` with the supported form, if the filter is too long, too deep, malformed or not supported.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // SB-35: checked before the parser spends anything on it.
        if text.chars().count() > MAX_CHARS {
            return Err(Error::invalid_filter(format!(
                "the filter is longer than {MAX_CHARS} characters; {SUPPORTED}"
            )));
        }
        if text.chars().filter(|c| matches!(c, '(' | '[')).count() > MAX_BRACKETS {
            return Err(Error::invalid_filter(format!(
                "the filter has more than {MAX_BRACKETS} brackets; {SUPPORTED}"
            )));
        }
        let filter = Filter::from_str(text)
            .map_err(|_| Error::invalid_filter(format!("the filter cannot be read; {SUPPORTED}")))?;
        match filter {
            Filter::Attr(AttrExp::Comparison(path, CompareOp::Eq, CompValue::Str(value)))
                if path.name.eq_ignore_ascii_case("userName")
                    && path.sub_attr.is_none()
                    && path
                        .uri
                        .as_deref()
                        .is_none_or(|uri| uri.eq_ignore_ascii_case(CORE_USER)) =>
            {
                Ok(Self::UserNameEq(value))
            }
            _ => Err(Error::invalid_filter(format!(
                "the filter is of a form that is not supported; {SUPPORTED}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ScimType;

    #[test]
    fn user_name_eq_is_read_in_all_its_spellings() {
        let ann = Ok(UserFilter::UserNameEq("ann".to_owned()));
        for text in [
            "userName eq \"ann\"",
            "USERNAME Eq \"ann\"",
            "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"ann\"",
        ] {
            assert_eq!(UserFilter::parse(text), ann, "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_and_told_what_works() {
        // SB-35
        let deep = format!("{}userName pr{}", "(".repeat(500), ")".repeat(500));
        let long = format!("userName eq \"{}\"", "a".repeat(MAX_CHARS));
        for text in [
            "",
            "userName",
            "userName pr",
            "userName co \"a\"",
            "userName eq true",
            "userName.x eq \"a\"",
            "urn:example:User:userName eq \"a\"",
            "userName eq \"a\" or userName eq \"b\"",
            "emails[type eq \"work\"]",
            "userName eq \"a\" --",
            &deep,
            &long,
        ] {
            let refused = UserFilter::parse(text).unwrap_err();
            assert_eq!(refused.status, 400);
            assert_eq!(refused.scim_type, Some(ScimType::InvalidFilter));
            assert!(refused.detail.contains("userName eq"), "{}", refused.detail);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,600}") {
            // SB-42
            let _answer = UserFilter::parse(&text);
        }

        #[test]
        fn any_name_comes_back_as_it_was(name in "\\PC{1,64}") {
            let quoted = serde_json::to_string(&name).unwrap();
            prop_assume!(!name.contains(['(', '[']));
            prop_assert_eq!(
                UserFilter::parse(&format!("userName eq {quoted}")),
                Ok(UserFilter::UserNameEq(name))
            );
        }
    }
}
