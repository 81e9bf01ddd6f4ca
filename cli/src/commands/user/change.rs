//! `vestibule user disable`, `enable` and `delete`.

use std::io::{self, BufRead, IsTerminal};

use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::{Value, json};

use super::find::{Who, email, find, path};
use crate::api::{Api, ApiError, Side, Target, text};
use crate::failure::{Code, Failure};
use crate::logs::printable;
use crate::output::{self, Format};

/// Disable a person: sessions end and tokens are refused within seconds
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user disable ann")]
pub(crate) struct Disable {
    #[command(flatten)]
    person: Changed,
}

/// Enable a person who was disabled
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user enable ann")]
pub(crate) struct Enable {
    #[command(flatten)]
    person: Changed,
}

/// Delete a person and what is known about them; this cannot be undone
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule user delete ann
  vestibule user delete ann --yes")]
pub(crate) struct Delete {
    #[command(flatten)]
    person: Changed,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
struct Changed {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    target: Target,
}

impl Disable {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.person.set_active(false).await
    }
}

impl Enable {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.person.set_active(true).await
    }
}

impl Changed {
    /// Reads the person, replaces `active` and writes the person back, unless somebody else did in between.
    async fn set_active(self, active: bool) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["users:read", "users:write"])?;
        let mut person = find(&api, &self.who).await?;
        let path = path(&person)?;
        let name = printable(&text(&person, "/userName"));
        if let Some(person) = person.as_object_mut() {
            person.insert("active".to_owned(), active.into());
        }
        let changed = replace(&api, &path, person).await?;
        match self.target.output {
            Format::Json => output::json(&changed),
            Format::Table => output::line(format!(
                "{name} is {}",
                if active { "enabled" } else { "disabled" }
            )),
        }
    }
}

/// Writes a person back (RFC 7644 §3.5.1), unless somebody else changed them since they were read.
pub(super) async fn replace(api: &Api, path: &str, mut person: Value) -> Result<Value, ApiError> {
    let version = text(&person, "/meta/version");
    if let Some(person) = person.as_object_mut() {
        // Read-only attributes, which a client need not send (RFC 7643 §3.1, §4.1).
        person.remove("meta");
        person.remove("groups");
    }
    let mut request = api.request(Side::Users, Method::PUT, path)?.json(&person);
    if !version.is_empty() {
        request = request.header(IF_MATCH, version);
    }
    api.send(Side::Users, request).await
}

impl Delete {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let target = &self.person.target;
        let api = Api::new(target, &["users:read", "users:write"])?;
        let person = find(&api, &self.person.who).await?;
        let name = printable(&text(&person, "/userName"));
        if !self.yes {
            let who = format!("{name} <{}>", printable(&email(&person)));
            confirm(&format!("Delete {who} for good? [y/N] "))?;
        }
        api.call(Side::Users, Method::DELETE, &path(&person)?).await?;
        match target.output {
            Format::Json => output::json(&json!({ "id": person.get("id"), "deleted": true })),
            Format::Table => output::line(format!("{name} is deleted")),
        }
    }
}

/// Asks on a terminal; a script has to say `--yes`.
fn confirm(question: &str) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(
            Code::Usage,
            "this cannot be undone, and nobody is here to be asked",
        )
        .hint("Say --yes to go on without a question."));
    }
    output::ask(question);
    let mut answer = String::new();
    // An answer that cannot be read is no "yes".
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Code::Failed, "nothing was deleted")),
    }
}
