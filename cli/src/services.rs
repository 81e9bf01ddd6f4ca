//! The services that a program of this tool may contain.

use chassis::telemetry::error_text;
use std::error::Error;
use std::path::PathBuf;

use crate::error::{CommandError, ErrorCode};

/// The name of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ServiceName {
    Auth,
    Users,
}

impl ServiceName {
    /// `auth` or `users`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
        }
    }
}

/// Runs one service until it ends. The argument is its configuration file; without it, the environment configures it.
pub type RunService = fn(Option<PathBuf>) -> Result<(), ServiceError>;

/// The entry points of both services.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedServices {
    /// The authentication service.
    pub auth: RunService,
    /// The user service.
    pub users: RunService,
}

impl EmbeddedServices {
    pub(crate) fn run(self, service: ServiceName, config: Option<PathBuf>) -> Result<(), ServiceError> {
        match service {
            ServiceName::Auth => (self.auth)(config),
            ServiceName::Users => (self.users)(config),
        }
    }
}

/// The error with which a service ended.
#[derive(Debug)]
pub struct ServiceError {
    pub(crate) message: String,
    pub(crate) exit_code: u8,
}

impl ServiceError {
    /// Takes the message of `error`, and the exit code of the process: 2 configuration, 3 database, 4 port.
    pub fn from_error(error: &(dyn Error + 'static), exit_code: u8) -> Self {
        Self::new(error_text(error), exit_code)
    }

    /// Takes a message and the exit code of the process.
    pub fn new(message: String, exit_code: u8) -> Self {
        Self { message, exit_code }
    }
}

/// The error when a service is to be run by the tool that contains none.
pub(crate) fn not_included() -> CommandError {
    CommandError::new(ErrorCode::Usage, "this is the tool alone, without the services").hint(
        "they are the programs vestibule-auth and vestibule-users, and the images vestibule/auth and vestibule/users",
    )
}
