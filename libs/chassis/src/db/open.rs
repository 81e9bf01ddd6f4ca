//! Configuration of the database and its opening.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::server::{PostgresServer, ServerOptions};
use super::shared_commit::{Rollbacks, SharedCommits};
use super::{Db, DbError, Pooling, Readers};
use crate::telemetry::root_cause;

/// The `[database]` table of a service's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DbConfig {
    /// `sqlite:PATH`, or `postgres://USER:PASSWORD@HOST:PORT/NAME`.
    #[schemars(with = "String")]
    pub url: SecretString,
    /// PostgreSQL behind a pooler in transaction mode: the URL of the server itself, for migrations and to hear other replicas at
    /// once. Without it, migrations run in one transaction through the pooler, and other replicas are heard by polling.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub direct_url: Option<SecretString>,
    /// The pooling mode: a pooler gives a PostgreSQL connection to each transaction (`transaction`) or to
    /// each session (`session`, also without a pooler). `auto` finds it out when the service starts.
    #[serde(default)]
    pub pooling: Pooling,
    /// Connections at most: PostgreSQL in all, SQLite readers.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
    /// If true, the service brings the schema up to date when it starts. Otherwise it waits until somebody
    /// else has: `vestibule-auth migrate`, as a role that may change tables.
    #[serde(default = "default_migrate")]
    pub migrate: bool,
}

fn default_connections() -> u32 {
    8
}

fn default_migrate() -> bool {
    true
}

/// The longest that a request waits for a connection before it fails with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

impl DbConfig {
    /// A database at `url` with the default pool.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: SecretString::from(url.into()),
            direct_url: None,
            pooling: Pooling::default(),
            max_connections: default_connections(),
            migrate: default_migrate(),
        }
    }

    /// The location of the database without user name and password, for logs and errors.
    pub fn location(&self) -> String {
        let url = self.url.expose_secret();
        if let Some(path) = sqlite_path(url) {
            return path.display().to_string();
        }
        match url::Url::parse(url) {
            // In another kind of URL, it is unknown which part is the password.
            Ok(url) if url.scheme().starts_with("postgres") && !url.cannot_be_a_base() => {
                format!(
                    "{}:{}{}",
                    url.host_str().unwrap_or("?"),
                    url.port().unwrap_or(5432),
                    url.path()
                )
            }
            _ => "(unreadable URL)".to_owned(),
        }
    }

    /// The same database without the pooler, for programs such as `pg_dump` that need a session of the server.
    #[must_use]
    pub fn direct(&self) -> Self {
        Self {
            url: self.direct_url.clone().unwrap_or_else(|| self.url.clone()),
            direct_url: None,
            ..self.clone()
        }
    }

    /// Opens the database. A missing SQLite file is created.
    ///
    /// # Errors
    /// [`DbError::Open`] names the location and the reason; [`DbError::At`] with [`DbError::Corrupt`] if the file is not a
    /// database.
    pub async fn open(&self) -> Result<Db, DbError> {
        let url = self.url.expose_secret();
        let refused = |reason: String| DbError::Open {
            location: self.location(),
            reason,
        };
        if let Some(path) = sqlite_path(url) {
            self.open_sqlite(&path).await
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = ServerOptions {
                url,
                direct_url: self.direct_url.as_ref().map(ExposeSecret::expose_secret),
                pooling: self.pooling,
                max_connections: self.max_connections,
                acquire_timeout: ACQUIRE_TIMEOUT,
            };
            let server = PostgresServer::open(options)
                .await
                .map_err(|error| refused(root_cause(&error)))?;
            Ok(Db::Postgres(server))
        } else {
            Err(refused("expected sqlite:PATH or postgres://HOST/NAME".to_owned()))
        }
    }

    async fn open_sqlite(&self, path: &Path) -> Result<Db, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: what was acknowledged survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .optimize_on_close(true, None);
        let refused = |error: sqlx::Error| match DbError::from(error) {
            DbError::Other(error) | DbError::Unavailable(error) => DbError::Open {
                location: path.display().to_string(),
                reason: root_cause(&error),
            },
            known => known.at(&path.display().to_string()),
        };
        let rollbacks = Rollbacks::default();
        let watched = rollbacks.clone();
        // Unlike a server, a file does not become unavailable: a connection need not be checked before each use.
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            // SQLite ends a transaction by itself when the disk is full, say. The driver does not notice, and the only
            // connection that writes would refuse to begin another for ever.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
            .after_connect(move |connection, _| {
                let watched = watched.clone();
                Box::pin(async move { watched.watch(connection).await })
            })
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(refused)?;
        let reading = options
            .create_if_missing(false)
            .read_only(true)
            .optimize_on_close(false, None);
        let read = Readers::new(reading, self.max_connections, ACQUIRE_TIMEOUT);
        // The first one is opened at once, so that an unreadable file is reported at startup.
        drop(read.acquire().await.map_err(refused)?);
        let shared = SharedCommits::new(write.clone(), rollbacks, ACQUIRE_TIMEOUT);
        Ok(Db::Sqlite { read, write, shared })
    }
}

fn sqlite_path(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
}
