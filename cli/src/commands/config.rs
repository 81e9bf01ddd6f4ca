//! `vestibule config`: the services' configuration files.

use std::path::PathBuf;

use super::serve::ServiceName;
use crate::failure::{Code, Failure};
use crate::output;

/// Configuration files: check
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Config {
    Check(Check),
}

/// Read configuration files as the services do, environment included, and say what is wrong
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule config check .vestibule/auth.toml .vestibule/users.toml
  vestibule config check --service auth /etc/vestibule/production.toml")]
pub(crate) struct Check {
    /// Which files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Which service they belong to; without it, what they hold tells
    #[arg(long, value_enum)]
    service: Option<ServiceName>,
}

impl Config {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self::Check(check) = self;
        let _ = (check.files, check.service);
        output::line("")?;
        Err(Failure::new(Code::Failed, "not yet"))
    }
}
