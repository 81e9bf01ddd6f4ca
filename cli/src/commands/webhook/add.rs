//! `vestibule webhook add`.

use std::io;

use contract::{EventType, catalogue};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{path, read_secret, sides};
use crate::api::{Api, ApiError, Side, Target, text};
use crate::failure::{Code, Failure};
use crate::logs::{Color, Style};
use crate::output::{self, Format, sheet};

/// Send events to a URL; prints the id and, once, the secret that signs them
///
/// Types of both services make two webhooks, one of each, with the same secret.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule webhook add https://crm.example.org/hooks --type 'user.*'
  vestibule webhook add https://siem.example.org/in --type login.failed --type session.started
  vestibule webhook add https://all.example.org/hooks --type '*' --description 'Everything'")]
pub(crate) struct Add {
    /// Where to send; https, on the public internet unless the configuration allows more
    url: String,
    /// Types of events: `user.created`, `user.*`, `vestibule.user.created.v1`, `*`; may be given several times
    #[arg(long = "type", value_name = "TYPE", required = true)]
    types: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Read the secret (`whsec_…`) from the first line of standard input, instead of having one made
    #[arg(long)]
    secret_stdin: bool,
    /// Whose events; without it, those of the services that publish the types
    #[arg(long, value_enum)]
    service: Option<Side>,
    #[command(flatten)]
    target: Target,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["admin"])?;
        let known = catalogue();
        let patterns = full(&self.types, &known)?;
        let mut secret = self.secret_stdin.then(read_secret).transpose()?;
        let mut made = Vec::new();
        for side in sides(&api, self.service) {
            let theirs: Vec<&String> = patterns
                .iter()
                .filter(|pattern| self.service.is_some() || publishes(side, pattern, &known))
                .collect();
            if theirs.is_empty() {
                continue;
            }
            let body = self.body(&theirs, secret.as_deref());
            let answer = api
                .call_with(side, Method::POST, "/admin/v1/webhooks", &body)
                .await;
            let webhook = match answer {
                Ok(webhook) => webhook,
                Err(error) => return Err(undo(&api, &made, error).await),
            };
            secret = Some(text(&webhook, "/secret"));
            made.push((side, webhook));
        }
        if made.is_empty() {
            let message = "the service that publishes these types was not named";
            return Err(Failure::new(Code::Usage, message));
        }
        self.show(&made)
    }

    fn body(&self, types: &[&String], secret: Option<&str>) -> Value {
        let mut body = Map::new();
        body.insert("url".to_owned(), self.url.as_str().into());
        body.insert("types".to_owned(), json!(types));
        for (name, value) in [("description", self.description.as_deref()), ("secret", secret)] {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.into());
            }
        }
        body.into()
    }

    fn show(&self, made: &[(Side, Value)]) -> Result<(), Failure> {
        if self.target.output == Format::Json {
            let list: Vec<Value> = made
                .iter()
                .map(|(side, webhook)| with_service(webhook, *side))
                .collect();
            return output::json(&json!(list));
        }
        output::remark("Keep the secret now: it is not shown again.");
        let mut pairs: Vec<(&str, String)> = made
            .iter()
            .map(|(side, webhook)| (side.name(), text(webhook, "/id")))
            .collect();
        if let Some((_, webhook)) = made.last() {
            pairs.push(("secret", text(webhook, "/secret")));
        }
        output::line(sheet(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Removes what was made before `error`: nobody will learn its secret.
async fn undo(api: &Api, made: &[(Side, Value)], error: ApiError) -> Failure {
    for (side, webhook) in made {
        let id = text(webhook, "/id");
        if let Err(stays) = api.call(*side, Method::DELETE, &path(&id)).await {
            let name = side.name();
            return Failure::from(error).hint(format!(
                "{name} has made {id} before, which cannot be removed again ({stays}).\n\
                 vestibule webhook remove {id} --service {name}"
            ));
        }
    }
    error.into()
}

/// A webhook with the name of its service, as the commands print it.
pub(super) fn with_service(webhook: &Value, side: Side) -> Value {
    let mut webhook = webhook.clone();
    if let Value::Object(members) = &mut webhook {
        members.insert("service".to_owned(), side.name().into());
    }
    webhook
}

/// The patterns as the services write them: `user.created` is `vestibule.user.created.v1`.
pub(super) fn full(types: &[String], known: &[EventType]) -> Result<Vec<String>, Failure> {
    types
        .iter()
        .map(|short| {
            let pattern = match short.strip_suffix(".*") {
                Some(group) if !group.starts_with("vestibule.") => format!("vestibule.{group}.*"),
                _ => known
                    .iter()
                    .find(|kind| shortened(kind.name) == short)
                    .map_or_else(|| short.clone(), |kind| kind.name.to_owned()),
            };
            if known.iter().any(|kind| fits(&pattern, kind.name)) {
                return Ok(pattern);
            }
            let names: Vec<&str> = known.iter().map(|kind| shortened(kind.name)).collect();
            Err(
                Failure::new(Code::Usage, format!("no event is of the type {short:?}"))
                    .hint(format!("The types are {}.", names.join(", "))),
            )
        })
        .collect()
}

fn publishes(side: Side, pattern: &str, known: &[EventType]) -> bool {
    known
        .iter()
        .any(|kind| kind.service == side.name() && fits(pattern, kind.name))
}

fn fits(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}

/// `vestibule.user.created.v1` as people say it: `user.created`.
fn shortened(kind: &str) -> &str {
    let name = kind.strip_prefix("vestibule.").unwrap_or(kind);
    name.rsplit_once(".v").map_or(name, |(name, _)| name)
}
