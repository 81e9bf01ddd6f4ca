//! `vestibule user export`: writes every user and every group as NDJSON.

mod file;
mod groups;
mod hashes;
mod line;
mod person;
#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;
use std::time::Duration;

use age_format::Recipient;
use contract::paths;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, retry, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::output::{self, Format};
use hashes::{ENCRYPTED_HASH, Hashes};
use person::PersonArgs;

/// The time for which a page is asked for while `users` is away or overloaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// Export people and groups to a file that can be imported again
///
/// It has one SCIM User a line, in JSON, and then one Group a line, each in the order of the ids and with sorted members, so that two
/// exports can be compared line by line. A line has every attribute, those too that SCIM returns on request or never, and in
/// `external_ids` the externalId of each provisioning client. After an import of it into an empty installation, the export of that one is
/// the same, byte for byte.
///
/// With --hashes the lines of people have their password hashes. auth encrypts each of them in the format of age
/// (https://age-encryption.org/v1) to the public keys that its configuration names (`[passwords] export_recipients`), and exports none
/// without. Each encrypted hash is another text in every export, because it has a key of its own. With --recipient the whole file is
/// encrypted, the hashes once more. With --id or --user-name it is one JSON document with everything that both services hold about one
/// person, for the answer to a request for access.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user export --to people.ndjson
  vestibule user export | jq -r 'select(.userName).userName'
  vestibule user export --hashes --to people.ndjson
  vestibule user export --recipient age1qqq... --to people.ndjson.age
  vestibule user export --user-name ann --to ann.json")]
pub(crate) struct Export {
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Export the password hashes too, as auth encrypts them
    #[arg(long, conflicts_with_all = ["id", "user_name"])]
    hashes: bool,
    /// Public key of age (X25519) that the whole file is encrypted to; may be given several times
    #[arg(long, value_name = "KEY", conflicts_with_all = ["id", "user_name"])]
    recipient: Vec<Recipient>,
    #[command(flatten)]
    person: PersonArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of an export.
#[derive(Default)]
struct Options {
    hashes: bool,
    recipients: Vec<Recipient>,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        if self.person.is_given() {
            return self.run_for_person().await;
        }
        let api = ApiClient::new(&self.connection, &["groups:read", "admin"])?;
        let options = Options {
            hashes: self.hashes,
            recipients: self.recipient,
        };
        let Some(path) = self.to else {
            return match file::encrypt_or_not(&api, BufWriter::new(io::stdout()), &options).await {
                Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                other => other.map(drop).map_err(|error| error.describe("standard output")),
            };
        };
        let count = file::export_to(&api, &path, &options).await?;
        match self.connection.output {
            Format::Json => output::print_json(
                &json!({ "users": count.users, "groups": count.groups, "hashes": count.hashes, "file": path }),
            ),
            Format::Table => output::print_line(format!(
                "{} has {} people and {} groups",
                path.display(),
                count.users,
                count.groups
            )),
        }
    }

    async fn run_for_person(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read", "admin"])?;
        let document = line::sorted(person::export(&api, &self.person).await?);
        match self.to {
            Some(path) => file::write_document(&path, &format!("{document:#}")),
            None => output::print_json(&document),
        }
    }
}

/// The numbers of resources in an export.
struct Counts {
    users: usize,
    hashes: usize,
    groups: usize,
}

/// The error of an export.
enum ExportError {
    Write(io::Error),
    Command(CommandError),
}

impl ExportError {
    fn describe(self, file: &str) -> CommandError {
        match self {
            Self::Write(error) => {
                CommandError::new(ErrorCode::Failed, format!("cannot write {file}: {error}"))
            }
            Self::Command(error) => error,
        }
    }
}

/// Writes the users and then the groups, page by page, and returns their numbers.
async fn export(api: &ApiClient, out: &mut impl Write, options: &Options) -> Result<Counts, ExportError> {
    let mut pages = Pages::of(paths::users::EXPORT_USERS, "users");
    let mut all_hashes = options.hashes.then(Hashes::default);
    let (mut users, mut hashes) = (0, 0);
    while let Some(page) = pages.next(api).await? {
        users += page.len();
        for mut user in page {
            if let (Some(all), Ok(id)) = (&mut all_hashes, text_at(&user, "/id").parse())
                && let Some(hash) = all.of(api, id).await?
                && let Value::Object(attributes) = &mut user
            {
                hashes += 1;
                attributes.insert(ENCRYPTED_HASH.to_owned(), hash.into());
            }
            writeln!(out, "{}", line::sorted(user)).map_err(ExportError::Write)?;
        }
    }
    let groups = groups::export(api, out).await?;
    out.flush().map_err(ExportError::Write)?;
    Ok(Counts {
        users,
        hashes,
        groups,
    })
}

/// The pages of the users or the groups of an export, in the order of their ids.
struct Pages {
    path: &'static str,
    /// The member of a page that has the resources.
    member: &'static str,
    after: String,
    ended: bool,
}

impl Pages {
    fn of(path: &'static str, member: &'static str) -> Self {
        Self {
            path,
            member,
            after: String::new(),
            ended: false,
        }
    }

    /// The resources of the next page, or `None` behind the last one.
    async fn next(&mut self, api: &ApiClient) -> Result<Option<Vec<Value>>, ExportError> {
        if self.ended {
            return Ok(None);
        }
        let path = match self.after.as_str() {
            "" => self.path.to_owned(),
            after => format!("{}?after={}", self.path, percent_encode(after)),
        };
        let page = retry(PATIENCE, || api.call(RemoteService::Users, Method::GET, &path)).await;
        let mut page = page.map_err(|error| ExportError::Command(error.into()))?;
        let Some(Value::Array(found)) = page.get_mut(self.member).map(Value::take) else {
            let reason = format!("users answered without {}: it is of another release", self.member);
            return Err(ExportError::Command(CommandError::new(ErrorCode::Failed, reason)));
        };
        self.after = text_at(&page, "/next");
        self.ended = self.after.is_empty();
        Ok(Some(found))
    }
}
