//! The tables `accounts` and `devices`, and the queries of sign-in and snapshot.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx, id_list};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use contract::RegistrationRequested;
use events::{Span, Version};
use sqlx::types::Json;
use uuid::Uuid;

/// Inserts the account `id` if it does not exist. After a restoration its versions begin above those that
/// were given out before.
pub(crate) async fn ensure_row(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<(), DbError> {
    let statement =
        "INSERT INTO accounts (id, version, created_at) SELECT $1, first_sequence - 1, $2 FROM outbox_feed WHERE true
         ON CONFLICT (id) DO NOTHING";
    on_engine!(tx, c => sqlx::query(statement).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Locks the row of an account until the transaction ends. Returns whether the account exists.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    // SQLite's transaction holds the write lock already. The statement still tells whether the account
    // exists.
    let statement = "UPDATE accounts SET version = version WHERE id = $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// The version of an account, which [`lock`] holds.
pub(crate) async fn version(tx: &mut Tx, id: Uuid) -> Result<Option<i64>, DbError> {
    let statement = "SELECT version FROM accounts WHERE id = $1";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Raises the version of an account under its row lock. Returns `None` when there is no such account. Only
/// [`super::Accounts::append_event`] calls it.
pub(super) async fn next_version(tx: &mut Tx, id: Uuid) -> Result<Option<i64>, DbError> {
    let statement = "UPDATE accounts SET version = version + 1 WHERE id = $1 RETURNING version";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?))
}

/// Locks the rows of these accounts until the transaction ends, in the order of their ids, so that two batches cannot wait for each
/// other. Returns the ids of those that exist.
pub(crate) async fn lock_all(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT id FROM accounts WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id FROM accounts
            WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
            ORDER BY id FOR UPDATE",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// Raises the versions of accounts that [`lock_all`] holds. Only [`super::Accounts::append_passwords_added`] calls it.
pub(super) async fn next_versions(tx: &mut Tx, ids: &[Uuid]) -> Result<Vec<(Uuid, i64)>, DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE accounts SET version = version + 1
            WHERE id IN (SELECT unhex(value) FROM json_each($1)) RETURNING id, version",
        postgres: "UPDATE accounts SET version = version + 1
            WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
            RETURNING id, version",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// True if there is such an account.
pub(crate) async fn exists(db: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = $1)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(id).fetch_one(c).await?))
}

/// Removes an account with its password, sessions and devices.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let statement = "DELETE FROM accounts WHERE id = $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected()) == 1)
}

/// Remembers a device.
pub(super) async fn insert_device(
    tx: &mut Tx,
    token: &TokenHash,
    account: Uuid,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO devices (token_hash, account_id, created_at) VALUES ($1, $2, $3)";
    on_engine!(tx, c => sqlx::query(statement).bind(token.as_bytes()).bind(account).bind(now)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The account of a device.
pub(super) async fn account_of_device(
    db: &mut impl Connection,
    token: &TokenHash,
) -> Result<Option<Uuid>, DbError> {
    let statement = "SELECT account_id FROM devices WHERE token_hash = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(token.as_bytes()).fetch_optional(c).await?))
}

/// Deletes the devices of an account except the `most` most recently used.
pub(super) async fn trim_devices(tx: &mut Tx, account: Uuid, most: i64) -> Result<(), DbError> {
    let statement = "DELETE FROM devices WHERE account_id = $1 AND token_hash NOT IN
        (SELECT token_hash FROM devices WHERE account_id = $1
         ORDER BY CASE WHEN used_at > created_at THEN used_at ELSE created_at END DESC, token_hash LIMIT $2)";
    on_engine!(tx, c => sqlx::query(statement).bind(account).bind(most).execute(c).await?.rows_affected());
    Ok(())
}

/// Records a sign-in with a device.
pub(crate) async fn touch_device(tx: &mut Tx, token: &TokenHash, now: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE devices SET used_at = $2 WHERE token_hash = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(token.as_bytes()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes every device of an account.
pub(super) async fn delete_devices(tx: &mut Tx, account: Uuid) -> Result<(), DbError> {
    let statement = "DELETE FROM devices WHERE account_id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(account).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes devices that were made before `then`.
pub(super) async fn sweep_devices(tx: &mut Tx, then: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM devices WHERE created_at < $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(then).execute(c).await?.rows_affected()))
}

/// The data that a sign-in needs, read with one query.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct SignInCandidate {
    /// The person who has the name.
    pub(crate) id: Option<Uuid>,
    pub(crate) active: Option<bool>,
    pub(crate) hash: Option<String>,
    /// The time at which the password was set.
    pub(crate) password_of: Option<Timestamp>,
    /// A pending registration for the name.
    pub(crate) pending_id: Option<Uuid>,
    pub(crate) pending_hash: Option<String>,
    /// Set when the device is known to the account.
    pub(crate) device_account: Option<Uuid>,
}

/// The account that has the user name, and the pending registration for it. The query always returns one row.
pub(crate) async fn find_candidate(
    db: &mut impl Connection,
    user_name_key: &str,
    device: Option<&TokenHash>,
) -> Result<SignInCandidate, DbError> {
    let statement = "SELECT s.id, s.active, p.hash, p.changed_at AS password_of, r.id AS pending_id, rp.hash AS pending_hash,
            d.account_id AS device_account
        FROM (SELECT 1 AS one) AS always
        LEFT JOIN subjects s ON s.user_name_key = $1
        LEFT JOIN passwords p ON p.account_id = s.id
        LEFT JOIN registrations r ON r.user_name_key = $1 AND r.state = 'pending'
        LEFT JOIN passwords rp ON rp.account_id = r.id
        LEFT JOIN devices d ON d.token_hash = $2 AND d.account_id = s.id
        ORDER BY s.updated_at DESC, r.requested_at LIMIT 1";
    Ok(on_engine!(db, c => sqlx::query_as(statement)
        .bind(user_name_key)
        .bind(device.map(TokenHash::as_bytes))
        .fetch_one(c).await?))
}

/// A pending registration, or the tombstone of an erased account (then `request` is `None`).
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct SnapshotRow {
    pub(crate) id: Uuid,
    pub(crate) version: i64,
    pub(crate) at: Timestamp,
    pub(crate) request: Option<Json<RegistrationRequested>>,
}

/// One page of pending registrations and tombstones after `after`, in the order of their ids.
pub(crate) async fn snapshot(
    db: &mut impl Connection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<SnapshotRow>, DbError> {
    // A registration is the first event of its account.
    let statement = "SELECT id, CAST(1 AS BIGINT) AS version, requested_at AS at, request FROM registrations
            WHERE state = 'pending' AND id > $1
        UNION ALL
        SELECT id, version, erased_at AS at, NULL AS request
        FROM erased_subjects WHERE id > $1
        ORDER BY id LIMIT $2";
    Ok(on_engine!(db, c => sqlx::query_as(statement).bind(after).bind(limit).fetch_all(c).await?))
}

/// The first `limit` ids and versions of the snapshot in a span, in the order of their ids.
pub(crate) async fn versions(
    db: &mut impl Connection,
    span: Span,
    limit: i64,
) -> Result<Vec<Version>, DbError> {
    // Limited twice: PostgreSQL would sort everything behind the first id otherwise.
    let statement = "SELECT id, CAST(1 AS BIGINT) AS version FROM registrations
            WHERE state = 'pending' AND id > $1 AND id <= $2
        UNION ALL SELECT id, version FROM
            (SELECT id, version FROM erased_subjects WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS erased
        ORDER BY id LIMIT $3";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(span.after).bind(span.through).bind(limit)
        .fetch_all(c).await?),
    )
}

/// The rows of the snapshot for these ids.
pub(crate) async fn snapshot_by_ids(reader: &mut Reader, ids: &[Uuid]) -> Result<Vec<SnapshotRow>, DbError> {
    let statement = sql!(reader,
        sqlite: "WITH asked AS (SELECT unhex(value) AS id FROM json_each($1))
            SELECT id, CAST(1 AS BIGINT) AS version, requested_at AS at, request FROM registrations
                WHERE state = 'pending' AND id IN (SELECT id FROM asked)
            UNION ALL
            SELECT id, version, erased_at AS at, NULL AS request
            FROM erased_subjects WHERE id IN (SELECT id FROM asked)",
        postgres: "WITH asked AS (SELECT value::uuid AS id FROM jsonb_array_elements_text($1::jsonb) AS e(value))
            SELECT id, CAST(1 AS BIGINT) AS version, requested_at AS at, request FROM registrations
                WHERE state = 'pending' AND id IN (SELECT id FROM asked)
            UNION ALL
            SELECT id, version, erased_at AS at, NULL AS request
            FROM erased_subjects WHERE id IN (SELECT id FROM asked)",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Raises the versions of all accounts, after the database was restored from a backup.
pub(crate) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    let statement = "UPDATE accounts SET version = version + $1";
    on_engine!(tx, c => sqlx::query(statement).bind(by).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes every device.
pub(super) async fn delete_all_devices(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM devices").execute(c).await.map(drop)?);
    Ok(())
}
