//! The patterns of rules: paths and methods.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::RequestPath;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 500;
/// The methods of a public path without methods.
const READING: [&str; 2] = ["GET", "HEAD"];

/// A decoded path such as `/health`, or the beginning of paths, such as `/static/*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    /// The path; of a beginning, the part before the asterisk.
    path: String,
    is_prefix: bool,
}

/// The text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a path such as /health or the beginning of paths such as /static/*, decoded, without . and .. and without \\ ; % ? # and *"
)]
pub struct PatternError;

impl PathPattern {
    /// True if a public path with this pattern has the decoded path.
    pub(super) fn is_exactly(&self, decoded: &str) -> bool {
        match self.is_prefix {
            true => decoded.starts_with(&self.path),
            false => decoded == self.path,
        }
    }

    /// True if a restricted path with this pattern has the decoded path: without regard to case and to a slash at the end.
    pub(super) fn restricts(&self, decoded: &str) -> bool {
        let decoded = decoded.to_lowercase();
        let pattern = self.path.to_lowercase();
        let trimmed = |path: &str| path.trim_end_matches('/').to_owned();
        trimmed(&decoded) == trimmed(&pattern) || (self.is_prefix && decoded.starts_with(&pattern))
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (path, is_prefix) = match text.strip_suffix("/*") {
            Some(path) => (format!("{path}/"), true),
            None => (text.to_owned(), false),
        };
        // A pattern is text: a percent sign or a question mark in it would be compared as such.
        if text.len() > MAX_PATTERN || path.contains(['%', '?', '#', '*']) {
            return Err(PatternError);
        }
        let readable = RequestPath::parse(&path.replace(' ', "%20"))
            .ok()
            .is_some_and(|read| read.decoded() == Some(path.as_str()));
        match readable {
            true => Ok(Self { path, is_prefix }),
            false => Err(PatternError),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.path, if self.is_prefix { "*" } else { "" })
    }
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PathPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for PathPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^%?#;*\\\\]*[*]?$", "maxLength": MAX_PATTERN, "examples": ["/static/*"] })
    }
}

/// Methods of requests (RFC 9110 §9.1), in upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Methods(Vec<String>);

/// The text is not a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected methods such as GET or POST")]
pub struct MethodError;

impl Methods {
    /// Methods by their names.
    ///
    /// # Errors
    /// [`MethodError`].
    pub fn new(names: impl IntoIterator<Item = String>) -> Result<Self, MethodError> {
        let names: Vec<String> = names.into_iter().collect();
        let is_method = |name: &String| {
            (1..=20).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        };
        match names.len() <= 20 && names.iter().all(is_method) {
            true => Ok(Self(names)),
            false => Err(MethodError),
        }
    }

    /// True if none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// True if requests with the method are public. Methods are case-sensitive (RFC 9110 §9.1).
    pub(super) fn publishes(&self, method: &str) -> bool {
        match self.0.is_empty() {
            true => READING.contains(&method),
            false => self.0.iter().any(|name| name == method),
        }
    }

    /// True if requests with the method are restricted. Applications may read it without regard to case.
    pub(super) fn restricts(&self, method: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| name.eq_ignore_ascii_case(method))
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::<String>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
