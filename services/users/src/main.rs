//! `vestibule-users`: the user service as a process.

use std::fmt::Display;
use std::process::ExitCode;

use chassis::health;
use chassis::program::{Arguments, Command};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The user service of Vestibule: people, groups, SCIM.
///
/// Without a command it serves, until it is told to stop (SIGTERM). Example:
/// vestibule-users --config /etc/vestibule/users.toml
#[derive(Debug, Parser)]
#[command(version)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Program { arguments } = Program::parse();
    let config = arguments.config("users");
    match arguments.command {
        None => ended(
            users::run(config)
                .await
                .map_err(|error| (error.exit_code(), error)),
        ),
        Some(Command::Migrate) => ended(
            users::migrate(config)
                .await
                .map_err(|error| (error.exit_code(), error)),
        ),
        Some(Command::Health) => ended(
            health::probe("users", config.as_deref())
                .await
                .map_err(|error| (1, error)),
        ),
    }
}

/// How the process ends, with the last word of one that failed.
fn ended(result: Result<(), (u8, impl Display)>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            #[expect(
                clippy::print_stderr,
                reason = "the last word of a process that cannot start, maybe before logging did"
            )]
            {
                eprintln!("vestibule-users: {error}");
            }
            ExitCode::from(code)
        }
    }
}
