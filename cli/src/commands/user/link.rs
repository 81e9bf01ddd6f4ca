//! `vestibule user link`: a one-time link for somebody who cannot get in.

use reqwest::Method;

use super::find::{Who, find};
use crate::api::{Api, Side, Target, escape, text};
use crate::failure::Failure;
use crate::logs::printable;
use crate::output::{self, Format};

/// Make a link with which a person chooses a password, or keeps theirs
///
/// It is good once, for 72 hours, and makes earlier ones worthless. Whoever uses it is let in again after too many failed
/// sign-ins. The password that they have is kept when they type it; another one ends what was open under it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  vestibule user link ann")]
pub(crate) struct Link {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    target: Target,
}

impl Link {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.target, &["users:read", "admin"])?;
        let person = find(&api, &self.who).await?;
        let path = format!("/admin/v1/users/{}/setup-link", escape(&text(&person, "/id")));
        let made = api.call(Side::Auth, Method::POST, &path).await?;
        match self.target.output {
            Format::Json => output::json(&made),
            Format::Table => output::line(format!(
                "Hand over this link to {}, good once, for 72 hours:\n  {}",
                printable(&text(&person, "/userName")),
                text(&made, "/setup_url")
            )),
        }
    }
}
