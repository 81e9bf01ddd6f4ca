//! [`Rows`], the reader of a file of any format.

use std::collections::VecDeque;
use std::io::{self, BufReader, Read};

use age_format::Identity;
use serde_json::{Map, Value};

use super::json_elements::JsonElements;
use super::ldif::Ldif;
use super::{encrypted, keycloak};
use crate::import::columns::Columns;
use crate::import::csv::CsvReader;
use crate::import::ndjson::Ndjson;
use crate::import::progress::ByteCount;
use crate::import::{GroupRecord, Item, Record, Rejection, Row};

pub(super) type Input = BufReader<Box<dyn Read>>;

/// The reader of one format.
pub(super) enum Reader {
    Ndjson(Ndjson<Input>),
    Csv {
        reader: CsvReader<Input>,
        columns: Columns,
        number: u64,
        complete: fn(Record) -> Result<Record, Rejection>,
    },
    Json {
        elements: JsonElements<Input>,
        convert: Converter,
    },
    Keycloak {
        groups: JsonElements<Input>,
        /// Groups of an element that was read.
        waiting: VecDeque<GroupRecord>,
        users: JsonElements<Input>,
        with_roles: bool,
        number: u64,
    },
    Ldif(Ldif<Input>),
}

/// The conversion of an object to a record.
pub(super) type Converter = Box<dyn Fn(Map<String, Value>) -> Result<Record, Rejection>>;

/// The rows of a file. One is held at a time.
pub(crate) struct Rows {
    pub(super) reader: Reader,
    pub(super) identities: Vec<Identity>,
    pub(super) read: ByteCount,
}

impl Rows {
    /// The next row, or `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, or is not of its format from here on.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<Row>> {
        let row = match &mut self.reader {
            Reader::Ndjson(reader) => reader.next_row()?,
            Reader::Ldif(reader) => reader.next_row()?,
            Reader::Json { elements, convert } => elements.next_element()?.map(|(number, object)| Row {
                number,
                line: None,
                item: object.and_then(convert).map(Item::User),
            }),
            Reader::Keycloak {
                groups,
                waiting,
                users,
                with_roles,
                number,
            } => keycloak_item(groups, waiting, users, *with_roles)?.map(|item| {
                *number += 1;
                Row {
                    number: *number,
                    line: None,
                    item,
                }
            }),
            Reader::Csv {
                reader,
                columns,
                number,
                complete,
            } => reader.next_row()?.map(|(line, fields)| {
                *number += 1;
                Row {
                    number: *number,
                    line: Some(line),
                    item: fields
                        .and_then(|fields| columns.record(fields))
                        .and_then(*complete)
                        .map(Item::User),
                }
            }),
        };
        Ok(row.map(checked))
    }

    /// The row with its password hash in plain text. Rows that are passed over need not pay for that.
    ///
    /// # Errors
    /// Of the kind `InvalidInput` when no key fits.
    pub(crate) fn decrypt_hash(&self, row: Row) -> io::Result<Row> {
        encrypted::decrypt_hash(row, &self.identities)
    }

    /// The count of the bytes that were read of the file.
    pub(crate) fn bytes_read(&self) -> ByteCount {
        self.read.clone()
    }

    /// The columns that become nothing.
    pub(crate) fn unused_columns(&self) -> Vec<&str> {
        match &self.reader {
            Reader::Csv { columns, .. } => columns.unused().collect(),
            _ => Vec::new(),
        }
    }
}

/// The next group of a realm of Keycloak, then the next user.
fn keycloak_item(
    groups: &mut JsonElements<Input>,
    waiting: &mut VecDeque<GroupRecord>,
    users: &mut JsonElements<Input>,
    with_roles: bool,
) -> io::Result<Option<Result<Item, Rejection>>> {
    while waiting.is_empty() {
        match groups.next_element()? {
            Some((_, Ok(group))) => waiting.extend(keycloak::groups(group)),
            Some((_, Err(rejection))) => return Ok(Some(Err(rejection))),
            None => break,
        }
    }
    if let Some(group) = waiting.pop_front() {
        return Ok(Some(Ok(Item::Group(group))));
    }
    let user = users.next_element()?;
    Ok(user.map(|(_, user)| {
        let record = user.and_then(|user| keycloak::user(user, with_roles));
        record.map(Item::User)
    }))
}

/// Refuses what no format may have: a user or a group without a name, and a password in plain text.
fn checked(mut row: Row) -> Row {
    let rejection = match &row.item {
        Ok(Item::User(record)) => {
            let is_password = |name: &String| name.eq_ignore_ascii_case("password");
            if record.user_name().is_empty() {
                Some(Rejection::new("userName", "is required"))
            } else if record.user.keys().any(is_password) {
                let rejection = Rejection::new("password", "is not imported: password_hash is");
                Some(rejection.of(record.user_name()))
            } else {
                None
            }
        }
        Ok(Item::Group(group)) if group.name().is_empty() => {
            Some(Rejection::new("displayName", "is required"))
        }
        Ok(Item::Group(_)) | Err(_) => None,
    };
    if let Some(rejection) = rejection {
        row.item = Err(rejection);
    }
    row
}
