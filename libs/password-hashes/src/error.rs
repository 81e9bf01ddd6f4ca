//! The errors. None has a part of the text in it, because a hash is a secret.

use crate::Scheme;

/// The reason why a text is refused at import, or why a stored hash cannot be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The text is longer than [`crate::limits::MAX_TEXT_BYTES`].
    #[error("it is longer than {} bytes", crate::limits::MAX_TEXT_BYTES)]
    TooLong,
    /// The text begins like no scheme that is known.
    #[error("its scheme is not known")]
    UnknownScheme,
    /// A part of the text is not what the scheme has there.
    #[error("{scheme}: {part} is wrong: expected {expected}")]
    Malformed {
        /// The scheme.
        scheme: Scheme,
        /// The part.
        part: &'static str,
        /// The form that the part has.
        expected: &'static str,
    },
    /// One check would take too much time.
    #[error("{scheme}: {parameter} is above {limit}, the most that is accepted")]
    TooCostly {
        /// The scheme.
        scheme: Scheme,
        /// The parameter.
        parameter: &'static str,
        /// Its limit.
        limit: u64,
    },
    /// One check would need too much memory.
    #[error("{scheme}: one check needs more than {} MiB of memory, the most that is accepted", limit_bytes / (1024 * 1024))]
    TooMuchMemory {
        /// The scheme.
        scheme: Scheme,
        /// The limit in bytes.
        limit_bytes: u64,
    },
}

impl ImportError {
    /// The error of an algorithm that does not take the parameters of a hash.
    pub(crate) fn parameter(scheme: Scheme) -> Self {
        Self::malformed(scheme, "a parameter", "a value in the range of the algorithm")
    }

    pub(crate) fn malformed(scheme: Scheme, part: &'static str, expected: &'static str) -> Self {
        Self::Malformed {
            scheme,
            part,
            expected,
        }
    }
}
