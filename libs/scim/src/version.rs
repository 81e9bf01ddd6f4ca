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

    /// Whether the condition allows a change of version `current`.
    pub fn allows(&self, current: i64) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(versions) => versions.contains(&current),
        }
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

    proptest! {
        #[test]
        fn a_tag_matches_its_own_version_alone(version: i64, other: i64) {
            let condition = IfMatch::parse(Some(&etag(version))).unwrap();
            prop_assert!(condition.allows(version));
            prop_assert_eq!(condition.allows(other), other == version);
        }
    }
}
