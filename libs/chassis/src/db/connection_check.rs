//! Connections to PostgreSQL that have become useless, and must not stay in the pool.
//!
//! After a failover a connection may lead to a server that only reads by now, and live on: every statement that writes
//! answers SQLSTATE 25006 for ever, and every ping passes. So for a while after such an answer each connection is asked
//! before it is given out whether it may write, and closed if not; the new one goes where the database is now.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnectionMetadata;
use sqlx::{Connection, PgConnection};

/// For how long after the last refusal every connection is asked before it is used.
const CHECKED_FOR: Duration = Duration::from_secs(30);
/// A connection as young as this is not opened anew: while every server only reads, readers must not open one for each read.
const YOUNG: Duration = Duration::from_secs(1);
/// After how long without use a connection to a server is tried before it is used again.
const IDLE_BEFORE_PING: Duration = Duration::from_secs(1);

/// When a server last refused. Of the whole process: who turns an error into a [`super::DbError`] knows no pool, and to ask
/// the connections of another costs nothing but the question.
static LAST_FAILURE: Mutex<Option<Instant>> = Mutex::new(None);

/// Notes that a connection may have become useless, if that is what `error` says.
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

/// PostgreSQL: a transaction that may only read, a connection that failed (class 08), a server that shuts down, has crashed
/// or does not start yet, a database that was dropped (57P01 to 57P05).
fn is_useless(code: &str) -> bool {
    code == "25006" || code.starts_with("08") || code.starts_with("57P")
}

fn is_checking() -> bool {
    let refused = LAST_FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    refused.is_some_and(|at| at.elapsed() < CHECKED_FOR)
}

/// Whether a connection that was idle may be used. A round trip before every use would double the cost of a small read:
/// only what has rested is tried, and everything while there is a reason to.
pub(super) async fn is_usable(
    connection: &mut PgConnection,
    known: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if is_checking() {
        // A standby, and a database or role whose default it is, say the same. Asked without a prepared statement, so that
        // it passes through every pooler.
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
