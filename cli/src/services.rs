//! The services that a program of this tool may have in it.

use std::error::Error;
use std::path::PathBuf;

use crate::error::{CommandError, ErrorCode, error_chain};

/// The services, by name.
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

/// Runs one service, as its configuration file or the environment alone says, until it ends.
pub type RunService = fn(Option<PathBuf>) -> Result<(), ServiceError>;

/// Both services.
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

/// How a service ended that did not end well.
#[derive(Debug)]
pub struct ServiceError {
    pub(crate) message: String,
    pub(crate) exit_code: u8,
}

impl ServiceError {
    /// With what it says, and the exit code of its process: 2 configuration, 3 database, 4 port.
    pub fn from_error(error: &(dyn Error + 'static), exit_code: u8) -> Self {
        Self::new(error_chain(error), exit_code)
    }

    /// With these words and this exit code.
    pub fn new(message: String, exit_code: u8) -> Self {
        Self { message, exit_code }
    }
}

/// Somebody wants a service to be run by the tool alone.
pub(crate) fn not_included() -> CommandError {
    CommandError::new(ErrorCode::Usage, "this is the tool alone, without the services").hint(
        "they are the programs vestibule-auth and vestibule-users, and the images vestibule/auth and vestibule/users",
    )
}
