//! PostgreSQL connection for statements, with or without a pooler.
//!
//! Behind a pooler in transaction mode every transaction may run in another session of the server. State of a session then
//! belongs to other clients: above all named prepared statements, which the driver makes of every statement. So behind a
//! pooler statements stay unnamed, and everything runs within a transaction, which keeps parsing and executing together.

use std::future::Future;
use std::pin::Pin;

use futures_util::stream::BoxStream;
use sqlx::error::BoxDynError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Either, Error, Execute, Executor, PgConnection, Postgres, SqlStr, Transaction};

type BoxFuture<'e, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'e>>;

/// A connection to a PostgreSQL server, with or without a transaction. Statements run on `&mut PgSession`.
#[derive(Debug)]
pub struct PgSession {
    inner: Inner,
    /// True if statements may be prepared under a name, so that they are parsed once.
    named: bool,
}

#[derive(Debug)]
enum Inner {
    Plain(PoolConnection<Postgres>),
    Within(Transaction<'static, Postgres>),
}

impl PgSession {
    /// A connection that no pooler shares.
    pub(super) fn plain(connection: PoolConnection<Postgres>) -> Self {
        let inner = Inner::Plain(connection);
        Self { inner, named: true }
    }

    /// A connection within a transaction.
    pub(super) fn within(transaction: Transaction<'static, Postgres>, named: bool) -> Self {
        let inner = Inner::Within(transaction);
        Self { inner, named }
    }

    /// The driver's connection. A statement that runs on it directly may be prepared under a name.
    pub(super) fn driver(&mut self) -> &mut PgConnection {
        match &mut self.inner {
            Inner::Plain(connection) => connection,
            Inner::Within(transaction) => transaction,
        }
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        match self.inner {
            Inner::Plain(_) => Ok(()),
            Inner::Within(transaction) => transaction.commit().await,
        }
    }

    /// Rolls back now. Dropping does the same, a little later.
    pub(super) async fn rollback(self) -> Result<(), Error> {
        match self.inner {
            Inner::Plain(_) => Ok(()),
            Inner::Within(transaction) => transaction.rollback().await,
        }
    }
}

impl<'c> Executor<'c> for &'c mut PgSession {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<PgQueryResult, PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let named = self.named;
        self.driver().fetch_many(Statement { query, named })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Option<PgRow>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let named = self.named;
        self.driver().fetch_optional(Statement { query, named })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, PgStatement>
    where
        'c: 'e,
    {
        self.driver().prepare_with(sql, parameters)
    }
}

/// A statement that stays unnamed behind a pooler.
struct Statement<E> {
    query: E,
    named: bool,
}

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Statement<E> {
    fn sql(self) -> SqlStr {
        self.query.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.query.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        self.query.take_arguments()
    }

    fn persistent(&self) -> bool {
        self.named && self.query.persistent()
    }
}
