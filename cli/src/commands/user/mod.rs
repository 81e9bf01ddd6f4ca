//! `vestibule user`: the users.

mod access;
mod add;
mod change;
mod deleted;
mod export;
mod find;
mod import;
mod link;
mod list;
mod search;

use crate::error::CommandError;

/// People: add, list, search, show, link, sessions, consents, disable, enable, delete, restore, erase, import, export
#[derive(Debug, clap::Subcommand)]
pub(crate) enum User {
    Add(add::Add),
    List(list::List),
    Search(search::Search),
    Show(find::Show),
    Link(link::Link),
    Sessions(access::Sessions),
    Consents(access::Consents),
    Disable(change::Disable),
    Enable(change::Enable),
    Delete(change::Delete),
    Restore(deleted::Restore),
    Erase(deleted::Erase),
    Import(import::Import),
    Export(export::Export),
}

impl User {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run().await,
            Self::List(list) => list.run().await,
            Self::Search(search) => search.run().await,
            Self::Show(show) => show.run().await,
            Self::Link(link) => link.run().await,
            Self::Sessions(sessions) => sessions.run().await,
            Self::Consents(consents) => consents.run().await,
            Self::Disable(disable) => disable.run().await,
            Self::Enable(enable) => enable.run().await,
            Self::Delete(delete) => delete.run().await,
            Self::Restore(restore) => restore.run().await,
            Self::Erase(erase) => erase.run().await,
            Self::Import(import) => import.run().await,
            Self::Export(export) => export.run().await,
        }
    }
}
