//! Database access: one body of SQL for SQLite and PostgreSQL.
//!
//! A store function takes a [`Tx`] to write, or any [`Connection`] (a [`Tx`] or a [`Reader`]) to read, never the [`Db`]
//! itself: a second connection that is acquired within a transaction works on SQLite and deadlocks PostgreSQL's pool.

mod connection_check;
mod counting;
mod error;
mod migrate;
mod open;
mod page;
mod pool_metrics;
mod readers;
mod schema;
mod server;
mod session;

use std::sync::Arc;
use std::time::Instant;

pub use counting::count_statements;
pub use error::DbError;
pub use migrate::Migrations;
pub use open::DbConfig;
pub use page::next_cursor;
pub use readers::{Readers, SqliteReader};
pub use schema::SchemaLevel;
pub use server::{Pooling, PostgresServer};
pub use session::PgSession;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::Notify;

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
        let mut span =
            Span::start(SpanKind::Internal, || format!("transaction {name}")).fail_on_drop("no_connection");
        let started = Instant::now();
        counting::count();
        let inner = match self {
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
        Ok(Tx {
            inner,
            name,
            started: Instant::now(),
            wake: Vec::new(),
            span,
        })
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
            Self::Sqlite { read, write } => {
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

#[derive(Debug)]
enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(PgSession),
}

/// A transaction, the unit of work of a request. It is rolled back when it is dropped without [`Tx::commit`].
#[derive(Debug)]
pub struct Tx {
    inner: TxInner,
    name: &'static str,
    started: Instant,
    wake: Vec<Arc<Notify>>,
    span: Span,
}

impl Tx {
    /// Notifies `waiter` once this transaction is committed.
    pub fn wake_on_commit(&mut self, waiter: &Arc<Notify>) {
        if !self.wake.iter().any(|known| Arc::ptr_eq(known, waiter)) {
            self.wake.push(Arc::clone(waiter));
        }
    }

    /// Commits the transaction.
    ///
    /// # Errors
    /// The engine refuses; then nothing of the transaction is stored.
    pub async fn commit(self) -> Result<(), DbError> {
        let mut span = self.span.fail_on_drop("not_committed");
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        span.set("vestibule.transaction.outcome", "committed");
        span.succeed();
        metrics::histogram!("vestibule_db_transaction_seconds", "name" => self.name)
            .record(self.started.elapsed().as_secs_f64());
        for waiter in &self.wake {
            waiter.notify_one();
        }
        Ok(())
    }

    /// Rolls the transaction back. Dropping it does the same, a little later.
    ///
    /// # Errors
    /// The connection is lost; then the engine rolls back by itself.
    pub async fn rollback(mut self) -> Result<(), DbError> {
        self.span.set("vestibule.transaction.outcome", "rolled_back");
        match self.inner {
            TxInner::Sqlite(tx) => tx.rollback().await?,
            TxInner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

impl Connection for Tx {
    fn handle(&mut self) -> Handle<'_> {
        counting::count();
        match &mut self.inner {
            TxInner::Sqlite(tx) => Handle::Sqlite(tx),
            TxInner::Postgres(tx) => Handle::Postgres(tx),
        }
    }

    fn engine(&self) -> Engine {
        match self.inner {
            TxInner::Sqlite(_) => Engine::Sqlite,
            TxInner::Postgres(_) => Engine::Postgres,
        }
    }
}

/// A list of ids as one bound value: a JSON array of ids without hyphens, which SQLite reads with `unhex(value)` from
/// `json_each`, and PostgreSQL as `value::uuid` from `jsonb_array_elements_text`.
pub fn id_list(ids: impl IntoIterator<Item = uuid::Uuid>) -> String {
    let digits = ids.into_iter().map(|id| id.simple().to_string());
    serde_json::Value::from_iter(digits).to_string()
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
