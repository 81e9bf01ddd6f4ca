//! Database errors, as callers distinguish them.

use std::sync::Arc;

/// A database error. Its text contains no statement and no bound value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// A row with the same unique value exists already.
    #[error("a unique value is taken already ({constraint})")]
    Unique {
        /// The violated constraint (PostgreSQL) or its columns (SQLite).
        constraint: String,
    },
    /// The database could not be opened.
    #[error("cannot open the database at {location}: {reason}")]
    Open {
        /// The file, or the server without user name and password.
        location: String,
        /// The error of the engine.
        reason: String,
    },
    /// A newer version of this program migrated the database in a way that this version is not compatible with.
    #[error(
        "the database at {location} was changed by a newer version, and asks for programs that know migration {version} of \
         {set}; this one knows {known}: start a newer version, or restore a backup"
    )]
    Newer {
        /// The file or server.
        location: String,
        /// The migration that a program must know.
        version: i64,
        /// The newest migration that this program knows.
        known: i64,
        /// The set of migrations: `auth`, `users`, `events` …
        set: &'static str,
    },
    /// A migration failed or was changed after it was applied.
    #[error("cannot bring the database at {location} up to date: {reason}")]
    Migrate {
        /// The file or server.
        location: String,
        /// The cause.
        reason: String,
    },
    /// An error while the database was opened or migrated, with its location.
    #[error("{location}: {source}")]
    At {
        /// The file or server.
        location: String,
        /// The error.
        source: Box<DbError>,
    },
    /// The disk is full.
    #[error("the disk that holds the database is full")]
    Full,
    /// The commit that this unit of work shared with others failed. Without a source the engine ended the transaction before it.
    #[error("the transaction was not committed")]
    NotCommitted(#[source] Option<Arc<DbError>>),
    /// The file is damaged or is not a database.
    #[error("the database file is damaged or is not a database")]
    Corrupt,
    /// No connection was free in time, or the server ended the statement: the service is overloaded or the server is unavailable.
    #[error("{}", unavailable(.0))]
    Unavailable(#[source] sqlx::Error),
    /// Any other error.
    #[error("the database failed")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// This error with its location.
    pub(crate) fn at(self, location: &str) -> Self {
        Self::At {
            location: location.to_owned(),
            source: Box::new(self),
        }
    }

    /// True if the text of this error names the database.
    pub(crate) fn names_location(&self) -> bool {
        matches!(
            self,
            Self::At { .. } | Self::Open { .. } | Self::Newer { .. } | Self::Migrate { .. }
        )
    }

    /// True if the role lacks a privilege (PostgreSQL `insufficient_privilege`).
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Other(sqlx::Error::Database(database)) if database.code().as_deref() == Some("42501"))
    }

    /// True if the transaction and another one waited for each other, or cannot be put in an order: the engine ended this one,
    /// which can be run again at once (PostgreSQL class 40).
    pub fn is_deadlock(&self) -> bool {
        let code = match self {
            Self::Unavailable(sqlx::Error::Database(database)) => database.code(),
            _ => None,
        };
        code.is_some_and(|code| matches!(code.as_ref(), "40P01" | "40001"))
    }

    /// True if a retry may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Full | Self::NotCommitted(None) => true,
            Self::NotCommitted(Some(cause)) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        super::connection_check::note_failure(&error);
        if let sqlx::Error::Database(database) = &error {
            if database.is_unique_violation() {
                let constraint = database.constraint().map_or_else(
                    // SQLite has no name for it: "UNIQUE constraint failed: people.user_name_key".
                    || {
                        database
                            .message()
                            .rsplit(": ")
                            .next()
                            .unwrap_or_default()
                            .to_owned()
                    },
                    str::to_owned,
                );
                return Self::Unique { constraint };
            }
            let code = database.code().unwrap_or_default();
            let sqlite = database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            match (sqlite, code.as_ref()) {
                // SQLITE_FULL, and SQLITE_IOERR_SHMSIZE of a disk without room for the index of the log; PostgreSQL
                // disk_full.
                (true, "13" | "4874") | (false, "53100") => return Self::Full,
                // SQLITE_CORRUPT, SQLITE_NOTADB, and their extended codes.
                (true, "11" | "26" | "267" | "523" | "779") => return Self::Corrupt,
                (true, code) if is_transient_on_sqlite(code) => return Self::Unavailable(error),
                (false, code) if is_transient_on_postgres(code) => return Self::Unavailable(error),
                _ => {}
            }
        }
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error)
            }
            other => Self::Other(other),
        }
    }
}

/// The text of [`DbError::Unavailable`]. What a server says about a lock or a shutdown holds no data.
fn unavailable(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => format!("the database gave up: {}", error.message()),
        _ => "no database connection in time".to_owned(),
    }
}

/// True if a retry may succeed: the extended codes of SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR,
/// SQLITE_CANTOPEN.
fn is_transient_on_sqlite(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 14))
}

/// True if a retry may succeed: connection exceptions (class 08), deadlocks and serialization failures (40),
/// insufficient resources (53), operator intervention (57), system errors (58), a lock timeout, an idle
/// transaction timeout, and a standby that is not promoted yet.
fn is_transient_on_postgres(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "40" | "53" | "57" | "58"))
        || matches!(code, "55P03" | "25P03" | "25006")
}
