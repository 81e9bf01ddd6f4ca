//! Database access: one body of SQL for SQLite and PostgreSQL.
//!
//! A store function takes a [`Tx`] to write, or any [`Connection`] (a [`Tx`] or a [`Reader`]) to read, never the [`Db`]
//! itself: a second connection that is acquired within a transaction works on SQLite and deadlocks PostgreSQL's pool.

mod clock;
mod connection_check;
mod counting;
mod error;
mod migrate;
mod migration_locks;
mod open;
mod page;
mod pool_metrics;
mod readers;
mod savepoint;
mod schema;
mod server;
mod session;
mod shared_commit;
mod tx;

use std::sync::Arc;
use std::time::Instant;

pub use clock::clock;
pub use counting::count_statements;
pub use error::DbError;
pub use migrate::Migrations;
pub use open::DbConfig;
pub use page::next_cursor;
pub use readers::{Readers, SqliteReader};
pub use schema::SchemaLevel;
pub use server::{Pooling, PostgresServer};
pub use session::PgSession;
pub use shared_commit::SharedCommits;
use sqlx::{SqliteConnection, SqlitePool};
pub use tx::Tx;
use tx::TxInner;

use crate::telemetry::{Span, SpanKind};

/// The database engine, for statements that have to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded engine, which is the default.
    Sqlite,
    /// The server, for production.
    Postgres,
}

impl Engine {
    /// The value of `db.system.name` in the semantic conventions for databases.
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// The database of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// A SQLite file with one writer and several readers.
    Sqlite {
        /// Read-only connections.
        read: Arc<Readers>,
        /// The only connection that writes.
        write: SqlitePool,
        /// The same connection, for units of work that share commits.
        shared: Arc<SharedCommits>,
    },
    /// A connection pool to a PostgreSQL server.
    Postgres(PostgresServer),
}

impl Db {
    /// The engine.
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite { .. } => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Begins a transaction that may write. `name` is its label in `vestibule_db_transaction_seconds{name}`.
    ///
    /// # Errors
    /// No connection is free in time.
    pub async fn begin(&self, name: &'static str) -> Result<Tx, DbError> {
        self.begin_unit(name, false).await
    }

    /// Begins a unit of work that on SQLite may share its commit, and thus its wait for the disk, with others that wait for the
    /// writer at the same time. It reads what those before it wrote, which may not be on the disk yet. So it is short, it waits
    /// for nothing but the database, nothing leaves the process before [`Tx::commit`], [`Tx::rollback`] or [`Tx::finish`] has
    /// returned, and it relies on no constraint that is checked at the commit. If the commit fails, nothing of them is stored.
    ///
    /// # Errors
    /// No connection is free in time.
    pub async fn begin_shared(&self, name: &'static str) -> Result<Tx, DbError> {
        self.begin_unit(name, true).await
    }

    async fn begin_unit(&self, name: &'static str, is_shared: bool) -> Result<Tx, DbError> {
        let mut span =
            Span::start(SpanKind::Internal, || format!("transaction {name}")).fail_on_drop("no_connection");
        let started = Instant::now();
        counting::count();
        let inner = match self {
            Self::Sqlite { shared, .. } if is_shared => {
                TxInner::Shared(pool_metrics::WRITE.time_acquire(shared.begin()).await?)
            }
            // IMMEDIATE: a transaction that reads first and writes later fails at once when another wrote between,
            // whatever the busy timeout.
            Self::Sqlite { write, .. } => TxInner::Sqlite(
                pool_metrics::WRITE
                    .time_acquire(write.begin_with("BEGIN IMMEDIATE"))
                    .await?,
            ),
            Self::Postgres(server) => {
                TxInner::Postgres(pool_metrics::ALL.time_acquire(server.begin()).await?)
            }
        };
        span.set("db.system.name", self.engine().name());
        span.set(
            "vestibule.transaction.wait_seconds",
            started.elapsed().as_secs_f64(),
        );
        span.succeed();
        Ok(Tx::new(inner, name, span))
    }

    /// Acquires a read-only connection.
    ///
    /// # Errors
    /// No connection is free in time.
    pub async fn reader(&self) -> Result<Reader, DbError> {
        Ok(match self {
            Self::Sqlite { read, .. } => {
                Reader::Sqlite(pool_metrics::READ.time_acquire(read.acquire()).await?)
            }
            Self::Postgres(server) => {
                Reader::Postgres(pool_metrics::ALL.time_acquire(server.reader()).await?)
            }
        })
    }

    /// Closes every connection, once those in use are returned.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write, .. } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(server) => server.pool().close().await,
        }
    }
}

/// A connection of either engine, to run one statement on. See [`on_engine!`](crate::on_engine).
#[derive(Debug)]
pub enum Handle<'c> {
    /// A connection to a SQLite file.
    Sqlite(&'c mut SqliteConnection),
    /// A connection to a PostgreSQL server.
    Postgres(&'c mut PgSession),
}

/// A connection that a store function can read from.
pub trait Connection: Send {
    /// The underlying connection.
    fn handle(&mut self) -> Handle<'_>;

    /// The engine of the connection.
    fn engine(&self) -> Engine;
}

/// A read-only connection. It returns to the pool when it is dropped.
#[derive(Debug)]
pub enum Reader {
    /// To a SQLite file.
    Sqlite(SqliteReader),
    /// To a PostgreSQL server.
    Postgres(PgSession),
}

impl Connection for Reader {
    fn handle(&mut self) -> Handle<'_> {
        counting::count();
        match self {
            Self::Sqlite(reader) => Handle::Sqlite(reader.connection()),
            Self::Postgres(session) => Handle::Postgres(session),
        }
    }

    fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A list of ids as one bound value: a JSON array of ids without hyphens, which SQLite reads with `unhex(value)` from
/// `json_each`, and PostgreSQL as `value::uuid` from `jsonb_array_elements_text`.
pub fn id_list(ids: impl IntoIterator<Item = uuid::Uuid>) -> String {
    let digits = ids.into_iter().map(|id| id.simple().to_string());
    serde_json::Value::from_iter(digits).to_string()
}

/// Lets transactions that lock the same name run one after another, each until it ends. On SQLite a transaction holds the only lock for
/// writing anyway.
///
/// # Errors
/// When the database fails.
pub async fn lock_name(tx: &mut Tx, name: &str) -> Result<(), DbError> {
    if let Handle::Postgres(connection) = tx.handle() {
        sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(name)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// Runs one expression on the connection of either engine; it is type-checked against both drivers.
///
/// ```text
/// on_engine!(tx, c => sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(c).await?.rows_affected())
/// ```
#[macro_export]
macro_rules! on_engine {
    ($connection:expr, $c:ident => $body:expr) => {
        match $crate::db::Connection::handle($connection) {
            $crate::db::Handle::Sqlite($c) => $body,
            $crate::db::Handle::Postgres($c) => $body,
        }
    };
}

/// Selects the statement of the connection's engine, for the few statements that differ.
#[macro_export]
macro_rules! sql {
    ($connection:expr, sqlite: $sqlite:expr, postgres: $postgres:expr $(,)?) => {
        match $crate::db::Connection::engine($connection) {
            $crate::db::Engine::Sqlite => $sqlite,
            $crate::db::Engine::Postgres => $postgres,
        }
    };
}
