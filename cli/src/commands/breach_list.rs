//! `vestibule breach-list build`: builds a filter of breached passwords, which the password policy refuses.

use chassis::telemetry::error_text;
use std::path::PathBuf;

use auth::breach_list::{Filter, Ranges};

use crate::error::{CommandError, ErrorCode};
use crate::output;

/// Files in a whole download: one for each first five hexadecimal digits.
const ALL_FILES: usize = 1 << 20;

/// Lists of passwords that nobody may choose: build
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BreachList {
    Build(Build),
}

impl BreachList {
    /// Runs the command.
    pub(crate) fn run(self) -> Result<(), CommandError> {
        match self {
            Self::Build(build) => build.run(),
        }
    }
}

/// Make a filter of breached passwords from a folder of range files
///
/// The folder holds what Have I Been Pwned's Pwned Passwords give for each range of SHA-1: 00000.txt to FFFFF.txt, with lines
/// SUFFIX:COUNT. Nothing is fetched. `[passwords] breach_list` in auth.toml names the filter; the service reads it at its start
/// and holds it in memory: 2.3 bytes for each password. Making it takes about 40 bytes of memory for each.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule breach-list build --from ranges --to breached.filter
  vestibule breach-list build --from ranges --at-least 1000 --to breached.filter")]
pub(crate) struct Build {
    /// Folder of range files
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The filter to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Take only passwords that were seen so many times
    #[arg(long, value_name = "N", default_value_t = 100)]
    at_least: u64,
}

impl Build {
    fn run(self) -> Result<(), CommandError> {
        let ranges = Ranges::read(&self.from, self.at_least).map_err(command_error)?;
        if ranges.keys.is_empty() {
            let why = format!(
                "{} has no password that was seen {} times",
                self.from.display(),
                self.at_least
            );
            return Err(CommandError::new(ErrorCode::NotFound, why));
        }
        if ranges.files < ALL_FILES {
            output::print_remark(format!(
                "{} of {ALL_FILES} ranges are there; passwords of the others are not refused",
                ranges.files
            ));
        }
        let filter = Filter::of(ranges.keys).map_err(command_error)?;
        filter.write(&self.to).map_err(command_error)?;
        output::print_line(format!(
            "{} holds {} passwords. Name it in auth.toml as [passwords] breach_list, and start the service again.",
            self.to.display(),
            filter.passwords()
        ))
    }
}

fn command_error(error: impl std::error::Error + 'static) -> CommandError {
    CommandError::new(ErrorCode::Failed, error_text(&error))
}
