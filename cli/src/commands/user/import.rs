//! `vestibule user import`: creates the users of a file, with their password hashes.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{ApiClient, ConnectionArgs};
use crate::error::{CommandError, ErrorCode};
use crate::import::{ConflictPolicy, FileFormat, ImportOptions, ReaderOptions, RowSource, Summary, import};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format};

/// Import people and groups from a file, with password hashes
///
/// The file is read one person at a time, whatever its size. People whom the services refuse are written to the report, a line of
/// JSON each with the row and the reason, and the others are imported; then the exit code is 1. An import that was interrupted
/// goes on where it stopped when the same command runs again: a journal beside the report has what is done.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user import people.ndjson --dry-run
  vestibule user import people.csv --map login=userName --map 'E-Mail=emails' --map pw=password_hash
  vestibule user import people.ndjson.age --identity key.txt
  vestibule user import acme-realm.json --format keycloak
  vestibule user import users.json --format firebase --firebase-hash-config hash-config.txt")]
pub(crate) struct Import {
    /// The file to import
    file: PathBuf,
    /// Format of the file [default: by its name: .ndjson, .jsonl, .csv or .ldif]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<FileFormat>,
    /// Attribute that a column of CSV becomes, such as mail=emails or 'Cost centre=costCenter'; without an attribute the column is
    /// left out; may be given several times
    #[arg(long, value_name = "COLUMN=ATTRIBUTE", value_parser = parse_mapping)]
    map: Vec<(String, String)>,
    /// File with the password hash parameters of a Firebase project, as its console shows them
    #[arg(long, value_name = "FILE")]
    firebase_hash_config: Option<PathBuf>,
    /// File with the secret keys of age for a file that is encrypted, or that has encrypted password hashes, as
    /// `vestibule user export` writes them
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Make groups of the realm roles of Keycloak
    #[arg(long)]
    roles: bool,
    /// Check every row and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Row whose user name belongs to another user
    #[arg(long, value_enum, value_name = "ACTION", default_value_t)]
    on_conflict: ConflictPolicy,
    /// Requests in flight at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// File for the refused rows [default: FILE.report.ndjson, with --dry-run FILE.dry-run.ndjson]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Show the progress where standard error is not a terminal, too
    #[arg(long)]
    progress: bool,
    /// Seconds for which a request is repeated while a service is away or overloaded
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    retry_for: u32,
    #[command(flatten)]
    connection: ConnectionArgs,
}

fn parse_mapping(text: &str) -> Result<(String, String), &'static str> {
    // An attribute has no equals sign; the name of a column may.
    let (column, attribute) = text.rsplit_once('=').ok_or("expected COLUMN=ATTRIBUTE")?;
    match column {
        "" => Err("expected COLUMN=ATTRIBUTE"),
        _ => Ok((column.to_owned(), attribute.to_owned())),
    }
}

impl Import {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let format = self
            .format
            .or_else(|| FileFormat::of(&self.file))
            .ok_or_else(|| {
                CommandError::new(
                    ErrorCode::Usage,
                    format!("the name of {} does not say its format", self.file.display()),
                )
                .hint("Name it with --format.")
            })?;
        let reader = ReaderOptions {
            mappings: self.map,
            firebase_hash_config: self.firebase_hash_config,
            roles: self.roles,
            identity: self.identity,
        };
        let source = RowSource {
            path: self.file.clone(),
            format,
            options: reader,
        };
        let rows = source.open()?;
        let unused = rows.unused_columns();
        if !unused.is_empty() {
            output::print_remark(format!(
                "Columns that are not imported: {}",
                printable(&unused.join(", "))
            ));
        }
        drop(rows);
        let scopes: &[&str] = match self.dry_run {
            true => &["users:read", "groups:read"],
            false => &["users:read", "users:write", "admin"],
        };
        let api = ApiClient::new(&self.connection, scopes)?;
        let options = ImportOptions {
            report: self.report.unwrap_or_else(|| {
                let suffix = if self.dry_run {
                    ".dry-run.ndjson"
                } else {
                    ".report.ndjson"
                };
                let mut path = self.file.clone().into_os_string();
                path.push(suffix);
                path.into()
            }),
            source: self.file,
            concurrency: self.concurrency.into(),
            on_conflict: self.on_conflict,
            dry_run: self.dry_run,
            patience: Duration::from_secs(self.retry_for.into()),
            progress: self.progress,
        };
        let summary = import(&api, &source, &options).await?;
        print_summary(&summary, &options, self.connection.output)?;
        match summary.refused {
            0 => Ok(()),
            refused => Err(
                CommandError::new(ErrorCode::Failed, format!("{refused} rows were refused"))
                    .hint(format!("{} has the reasons.", options.report.display())),
            ),
        }
    }
}

fn print_summary(summary: &Summary, options: &ImportOptions, format: Format) -> Result<(), CommandError> {
    if format == Format::Json {
        let mut json = summary.to_json();
        if let Value::Object(members) = &mut json {
            members.insert("dry_run".to_owned(), options.dry_run.into());
            members.insert("report".to_owned(), json!(options.report));
        }
        return output::print_json(&json);
    }
    let counts = summary.counts();
    let pairs: Vec<(&str, String)> = counts
        .into_iter()
        .filter(|(name, count)| *count > 0 || *name == "rows" || *name == "created")
        .map(|(name, count)| (name, count.to_string()))
        .collect();
    if options.dry_run {
        output::print_remark("Nothing was changed. This is what an import would do:");
    }
    output::print_line(output::key_value_list(
        &pairs,
        Style::choose(Color::Auto, &io::stdout()),
    ))
}
