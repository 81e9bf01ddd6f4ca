//! The formats of files, and [`Rows`], the reader of any of them.

mod auth0;
mod cognito;
mod firebase;
mod json_elements;
mod keycloak;
mod kratos;
mod ldif;
mod okta;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::columns::{Columns, Mapping, set, set_item};
use super::csv::CsvReader;
use super::ndjson::{Ndjson, scim_user};
use super::progress::{ByteCount, Counted};
use super::{Record, Rejection, Row};
use crate::error::{CommandError, ErrorCode};
use firebase::HashParameters;
use json_elements::JsonElements;
use ldif::Ldif;

/// The size of the buffer in front of a file.
const BUFFER_BYTES: usize = 64 * 1024;

/// The format of a file of users
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FileFormat {
    /// A SCIM User a line, in JSON, with `password_hash` beside its attributes (.ndjson, .jsonl)
    Ndjson,
    /// Comma-separated values with a header (.csv)
    Csv,
    /// LDAP Data Interchange Format with people of inetOrgPerson (.ldif)
    Ldif,
    /// Export of a realm of Keycloak, in JSON
    Keycloak,
    /// Export of users or of password hashes of Auth0, in NDJSON
    Auth0,
    /// Output of `firebase auth:export`, in JSON; needs --firebase-hash-config
    Firebase,
    /// CSV with the header of Amazon Cognito
    Cognito,
    /// List of identities of Ory Kratos, in JSON
    Kratos,
    /// CSV with the columns of Okta
    Okta,
}

impl FileFormat {
    /// The format that the name of a file says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "ldif" => Some(Self::Ldif),
            _ => None,
        }
    }
}

/// The options of a reader.
#[derive(Debug, Default)]
pub(crate) struct ReaderOptions {
    /// The attributes of columns, for the formats of CSV.
    pub(crate) mappings: Vec<Mapping>,
    /// The file with the hash parameters of a Firebase project.
    pub(crate) firebase_hash_config: Option<PathBuf>,
}

type Input = BufReader<Counted<File>>;

/// The reader of one format.
enum Reader {
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
    Ldif(Ldif<Input>),
}

/// The conversion of an object to a record.
type Converter = Box<dyn Fn(Map<String, Value>) -> Result<Record, Rejection>>;

/// The rows of a file. One is held at a time.
pub(crate) struct Rows {
    reader: Reader,
    read: ByteCount,
}

/// Opens a file of users.
///
/// # Errors
/// When the file cannot be read, or the options do not fit its header.
pub(crate) fn open(path: &Path, format: FileFormat, options: &ReaderOptions) -> Result<Rows, CommandError> {
    let usage = |reason: String| CommandError::new(ErrorCode::Usage, format!("{}: {reason}", path.display()));
    let file = File::open(path).map_err(|error| usage(format!("cannot be opened: {error}")))?;
    let read = ByteCount::default();
    let counted = Counted {
        inner: file,
        count: read.clone(),
    };
    let input = BufReader::with_capacity(BUFFER_BYTES, counted);
    if !options.mappings.is_empty()
        && !matches!(format, FileFormat::Csv | FileFormat::Cognito | FileFormat::Okta)
    {
        return Err(usage("--map is for files with columns".to_owned()));
    }
    let reader = match format {
        FileFormat::Ndjson => Reader::Ndjson(Ndjson::new(input, scim_user)),
        FileFormat::Auth0 => Reader::Ndjson(Ndjson::new(input, auth0::user)),
        FileFormat::Ldif => Reader::Ldif(Ldif::new(input)),
        FileFormat::Keycloak => json(input, "users", Box::new(keycloak::user)),
        FileFormat::Kratos => json(input, "identities", Box::new(kratos::user)),
        FileFormat::Firebase => {
            let config = options.firebase_hash_config.as_deref();
            let parameters = config.map(HashParameters::read).transpose()?;
            json(
                input,
                "users",
                Box::new(move |user| firebase::user(user, parameters.as_ref())),
            )
        }
        FileFormat::Csv => csv(input, &[], options, Ok).map_err(usage)?,
        FileFormat::Cognito => csv(input, cognito::COLUMNS, options, cognito::complete).map_err(usage)?,
        FileFormat::Okta => csv(input, okta::COLUMNS, options, Ok).map_err(usage)?,
    };
    Ok(Rows { reader, read })
}

fn json(input: Input, member: &'static str, convert: Converter) -> Reader {
    Reader::Json {
        elements: JsonElements::new(input, member),
        convert,
    }
}

/// Reads the header of a CSV file.
fn csv(
    input: Input,
    presets: &[(&str, &str)],
    options: &ReaderOptions,
    complete: fn(Record) -> Result<Record, Rejection>,
) -> Result<Reader, String> {
    let mut reader = CsvReader::new(input);
    let header = reader.next_row().map_err(|error| error.to_string())?;
    let (_, header) = header.ok_or("is empty; expected a header with the names of the columns")?;
    let names = header.map_err(|rejection| format!("the header {}", rejection.reason))?;
    let columns = Columns::new(names, presets, &options.mappings)?;
    if !columns.have_user_name() {
        return Err("no column becomes userName: name one with --map COLUMN=userName".to_owned());
    }
    Ok(Reader::Csv {
        reader,
        columns,
        number: 0,
        complete,
    })
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
                record: object.and_then(convert),
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
                    record: fields
                        .and_then(|fields| columns.record(fields))
                        .and_then(*complete),
                }
            }),
        };
        Ok(row.map(checked))
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

/// Refuses what no format may have: a user without a name, and a password in plain text.
fn checked(mut row: Row) -> Row {
    if let Ok(record) = &row.record {
        let has_password = record
            .user
            .keys()
            .any(|name| name.eq_ignore_ascii_case("password"));
        let rejection = if record.user_name().is_empty() {
            Some(Rejection::new("userName", "is required"))
        } else if has_password {
            Some(Rejection::new("password", "is not imported: password_hash is").of(record.user_name()))
        } else {
            None
        };
        if let Some(rejection) = rejection {
            row.record = Err(rejection);
        }
    }
    row
}

/// Sets an attribute if there is a text for it.
fn put(user: &mut Map<String, Value>, path: &[&str], text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        set(user, &path, text.into());
    }
}

/// Adds the primary value of `emails`, or a value of another list.
fn put_value(user: &mut Map<String, Value>, list: &str, kind: Option<&str>, text: Option<&str>) {
    if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
        set_item(user, list, kind, ("value", text.into()));
    }
}
