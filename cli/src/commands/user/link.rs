//! `vestibule user link`: creates a one-time link with which a user sets a password.

use contract::paths;
use reqwest::Method;

use super::find::{UserSelector, find_user};
use crate::api::{ApiClient, ConnectionArgs, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::printable;
use crate::output::{self, Format};

/// Make a link with which a person chooses a password, or keeps theirs
///
/// It is good once, for 72 hours, and makes earlier ones worthless. The person who uses it is let in again
/// after too many failed sign-ins. The password that they have is kept when they type it; another one ends
/// what was open under it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user link ann")]
pub(crate) struct Link {
    #[command(flatten)]
    selector: UserSelector,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Link {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.connection, &["users:read", "admin"])?;
        let person = find_user(&api, &self.selector).await?;
        let path = paths::fill(paths::auth::SETUP_LINK, &[&text_at(&person, "/id")]);
        let made = api.call(RemoteService::Auth, Method::POST, &path).await?;
        match self.connection.output {
            Format::Json => output::print_json(&made),
            Format::Table => output::print_line(format!(
                "Hand over this link to {}, good once, for 72 hours:\n  {}",
                printable(&text_at(&person, "/userName")),
                text_at(&made, "/setup_url")
            )),
        }
    }
}
