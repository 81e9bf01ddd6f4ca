//! `vestibule events`: the events of the services, their state and their repair.

mod dead_letters;
mod replay;
mod stats;
mod tail;
mod verify;

use crate::api::{ConnectionArgs, RemoteService};
use crate::error::CommandError;

/// Events of the services: tail, stats, verify, dead-letters, replay
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Events {
    Tail(tail::Tail),
    Stats(stats::Stats),
    Verify(verify::Verify),
    DeadLetters(dead_letters::DeadLetters),
    Replay(replay::Replay),
}

impl Events {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Tail(tail) => tail.run().await,
            Self::Stats(stats) => stats.run().await,
            Self::Verify(verify) => verify.run().await,
            Self::DeadLetters(dead_letters) => dead_letters.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

/// The services that are asked, and the connection to them.
#[derive(Debug, clap::Args)]
struct EventsArgs {
    /// Service to ask; without it, both
    #[arg(long, value_enum)]
    service: Option<RemoteService>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl EventsArgs {
    fn selected_services(&self) -> Vec<RemoteService> {
        match self.service {
            Some(service) => vec![service],
            None => vec![RemoteService::Auth, RemoteService::Users],
        }
    }
}
