//! Configuration errors. An error names the file or variable, the key and the expected value; it never holds the actual
//! value, which may be a secret.

use std::fmt;
use std::path::PathBuf;

use serde::de::{self, Expected, Unexpected};

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    location: Option<String>,
    key: String,
    problem: String,
}

impl ConfigError {
    /// `key` (dotted, or empty) is not what it should be; for checks that a type cannot make.
    pub fn invalid(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            location: None,
            key: key.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn at(
        location: impl fmt::Display,
        key: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self {
            location: Some(location.to_string()),
            ..Self::invalid(key, problem)
        }
    }

    /// The dotted key, empty where the whole file is meant.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self
            .location
            .iter()
            .chain(Some(&self.key))
            .filter(|part| !part.is_empty())
        {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// The source of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The configuration file, or no source at all.
    File,
    /// An environment variable.
    Variable(String),
    /// A file that a `_file` key names.
    Secret(PathBuf),
}

/// A deserialization error, on its way out of nested tables.
#[derive(Debug)]
pub(super) struct ReadError {
    /// Innermost key first.
    pub(super) path: Vec<String>,
    pub(super) origin: Option<Origin>,
    pub(super) missing: bool,
    pub(super) problem: String,
}

impl ReadError {
    fn new(problem: String) -> Self {
        Self {
            path: Vec::new(),
            origin: None,
            missing: false,
            problem,
        }
    }

    /// Removes the value, which some parsers put into their texts.
    pub(super) fn without_value(mut self, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.problem = self.problem.replace(&format!(": {value:?}"), "");
            // A short value may be a part of any word.
            if value.len() > 3 {
                self.problem = self.problem.replace(value, "…");
            }
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::new(problem.to_string())
    }

    // The default texts repeat the value.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let kind = match found {
            Unexpected::Bool(_) => "true or false",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
            Unexpected::Float(_) => "a number",
            Unexpected::Char(_) | Unexpected::Str(_) => "a text",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a table",
            _ => "something else",
        };
        Self::new(format!("expected {expected}, found {kind}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("expected one of: {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self {
            path: vec![field.to_owned()],
            ..Self::new(format!(
                "not a known key; expected one of: {}",
                expected.join(", ")
            ))
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: vec![field.to_owned()],
            missing: true,
            ..Self::new("this key is missing".to_owned())
        }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self {
            path: vec![field.to_owned()],
            ..Self::new("this key is there twice".to_owned())
        }
    }
}
