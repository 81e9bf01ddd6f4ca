//! `vestibule restore`: replaces the databases by a backup.

use std::path::PathBuf;

use crate::backup::{self, DatabaseArgs, RestoreOptions};
use crate::error::CommandError;
use crate::output;

/// Put a backup in the place of the databases, while the services do not run
///
/// The backup is checked first, and all of it is put in place or nothing. At their next start the services draw the
/// consequences: everybody signs in again, new signing keys are made, and each service tells the others what it knows now.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule restore --from backup-2026-11-23
  vestibule restore --auth-config /etc/vestibule/auth.toml --from /backups/auth-monday --replace")]
pub(crate) struct Restore {
    #[command(flatten)]
    databases: DatabaseArgs,
    /// The folder that `vestibule backup` made
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Replace databases that are there; files are kept beside the new ones as FILE.replaced
    #[arg(long)]
    replace: bool,
    /// Let sessions, refresh tokens and signing keys of the backup go on, also those that were ended or replaced since
    #[arg(long)]
    keep_sessions: bool,
}

impl Restore {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        // Held to the end, so that no `vestibule up` starts on a half-restored directory.
        let lock = self.databases.data()?.map(|data| data.lock()).transpose()?;
        let options = RestoreOptions {
            replace: self.replace,
            keep_sessions: self.keep_sessions,
        };
        let manifests = backup::restore(&self.databases.targets()?, &self.from, options).await?;
        drop(lock);
        for manifest in manifests {
            output::print_line(format!(
                "{} is as it was at {}; start it now",
                manifest.service, manifest.taken_at
            ))?;
        }
        Ok(())
    }
}
