//! `vestibule`: the tool with both services in one program.

use std::path::PathBuf;
use std::process::ExitCode;

use auth::AuthService;
use chassis::service::{self, Service};
use users::UsersService;
use vestibule::{EmbeddedServices, ServiceError};

fn main() -> ExitCode {
    vestibule::run(Some(EmbeddedServices {
        auth: run::<AuthService>,
        users: run::<UsersService>,
    }))
}

fn run<S: Service>(config: Option<PathBuf>) -> Result<(), ServiceError> {
    tokio::runtime::Runtime::new()
        .map_err(|error| ServiceError::new(format!("cannot start the runtime: {error}"), 1))?
        .block_on(service::run::<S>(config))
        .map_err(|error| ServiceError::from_error(&error, error.exit_code()))
}
