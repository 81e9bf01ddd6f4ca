//! The error of a command: a message for people, a remedy where one is known, and an exit code for scripts.

use std::fmt;
use std::process::ExitCode;

/// The kinds of error, each with its exit code. The numbers are part of the interface (`docs/reference/cli.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// An error that no other code names.
    Failed = 1,
    /// The command line or a configuration file is wrong.
    Usage = 2,
    /// The object does not exist.
    NotFound = 3,
    /// The object exists already or is held by another process: a name, a port, a data directory.
    Conflict = 4,
    /// A service cannot be reached.
    Unreachable = 5,
    /// The credential does not allow it.
    Denied = 6,
}

/// The error of a command.
#[derive(Debug)]
pub(crate) struct CommandError {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
}

impl CommandError {
    /// An error with `code`. `message` is one sentence without a full stop.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds the remedy.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code as u8)
    }

    /// The kind of error.
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {}", hint.replace('\n', "\n  ")),
            None => Ok(()),
        }
    }
}
