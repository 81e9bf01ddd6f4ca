//! `vestibule config`: checks the configuration files of the services.

use std::path::{Path, PathBuf};

use chassis::config::load;

use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;
use crate::output;
use crate::services::ServiceName;

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
    /// Files to check
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Service that the files belong to; without it, their content decides
    #[arg(long, value_enum)]
    service: Option<ServiceName>,
}

impl Config {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), CommandError> {
        let Self::Check(Check { files, service }) = self;
        let mut problems = Vec::new();
        for file in &files {
            let service = service.unwrap_or_else(|| guess_service(file));
            match check_file(service, file) {
                Ok(()) => {
                    let name = service.name();
                    output::print_line(format!("{}: the {name} service can use it", file.display()))?;
                }
                Err(problem) => problems.push(printable(&problem)),
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(CommandError::new(ErrorCode::Usage, problems.join("\n")))
    }
}

/// Checks the configuration file and the environment of a service. The error names the file or the variable, the key
/// and the expected value.
pub(super) fn check_file(service: ServiceName, file: &Path) -> Result<(), String> {
    let env = std::env::vars();
    match service {
        ServiceName::Auth => {
            load::<auth::config::Settings>("auth", Some(file), env).and_then(|settings| settings.check())
        }
        ServiceName::Users => {
            load::<users::config::Settings>("users", Some(file), env).and_then(|settings| settings.check())
        }
    }
    .map_err(|error| error.to_string())
}

/// Guesses the service of a file: only `auth` has the key `issuer` at the top level.
fn guess_service(file: &Path) -> ServiceName {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    match text.parse::<toml::Table>() {
        Ok(table) if table.contains_key("issuer") => ServiceName::Auth,
        Ok(table) if table.contains_key("url") => ServiceName::Users,
        _ if file.to_string_lossy().contains("users") => ServiceName::Users,
        _ => ServiceName::Auth,
    }
}
