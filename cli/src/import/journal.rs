//! [`Journal`]: the record of what an import has done, from which it goes on after an interruption.
//!
//! It is NDJSON beside the report. The first line has the size and the digest of the file. Then `{"row": N, "id": …}` says that
//! the user of row N exists with this id, and `{"done": N}` that the rows up to N are finished, with their password hashes.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The bytes of the file that its digest is made of.
const DIGESTED_BYTES: u64 = 64 * 1024;

/// The reason why an import cannot begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another import has it open.
    #[error("another import of this file is running")]
    Locked,
    /// The journal is of an interrupted import of another file.
    #[error("it belongs to an interrupted import of another file, or of an earlier version of this one")]
    OtherFile,
}

/// One line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Header { size: u64, digest: String },
    User { row: u64, id: String },
    Done { done: u64 },
}

/// A journal, locked against another import.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    done: u64,
    /// Users of rows after `done`.
    users: BTreeMap<u64, String>,
}

impl Journal {
    /// Opens or creates the journal of the import of `source`.
    ///
    /// # Errors
    /// See [`JournalError`].
    pub(super) fn open(path: &Path, source: &Path) -> Result<Self, JournalError> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::Locked,
            TryLockError::Error(error) => JournalError::Io(error),
        })?;
        let (size, digest) = identify(source)?;
        let mut journal = Self {
            file: file.try_clone()?,
            path: path.to_owned(),
            done: 0,
            users: BTreeMap::new(),
        };
        let mut known = false;
        let mut complete_bytes = 0;
        let mut lines = BufReader::new(&mut file);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            // A process that was killed may have left half a line.
            let Some(entry) = line
                .ends_with('\n')
                .then(|| serde_json::from_str(&line).ok())
                .flatten()
            else {
                break;
            };
            complete_bytes += line.len() as u64;
            line.clear();
            match entry {
                Entry::Header {
                    size: its_size,
                    digest: its_digest,
                } if its_size == size && its_digest == digest => known = true,
                Entry::Header { .. } => return Err(JournalError::OtherFile),
                Entry::User { row, id } => {
                    journal.users.insert(row, id);
                }
                Entry::Done { done } => {
                    journal.done = done;
                    journal.users = journal.users.split_off(&(done + 1));
                }
            }
        }
        drop(lines);
        file.set_len(complete_bytes)?;
        file.seek(io::SeekFrom::End(0))?;
        if !known {
            journal.write(&Entry::Header { size, digest })?;
        }
        Ok(journal)
    }

    /// The last row that is finished; 0 at the beginning.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// True if an earlier run got somewhere.
    pub(super) fn is_resumed(&self) -> bool {
        self.done > 0 || !self.users.is_empty()
    }

    /// The id of the user that an earlier run created for this row.
    pub(super) fn user(&self, row: u64) -> Option<&str> {
        self.users.get(&row).map(String::as_str)
    }

    /// Records that the user of a row exists.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn user_exists(&mut self, row: u64, id: &str) -> io::Result<()> {
        self.write(&Entry::User {
            row,
            id: id.to_owned(),
        })
    }

    /// Records that the rows up to `row` are finished.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn finish(&mut self, row: u64) -> io::Result<()> {
        self.write(&Entry::Done { done: row })
    }

    /// Deletes the journal of an import that is complete.
    ///
    /// # Errors
    /// When the file cannot be deleted.
    pub(super) fn delete(self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        self.file.write_all(line.as_bytes())
    }
}

/// The size of a file, and the digest of its first bytes.
fn identify(path: &Path) -> io::Result<(u64, String)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut start = Vec::new();
    file.take(DIGESTED_BYTES).read_to_end(&mut start)?;
    let digest = digest::digest(&digest::SHA256, &start);
    Ok((size, URL_SAFE_NO_PAD.encode(digest)))
}
