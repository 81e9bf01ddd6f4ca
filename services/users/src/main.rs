//! `vestibule-users`: the user service as a process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The user service of Vestibule: people, groups, SCIM.
///
/// Example: vestibule-users --config /etc/vestibule/users.toml
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file; without it, everything comes from VESTIBULE_USERS__… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match users::run(Arguments::parse().config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the last word of a process that cannot start, maybe before logging did"
            )]
            {
                eprintln!("vestibule-users: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}
