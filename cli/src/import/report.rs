//! [`Report`]: the file with a line for each refused row.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Rejection, Row};
use crate::api::text_at;

/// The field of the lines about members of groups.
pub(super) const MEMBERS: &str = "members";

/// A report in NDJSON. A line has `row`, `line`, `userName` or the `displayName` of a group, `field` and
/// `reason`, and `id` if the user was created.
#[derive(Debug)]
pub(super) struct Report {
    file: File,
    path: PathBuf,
    lines: u64,
}

impl Report {
    /// A new report. An old file of this name is replaced.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: private_file(path)?,
            path: path.to_owned(),
            lines: 0,
        })
    }

    /// The report of an interrupted import, with the rows up to `last_row`, and the members of groups up to `last_of_members`.
    /// Those after it are imported again.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub(super) fn resume(path: &Path, last_row: u64, last_of_members: u64) -> io::Result<Self> {
        let mut kept_path = path.as_os_str().to_owned();
        kept_path.push(".part");
        let mut kept = private_file(Path::new(&kept_path))?;
        let mut lines = 0;
        if let Ok(old) = File::open(path) {
            for line in BufReader::new(old).lines() {
                let line = line?;
                let parsed: Option<Value> = serde_json::from_str(&line).ok();
                let is_of_members = parsed.as_ref().is_some_and(|it| text_at(it, "/field") == MEMBERS);
                let row = parsed.and_then(|it| it.get("row")?.as_u64());
                let last = if is_of_members { last_of_members } else { last_row };
                if row.is_some_and(|row| row <= last) {
                    writeln!(kept, "{line}")?;
                    lines += 1;
                }
            }
        }
        drop(kept);
        fs::rename(&kept_path, path)?;
        Ok(Self {
            file: OpenOptions::new().append(true).open(path)?,
            path: path.to_owned(),
            lines,
        })
    }

    /// Adds a refused row. `id` is that of a user who was created without the refused part.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn reject(&mut self, row: RowRef, rejection: &Rejection, id: Option<&str>) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("row".to_owned(), row.number.into());
        if let Some(number) = row.line {
            line.insert("line".to_owned(), number.into());
        }
        let texts = [
            ("userName", rejection.user_name.as_str()),
            ("displayName", rejection.group_name.as_str()),
            ("field", rejection.field.as_str()),
            ("reason", rejection.reason.as_str()),
            ("id", id.unwrap_or_default()),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            line.insert(name.to_owned(), text.into());
        }
        self.lines += 1;
        writeln!(self.file, "{}", Value::Object(line))
    }

    /// The number of refused rows.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Creates or empties a file that only this user of the machine may read: it has names of people.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

/// The position of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowRef {
    pub(super) number: u64,
    pub(super) line: Option<u64>,
}

impl From<&Row> for RowRef {
    fn from(row: &Row) -> Self {
        Self {
            number: row.number,
            line: row.line,
        }
    }
}
