//! The tables `host_tickets` and `host_sessions`. Both hang on `sessions` and on `protected_hosts`, so that they end with them.

use chassis::clock::{SKEW, Timestamp};
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use contract::UserState;
use forward_auth::Origin;
use sqlx::types::Json;
use uuid::Uuid;

use super::tickets::{LIFETIME, NewTicket};

/// The most tickets that a sign-in session may have at a time.
pub(super) const MAX_TICKETS: i64 = 32;
/// The most sessions at hosts that hang on a sign-in session. The oldest end.
pub(super) const MAX_SESSIONS: i64 = 100;
/// The number of rows that one sweep deletes at most, so that its transaction stays short.
const SWEEP_BATCH: i64 = 1000;

/// A live session at a host.
#[derive(sqlx_macros::FromRow)]
pub(super) struct FoundSession {
    pub(super) session_id: Uuid,
    pub(super) last_seen_at: Timestamp,
    pub(super) session_expires_at: Timestamp,
    pub(super) claims: Json<UserState>,
}

/// The live session of a token at a host, with its sign-in session and an active person. It expires at `latest` at the latest.
pub(super) async fn find(
    db: &mut impl Connection,
    token: &TokenHash,
    origin: &Origin,
    now: Timestamp,
    latest: Timestamp,
) -> Result<Option<FoundSession>, DbError> {
    // A sign-in session of a clock that was ahead is corrected when its browser comes to this service.
    let statement = "SELECT s.id AS session_id, s.last_seen_at, s.expires_at AS session_expires_at, p.claims
        FROM host_sessions h
        JOIN sessions s ON s.id = h.session_id
        JOIN subjects p ON p.id = s.account_id
        WHERE h.token_hash = $1 AND h.host = $2 AND (h.expires_at > $3 AND h.expires_at <= $4) IS TRUE
          AND s.idle_until > $3 AND s.expires_at > $3 AND s.last_seen_at <= $5 AND p.active";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(token.as_bytes()).bind(origin.host())
        .bind(now).bind(latest).bind(now + SKEW).fetch_optional(c).await?),
    )
}

/// A session at a host to insert.
pub(super) struct SessionRow<'a> {
    pub(super) token: &'a TokenHash,
    pub(super) origin: &'a Origin,
    pub(super) session_id: Uuid,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Inserts a session at a host, and ends the oldest of its sign-in session beyond [`MAX_SESSIONS`]. The sign-in session is locked.
pub(super) async fn insert(tx: &mut Tx, row: &SessionRow<'_>) -> Result<(), DbError> {
    let statement = "INSERT INTO host_sessions (token_hash, host, session_id, started_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    on_engine!(tx, c => sqlx::query(statement).bind(row.token.as_bytes()).bind(row.origin.host())
        .bind(row.session_id).bind(row.now).bind(row.expires_at).execute(c).await.map(drop)?);
    let trim = "DELETE FROM host_sessions WHERE session_id = $1 AND token_hash NOT IN
        (SELECT token_hash FROM host_sessions WHERE session_id = $1 ORDER BY started_at DESC, token_hash LIMIT $2)";
    on_engine!(tx, c => sqlx::query(trim).bind(row.session_id).bind(MAX_SESSIONS).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes a session at a host.
pub(super) async fn delete(tx: &mut Tx, token: &TokenHash, origin: &Origin) -> Result<(), DbError> {
    let statement = "DELETE FROM host_sessions WHERE token_hash = $1 AND host = $2";
    on_engine!(tx, c => sqlx::query(statement).bind(token.as_bytes()).bind(origin.host()).execute(c).await.map(drop)?);
    Ok(())
}

/// A ticket to insert.
pub(super) struct TicketRow<'a> {
    pub(super) ticket: &'a TokenHash,
    pub(super) new: &'a NewTicket<'a>,
    pub(super) expires_at: Timestamp,
}

/// Inserts a ticket, if its sign-in session is live and has fewer than [`MAX_TICKETS`]. Returns whether it was inserted.
pub(super) async fn insert_ticket(tx: &mut Tx, row: &TicketRow<'_>, now: Timestamp) -> Result<bool, DbError> {
    let lock = sql!(tx,
        sqlite: "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND idle_until > $2 AND expires_at > $2)",
        postgres: "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND idle_until > $2 AND expires_at > $2
                   FOR NO KEY UPDATE)",
    );
    let new = row.new;
    let is_live: bool =
        on_engine!(tx, c => sqlx::query_scalar(lock).bind(new.session_id).bind(now).fetch_one(c).await?);
    if !is_live {
        return Ok(false);
    }
    let statement =
        "INSERT INTO host_tickets (ticket_hash, host, session_id, nonce_hash, return_to, expires_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE (SELECT COUNT(*) FROM host_tickets WHERE session_id = $3 AND expires_at > $7) < $8";
    let inserted = on_engine!(tx, c => sqlx::query(statement).bind(row.ticket.as_bytes()).bind(new.origin.host())
        .bind(new.session_id).bind(new.nonce).bind(new.return_path.as_str()).bind(row.expires_at).bind(now).bind(MAX_TICKETS)
        .execute(c).await?.rows_affected());
    Ok(inserted == 1)
}

/// The sign-in session of a ticket.
#[derive(sqlx_macros::FromRow)]
pub(super) struct LiveSession {
    pub(super) session_id: Uuid,
    pub(super) account_id: Uuid,
}

/// Locks the live sign-in session of a ticket, if its person is active.
pub(super) async fn lock_session_of_ticket(
    tx: &mut Tx,
    ticket: &TokenHash,
    now: Timestamp,
) -> Result<Option<LiveSession>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT s.id AS session_id, s.account_id FROM host_tickets t JOIN sessions s ON s.id = t.session_id
                 JOIN subjects p ON p.id = s.account_id
                 WHERE t.ticket_hash = $1 AND s.idle_until > $2 AND s.expires_at > $2 AND p.active",
        postgres: "SELECT s.id AS session_id, s.account_id FROM host_tickets t JOIN sessions s ON s.id = t.session_id
                   JOIN subjects p ON p.id = s.account_id
                   WHERE t.ticket_hash = $1 AND s.idle_until > $2 AND s.expires_at > $2 AND p.active
                   FOR NO KEY UPDATE OF s",
    );
    Ok(
        on_engine!(tx, c => sqlx::query_as(statement).bind(ticket.as_bytes()).bind(now).fetch_optional(c).await?),
    )
}

/// Uses a ticket up. Returns the path to return to, if it was valid for this host and this browser.
pub(super) async fn use_ticket(
    tx: &mut Tx,
    ticket: &TokenHash,
    origin: &Origin,
    nonce: &TokenHash,
    now: Timestamp,
) -> Result<Option<String>, DbError> {
    let statement = "DELETE FROM host_tickets
        WHERE ticket_hash = $1 AND host = $2 AND nonce_hash = $3 AND (expires_at > $4 AND expires_at <= $5) IS TRUE
        RETURNING return_to";
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(ticket.as_bytes()).bind(origin.host())
        .bind(nonce.as_bytes()).bind(now).bind(now.latest(LIFETIME)).fetch_optional(c).await?),
    )
}

/// Deletes expired tickets and a batch of expired sessions at hosts. Returns their number.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let tickets = "DELETE FROM host_tickets WHERE expires_at <= $1 OR expires_at > $2";
    let tickets = on_engine!(tx, c => sqlx::query(tickets).bind(now).bind(now.latest(LIFETIME)).execute(c).await?
        .rows_affected());
    let sessions = "DELETE FROM host_sessions WHERE token_hash IN
        (SELECT token_hash FROM host_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    let sessions = on_engine!(tx, c => sqlx::query(sessions).bind(now).bind(SWEEP_BATCH).execute(c).await?
        .rows_affected());
    Ok(tickets + sessions)
}
