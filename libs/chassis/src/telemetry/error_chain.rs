//! Errors with their causes: as text for logs and people, and as the causes themselves.

use std::error::Error as StdError;
use std::{fmt, iter};

/// An error and its causes, from the outside in.
pub fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        (*error).source()
    })
}

/// The first error of the type `E` among an error and its causes.
pub fn find_cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Displays an error and its causes, one per line: `error.stack_trace = %ErrorChain(&error)`.
#[derive(Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        causes(self.0)
            .skip(1)
            .try_for_each(|cause| write!(f, "\ncaused by: {cause}"))
    }
}

/// An error and its causes in one line, for a text that is kept or shown: `not applied: no such row`. A cause whose text
/// is there already is left out.
pub fn error_text(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The innermost cause of an error, for one short line. It leaves out the context: the SQL statement, the requested URL.
pub fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the page cannot be read")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the connection failed: it was closed")]
    struct Middle(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("it was closed")]
    struct Inner;

    #[test]
    fn an_error_is_shown_with_its_causes() {
        let error = Outer(Middle(Inner));
        assert_eq!(
            ErrorChain(&error).to_string(),
            "the page cannot be read\ncaused by: the connection failed: it was closed\ncaused by: it was closed"
        );
        let text = "the page cannot be read: the connection failed: it was closed";
        assert_eq!(error_text(&error), text);
        assert_eq!(root_cause(&error), "it was closed");
        assert_eq!(root_cause(&Inner), "it was closed");
        assert!(find_cause::<Inner>(&error).is_some() && find_cause::<Outer>(&error).is_some());
        assert!(find_cause::<Outer>(&Inner).is_none());
    }
}
