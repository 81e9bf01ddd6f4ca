//! The error with which a service ends, and its exit code.

use crate::config::ConfigError;
use crate::db::DbError;
use crate::server::ServeError;

/// The error with which a service ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration cannot be used. Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened or brought up to date. Exit code 3.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A port cannot be listened on, or its certificate cannot be used. Exit code 4.
    #[error(transparent)]
    Bind(#[from] ServeError),
    /// Another failure. Exit code 1.
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

    /// This error with the location of the database, if it is about the database and does not name it.
    pub(super) fn at(self, location: &str) -> Self {
        match self {
            Self::Database(error) if !error.names_location() => Self::Database(error.at(location)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_database_names_it_once() {
        let named = |error: DbError| RunError::Database(error).at("auth.db").to_string();
        assert_eq!(
            named(DbError::Full),
            "auth.db: the disk that holds the database is full"
        );
        let open = DbError::Open {
            location: "auth.db".to_owned(),
            reason: "no such folder".to_owned(),
        };
        assert_eq!(named(open), "cannot open the database at auth.db: no such folder");
        assert_eq!(
            named(DbError::Full.at("auth.db")),
            "auth.db: the disk that holds the database is full"
        );
    }

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let config = RunError::from(ConfigError::invalid("issuer", "expected a URL".to_owned()));
        let other = RunError::from(anyhow::anyhow!("no more threads"));
        let bind = RunError::from(ServeError::Tls("no certificate".to_owned()));
        let codes = [other, config, RunError::from(DbError::Corrupt), bind].map(|error| error.exit_code());
        assert_eq!(codes, [1, 2, 3, 4]);
    }
}
