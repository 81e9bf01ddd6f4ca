//! The tool with the services in it.

use std::path::PathBuf;
use std::process::ExitCode;

use vestibule::{Ended, Services};

fn main() -> ExitCode {
    vestibule::run(Some(Services { auth, users }))
}

fn auth(config: Option<PathBuf>) -> Result<(), Ended> {
    runtime()?
        .block_on(auth::run(config))
        .map_err(|error| Ended::of(&error, error.exit_code()))
}

fn users(config: Option<PathBuf>) -> Result<(), Ended> {
    runtime()?
        .block_on(users::run(config))
        .map_err(|error| Ended::of(&error, error.exit_code()))
}

fn runtime() -> Result<tokio::runtime::Runtime, Ended> {
    tokio::runtime::Runtime::new()
        .map_err(|error| Ended::because(format!("cannot start the runtime: {error}"), 1))
}
