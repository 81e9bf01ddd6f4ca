//! The lock of a data directory: only one `vestibule up` runs on it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::DataDirError;

/// The exclusive lock on a data directory. The kernel releases it when the process ends in any way.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
    /// True if the previous holder was killed. Its services may need a moment to release their ports.
    pub(crate) after_a_crash: bool,
}

impl Lock {
    /// Acquires the lock and writes the id of this process into the file.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] names the process that holds it.
    pub(super) fn acquire(root: &Path) -> Result<Self, DataDirError> {
        let path = root.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(DataDirError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::Locked {
                    root: root.to_owned(),
                    pid: read_pid(&mut file).unwrap_or_else(|| "?".to_owned()),
                });
            }
            Err(TryLockError::Error(error)) => return Err(DataDirError::io("lock", &path)(error)),
        }
        let after_a_crash = read_pid(&mut file).is_some();
        let mut lock = Self {
            file,
            path,
            after_a_crash,
        };
        lock.write(&format!("{}\n", std::process::id()))?;
        Ok(lock)
    }

    fn write(&mut self, text: &str) -> Result<(), DataDirError> {
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(text.as_bytes())
        };
        write(&mut self.file).map_err(DataDirError::io("write", &self.path))
    }
}

impl Drop for Lock {
    /// A clean end leaves an empty file. Only a process that was killed leaves its id.
    fn drop(&mut self) {
        // On an error the next holder waits a little for ports that are free already.
        let _ = self.write("");
    }
}

/// The process id of the current holder of the lock, for `doctor`; none when it is free.
pub(crate) fn lock_holder(root: &Path) -> Option<String> {
    let mut file = File::open(root.join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_pid(&mut file).unwrap_or_else(|| "?".to_owned())),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn read_pid(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty()).then(|| pid.to_owned())
}
