//! What can be wrong with a data directory, in words that say how to mend it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{CommandError, ErrorCode};

/// A data directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// The operating system refused something.
    #[error("cannot {action} {}: {}", path.display(), reason(source))]
    Io {
        /// What was tried: `create`, `read`, `write` …
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Nothing was started there yet.
    #[error("{} is not a Vestibule data directory: {} is missing", root.display(), missing)]
    Missing {
        /// The directory.
        root: PathBuf,
        /// The file that should be there.
        missing: &'static str,
    },
    /// Another `vestibule up` runs on the directory.
    #[error("{} is in use: `vestibule up` runs on it as process {pid}", root.display())]
    Locked {
        /// The directory.
        root: PathBuf,
        /// The process that holds it, or `?` while it is only starting.
        pid: String,
    },
    /// The environment contradicts itself.
    #[error("{reason}")]
    Environment {
        /// What contradicts what.
        reason: String,
        /// What to change.
        remedy: String,
    },
    /// A file's content is wrong.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the key where there is one.
        reason: String,
    },
}

impl DataDirError {
    /// Makes the closure that `map_err` wants.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// The operating system's reason, in plain words where it has a common cause.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "it is a file, not a directory".to_owned(),
        ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        _ => error.to_string(),
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            "Let this user own the directory (chown, chmod 700), or choose another one with --data DIR."
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Free some space, or choose another disk with --data DIR. Nothing was left half-written."
        }
        _ => "Choose another directory with --data DIR.",
    }
}

impl From<DataDirError> for CommandError {
    fn from(error: DataDirError) -> Self {
        let message = error.to_string();
        match &error {
            DataDirError::Io { source, .. } => {
                let code = match source.kind() {
                    ErrorKind::PermissionDenied => ErrorCode::Denied,
                    _ => ErrorCode::Failed,
                };
                Self::new(code, message).hint(remedy(source))
            }
            DataDirError::Missing { .. } => Self::new(ErrorCode::NotFound, message).hint(
                "Start the services with `vestibule up` first, name their directory with --data DIR,\n\
                 or say where they are with --auth-url, --users-url and --token.",
            ),
            DataDirError::Locked { .. } => Self::new(ErrorCode::Conflict, message)
                .hint("Stop that one first, or start a second stack with --data OTHER-DIR and other ports."),
            DataDirError::Content { .. } => Self::new(ErrorCode::Usage, message),
            DataDirError::Environment { remedy, .. } => Self::new(ErrorCode::Usage, message).hint(remedy),
        }
    }
}
