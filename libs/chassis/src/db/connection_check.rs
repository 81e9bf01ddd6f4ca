//! Checks of pooled PostgreSQL connections, so that a useless connection leaves the pool.
//!
//! After a failover a connection may lead to a server that is read-only by now, and stay open: every statement that writes
//! fails with SQLSTATE 25006, while every ping succeeds. So for a while after such a failure each connection is checked
//! before use, and closed if it cannot write; its replacement leads to the current primary.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnectionMetadata;
use sqlx::{Connection, PgConnection};

/// For how long after the last failure every connection is checked before it is used.
const CHECKED_FOR: Duration = Duration::from_secs(30);
/// A younger connection is not replaced: while every server is read-only, readers must not open one for each read.
const YOUNG: Duration = Duration::from_secs(1);
/// A connection that was idle for longer is pinged before it is used again.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// The time of the last failure, of the whole process: the conversion into a [`super::DbError`] knows no pool, and checking
/// the connections of another pool costs only the check.
static LAST_FAILURE: Mutex<Option<Instant>> = Mutex::new(None);

/// Records that a connection may have become useless, if `error` says so.
pub(super) fn note_failure(error: &sqlx::Error) {
    let useless = match error {
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_useless(&code)),
        sqlx::Error::Io(_) => true,
        _ => false,
    };
    if useless {
        *LAST_FAILURE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// SQLSTATEs: a read-only transaction (25006), a connection failure (class 08), a server that shuts down, has crashed or
/// is starting, a database that was dropped (57P01 to 57P05).
fn is_useless(code: &str) -> bool {
    code == "25006" || code.starts_with("08") || code.starts_with("57P")
}

fn is_checking() -> bool {
    let refused = LAST_FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    refused.is_some_and(|at| at.elapsed() < CHECKED_FOR)
}

/// True if an idle connection can be used. A round trip before every use would double the cost of a small
/// read: only a connection that was idle for long is pinged, and every connection is checked after a failure.
pub(super) async fn is_usable(
    connection: &mut PgConnection,
    known: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if is_checking() {
        // A standby, and a database or role with that default, report the same. It is asked without a prepared statement, so
        // that it passes through every pooler.
        let read_only: String = sqlx::Row::try_get(
            &sqlx::Executor::fetch_one(connection, sqlx::raw_sql("SHOW transaction_read_only")).await?,
            0,
        )?;
        return Ok(read_only == "off" || known.age < YOUNG);
    }
    if known.idle_for > IDLE_BEFORE_PING {
        connection.ping().await?;
    }
    Ok(true)
}
