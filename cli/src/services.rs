//! The services that a program of this tool may have in it.

use std::error::Error;
use std::path::PathBuf;

use crate::failure::{Code, Failure, chain};

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
pub type Run = fn(Option<PathBuf>) -> Result<(), Ended>;

/// Both services.
#[derive(Clone, Copy, Debug)]
pub struct Services {
    /// The authentication service.
    pub auth: Run,
    /// The user service.
    pub users: Run,
}

impl Services {
    pub(crate) fn run(self, service: ServiceName, config: Option<PathBuf>) -> Result<(), Ended> {
        match service {
            ServiceName::Auth => (self.auth)(config),
            ServiceName::Users => (self.users)(config),
        }
    }
}

/// How a service ended that did not end well.
#[derive(Debug)]
pub struct Ended {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl Ended {
    /// With what it says, and the exit code of its process: 2 configuration, 3 database, 4 port.
    pub fn of(error: &(dyn Error + 'static), code: u8) -> Self {
        Self::because(chain(error), code)
    }

    /// With these words and this exit code.
    pub fn because(message: String, code: u8) -> Self {
        Self { message, code }
    }
}

/// Somebody wants a service to be run by the tool alone.
pub(crate) fn none() -> Failure {
    Failure::new(Code::Usage, "this is the tool alone, without the services").hint(
        "they are the programs vestibule-auth and vestibule-users, and the images vestibule/auth and vestibule/users",
    )
}
