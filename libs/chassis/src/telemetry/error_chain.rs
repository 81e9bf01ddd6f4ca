//! Errors with their causes, for `error.stack_trace`, and the root cause of an error.

use std::error::Error as StdError;
use std::fmt;

/// Displays an error and its causes, one per line: `error.stack_trace = %ErrorChain(&error)`.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(inner) = cause {
            write!(f, "\ncaused by: {inner}")?;
            cause = inner.source();
        }
        Ok(())
    }
}

/// An error and its causes in one line, for a text that is kept or shown: `not applied: no such row`. A cause whose text
/// is there already is left out.
pub fn error_text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// The innermost cause of an error, for one short line. It leaves out the context: the SQL statement, the requested URL.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
