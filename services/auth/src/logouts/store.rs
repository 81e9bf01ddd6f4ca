//! The tables `session_clients`, `logout_deliveries` and `logout_sectors`.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Engine, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

/// The limits on deliveries under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// Deliveries of all clients.
    pub(crate) overall: usize,
    /// Deliveries of each client.
    pub(crate) each: usize,
}

/// A logout token to send. The end of one session is one delivery for each client.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct DeliveryRow {
    pub(crate) session_id: Uuid,
    pub(crate) client_id: String,
    pub(crate) subject: Uuid,
    pub(crate) attempts: i64,
    pub(crate) next_attempt_at: Timestamp,
    /// The sector whose identifiers the client knew, empty for public ones. Absent if it knows those that it has now.
    pub(crate) sector: Option<String>,
}

/// Notes that a client took part in a session.
pub(super) async fn insert_client(tx: &mut Tx, session: Uuid, client: &str) -> Result<(), DbError> {
    let statement = "INSERT INTO session_clients (session_id, client_id) VALUES ($1, $2)
        ON CONFLICT (session_id, client_id) DO NOTHING";
    on_engine!(tx, c => sqlx::query(statement).bind(session).bind(client).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes the clients of sessions that are not there any more. A replica of an earlier release ends sessions without them.
pub(crate) async fn sweep(tx: &mut Tx) -> Result<(), DbError> {
    let statement = "DELETE FROM session_clients
        WHERE NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = session_clients.session_id)";
    on_engine!(tx, c => sqlx::query(statement).execute(c).await.map(drop)?);
    Ok(())
}

/// Removes the clients of a session. Returns their ids.
pub(super) async fn delete_clients(tx: &mut Tx, session: Uuid) -> Result<Vec<String>, DbError> {
    let statement = "DELETE FROM session_clients WHERE session_id = $1 RETURNING client_id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(session).fetch_all(c).await?))
}

/// Inserts a delivery, which is due at once.
pub(crate) async fn insert_delivery(
    tx: &mut Tx,
    session: Uuid,
    client: &str,
    subject: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement =
        "INSERT INTO logout_deliveries (session_id, client_id, subject, attempts, next_attempt_at)
        VALUES ($1, $2, $3, 0, $4) ON CONFLICT (session_id, client_id) DO NOTHING";
    on_engine!(tx, c => sqlx::query(statement).bind(session).bind(client).bind(subject).bind(now)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Locks the sessions in which a client takes part. A session that ends at this moment locks them before its deliveries, too.
pub(super) async fn lock_sessions_of_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    // The transaction has the only writer there.
    if tx.engine() == Engine::Sqlite {
        return Ok(());
    }
    let statement = "SELECT 1 FROM session_clients WHERE client_id = $1 ORDER BY session_id FOR UPDATE";
    on_engine!(tx, c => sqlx::query(statement).bind(client).execute(c).await.map(drop)?);
    Ok(())
}

/// Inserts a delivery for each session in which a client takes part.
pub(super) async fn insert_deliveries_of_client(
    tx: &mut Tx,
    client: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement =
        "INSERT INTO logout_deliveries (session_id, client_id, subject, attempts, next_attempt_at)
        SELECT session_clients.session_id, session_clients.client_id, sessions.account_id, 0, $2
        FROM session_clients JOIN sessions ON sessions.id = session_clients.session_id
        WHERE session_clients.client_id = $1 ON CONFLICT (session_id, client_id) DO NOTHING";
    on_engine!(tx, c => sqlx::query(statement).bind(client).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// Has the deliveries of a client carry the identifiers of a sector, unless they have those of an earlier one.
pub(super) async fn insert_sectors(tx: &mut Tx, client: &str, sector: &str) -> Result<(), DbError> {
    // The lock keeps a delivery that was just sent from being deleted meanwhile.
    let statement = sql!(tx,
        sqlite: "INSERT INTO logout_sectors (session_id, client_id, sector)
            SELECT session_id, client_id, $2 FROM logout_deliveries WHERE client_id = $1
            ON CONFLICT (session_id, client_id) DO NOTHING",
        postgres: "INSERT INTO logout_sectors (session_id, client_id, sector)
            SELECT session_id, client_id, $2 FROM logout_deliveries WHERE client_id = $1 FOR KEY SHARE
            ON CONFLICT (session_id, client_id) DO NOTHING",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(client).bind(sector).execute(c).await.map(drop)?);
    Ok(())
}

/// Removes a client from all sessions.
pub(super) async fn delete_sessions_of_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    let statement = "DELETE FROM session_clients WHERE client_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(client).execute(c).await.map(drop)?);
    Ok(())
}

/// Deliveries that are due, of each client its share at most, the earliest first. The first of each client come before the second
/// of any, and first attempts before others, so that a client that fails holds up no other. One that is further away than
/// `longest` was written by a clock that was ahead. There are twice as many as may be under way, because clients with a full share
/// fill half of them at most.
pub(crate) async fn due(
    db: &mut impl Connection,
    now: Timestamp,
    longest: Duration,
    shares: Shares,
) -> Result<Vec<DeliveryRow>, DbError> {
    let statement = "SELECT due.session_id, due.client_id, subject, attempts, next_attempt_at, logout_sectors.sector FROM (
            SELECT session_id, client_id, subject, attempts, next_attempt_at,
                ROW_NUMBER() OVER (PARTITION BY client_id ORDER BY next_attempt_at, session_id) AS place
            FROM logout_deliveries WHERE next_attempt_at <= $1 OR next_attempt_at > $2) AS due
            LEFT JOIN logout_sectors
                ON logout_sectors.session_id = due.session_id AND logout_sectors.client_id = due.client_id
        WHERE place <= $3 ORDER BY place, attempts, next_attempt_at LIMIT $4";
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(now).bind(now.latest(longest))
        .bind(number(shares.each)).bind(number(shares.overall.saturating_mul(2))).fetch_all(c).await?),
    )
}

/// Claims a delivery until `until`. Returns whether no other replica was faster.
pub(crate) async fn claim(tx: &mut Tx, row: &DeliveryRow, until: Timestamp) -> Result<bool, DbError> {
    let statement = "UPDATE logout_deliveries SET next_attempt_at = $4, attempts = attempts + 1
        WHERE session_id = $1 AND client_id = $2 AND next_attempt_at = $3";
    let claimed = on_engine!(tx, c => sqlx::query(statement).bind(row.session_id).bind(&row.client_id)
        .bind(row.next_attempt_at).bind(until).execute(c).await?.rows_affected());
    Ok(claimed == 1)
}

/// Puts a claimed delivery off until `at`.
pub(crate) async fn put_off(tx: &mut Tx, row: &DeliveryRow, at: Timestamp) -> Result<(), DbError> {
    let statement =
        "UPDATE logout_deliveries SET next_attempt_at = $3 WHERE session_id = $1 AND client_id = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(row.session_id).bind(&row.client_id).bind(at)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes a delivery, which is done or given up.
pub(crate) async fn delete(tx: &mut Tx, row: &DeliveryRow) -> Result<(), DbError> {
    let statement = "DELETE FROM logout_deliveries WHERE session_id = $1 AND client_id = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(row.session_id).bind(&row.client_id)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every delivery, after the database was restored from a backup: they were sent before, or are out of date.
pub(crate) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM logout_deliveries").execute(c).await.map(drop)?);
    Ok(())
}
