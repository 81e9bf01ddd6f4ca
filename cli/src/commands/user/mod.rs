//! `vestibule user`: the users.

mod add;
mod change;
mod export;
mod find;
mod import;
mod link;
mod list;

use crate::error::CommandError;

/// People: add, list, show, link, disable, enable, delete, import, export
#[derive(Debug, clap::Subcommand)]
pub(crate) enum User {
    Add(add::Add),
    List(list::List),
    Show(find::Show),
    Link(link::Link),
    Disable(change::Disable),
    Enable(change::Enable),
    Delete(change::Delete),
    Import(import::Import),
    Export(export::Export),
}

impl User {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Show(show) => show.run().await,
            Self::Link(link) => link.run().await,
            Self::Disable(disable) => disable.run().await,
            Self::Enable(enable) => enable.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Import(import) => import.run().await,
            Self::Export(export) => export.run().await,
        }
    }
}
