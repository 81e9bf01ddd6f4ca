//! The table `sessions`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::{Token, TokenHash};
use contract::UserState;
use sqlx::types::Json;
use uuid::Uuid;

use super::{LiveSession, Session, SessionLifetime};
use chassis::http::ClientInfo;

/// The number of sessions that one sweep ends at most, so that its transaction stays short.
const SWEEP_BATCH: i64 = 200;

/// The number of characters of a `User-Agent` that are stored.
const USER_AGENT_KEPT: usize = 256;

/// A session to insert or renew.
pub(crate) struct NewSessionRow<'a> {
    session: &'a Session,
    token: TokenHash,
    now: Timestamp,
    idle_until: Timestamp,
    client_ip: Option<String>,
    user_agent: Option<String>,
}

impl<'a> NewSessionRow<'a> {
    /// A session that starts now or is renewed with a new token.
    pub(crate) fn of(
        session: &'a Session,
        token: &Token,
        client: &ClientInfo,
        now: Timestamp,
        lifetime: SessionLifetime,
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
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct SessionRow {
    pub(crate) id: Uuid,
    account_id: Uuid,
    pub(crate) auth_time: Timestamp,
    amr: String,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// A stored session with the state of its user, as [`find_with_user`] reads it.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct SessionWithUser {
    #[sqlx(flatten)]
    pub(super) session: SessionRow,
    pub(super) state: Option<Json<UserState>>,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            auth_time: row.auth_time,
            amr: row.amr.split(' ').map(str::to_owned).collect(),
            expires_at: row.expires_at,
        }
    }
}

/// Inserts a session.
pub(crate) async fn insert(tx: &mut Tx, row: &NewSessionRow<'_>) -> Result<(), DbError> {
    let statement = "INSERT INTO sessions
            (id, token_hash, account_id, auth_time, amr, started_at, last_seen_at, idle_until, expires_at,
             client_ip, user_agent)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)";
    write(tx, statement, row).await.map(drop)
}

/// Renews a live session of the same account. Returns whether there was one.
pub(crate) async fn renew(tx: &mut Tx, row: &NewSessionRow<'_>) -> Result<bool, DbError> {
    let statement =
        "UPDATE sessions SET token_hash = $2, auth_time = $4, amr = $5, last_seen_at = $6, idle_until = $7,
            expires_at = $8, client_ip = $9, user_agent = $10
        WHERE id = $1 AND account_id = $3 AND idle_until > $6 AND expires_at > $6";
    Ok(write(tx, statement, row).await? == 1)
}

async fn write(tx: &mut Tx, statement: &'static str, row: &NewSessionRow<'_>) -> Result<u64, DbError> {
    let session = row.session;
    Ok(on_engine!(tx, c => sqlx::query(statement)
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
        .execute(c).await?.rows_affected()))
}

/// The account of a session, live or not.
pub(crate) async fn account_of(db: &mut impl Connection, id: Uuid) -> Result<Option<Uuid>, DbError> {
    let statement = "SELECT account_id FROM sessions WHERE id = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Replaces the token of a live session. Returns whether it is live.
pub(crate) async fn replace_token(
    tx: &mut Tx,
    id: Uuid,
    token: &TokenHash,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement =
        "UPDATE sessions SET token_hash = $2 WHERE id = $1 AND idle_until > $3 AND expires_at > $3";
    let replaced = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(token.as_bytes()).bind(now)
        .execute(c).await?.rows_affected());
    Ok(replaced == 1)
}

/// The live session of a token.
pub(crate) async fn find(
    db: &mut impl Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<SessionRow>, DbError> {
    let statement = "SELECT id, account_id, auth_time, amr, last_seen_at, expires_at FROM sessions
        WHERE token_hash = $1 AND idle_until > $2 AND expires_at > $2";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(token.as_bytes()).bind(now).fetch_optional(c).await?),
    )
}

/// The live session of a token, with the state of its user.
pub(super) async fn find_with_user(
    db: &mut impl Connection,
    token: &TokenHash,
    now: Timestamp,
) -> Result<Option<SessionWithUser>, DbError> {
    let statement = "SELECT id, account_id, auth_time, amr, last_seen_at, expires_at,
            (SELECT claims FROM subjects WHERE subjects.id = sessions.account_id) AS state
        FROM sessions WHERE token_hash = $1 AND idle_until > $2 AND expires_at > $2";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(token.as_bytes()).bind(now).fetch_optional(c).await?),
    )
}

/// The live sessions of an account, the last used first.
pub(super) async fn list_live(
    db: &mut impl Connection,
    account: Uuid,
    now: Timestamp,
) -> Result<Vec<LiveSession>, DbError> {
    let statement = "SELECT id, started_at, auth_time, last_seen_at, expires_at, client_ip, user_agent
        FROM sessions WHERE account_id = $1 AND idle_until > $2 AND expires_at > $2
        ORDER BY last_seen_at DESC, id";
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(account).bind(now).fetch_all(c).await?))
}

/// Records the use of a session, unless that was done since `before`.
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

/// Corrects the times of a session that was written by a clock that was ahead.
pub(crate) async fn correct_times(
    tx: &mut Tx,
    row: &SessionRow,
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

/// Deletes a session. Returns whether it existed.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let statement = "DELETE FROM sessions WHERE id = $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// Deletes every session of an account. Returns their ids.
pub(crate) async fn delete_by_account(tx: &mut Tx, account: Uuid) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM sessions WHERE account_id = $1 RETURNING id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(account).fetch_all(c).await?))
}

/// Expired sessions: their accounts and ids, in the order in which accounts are locked.
pub(crate) async fn expired(db: &mut impl Connection, now: Timestamp) -> Result<Vec<(Uuid, Uuid)>, DbError> {
    let statement = "SELECT account_id, id FROM sessions WHERE idle_until <= $1 ORDER BY idle_until LIMIT $2";
    let mut over: Vec<(Uuid, Uuid)> =
        on_engine!(db, c => sqlx::query_as(statement).bind(now).bind(SWEEP_BATCH).fetch_all(c).await?);
    over.sort_unstable();
    Ok(over)
}

/// Deletes a session when it is expired. Returns whether it was deleted.
pub(crate) async fn delete_expired(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, DbError> {
    let statement = "DELETE FROM sessions WHERE id = $1 AND idle_until <= $2";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).bind(now).execute(c).await?.rows_affected()) == 1)
}

/// The accounts that have a session, in the order in which accounts are locked.
pub(super) async fn accounts(tx: &mut Tx) -> Result<Vec<Uuid>, DbError> {
    let statement = "SELECT DISTINCT account_id FROM sessions ORDER BY account_id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_all(c).await?))
}
