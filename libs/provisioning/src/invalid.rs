//! The refusal of a value that an administrator gave.

/// A field that does not hold what it may.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub(crate) struct InvalidRule {
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl InvalidRule {
    pub(crate) fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
        }
    }
}
