//! The errors of a data directory, each with its remedy.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{CommandError, ErrorCode};

/// The reason why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    /// The operating system refused an operation.
    #[error("cannot {action} {}: {}", path.display(), reason(source))]
    Io {
        /// The operation: `create`, `read`, `write` …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// No `vestibule up` was started on the directory yet.
    #[error("{} is not a Vestibule data directory: {} is missing", root.display(), missing)]
    Missing {
        /// The directory.
        root: PathBuf,
        /// The missing file.
        missing: &'static str,
    },
    /// Another `vestibule up` runs on the directory.
    #[error("{} is in use: `vestibule up` runs on it as process {pid}", root.display())]
    Locked {
        /// The directory.
        root: PathBuf,
        /// The process that holds the lock, or `?` while it is starting.
        pid: String,
    },
    /// The environment contradicts itself.
    #[error("{reason}")]
    Environment {
        /// The contradiction.
        reason: String,
        /// The change that removes it.
        remedy: String,
    },
    /// The content of a file is not valid.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The fault, with the key where there is one.
        reason: String,
    },
}

impl DataDirError {
    /// A closure for `map_err` that adds the operation and the path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// The reason of the operating system, in plain words where it has a common cause.
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
