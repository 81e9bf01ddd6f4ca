//! `vestibule webhook add`: subscribes a URL to events.

use std::io;

use contract::paths;
use contract::{EventType, catalogue};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{read_secret, selected_services, webhook_path};
use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

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
    /// URL of the receiver; https, on the public internet unless the configuration allows more
    url: String,
    /// Types of events: `user.created`, `user.*`, `vestibule.user.created.v1`, `*`; may be given several times
    #[arg(long = "type", value_name = "TYPE", required = true)]
    types: Vec<String>,
    /// Purpose of the webhook
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Read the secret (`whsec_…`) from the first line of standard input, instead of having one made
    #[arg(long)]
    secret_stdin: bool,
    /// Service whose events are sent; without it, those of the services that publish the types
    #[arg(long, value_enum)]
    service: Option<RemoteService>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Add {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let known = catalogue();
        let patterns = full_type_names(&self.types, &known)?;
        let mut secret = self.secret_stdin.then(read_secret).transpose()?;
        let mut made = Vec::new();
        for service in selected_services(&api, self.service) {
            let theirs: Vec<&String> = patterns
                .iter()
                .filter(|pattern| self.service.is_some() || publishes(service, pattern, &known))
                .collect();
            if theirs.is_empty() {
                continue;
            }
            let body = self.body(&theirs, secret.as_deref());
            let answer = api
                .call_with(service, Method::POST, paths::webhooks::WEBHOOKS, &body)
                .await;
            let webhook = match answer {
                Ok(webhook) => webhook,
                Err(error) => return Err(delete_created(&api, &made, error).await),
            };
            secret = Some(text_at(&webhook, "/secret"));
            made.push((service, webhook));
        }
        if made.is_empty() {
            let message = "the service that publishes these types was not named";
            return Err(CommandError::new(ErrorCode::Usage, message));
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

    fn show(&self, made: &[(RemoteService, Value)]) -> Result<(), CommandError> {
        if self.connection.output == Format::Json {
            let list: Vec<Value> = made
                .iter()
                .map(|(service, webhook)| with_service(webhook, *service))
                .collect();
            return output::print_json(&json!(list));
        }
        output::print_remark("Keep the secret now: it is not shown again.");
        let mut pairs: Vec<(&str, String)> = made
            .iter()
            .map(|(service, webhook)| (service.name(), text_at(webhook, "/id")))
            .collect();
        if let Some((_, webhook)) = made.last() {
            pairs.push(("secret", text_at(webhook, "/secret")));
        }
        output::print_line(key_value_list(&pairs, Style::choose(Color::Auto, &io::stdout())))
    }
}

/// Deletes the webhooks that were created before `error`, because their secret is never shown.
async fn delete_created(api: &ApiClient, made: &[(RemoteService, Value)], error: ApiError) -> CommandError {
    for (service, webhook) in made {
        let id = text_at(webhook, "/id");
        if let Err(stays) = api.call(*service, Method::DELETE, &webhook_path(&id)).await {
            let name = service.name();
            return CommandError::from(error).hint(format!(
                "{name} has made {id} before, which cannot be removed again ({stays}).\n\
                 vestibule webhook delete {id} --service {name}"
            ));
        }
    }
    error.into()
}

/// Adds the name of its service to a webhook, as the commands print it.
pub(super) fn with_service(webhook: &Value, service: RemoteService) -> Value {
    let mut webhook = webhook.clone();
    if let Value::Object(members) = &mut webhook {
        members.insert("service".to_owned(), service.name().into());
    }
    webhook
}

/// The full names of event types and patterns: `user.created` becomes `vestibule.user.created.v1`.
pub(super) fn full_type_names(types: &[String], known: &[EventType]) -> Result<Vec<String>, CommandError> {
    types
        .iter()
        .map(|short| {
            let pattern = match short.strip_suffix(".*") {
                Some(group) if !group.starts_with("vestibule.") => format!("vestibule.{group}.*"),
                _ => known
                    .iter()
                    .find(|kind| short_type_name(kind.name) == short)
                    .map_or_else(|| short.clone(), |kind| kind.name.to_owned()),
            };
            if known.iter().any(|kind| matches_type(&pattern, kind.name)) {
                return Ok(pattern);
            }
            let names: Vec<&str> = known.iter().map(|kind| short_type_name(kind.name)).collect();
            Err(
                CommandError::new(ErrorCode::Usage, format!("no event is of the type {short:?}"))
                    .hint(format!("The types are {}.", names.join(", "))),
            )
        })
        .collect()
}

fn publishes(service: RemoteService, pattern: &str, known: &[EventType]) -> bool {
    known
        .iter()
        .any(|kind| kind.service == service.name() && matches_type(pattern, kind.name))
}

fn matches_type(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => kind.starts_with(prefix),
        None => pattern == kind,
    }
}

/// The short name of an event type: `user.created` for `vestibule.user.created.v1`.
fn short_type_name(kind: &str) -> &str {
    let name = kind.strip_prefix("vestibule.").unwrap_or(kind);
    name.rsplit_once(".v").map_or(name, |(name, _)| name)
}
