//! Resource versions as weak entity tags (RFC 7644 §3.14, RFC 9110 §8.8.3 and §13.1.1).

use crate::Error;

/// The entity tag of `version`: `W/"7"`.
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The condition `If-Match` of a change.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum IfMatch {
    /// No condition, or `*`: any version.
    #[default]
    Any,
    /// One of these versions.
    OneOf(Vec<i64>),
}

impl IfMatch {
    /// Parses an `If-Match` header. Weak and strong tags are treated alike, because RFC 7644 §3.14 uses weak ones here. An
    /// unknown tag matches nothing.
    ///
    /// # Errors
    /// 400 if the header is not a list of entity tags.
    pub fn parse(header: Option<&str>) -> Result<Self, Error> {
        let Some(header) = header.map(str::trim) else {
            return Ok(Self::Any);
        };
        if header == "*" {
            return Ok(Self::Any);
        }
        let mut versions = Vec::new();
        for tag in header.split(',').map(str::trim) {
            let opaque = tag
                .strip_prefix("W/")
                .unwrap_or(tag)
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .ok_or_else(|| {
                    Error::new(
                        400,
                        "If-Match, If-None-Match: expected entity tags such as W/\"3\", or *",
                    )
                })?;
            versions.extend(opaque.parse::<i64>());
        }
        Ok(Self::OneOf(versions))
    }

    /// True if the condition allows a change of version `current`.
    pub fn allows(&self, current: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&current),
        }
    }
}

/// The condition `If-None-Match` of a read (RFC 9110 §13.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IfNoneMatch(Option<IfMatch>);

impl IfNoneMatch {
    /// Parses an `If-None-Match` header, as [`IfMatch::parse`] does.
    ///
    /// # Errors
    /// 400 if the header is not a list of entity tags.
    pub fn parse(header: Option<&str>) -> Result<Self, Error> {
        match header {
            Some(header) => IfMatch::parse(Some(header)).map(|condition| Self(Some(condition))),
            None => Ok(Self(None)),
        }
    }

    /// True if the client has version `current` already, so that it gets 304 (RFC 7644 §3.14).
    pub fn is_not_modified(&self, current: i64) -> bool {
        self.0.as_ref().is_some_and(|known| known.allows(current))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_condition_is_read() {
        assert_eq!(IfMatch::parse(None), Ok(IfMatch::Any));
        assert_eq!(IfMatch::parse(Some("*")), Ok(IfMatch::Any));
        assert_eq!(
            IfMatch::parse(Some("W/\"3\", \"4\"")),
            Ok(IfMatch::OneOf(vec![3, 4]))
        );
        assert!(IfMatch::parse(Some("3")).is_err());
        assert!(!IfMatch::parse(Some("\"elsewhere\"")).unwrap().allows(1));
    }

    #[test]
    fn what_the_client_has_already_is_not_sent_again() {
        // RFC 7644 §3.14, RFC 9110 §13.1.2
        for (header, not_modified) in [
            (None, false),
            (Some("W/\"3\""), true),
            (Some("\"3\""), true),
            (Some("W/\"2\", W/\"3\""), true),
            (Some("W/\"2\""), false),
            (Some("*"), true),
        ] {
            let condition = IfNoneMatch::parse(header).unwrap();
            assert_eq!(condition.is_not_modified(3), not_modified, "{header:?}");
        }
        assert_eq!(IfNoneMatch::parse(Some("3")).unwrap_err().status, 400);
    }

    proptest! {
        #[test]
        fn a_tag_matches_its_own_version_alone(version: i64, other: i64) {
            let condition = IfMatch::parse(Some(&etag(version))).unwrap();
            prop_assert!(condition.allows(version));
            prop_assert_eq!(condition.allows(other), other == version);
        }
    }
}
