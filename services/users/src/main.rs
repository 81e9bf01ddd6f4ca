//! `vestibule-users`: the binary of the user service.

use std::process::ExitCode;

use chassis::service::{self, Arguments};
use clap::Parser;
use users::UsersService;

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
    service::execute::<UsersService>(Program::parse().arguments).await
}
