//! The user service: it owns people and groups, and alone decides whether a user name is free.

use std::path::PathBuf;

use chassis::db::{DbError, Migrations};

/// The tables of this service.
pub static MIGRATIONS: std::sync::LazyLock<Migrations> = std::sync::LazyLock::new(|| Migrations {
    name: "users",
    sqlite: sqlx::migrate!("migrations/sqlite"),
    postgres: sqlx::migrate!("migrations/postgres"),
});

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration cannot be used. Exit code 2.
    #[error("{0}")]
    Config(String),
    /// The database cannot be opened or brought up to date. Exit code 3.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A port cannot be listened on. Exit code 4.
    #[error("{0}")]
    Bind(String),
    /// Everything else. Exit code 1.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl RunError {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Database(_) => 3,
            Self::Bind(_) => 4,
            Self::Other(_) => 1,
        }
    }
}

/// Runs the service until it is told to stop (SIGTERM, SIGINT).
///
/// `config` is the TOML file; without one, everything comes from `VESTIBULE_USERS__…` variables.
///
/// # Errors
/// See [`RunError`].
pub async fn run(config: Option<PathBuf>) -> Result<(), RunError> {
    let _ = config;
    Err(RunError::Config("the service is not wired yet".to_owned()))
}
