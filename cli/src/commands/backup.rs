//! `vestibule backup`: copies the databases into a folder.

use std::io;
use std::path::PathBuf;

use crate::backup::{self, DatabaseArgs};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Table};

/// Copy the databases into a folder, while the services serve
///
/// Each service's database is copied as it is at one moment, with a manifest that says what it is; `vestibule restore` puts it
/// back. Configuration, encryption keys and client secrets are not copied: keep them elsewhere, because a backup is worth
/// nothing without them, and everything together with them. PostgreSQL is copied by its own pg_dump.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule backup --to backup-2026-11-23
  vestibule backup --auth-config /etc/vestibule/auth.toml --to /backups/auth-monday")]
pub(crate) struct Backup {
    #[command(flatten)]
    databases: DatabaseArgs,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Backup {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let manifests = backup::create_backup(&self.databases.targets()?, &self.to).await?;
        let mut table = Table::new(&["SERVICE", "ENGINE", "TAKEN AT", "BYTES", "LAST EVENT"]);
        for manifest in manifests {
            table.row([
                manifest.service,
                manifest.engine,
                manifest.taken_at.to_string(),
                manifest.bytes.to_string(),
                manifest.last_position.to_string(),
            ]);
        }
        output::print_line(table.render(Style::choose(Color::Auto, &io::stdout())))
    }
}
