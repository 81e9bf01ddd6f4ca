//! Errors with their causes, for `error.stack_trace`.

use std::error::Error as StdError;
use std::fmt;

/// An error and its causes, one a line: `error.stack_trace = %Chain(&error)`.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
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
