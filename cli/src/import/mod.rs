//! Import of users and groups from files: readers of the formats, and the loop that creates users and groups and imports password
//! hashes.
//!
//! A reader holds one record at a time, and no record may be longer than [`MAX_RECORD_BYTES`], so the memory does not grow with
//! the file. The import goes through the public APIs alone: `/admin/v1/import` and SCIM of `users`, and the batches of password
//! hashes of `auth`.

mod batch;
mod columns;
mod create;
mod credentials;
mod csv;
mod dry_run;
mod formats;
mod groups;
mod identities;
mod journal;
mod lines;
mod members;
mod ndjson;
mod outputs;
mod progress;
mod report;
mod run;
mod summary;
#[cfg(test)]
mod tests;

use secrecy::SecretString;
use serde_json::{Map, Value};

pub(crate) use create::ConflictPolicy;
pub(crate) use formats::{FileFormat, ReaderOptions, RowSource, Rows};
pub(crate) use run::{ImportOptions, import};
pub(crate) use summary::Summary;

/// The limit on one record of a file: a line, a row of CSV, an object in a list.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// A user as a file has it.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The attributes of the SCIM `User` (RFC 7643 §4.1), with the `id` and `meta.created` that are to be kept.
    pub(crate) user: Map<String, Value>,
    /// The password hash, in a form that `auth` accepts.
    pub(crate) password_hash: Option<SecretString>,
    /// The password hash, encrypted in the format of age, in its armor.
    pub(crate) encrypted_hash: Option<String>,
    /// The texts by which groups of the file refer to the user.
    pub(crate) references: Vec<String>,
    /// The names of the groups that the row of the user puts them into.
    pub(crate) groups: Vec<String>,
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

/// A group as a file has it.
#[derive(Debug, Default)]
pub(crate) struct GroupRecord {
    /// The attributes of the SCIM `Group` (RFC 7643 §4.2) without its members.
    pub(crate) group: Map<String, Value>,
    /// The texts by which other groups of the file refer to the group.
    pub(crate) references: Vec<String>,
    /// The members.
    pub(crate) members: Vec<MemberReference>,
}

impl GroupRecord {
    /// `displayName`; empty if it is missing.
    pub(crate) fn name(&self) -> &str {
        self.group
            .get("displayName")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// A member of a group, as a file refers to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberReference {
    /// An id, or another text that stands for one user or group of the file.
    pub(crate) reference: String,
    /// `User` or `Group`, if the file says.
    pub(crate) kind: Option<&'static str>,
}

/// The content of a row.
#[derive(Debug)]
pub(crate) enum Item {
    /// A user.
    User(Record),
    /// A group.
    Group(GroupRecord),
}

impl From<Record> for Item {
    fn from(record: Record) -> Self {
        Self::User(record)
    }
}

/// One row of a file: a user or a group, or the reason why it is refused.
#[derive(Debug)]
pub(crate) struct Row {
    /// The position in the file, from 1.
    pub(crate) number: u64,
    /// The line on which the row begins, in formats of lines.
    pub(crate) line: Option<u64>,
    /// The user or the group.
    pub(crate) item: Result<Item, Rejection>,
}

/// The reason why a row is refused. It never has a password or a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rejection {
    /// The user name, if it is known.
    pub(crate) user_name: String,
    /// The name of the group, if the row is one.
    pub(crate) group_name: String,
    /// The attribute; empty when the whole row is refused.
    pub(crate) field: String,
    /// The reason.
    pub(crate) reason: String,
}

impl Rejection {
    /// The refusal of one attribute, or of the row if `field` is empty.
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Reads the text `ATTRIBUTE: REASON` of a SCIM error.
    pub(crate) fn from_detail(detail: &str) -> Self {
        match detail.split_once(": ") {
            Some((field, reason)) if !field.is_empty() && !field.contains(' ') => Self::new(field, reason),
            _ => Self::new("", detail),
        }
    }

    /// Adds the name of the group.
    #[must_use]
    pub(crate) fn of_group(mut self, name: &str) -> Self {
        name.clone_into(&mut self.group_name);
        self
    }

    /// Adds the user name.
    #[must_use]
    pub(crate) fn of(mut self, user_name: &str) -> Self {
        user_name.clone_into(&mut self.user_name);
        self
    }
}
