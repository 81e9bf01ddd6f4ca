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

/// The innermost cause of an error, for one short line. It leaves out the context: the SQL statement, the requested URL.
pub(crate) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
