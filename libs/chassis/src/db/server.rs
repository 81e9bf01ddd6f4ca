//! PostgreSQL server, reached directly or through a pooler.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::session::PgSession;
use super::{DbError, connection_check};

/// The statement that begins a transaction. No unit of work waits for anything outside the database, so an idle
/// transaction belongs to a process that was stopped or disconnected: the server ends it, which releases its row locks.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// The statement that begins a read-only transaction, where nothing may run outside a transaction.
const BEGIN_READING: &str = "BEGIN READ ONLY; SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// An unused setting that detects a pooler. A server that is reached directly applies it when the connection starts. A
/// pooler refuses or ignores it, because a session of its client is not a session of the server.
const DIRECT_PROBE: &str = "vestibule.direct";

/// The path of connections to the server, and the mode of a pooler on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// It is found out when the service starts.
    #[default]
    Auto,
    /// Directly, or through a pooler that keeps a session for each connection: statements are prepared once.
    Session,
    /// Through a pooler that gives a connection to each transaction, such as PgBouncer with `pool_mode = transaction`:
    /// nothing is kept between transactions.
    Transaction,
}

/// A pool of connections to a PostgreSQL server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PostgresServer {
    pool: PgPool,
    /// True if a connection is one session of the server.
    sessions: bool,
    /// The connection options that bypass the pooler, if there are any.
    direct: Option<Arc<PgConnectOptions>>,
}

/// The options of a [`PostgresServer`].
pub(super) struct ServerOptions<'a> {
    pub(super) url: &'a str,
    pub(super) direct_url: Option<&'a str>,
    pub(super) pooling: Pooling,
    pub(super) max_connections: u32,
    pub(super) acquire_timeout: Duration,
}

impl PostgresServer {
    pub(super) async fn open(options: ServerOptions<'_>) -> Result<Self, sqlx::Error> {
        let connect = connect_options(options.url)?;
        let pool = PgPoolOptions::new()
            // A migration needs one for its lock and one for its work.
            .max_connections(options.max_connections.max(2))
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .before_acquire(|connection, known| Box::pin(connection_check::is_usable(connection, known)))
            .connect_with(connect.clone())
            .await?;
        let sessions = match options.pooling {
            Pooling::Session => true,
            Pooling::Transaction => false,
            // After the pool, which waits for a server that is just starting.
            Pooling::Auto => is_direct(&connect).await?,
        };
        let direct = match options.direct_url {
            Some(url) => Some(connect_options(url)?),
            None => sessions.then_some(connect),
        };
        if !sessions {
            tracing::info!(
                "the database is reached through a pooler: statements are not prepared under names, and other replicas \
                 are heard {}",
                if direct.is_some() {
                    "over database.direct_url"
                } else {
                    "by polling, for want of a database.direct_url"
                }
            );
        }
        Ok(Self {
            pool,
            sessions,
            direct: direct.map(Arc::new),
        })
    }

    /// The underlying pool. A statement that runs on it directly needs sessions: see [`PostgresServer::has_sessions`].
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// True if a connection is one session of the server, which no pooler shares with other clients.
    pub fn has_sessions(&self) -> bool {
        self.sessions
    }

    pub(super) async fn begin(&self) -> Result<PgSession, sqlx::Error> {
        Ok(PgSession::within(
            self.pool.begin_with(BEGIN).await?,
            self.sessions,
        ))
    }

    pub(super) async fn reader(&self) -> Result<PgSession, sqlx::Error> {
        if self.sessions {
            return Ok(PgSession::plain(self.pool.acquire().await?));
        }
        Ok(PgSession::within(
            self.pool.begin_with(BEGIN_READING).await?,
            false,
        ))
    }

    /// A dedicated connection that receives notifications. `None` where only a pooler can be reached: `LISTEN` would apply to a
    /// session that the pooler gives to other clients a moment later.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn listener(&self) -> Result<Option<PgListener>, DbError> {
        let Some(direct) = &self.direct else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_with((**direct).clone())
            .await?;
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        Ok(Some(listener))
    }

    /// Begins a transaction without timeouts, so that the server does not end it while it is idle.
    pub(super) async fn begin_without_limits(&self) -> Result<PgSession, sqlx::Error> {
        let begin = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; \
                     SET LOCAL lock_timeout = 0";
        Ok(PgSession::within(
            self.pool.begin_with(begin).await?,
            self.sessions,
        ))
    }

    /// A pool with sessions for migrations; `None` where they have to share one transaction.
    pub(super) async fn migration_pool(&self) -> Result<Option<PgPool>, sqlx::Error> {
        match &self.direct {
            _ if self.sessions => Ok(Some(self.pool.clone())),
            None => Ok(None),
            Some(direct) => {
                let pool = PgPoolOptions::new()
                    .max_connections(2)
                    .connect_with((**direct).clone());
                Ok(Some(pool.await?))
            }
        }
    }
}

/// The connection options of a URL. PgBouncer refuses `extra_float_digits`, which the driver sends by default; it is not
/// needed, because numbers are not sent as text.
fn connect_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.extra_float_digits(None))
}

/// True if a connection reaches the server directly.
async fn is_direct(options: &PgConnectOptions) -> Result<bool, sqlx::Error> {
    let probing = options.clone().options([(DIRECT_PROBE, "yes")]);
    let mut connection = match probing.connect().await {
        Ok(connection) => connection,
        Err(error) if refuses_parameter(&error) => return Ok(false),
        Err(error) => return Err(error),
    };
    // One message, which a pooler sends to one session.
    let found = sqlx::raw_sql("SELECT coalesce(current_setting('vestibule.direct', true), '')");
    let row = sqlx::Executor::fetch_one(&mut connection, found).await?;
    let value: String = sqlx::Row::try_get(&row, 0)?;
    // What cannot be closed is closed by being dropped.
    let _ = connection.close().await;
    Ok(value == "yes")
}

/// PgBouncer: `unsupported startup parameter` (08P01), also in `options`; RDS Proxy: feature_not_supported (0A000).
fn refuses_parameter(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if matches!(database.code().as_deref(), Some("08P01" | "0A000")))
}
