//! Atomic writes of files that only their owner can read.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::DataDirError;

/// Creates a directory with mode 0700. An existing one is not changed.
pub(super) fn create_private_directory(path: &Path) -> Result<(), DataDirError> {
    match DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(error) => Err(DataDirError::io("create the directory", path)(error)),
    }
}

/// Sets mode 0700 on an empty directory. A directory with content may be a home directory and is not changed.
pub(super) fn restrict_if_empty(path: &Path) -> Result<(), DataDirError> {
    let mut entries = fs::read_dir(path).map_err(DataDirError::io("read", path))?;
    if entries.next().is_none() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(DataDirError::io("close to others", path))?;
    }
    Ok(())
}

/// Replaces `path` by `content` atomically, with mode 0600. A full disk leaves the old file, or none.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), DataDirError> {
    let refused = |error| DataDirError::io("write", path)(error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(refused)?;
    file.write_all(content).map_err(refused)?;
    file.as_file().sync_all().map_err(refused)?;
    file.persist(path).map_err(|error| refused(error.error))?;
    Ok(())
}

/// Writes `path` unless it exists, so the edits of an operator stay. Returns whether it was written.
pub(super) fn write_if_missing(path: &Path, content: &[u8]) -> Result<bool, DataDirError> {
    if path.try_exists().map_err(DataDirError::io("read", path))? {
        return Ok(false);
    }
    replace(path, content)?;
    Ok(true)
}

/// Reads the TOML in `path`. The table is empty when the file does not exist.
pub(super) fn read_toml(path: &Path) -> Result<toml::Table, DataDirError> {
    let Some(text) = read(path)? else {
        return Ok(toml::Table::new());
    };
    toml::from_str(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        DataDirError::Content {
            path: path.to_owned(),
            // Only the message: the error's own text quotes the line, which may hold a secret.
            reason: format!("line {line}: {}", error.message()),
        }
    })
}

/// Reads the text of `path`; none when the file does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>, DataDirError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataDirError::io("read", path)(error)),
    }
}
