//! The specification of a child process, and its command loop.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::follower::Follower;
use super::source::Source;

/// The role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Source,
    Follower,
}

/// The location of the source's feed, for the follower.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FeedLink {
    pub(super) url: url::Url,
    pub(super) token: String,
}

/// The specification of one process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ProcessSpec {
    pub(super) role: Role,
    pub(super) database: String,
    /// The table `[events]`.
    pub(super) events: serde_json::Value,
    pub(super) link: Option<FeedLink>,
}

enum ProcessRole {
    Source(Box<Source>),
    Follower(Follower),
}

/// Executes commands until the input ends.
#[expect(clippy::print_stdout, reason = "the answers of a part")]
pub(crate) async fn run(part: &str) -> Result<()> {
    let part: ProcessSpec = serde_json::from_str(part)?;
    let mut this = match part.role {
        Role::Source => ProcessRole::Source(Box::new(Source::start(&part).await?)),
        Role::Follower => ProcessRole::Follower(Follower::start(&part).await?),
    };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split(' ');
        let command = words.next().unwrap_or_default();
        let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let answer = match &mut this {
            ProcessRole::Source(source) => source.execute(command, number).await,
            ProcessRole::Follower(follower) => follower.execute(command, number).await,
        };
        println!("{}", answer.unwrap_or_else(|error| format!("error: {error:#}")));
    }
    Ok(())
}
