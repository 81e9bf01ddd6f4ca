//! Import of users from files: readers of the formats, and the loop that creates users and imports their password hashes.
//!
//! A reader holds one record at a time, and no record may be longer than [`MAX_RECORD_BYTES`], so the memory does not grow with
//! the file. The import goes through the public APIs alone: SCIM of `users`, and the batches of password hashes of `auth`.

mod columns;
mod create;
mod credentials;
mod csv;
mod dry_run;
mod formats;
mod journal;
mod lines;
mod ndjson;
mod progress;
mod report;
mod run;
mod summary;
#[cfg(test)]
mod tests;

use secrecy::SecretString;
use serde_json::{Map, Value};

pub(crate) use create::ConflictPolicy;
pub(crate) use formats::{FileFormat, ReaderOptions, Rows, open};
pub(crate) use run::{ImportOptions, import};
pub(crate) use summary::Summary;

/// The limit on one record of a file: a line, a row of CSV, an object in a list.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// A user as a file has it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The attributes of the SCIM `User` (RFC 7643 §4.1).
    pub(crate) user: Map<String, Value>,
    /// The password hash, in a form that `auth` accepts.
    pub(crate) password_hash: Option<SecretString>,
}

impl Record {
    /// `userName`; empty if it is missing.
    pub(crate) fn user_name(&self) -> &str {
        self.user
            .get("userName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// One row of a file: a user, or the reason why it is refused.
#[derive(Debug)]
pub(crate) struct Row {
    /// The position in the file, from 1.
    pub(crate) number: u64,
    /// The line on which the row begins, in formats of lines.
    pub(crate) line: Option<u64>,
    /// The user.
    pub(crate) record: Result<Record, Rejection>,
}

/// The reason why a row is refused. It never has a password or a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The user name, if it is known.
    pub(crate) user_name: String,
    /// The attribute; empty when the whole row is refused.
    pub(crate) field: String,
    /// The reason.
    pub(crate) reason: String,
}

impl Rejection {
    /// The refusal of one attribute, or of the row if `field` is empty.
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            user_name: String::new(),
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// Reads the text `ATTRIBUTE: REASON` of a SCIM error.
    pub(crate) fn from_detail(detail: &str) -> Self {
        match detail.split_once(": ") {
            Some((field, reason)) if !field.is_empty() && !field.contains(' ') => Self::new(field, reason),
            _ => Self::new("", detail),
        }
    }

    /// Adds the user name.
    #[must_use]
    pub(crate) fn of(mut self, user_name: &str) -> Self {
        user_name.clone_into(&mut self.user_name);
        self
    }
}
