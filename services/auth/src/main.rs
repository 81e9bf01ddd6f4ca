//! `vestibule-auth`: the binary of the authentication service.

use std::fmt::Display;
use std::process::ExitCode;

use chassis::health;
use chassis::program::{Arguments, Command};
use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The authentication service of Vestibule: sign-in, sessions, OAuth 2 and OpenID Connect.
///
/// Without a command it serves, until it is told to stop (SIGTERM). Example:
/// vestibule-auth --config /etc/vestibule/auth.toml
#[derive(Debug, Parser)]
#[command(version)]
struct Program {
    #[command(flatten)]
    arguments: Arguments,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Program { arguments } = Program::parse();
    let config = arguments.config("auth");
    match arguments.command {
        None => exit(
            auth::run(config)
                .await
                .map_err(|error| (error.exit_code(), error)),
        ),
        Some(Command::Migrate) => exit(
            auth::migrate(config)
                .await
                .map_err(|error| (error.exit_code(), error)),
        ),
        Some(Command::Health) => exit(
            health::probe("auth", config.as_deref())
                .await
                .map_err(|error| (1, error)),
        ),
    }
}

/// Maps the result to the exit code of the process and prints an error.
fn exit(result: Result<(), (u8, impl Display)>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            #[expect(
                clippy::print_stderr,
                reason = "the last word of a process that cannot start, maybe before logging did"
            )]
            {
                eprintln!("vestibule-auth: {error}");
            }
            ExitCode::from(code)
        }
    }
}
