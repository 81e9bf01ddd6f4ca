//! `vestibule apply`: the options of the command that applies a declarative file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use contract::FileName;

use crate::api::{ApiClient, ConnectionArgs};
use crate::apply::{self, Options, PlanOptions};
use crate::error::{CommandError, ErrorCode};

/// Bring clients and protected hosts to what a file says; a second time changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The plan is printed before it is done, with --output json on standard error. What the file does not name stays, unless
--prune is given: then what the file made is removed, and what it adopted is released, so that no file manages it.
What was made by hand stays as it is, unless --adopt is given, and what another file manages, unless --adopt-from names it.
Exit code 7 is that of a dry run that found something to change.

Examples:
  vestibule apply --print-current > vestibule.toml
  vestibule apply -f vestibule.toml --dry-run
  vestibule apply -f vestibule.toml --make-secret-files
  vestibule apply -f vestibule.toml --prune")]
pub(crate) struct Apply {
    /// File to apply; - is standard input
    #[arg(short, long, value_name = "FILE", required_unless_present = "print_current")]
    file: Option<PathBuf>,
    /// Print the difference and change nothing; the exit code is 7 if there is one
    #[arg(long)]
    dry_run: bool,
    /// Remove what the file made, and release what it adopted, where it does not name it any more
    #[arg(long)]
    prune: bool,
    /// Let --prune do that even if the file names no client and no protected host
    #[arg(long, requires = "prune")]
    prune_all: bool,
    /// Take over what the file names and no file manages
    #[arg(long)]
    adopt: bool,
    /// Take over what the file names and the file of this name manages; may be given several times
    #[arg(long, value_name = "NAME")]
    adopt_from: Vec<FileName>,
    /// Make the files of client_secret_file that do not exist, each with a new secret
    #[arg(long)]
    make_secret_files: bool,
    /// Print the secrets that are made for clients without client_secret_file and client_secret_env, each before it is sent
    #[arg(long)]
    show_secrets: bool,
    /// Add the secret of client_secret_file or client_secret_env to a client that has another
    #[arg(long)]
    update_secrets: bool,
    /// Seconds to wait for a service that does not answer yet
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Print the clients and protected hosts that there are as such a file, without secrets; with --output json its tables as JSON
    #[arg(long, conflicts_with_all = ["file", "dry_run", "prune", "prune_all", "adopt", "adopt_from", "make_secret_files", "show_secrets", "update_secrets"])]
    print_current: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Apply {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<ExitCode, CommandError> {
        let api = ApiClient::new(&self.connection, &["admin"])?;
        let wait = Duration::from_secs(self.wait);
        let format = self.connection.output;
        if self.print_current {
            return apply::print_current(&api, wait, format).await;
        }
        let file = self.file.as_deref();
        let file = file.ok_or_else(|| CommandError::new(ErrorCode::Usage, "name the file with -f"))?;
        let plan = PlanOptions {
            dry_run: self.dry_run,
            prune: self.prune,
            prune_all: self.prune_all,
            adopt: self.adopt,
            adopt_from: &self.adopt_from,
            make_secret_files: self.make_secret_files,
            show_secrets: self.show_secrets,
            update_secrets: self.update_secrets,
            own_client: None,
        };
        let options = Options { plan, wait, format };
        apply::run(&api, file, options).await
    }
}
