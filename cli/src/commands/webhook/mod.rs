//! `vestibule webhook`: the webhook subscriptions of both services.

mod add;
mod change;
mod deliveries;
mod list;

use std::io::{self, BufRead};

use contract::paths;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::api::{ApiClient, ApiError, ConnectionArgs, RemoteService, text_at};
use crate::error::{CommandError, ErrorCode};

/// Webhooks: add, list, show, update, delete, rotate, test, deliveries, replay
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Webhook {
    Add(add::Add),
    List(list::List),
    Show(list::Show),
    Update(change::Update),
    Delete(change::Delete),
    Rotate(change::Rotate),
    Test(deliveries::Test),
    Deliveries(deliveries::Deliveries),
    Replay(deliveries::Replay),
}

impl Webhook {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Update(update) => update.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Test(test) => test.run().await,
            Self::Deliveries(deliveries) => deliveries.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

/// One webhook, of whichever service
#[derive(Debug, clap::Args)]
struct WebhookArgs {
    /// The webhook's id
    id: String,
    /// Service that has the webhook; without it, both services are asked
    #[arg(long, value_enum)]
    service: Option<RemoteService>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A webhook that was found, with the service that has it.
struct WebhookHandle {
    api: ApiClient,
    service: RemoteService,
    webhook: Value,
}

impl WebhookArgs {
    /// Finds the webhook in the selected services.
    async fn find(&self) -> Result<WebhookHandle, CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let services = selected_services(&api, self.service);
        let mut missing = None;
        for service in services {
            match api.call(service, Method::GET, &webhook_path(&self.id)).await {
                Ok(webhook) => {
                    return Ok(WebhookHandle {
                        api,
                        service,
                        webhook,
                    });
                }
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => missing = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(missing.map_or_else(
            || {
                CommandError::new(
                    ErrorCode::Usage,
                    "no service was named: see --auth-url and --users-url",
                )
            },
            CommandError::from,
        ))
    }
}

impl WebhookHandle {
    /// A path of `contract::paths` with the id of the webhook, and of one of its events.
    fn path(&self, path: &str, event: &str) -> String {
        paths::fill(path, &[&text_at(&self.webhook, "/id"), event])
    }

    /// Calls a path of the webhook, such as one from [`Self::path`].
    async fn call(&self, method: Method, path: &str) -> Result<Value, ApiError> {
        self.api.call(self.service, method, path).await
    }

    /// [`WebhookHandle::call`] with a JSON body.
    async fn call_with(&self, method: Method, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.api.call_with(self.service, method, path, body).await
    }
}

/// The service that the command line names, or all whose URL is known.
fn selected_services(api: &ApiClient, named: Option<RemoteService>) -> Vec<RemoteService> {
    match named {
        Some(service) => vec![service],
        None => [RemoteService::Auth, RemoteService::Users]
            .into_iter()
            .filter(|service| !api.url(*service).is_empty())
            .collect(),
    }
}

fn webhook_path(id: &str) -> String {
    paths::fill(paths::webhooks::WEBHOOK, &[id])
}

/// `enabled`, or `disabled` with the reason.
fn state_text(webhook: &Value) -> String {
    match text_at(webhook, "/disabled/reason").as_str() {
        "" => "enabled".to_owned(),
        reason => format!("disabled ({reason})"),
    }
}

/// Reads a secret from the first line of standard input, where other users of the machine cannot see it.
fn read_secret() -> Result<String, CommandError> {
    let mut line = String::new();
    let wrong = |reason: String| CommandError::new(ErrorCode::Usage, format!("--secret-stdin: {reason}"));
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| wrong(error.to_string()))?;
    match line.trim() {
        "" => Err(wrong("the first line of standard input is empty".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}
