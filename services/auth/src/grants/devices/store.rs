//! The table `device_authorizations`. Both codes are stored as hashes.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::{DEVICE_CODE_LIFETIME, DeviceApproval, DeviceRow, EXPIRED_RETENTION, NewDeviceCode};
use crate::row_counts::Rows;
use crate::throttle::Key;

/// The columns of [`DeviceRow`], named for the reasons that the columns of codes are.
macro_rules! device_columns {
    () => {
        "client_id, scope, audiences, polling_interval, polled_at, expires_at, answer, subject, session_id, auth_time, amr, grant_id, asked_from"
    };
}

/// The insertion of a code, if the condition on the client holds.
macro_rules! insertion {
    ($client:literal) => {
        concat!(
            "INSERT INTO device_authorizations (device_code_hash, user_code_hash, client_id, source, scope, audiences,
                polling_interval, expires_at, asked_from)
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE ",
            $client,
            " ON CONFLICT (user_code_hash) DO NOTHING"
        )
    };
}

/// The number of codes that wait for tokens.
pub(crate) async fn count(db: &mut impl Connection, rows: &Rows, now: Timestamp) -> Result<i64, DbError> {
    Ok(match rows {
        Rows::All => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM device_authorizations WHERE used_at IS NULL").fetch_one(c).await?),
        Rows::OfSource(source) => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM device_authorizations WHERE source = $1 AND used_at IS NULL AND expires_at > $2")
            .bind(source.as_bytes()).bind(now).fetch_one(c).await?),
        Rows::OfClient(id) => on_engine!(db, c => sqlx::query_scalar(
            "SELECT COUNT(*) FROM device_authorizations WHERE client_id = $1 AND used_at IS NULL AND expires_at > $2")
            .bind(id).bind(now).fetch_one(c).await?),
    })
}

/// Inserts a code. Returns false when another code has its user code, or when the client was deleted, whose row is held, so that a
/// deletion finds this code.
pub(crate) async fn insert(tx: &mut Tx, code: &NewDeviceCode<'_>) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: insertion!("EXISTS (SELECT 1 FROM clients WHERE id = $3 AND aggregate_id = $10)"),
        postgres: insertion!("EXISTS (SELECT 1 FROM clients WHERE id = $3 AND aggregate_id = $10 FOR KEY SHARE)"),
    );
    let source = code.source.map(Key::as_bytes);
    Ok(on_engine!(tx, c => sqlx::query(statement)
        .bind(code.hash).bind(code.user_code_hash).bind(code.client_id).bind(source).bind(code.scope)
        .bind(code.audiences).bind(i64::from(code.interval)).bind(code.now + DEVICE_CODE_LIFETIME)
        .bind(code.asked_from).bind(code.aggregate_id)
        .execute(c).await?.rows_affected() == 1))
}

/// The row of a device code.
pub(crate) async fn find(db: &mut impl Connection, hash: &TokenHash) -> Result<Option<DeviceRow>, DbError> {
    Ok(on_engine!(db, c => sqlx::query_as(concat!(
        "SELECT ", device_columns!(), " FROM device_authorizations WHERE device_code_hash = $1"))
        .bind(hash.as_bytes()).fetch_optional(c).await?))
}

/// Stores the time of a request of the device, and the interval between its requests from now on.
pub(crate) async fn note_poll(
    tx: &mut Tx,
    hash: &TokenHash,
    interval: u32,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement = "UPDATE device_authorizations SET polled_at = $3, polling_interval = $2
        WHERE device_code_hash = $1 AND answer IS NULL AND polling_interval <= $2";
    on_engine!(tx, c => sqlx::query(statement)
        .bind(hash.as_bytes()).bind(i64::from(interval)).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

/// The row of a user code that has not expired.
pub(crate) async fn find_by_user_code(
    db: &mut impl Connection,
    hashes: &[Vec<u8>],
    now: Timestamp,
) -> Result<Option<DeviceRow>, DbError> {
    for hash in hashes {
        let found: Option<DeviceRow> = on_engine!(&mut *db, c => sqlx::query_as(concat!(
            "SELECT ", device_columns!(), " FROM device_authorizations
             WHERE user_code_hash = $1 AND (expires_at > $2 AND expires_at <= $3) IS TRUE"))
            .bind(hash.as_slice()).bind(now).bind(now.latest(DEVICE_CODE_LIFETIME)).fetch_optional(c).await?);
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Stores that a person allows a device, when nobody has answered, and the session is live. The session is locked, so that a
/// transaction that ends it waits and then deletes this code. Returns whether it was stored.
pub(crate) async fn allow(
    tx: &mut Tx,
    hashes: &[Vec<u8>],
    approval: &DeviceApproval<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE device_authorizations SET answer = 'allowed', subject = $2, session_id = $3, scope = $4, auth_time = $5, amr = $6
            WHERE user_code_hash = $1 AND answer IS NULL AND (expires_at > $7 AND expires_at <= $8) IS TRUE
              AND EXISTS (SELECT 1 FROM sessions WHERE id = $3)",
        postgres: "UPDATE device_authorizations SET answer = 'allowed', subject = $2, session_id = $3, scope = $4, auth_time = $5, amr = $6
            WHERE user_code_hash = $1 AND answer IS NULL AND (expires_at > $7 AND expires_at <= $8) IS TRUE
              AND EXISTS (SELECT 1 FROM sessions WHERE id = $3 FOR KEY SHARE)",
    );
    for hash in hashes {
        let stored = on_engine!(&mut *tx, c => sqlx::query(statement)
            .bind(hash.as_slice()).bind(approval.subject).bind(approval.session_id).bind(approval.scope)
            .bind(approval.auth_time).bind(approval.amr).bind(now).bind(now.latest(DEVICE_CODE_LIFETIME))
            .execute(c).await?.rows_affected());
        if stored == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Stores that a person denies a device, when nobody has answered. Returns whether it was stored.
pub(crate) async fn deny(
    tx: &mut Tx,
    hashes: &[Vec<u8>],
    (subject, session): (Uuid, Uuid),
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = "UPDATE device_authorizations SET answer = 'denied', subject = $2, session_id = $3
        WHERE user_code_hash = $1 AND answer IS NULL AND (expires_at > $4 AND expires_at <= $5) IS TRUE";
    for hash in hashes {
        let stored = on_engine!(&mut *tx, c => sqlx::query(statement)
            .bind(hash.as_slice()).bind(subject).bind(session).bind(now).bind(now.latest(DEVICE_CODE_LIFETIME))
            .execute(c).await?.rows_affected());
        if stored == 1 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The consumption of a code, if the condition on the session in which a person allowed it holds.
macro_rules! consumption {
    ($session:literal) => {
        concat!(
            "UPDATE device_authorizations SET used_at = $4, grant_id = $3
             WHERE device_code_hash = $1 AND client_id = $2 AND answer = 'allowed' AND used_at IS NULL
               AND (expires_at > $4 AND expires_at <= $5) IS TRUE AND ",
            $session,
            " RETURNING ",
            device_columns!()
        )
    };
}

/// Consumes a code of `client` that a person has allowed, for the grant `grant_id`. Returns `None` when there is no unused,
/// unexpired one, or when the session has ended in which it was allowed. The end of a session deletes its codes; replicas of an earlier release do not
/// know them.
pub(crate) async fn consume(
    tx: &mut Tx,
    hash: &TokenHash,
    client: &str,
    grant_id: Uuid,
    now: Timestamp,
) -> Result<Option<DeviceRow>, DbError> {
    let statement = sql!(tx,
        sqlite: consumption!("EXISTS (SELECT 1 FROM sessions WHERE id = session_id)"),
        postgres: consumption!("EXISTS (SELECT 1 FROM sessions WHERE id = session_id FOR KEY SHARE)"),
    );
    Ok(on_engine!(tx, c => sqlx::query_as(statement)
        .bind(hash.as_bytes()).bind(client).bind(grant_id).bind(now).bind(now.latest(DEVICE_CODE_LIFETIME))
        .fetch_optional(c).await?))
}

/// Deletes the codes that were answered in a session.
pub(in crate::grants) async fn delete_by_session(tx: &mut Tx, session: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM device_authorizations WHERE session_id = $1")
        .bind(session).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes the codes that a subject has answered.
pub(in crate::grants) async fn delete_by_subject(tx: &mut Tx, subject: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM device_authorizations WHERE subject = $1")
        .bind(subject).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes the codes of a client that a subject has answered. Returns the number of those that could have given tokens.
pub(in crate::grants) async fn delete_by_subject_of_client(
    tx: &mut Tx,
    subject: Uuid,
    client: &str,
    now: Timestamp,
) -> Result<u64, DbError> {
    let statement = "DELETE FROM device_authorizations WHERE subject = $1 AND client_id = $2
        RETURNING answer = 'allowed' AND used_at IS NULL AND expires_at > $3";
    let usable: Vec<bool> = on_engine!(tx, c => sqlx::query_scalar(statement)
        .bind(subject).bind(client).bind(now).fetch_all(c).await?);
    Ok(usable.into_iter().map(u64::from).sum())
}

/// Deletes the codes of a client.
pub(in crate::grants) async fn delete_by_client(tx: &mut Tx, client: &str) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM device_authorizations WHERE client_id = $1")
        .bind(client).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every code, after the database was restored from a backup.
pub(in crate::grants) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM device_authorizations").execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes codes that gave no tokens and have expired, and codes that gave some and expired before `used_before`.
pub(in crate::grants) async fn sweep(
    tx: &mut Tx,
    now: Timestamp,
    used_before: Timestamp,
) -> Result<u64, DbError> {
    let statement = "DELETE FROM device_authorizations
        WHERE (used_at IS NULL AND expires_at < $1) OR expires_at < $2 OR expires_at > $3";
    Ok(on_engine!(tx, c => sqlx::query(statement)
        .bind(now - EXPIRED_RETENTION).bind(used_before).bind(now.latest(DEVICE_CODE_LIFETIME))
        .execute(c).await?.rows_affected()))
}
