//! `vestibule user export`: writes every user as NDJSON.

#[cfg(test)]
mod tests;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::api::{ApiClient, ConnectionArgs, RemoteService, percent_encode, retry, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::output::{self, Format};

/// The number of users in one page.
const PAGE: usize = 200;
/// The time for which a page is asked for while `users` is away or overloaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// Export people to a file that can be imported again
///
/// It has one SCIM User a line, in JSON, in the order of the ids and with sorted members, so that two exports can be compared line
/// by line. Password hashes are not in it: no service gives them to anybody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user export --to people.ndjson
  vestibule user export | jq -r .userName")]
pub(crate) struct Export {
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read"])?;
        let Some(path) = self.to else {
            return match export(&api, &mut BufWriter::new(io::stdout())).await {
                Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                other => other.map(drop).map_err(|error| error.describe("standard output")),
            };
        };
        let count = export_to(&api, &path).await?;
        match self.connection.output {
            Format::Json => output::print_json(&json!({ "users": count, "file": path })),
            Format::Table => output::print_line(format!("{} has {count} people", path.display())),
        }
    }
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

/// Writes a file that only this user of the machine may read. It is there when it is complete.
async fn export_to(api: &ApiClient, path: &Path) -> Result<usize, CommandError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let describe = |error: ExportError| error.describe(&path.display().to_string());
    let mut file = NamedTempFile::new_in(folder).map_err(|error| describe(ExportError::Write(error)))?;
    let count = export(api, &mut BufWriter::new(&mut file))
        .await
        .map_err(describe)?;
    file.as_file()
        .sync_all()
        .map_err(|error| describe(ExportError::Write(error)))?;
    file.persist(path)
        .map_err(|error| describe(ExportError::Write(error.error)))?;
    Ok(count)
}

/// Writes the users, page by page, and returns their number.
async fn export(api: &ApiClient, out: &mut impl Write) -> Result<usize, ExportError> {
    let config = fetch(api, paths::users::SCIM_CONFIG).await?;
    let has_cursors = config.pointer("/pagination/cursor") == Some(&Value::Bool(true));
    let mut count = 0;
    let mut cursor = has_cursors.then(String::new);
    loop {
        let position = match &cursor {
            Some(cursor) => format!("cursor={}", percent_encode(cursor)),
            None => format!("startIndex={}", count + 1),
        };
        let path = format!("{}?{position}&count={PAGE}", paths::users::SCIM_USERS);
        let mut page = fetch(api, &path).await?;
        let users = match page.get_mut("Resources").map(Value::take) {
            Some(Value::Array(users)) => users,
            _ => Vec::new(),
        };
        let last = match &mut cursor {
            // RFC 9865 §2: the last page has no next cursor.
            Some(cursor) => {
                *cursor = text_at(&page, "/nextCursor");
                cursor.is_empty()
            }
            // RFC 7644 §3.4.2.4: `startIndex` counts from 1.
            None => users.len() < PAGE,
        };
        count += users.len();
        for user in users {
            writeln!(out, "{}", export_line(user)).map_err(ExportError::Write)?;
        }
        if last {
            break;
        }
    }
    out.flush().map_err(ExportError::Write)?;
    Ok(count)
}

async fn fetch(api: &ApiClient, path: &str) -> Result<Value, ExportError> {
    retry(PATIENCE, || api.call(RemoteService::Users, Method::GET, path))
        .await
        .map_err(|error| ExportError::Command(error.into()))
}

/// The line of a user: without the URL and the version of the resource, which another installation has differently, and with
/// sorted members.
fn export_line(mut user: Value) -> Value {
    if let Some(Value::Object(meta)) = user.get_mut("meta") {
        meta.retain(|name, _| name != "location" && name != "version");
    }
    sorted(user)
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            let members = members.into_iter().map(|(name, value)| (name, sorted(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}
