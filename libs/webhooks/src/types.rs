//! Types: the patterns of the events that a webhook wants.

use std::fmt;

/// Patterns for the `type` of events: a whole type, `vestibule.user.*` for all that begin so, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Types(Vec<String>);

/// The largest number of patterns of one webhook.
const MOST: usize = 50;

/// The error in a list of patterns: its field, and what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InvalidTypes {
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl Types {
    /// Takes patterns, each of which has to fit at least one of `known`.
    pub(crate) fn parse(patterns: Vec<String>, known: &[&str]) -> Result<Self, InvalidTypes> {
        if patterns.is_empty() || patterns.len() > MOST {
            return Err(InvalidTypes {
                field: "types".to_owned(),
                detail: format!("Expected 1 to {MOST} types; `*` stands for all."),
            });
        }
        let unknown = patterns
            .iter()
            .position(|pattern| !known.iter().any(|kind| fits(pattern, kind)));
        match unknown {
            None => Ok(Self(patterns)),
            Some(index) => Err(InvalidTypes {
                field: format!("types[{index}]"),
                detail: format!(
                    "Expected a type that this service publishes, one with `*` as its last part, or `*`. \
                     The types are {}.",
                    known.join(", ")
                ),
            }),
        }
    }

    /// From the database, where they were checked once.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.split(' ').map(str::to_owned).collect())
    }

    /// True if events of the type `kind` are wanted.
    pub(crate) fn want(&self, kind: &str) -> bool {
        self.0.iter().any(|pattern| fits(pattern, kind))
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

fn fits(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        // `vestibule.user.*`, not `vestibule.us*`.
        Some(prefix) => prefix.ends_with('.') && kind.starts_with(prefix),
        None => pattern == kind,
    }
}
