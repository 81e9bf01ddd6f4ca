//! `vestibule-auth`: the authentication service as a process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The authentication service of Vestibule: sign-in, sessions, OAuth 2 and OpenID Connect.
///
/// Example: vestibule-auth --config /etc/vestibule/auth.toml
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration file; without it, everything comes from VESTIBULE_AUTH__… variables.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match auth::run(Arguments::parse().config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(
                clippy::print_stderr,
                reason = "the last word of a process that cannot start, maybe before logging did"
            )]
            {
                eprintln!("vestibule-auth: {error}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}
