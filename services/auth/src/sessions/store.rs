//! Stored sessions.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::{Token, TokenHash};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::{Lifetime, Session};
use crate::http::ClientInfo;

/// Sessions that one sweep ends at most, so that its transaction stays short.
const BATCH: i64 = 200;

/// Characters of a `User-Agent` that are kept, to show a person their sessions.
const USER_AGENT_KEPT: usize = 256;

/// A session about to be stored.
pub(crate) struct NewRow<'a> {
    session: &'a Session,
    token: TokenHash,
    now: Timestamp,
    idle_until: Timestamp,
    client_ip: Option<String>,
    user_agent: Option<String>,
}

impl<'a> NewRow<'a> {
    /// A session that starts now, or goes on with a new token.
    pub(crate) fn of(
        session: &'a Session,
        token: &Token,
        client: &ClientInfo,
        now: Timestamp,
        lifetime: Lifetime,
    ) -> Self {
        let agent = client.user_agent.as_ref();
        Self {
            session,
            token: token.hash(),
            now,
            idle_until: (now + lifetime.idle).min(session.expires_at),
            client_ip: client.ip.map(|ip| ip.to_string()),
            user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_KEPT).collect()),
        }
    }
}

/// A stored session.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    account_id: Uuid,
    pub(crate) auth_time: Timestamp,
    amr: String,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            auth_time: row.auth_time,
            amr: row.amr.split(' ').map(str::to_owned).collect(),
            expires_at: row.expires_at,
        }
    }
}

/// Stores a session if the person may sign in at this very moment: they are active.
pub(crate) async fn insert_if_allowed(tx: &mut Tx, row: &NewRow<'_>) -> Result<bool, DbError> {
    // The person's row is held, so that whoever disables them waits and then finds this session to end.
    let statement = sql!(tx,
        sqlite: "INSERT INTO sessions
                (id, token_hash, account_id, auth_time, amr, started_at, last_seen_at, idle_until, expires_at,
                 client_ip, user_agent)
            SELECT $1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10
            WHERE EXISTS (SELECT 1 FROM subjects WHERE id = $3 AND active)",
        postgres: "INSERT INTO sessions
                (id, token_hash, account_id, auth_time, amr, started_at, last_seen_at, idle_until, expires_at,
                 client_ip, user_agent)
            SELECT $1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10
            WHERE EXISTS (SELECT 1 FROM subjects WHERE id = $3 AND active FOR SHARE)",
    );
    let session = row.session;
    let stored = on_engine!(tx, c => sqlx::query(statement)
        .bind(session.id)
        .bind(row.token.as_bytes())
        .bind(session.account_id)
        .bind(session.auth_time)
        .bind(session.amr.join(" "))
        .bind(row.now)
        .bind(row.idle_until)
        .bind(session.expires_at)
        .bind(row.client_ip.as_deref())
        .bind(row.user_agent.as_deref())
        .execute(c).await?.rows_affected());
    Ok(stored == 1)
}

/// Gives a live session of the same account a new token, if the account may sign in at this very moment: its person is
/// active.
pub(crate) async fn renew_if_allowed(tx: &mut Tx, row: &NewRow<'_>) -> Result<bool, DbError> {
    // The person's row is held, as in `insert_if_allowed`.
    let statement = sql!(tx,
        sqlite: "UPDATE sessions SET token_hash = $2, auth_time = $4, amr = $5, last_seen_at = $6, idle_until = $7,
                expires_at = $8, client_ip = $9, user_agent = $10
            WHERE id = $1 AND account_id = $3 AND idle_until > $6 AND expires_at > $6
              AND EXISTS (SELECT 1 FROM subjects WHERE id = $3 AND active)",
        postgres: "UPDATE sessions SET token_hash = $2, auth_time = $4, amr = $5, last_seen_at = $6, idle_until = $7,
                expires_at = $8, client_ip = $9, user_agent = $10
            WHERE id = $1 AND account_id = $3 AND idle_until > $6 AND expires_at > $6
              AND EXISTS (SELECT 1 FROM subjects WHERE id = $3 AND active FOR SHARE)",
    );
    let session = row.session;
    let renewed = on_engine!(tx, c => sqlx::query(statement)
        .bind(session.id)
        .bind(row.token.as_bytes())
        .bind(session.account_id)
        .bind(session.auth_time)
        .bind(session.amr.join(" "))
        .bind(row.now)
        .bind(row.idle_until)
        .bind(session.expires_at)
        .bind(row.client_ip.as_deref())
        .bind(row.user_agent.as_deref())
        .execute(c).await?.rows_affected());
    Ok(renewed == 1)
}

/// Gives a live session another token. Whose it is.
pub(crate) async fn replace_token(
    tx: &mut Tx,
    id: Uuid,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<Uuid>, DbError> {
    let statement =
        "UPDATE sessions SET token_hash = $2 WHERE id = $1 AND idle_until > $3 AND expires_at > $3
        RETURNING account_id";
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).bind(token.as_bytes()).bind(now)
        .fetch_optional(c).await?),
    )
}

/// The live session of a token.
pub(crate) async fn find(
    db: &mut impl Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<Row>, DbError> {
    let statement = "SELECT id, account_id, auth_time, amr, last_seen_at, expires_at FROM sessions
        WHERE token_hash = $1 AND idle_until > $2 AND expires_at > $2";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(token.as_bytes()).bind(now).fetch_optional(c).await?),
    )
}

/// Notes that a session is used, unless somebody did since `before`.
pub(crate) async fn touch(
    tx: &mut Tx,
    id: Uuid,
    now: Timestamp,
    idle_until: Timestamp,
    before: Timestamp,
) -> Result<bool, DbError> {
    let statement =
        "UPDATE sessions SET last_seen_at = $2, idle_until = $3 WHERE id = $1 AND last_seen_at <= $4";
    let touched = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(now).bind(idle_until).bind(before)
        .execute(c).await?.rows_affected());
    Ok(touched == 1)
}

/// Writes down until when a session lives that a clock which was ahead has seen, unless somebody did.
pub(crate) async fn bring_back(
    tx: &mut Tx,
    row: &Row,
    now: Timestamp,
    idle_until: Timestamp,
) -> Result<(), DbError> {
    let statement = "UPDATE sessions SET last_seen_at = $2, idle_until = $3, expires_at = $4, auth_time = $5
        WHERE id = $1 AND last_seen_at > $2";
    on_engine!(tx, c => {
        sqlx::query(statement).bind(row.id).bind(now).bind(idle_until).bind(row.expires_at).bind(row.auth_time)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Removes a session; whose it was.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let statement = "DELETE FROM sessions WHERE id = $1 RETURNING account_id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Removes every session of an account; their ids.
pub(crate) async fn delete_of(tx: &mut Tx, account: Uuid) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM sessions WHERE account_id = $1 RETURNING id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(account).fetch_all(c).await?))
}

/// Removes sessions that are over; their ids and whose they were, in the order in which accounts are locked.
pub(crate) async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE idle_until <= $1 LIMIT $2)
            RETURNING id, account_id",
        postgres: "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE idle_until <= $1
            ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id, account_id",
    );
    let mut gone: Vec<(Uuid, Uuid)> =
        on_engine!(tx, c => sqlx::query_as(statement).bind(now).bind(BATCH).fetch_all(c).await?);
    gone.sort_unstable_by_key(|&(_, account)| account);
    Ok(gone)
}
