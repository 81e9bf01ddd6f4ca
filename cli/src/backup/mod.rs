//! Backup and restoration of the services' databases.
//!
//! A backup is a folder with one folder for each service. That folder has one file in the format of the database engine
//! and a manifest. Configuration and secrets are not in it, because the database and the keys together give access to
//! all data.

mod create;
mod manifest;
mod restore;
mod store;

use chassis::telemetry::error_text;
use std::path::{Path, PathBuf};

use chassis::config;
use chassis::db::{DbConfig, DbError, Migrations};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::datadir::DataDir;
use crate::error::{CommandError, ErrorCode};

pub(crate) use create::create_backup;
pub(crate) use restore::{RestoreOptions, restore};

/// The databases that are backed up or restored.
#[derive(Debug, clap::Args)]
pub(crate) struct DatabaseArgs {
    /// Data directory of `vestibule up`: both services
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".vestibule",
        env = "VESTIBULE_DATA",
        hide_env_values = true,
        conflicts_with_all = ["auth_config", "users_config"]
    )]
    data: PathBuf,
    /// Configuration of the authentication service, instead of a data directory
    #[arg(long, value_name = "FILE")]
    auth_config: Option<PathBuf>,
    /// Configuration of the user service, instead of a data directory
    #[arg(long, value_name = "FILE")]
    users_config: Option<PathBuf>,
}

/// The database of a service.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(DbConfig),
}

/// A service whose database is backed up or restored.
#[derive(Debug)]
pub(crate) struct BackupTarget {
    pub(crate) service: &'static str,
    pub(crate) store: Store,
    /// The migrations that this program knows.
    pub(crate) sets: &'static [&'static Migrations],
}

/// The section `database` of a configuration file.
#[derive(Deserialize)]
struct DatabaseSection {
    database: DbConfig,
}

impl DatabaseArgs {
    /// The data directory, unless configuration files are given.
    pub(crate) fn data(&self) -> Result<Option<DataDir>, CommandError> {
        match (&self.auth_config, &self.users_config) {
            (None, None) => Ok(Some(DataDir::open(&self.data)?)),
            _ => Ok(None),
        }
    }

    /// The services to back up or restore. The user service comes first: a person who registers between the two copies
    /// is then known to `auth`, which requests the user again.
    pub(crate) fn targets(&self) -> Result<Vec<BackupTarget>, CommandError> {
        let here = Path::new("");
        let (users, auth, root) = match self.data()? {
            Some(data) => (
                Some(data.users_file()),
                Some(data.auth_file()),
                data.root().to_owned(),
            ),
            None => (
                self.users_config.clone(),
                self.auth_config.clone(),
                here.to_owned(),
            ),
        };
        let mut targets = Vec::new();
        if let Some(file) = users {
            targets.push(target("users", &file, &root, &users::SCHEMA)?);
        }
        if let Some(file) = auth {
            targets.push(target("auth", &file, &root, &auth::SCHEMA)?);
        }
        Ok(targets)
    }
}

fn target(
    service: &'static str,
    file: &Path,
    root: &Path,
    sets: &'static [&'static Migrations],
) -> Result<BackupTarget, CommandError> {
    let DatabaseSection { database } = config::load(service, Some(file), std::env::vars())
        .map_err(|error| CommandError::new(ErrorCode::Usage, error_text(&error)))?;
    let path = database.url.expose_secret().strip_prefix("sqlite:");
    let store = match path.map(|path| path.strip_prefix("//").unwrap_or(path)) {
        // The services of a data directory run in it, from which a relative path counts.
        Some(path) => Store::Sqlite(root.join(path)),
        None => Store::Postgres(database),
    };
    Ok(BackupTarget { service, store, sets })
}

impl Store {
    /// The name of the engine in a manifest.
    pub(crate) fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The location, for messages. It has no password.
    pub(crate) fn location(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(database) => database.location(),
        }
    }
}

/// The database settings for a SQLite file.
fn sqlite_config(path: &Path) -> DbConfig {
    let mut config = DbConfig::new("");
    config.url = SecretString::from(format!("sqlite:{}", path.display()));
    config
}

fn db_error(error: &DbError) -> CommandError {
    let code = match error {
        DbError::Open { .. } | DbError::Unavailable(_) => ErrorCode::Unreachable,
        _ => ErrorCode::Failed,
    };
    CommandError::new(code, error_text(error))
}

fn sql_error(error: sqlx::Error) -> CommandError {
    db_error(&DbError::from(error))
}

fn io_error(what: &str, path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::new(
        ErrorCode::Failed,
        format!("cannot {what} {}: {error}", path.display()),
    )
}
