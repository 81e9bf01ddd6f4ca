//! `vestibule-auth`: the binary of the authentication service.

use std::process::ExitCode;

use auth::AuthService;
use chassis::service::{self, Arguments};
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
    service::execute::<AuthService>(Program::parse().arguments).await
}
