//! `vestibule webhook`: where events are sent.

mod add;
mod change;
mod deliveries;
mod list;

use std::io::{self, BufRead};

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::api::{Api, ApiError, Side, Target, escape, text};
use crate::failure::{Code, Failure};

/// Webhooks: add, list, show, update, remove, rotate, test, deliveries, replay
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Webhook {
    Add(add::Add),
    List(list::List),
    Show(list::Show),
    Update(change::Update),
    Remove(change::Remove),
    Rotate(change::Rotate),
    Test(deliveries::Test),
    Deliveries(deliveries::Deliveries),
    Replay(deliveries::Replay),
}

impl Webhook {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Update(update) => update.run().await,
            Self::Remove(remove) => remove.run().await,
            Self::Rotate(rotate) => rotate.run().await,
            Self::Test(test) => test.run().await,
            Self::Deliveries(deliveries) => deliveries.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

/// One webhook, of whichever service
#[derive(Debug, clap::Args)]
struct Which {
    /// The webhook's id
    id: String,
    /// Whose webhook it is; without it, both services are asked
    #[arg(long, value_enum)]
    service: Option<Side>,
    #[command(flatten)]
    target: Target,
}

/// A webhook that is there, and the way to it.
struct Found {
    api: Api,
    side: Side,
    webhook: Value,
}

impl Which {
    /// Looks the webhook up.
    async fn find(&self) -> Result<Found, Failure> {
        let api = Api::new(&self.target, &["admin"])?;
        let sides = sides(&api, self.service);
        let mut missing = None;
        for side in sides {
            match api.call(side, Method::GET, &path(&self.id)).await {
                Ok(webhook) => return Ok(Found { api, side, webhook }),
                Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => missing = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Err(missing.map_or_else(
            || {
                Failure::new(
                    Code::Usage,
                    "no service was named: see --auth-url and --users-url",
                )
            },
            Failure::from,
        ))
    }
}

impl Found {
    /// Calls the webhook's resource with `more` after it.
    async fn call(&self, method: Method, more: &str) -> Result<Value, ApiError> {
        let id = text(&self.webhook, "/id");
        self.api
            .call(self.side, method, &format!("{}{more}", path(&id)))
            .await
    }

    /// [`Found::call`] with a JSON body.
    async fn call_with(&self, method: Method, more: &str, body: &Value) -> Result<Value, ApiError> {
        let id = text(&self.webhook, "/id");
        let path = format!("{}{more}", path(&id));
        self.api.call_with(self.side, method, &path, body).await
    }
}

/// The service that was named, or those that are known.
fn sides(api: &Api, named: Option<Side>) -> Vec<Side> {
    match named {
        Some(side) => vec![side],
        None => [Side::Auth, Side::Users]
            .into_iter()
            .filter(|side| !api.url(*side).is_empty())
            .collect(),
    }
}

fn path(id: &str) -> String {
    format!("/admin/v1/webhooks/{}", escape(id))
}

/// `enabled`, or why not.
fn state(webhook: &Value) -> String {
    match text(webhook, "/disabled/reason").as_str() {
        "" => "enabled".to_owned(),
        reason => format!("disabled ({reason})"),
    }
}

/// A secret from the first line of standard input, where other users of the machine cannot see it.
fn read_secret() -> Result<String, Failure> {
    let mut line = String::new();
    let wrong = |reason: String| Failure::new(Code::Usage, format!("--secret-stdin: {reason}"));
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| wrong(error.to_string()))?;
    match line.trim() {
        "" => Err(wrong("the first line of standard input is empty".to_owned())),
        secret => Ok(secret.to_owned()),
    }
}
