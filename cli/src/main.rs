//! `vestibule`: the tool with both services in one program.

use std::path::PathBuf;
use std::process::ExitCode;

use vestibule::{EmbeddedServices, ServiceError};

fn main() -> ExitCode {
    vestibule::run(Some(EmbeddedServices { auth, users }))
}

fn auth(config: Option<PathBuf>) -> Result<(), ServiceError> {
    runtime()?
        .block_on(auth::run(config))
        .map_err(|error| ServiceError::from_error(&error, error.exit_code()))
}

fn users(config: Option<PathBuf>) -> Result<(), ServiceError> {
    runtime()?
        .block_on(users::run(config))
        .map_err(|error| ServiceError::from_error(&error, error.exit_code()))
}

fn runtime() -> Result<tokio::runtime::Runtime, ServiceError> {
    tokio::runtime::Runtime::new()
        .map_err(|error| ServiceError::new(format!("cannot start the runtime: {error}"), 1))
}
