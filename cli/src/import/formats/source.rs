//! [`RowSource`], a file that is opened by its format.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use age_format::Identity;

use super::firebase::{self, HashParameters};
use super::json_elements::JsonElements;
use super::ldif::Ldif;
use super::rows::{Converter, Input, Reader, Rows};
use super::{FileFormat, ReaderOptions, auth0, cognito, encrypted, kratos, okta};
use crate::error::{CommandError, ErrorCode};
use crate::import::columns::Columns;
use crate::import::csv::CsvReader;
use crate::import::ndjson::{Ndjson, scim_resource};
use crate::import::progress::{ByteCount, Counted};
use crate::import::{Item, Record, Rejection};

/// The size of the buffer in front of a file.
const BUFFER_BYTES: usize = 64 * 1024;

/// A file of users, which can be read several times.
#[derive(Debug)]
pub(crate) struct RowSource {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its format.
    pub(crate) format: FileFormat,
    /// The options of its reader.
    pub(crate) options: ReaderOptions,
}

impl RowSource {
    /// Opens the file at its beginning.
    ///
    /// # Errors
    /// When the file cannot be read, or the options do not fit its header.
    pub(crate) fn open(&self) -> Result<Rows, CommandError> {
        let usage = |reason: String| {
            CommandError::new(ErrorCode::Usage, format!("{}: {reason}", self.path.display()))
        };
        let (format, options) = (self.format, &self.options);
        if !options.mappings.is_empty()
            && !matches!(format, FileFormat::Csv | FileFormat::Cognito | FileFormat::Okta)
        {
            return Err(usage("--map is for files with columns".to_owned()));
        }
        if options.roles && format != FileFormat::Keycloak {
            return Err(usage("--roles is for realms of Keycloak".to_owned()));
        }
        let identities = options.identity.as_deref().map(encrypted::read_identities);
        let identities = identities.transpose().map_err(usage)?.unwrap_or_default();
        let read = ByteCount::default();
        let input = self.input(read.clone(), &identities)?;
        let reader = match format {
            FileFormat::Ndjson => Reader::Ndjson(Ndjson::new(input, scim_resource)),
            FileFormat::Auth0 => Reader::Ndjson(Ndjson::new(input, |user| auth0::user(user).map(Item::User))),
            FileFormat::Ldif => Reader::Ldif(Ldif::new(input)),
            FileFormat::Keycloak => Reader::Keycloak {
                // The groups may stand behind the users.
                groups: JsonElements::optional(self.input(ByteCount::default(), &identities)?, "groups"),
                waiting: VecDeque::new(),
                users: JsonElements::new(input, "users"),
                with_roles: options.roles,
                number: 0,
            },
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
        Ok(Rows {
            reader,
            identities,
            read,
        })
    }

    fn input(&self, count: ByteCount, identities: &[Identity]) -> Result<Input, CommandError> {
        let file = File::open(&self.path).map_err(|error| {
            let reason = format!("{}: cannot be opened: {error}", self.path.display());
            CommandError::new(ErrorCode::Usage, reason)
        })?;
        let counted = BufReader::with_capacity(BUFFER_BYTES, Counted { inner: file, count });
        let lines_may_be = self.format == FileFormat::Ndjson;
        let plain = encrypted::open(counted, identities, lines_may_be).map_err(|reason| {
            let reason = format!("{}: {reason}", self.path.display());
            CommandError::new(ErrorCode::Usage, reason)
        })?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, plain))
    }
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
