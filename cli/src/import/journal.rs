//! [`Journal`]: the record of what an import has done, from which it goes on after an interruption.
//!
//! It is NDJSON beside the report. The first line has the size and the digests of the file. Then `{"row": N, "id": …}` says that
//! the user of row N exists with this id, and `{"done": N}` that the rows up to N are finished, with their password hashes. For
//! groups, `{"reference": …, "id": …}` says that what the file refers to so has another id here, `{"refused_group": N}` that the
//! group of row N was refused, and `{"members": N}` that the members of the groups up to row N are added.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The bytes at the beginning of a file that have a digest of their own, and the size of the buffer in which the file is read.
const START_BYTES: usize = 64 * 1024;

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
    Header(FileDigests),
    User { row: u64, id: String },
    Done { done: u64 },
    Alias { reference: Uuid, id: Uuid },
    RefusedGroup { refused_group: u64 },
    Members { members: u64 },
}

/// The size and the digests of a file, which tell it from others.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileDigests {
    size: u64,
    /// Of the first [`START_BYTES`]: the ids that an import gives are made of it, so that a correction further on changes none.
    digest: String,
    /// Of the whole file. Journals of builds before have none, and belong to no file.
    #[serde(default)]
    content: String,
}

/// A journal, locked against another import.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    path: PathBuf,
    done: u64,
    /// Users of rows after `done`.
    users: BTreeMap<u64, String>,
    /// The ids here of what has another one in the file.
    aliases: HashMap<Uuid, Uuid>,
    /// The rows of groups that were refused.
    refused_groups: BTreeSet<u64>,
    /// The last row of a group whose members are added.
    members_done: u64,
    /// The digest of which ids are made.
    digest: String,
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
        let digests = digests_of(source)?;
        let mut journal = Self {
            file: file.try_clone()?,
            path: path.to_owned(),
            done: 0,
            users: BTreeMap::new(),
            aliases: HashMap::new(),
            refused_groups: BTreeSet::new(),
            members_done: 0,
            digest: digests.digest.clone(),
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
                Entry::Header(its_digests) if its_digests == digests => known = true,
                Entry::Header(_) => return Err(JournalError::OtherFile),
                other => journal.note(other),
            }
        }
        drop(lines);
        file.set_len(complete_bytes)?;
        file.seek(io::SeekFrom::End(0))?;
        if !known {
            journal.write(&Entry::Header(digests))?;
        }
        Ok(journal)
    }

    /// Takes in an entry of an earlier run.
    fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Header(_) => {}
            Entry::User { row, id } => {
                self.users.insert(row, id);
            }
            Entry::Done { done } => {
                self.done = done;
                self.users = self.users.split_off(&(done + 1));
            }
            Entry::Alias { reference, id } => {
                self.aliases.insert(reference, id);
            }
            Entry::RefusedGroup { refused_group } => {
                self.refused_groups.insert(refused_group);
            }
            Entry::Members { members } => self.members_done = members,
        }
    }

    /// The digest of the beginning of the file.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The id of what the file refers to by `reference`: another one, if the journal says so.
    pub(super) fn resolve(&self, reference: Uuid) -> Uuid {
        self.aliases.get(&reference).copied().unwrap_or(reference)
    }

    /// Records that what the file refers to by `reference` has another id here.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn alias(&mut self, reference: Uuid, id: Uuid) -> io::Result<()> {
        if reference == id || self.aliases.get(&reference) == Some(&id) {
            return Ok(());
        }
        self.aliases.insert(reference, id);
        self.write(&Entry::Alias { reference, id })
    }

    /// True if the group of a row was refused.
    pub(super) fn is_refused_group(&self, row: u64) -> bool {
        self.refused_groups.contains(&row)
    }

    /// Records that the group of a row was refused.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn refuse_group(&mut self, row: u64) -> io::Result<()> {
        self.refused_groups.insert(row);
        self.write(&Entry::RefusedGroup { refused_group: row })
    }

    /// The last row of a group whose members are added; 0 at the beginning.
    pub(super) fn members_done(&self) -> u64 {
        self.members_done
    }

    /// Records that the members of the groups up to `row` are added.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn finish_members(&mut self, row: u64) -> io::Result<()> {
        self.members_done = row;
        self.write(&Entry::Members { members: row })
    }

    /// The last row that is finished; 0 at the beginning.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// True if an earlier run got somewhere.
    pub(super) fn is_resumed(&self) -> bool {
        self.done > 0 || !self.users.is_empty() || !self.refused_groups.is_empty()
    }

    /// The id of the user that an earlier run created for this row.
    pub(super) fn user(&self, row: u64) -> Option<&str> {
        self.users.get(&row).map(String::as_str)
    }

    /// Records that the users of rows exist.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn users_exist<'a>(
        &mut self,
        users: impl IntoIterator<Item = (u64, &'a str)>,
    ) -> io::Result<()> {
        let mut lines = String::new();
        for (row, id) in users {
            let id = id.to_owned();
            lines.push_str(&serde_json::to_string(&Entry::User { row, id })?);
            lines.push('\n');
        }
        self.file.write_all(lines.as_bytes())
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

/// Reads a file from its beginning to its end, in constant memory.
fn digests_of(path: &Path) -> io::Result<FileDigests> {
    let mut input = BufReader::with_capacity(START_BYTES, File::open(path)?);
    let (mut start, mut content) = (Context::new(&SHA256), Context::new(&SHA256));
    let mut size = 0_usize;
    loop {
        let part = input.fill_buf()?;
        if part.is_empty() {
            break;
        }
        let of_start = START_BYTES.saturating_sub(size).min(part.len());
        start.update(part.get(..of_start).unwrap_or_default());
        content.update(part);
        let length = part.len();
        input.consume(length);
        size += length;
    }
    let text = |context: Context| URL_SAFE_NO_PAD.encode(context.finish());
    Ok(FileDigests {
        size: size as u64,
        digest: text(start),
        content: text(content),
    })
}
