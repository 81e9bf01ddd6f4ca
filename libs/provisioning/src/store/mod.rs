//! The statements about targets themselves.

pub(crate) mod checks;
pub(crate) mod figures;
pub(crate) mod marks;
pub(crate) mod member_changes;
pub(crate) mod members;
pub(crate) mod queue;
pub(crate) mod resources;
pub(crate) mod sweeps;

pub use resources::{Account, accounts_of};

use chassis::cipher::Sealed;
use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use sqlx::types::Json;
use uuid::Uuid;

use crate::rules::Rules;

/// A target as it is stored.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Target {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) base_url: String,
    pub(crate) rules: Json<Rules>,
    credentials: Vec<u8>,
    credentials_key: String,
    pub(crate) credentials_type: String,
    pub(crate) paused_at: Option<Timestamp>,
    pub(crate) paused_reason: Option<String>,
    pub(crate) failures: i32,
    pub(crate) paused_until: Timestamp,
    pub(crate) last_error: Option<String>,
    pub(crate) position: i64,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Target {
    /// The encrypted credentials.
    pub(crate) fn credentials(&self) -> Sealed {
        Sealed {
            key: self.credentials_key.clone(),
            bytes: self.credentials.clone(),
        }
    }

    /// True if the target may be called: it is neither paused nor left alone for a while.
    pub(crate) fn may_be_called(&self, now: Timestamp) -> bool {
        self.paused_at.is_none() && self.paused_until <= now
    }
}

/// The columns of a [`Target`].
macro_rules! columns {
    () => {
        "id, name, base_url, rules, credentials, credentials_key, credentials_type, paused_at,
         paused_reason, failures, paused_until, last_error, position, version, created_at, updated_at"
    };
}

/// A target about to be created.
#[derive(Debug)]
pub(crate) struct TargetRow<'a> {
    pub(crate) id: Uuid,
    pub(crate) name: &'a str,
    pub(crate) base_url: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) credentials: &'a Sealed,
    pub(crate) credentials_type: &'a str,
    pub(crate) paused: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// Writes a target that is at the head of the feed.
///
/// # Errors
/// [`DbError::Unique`] when the name is taken.
pub(crate) async fn insert(tx: &mut Tx, row: &TargetRow<'_>) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "INSERT INTO provisioning_targets (id, name, base_url, rules, credentials, credentials_key, credentials_type,
                                               paused_at, paused_reason, position, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT last FROM outbox_feed), 1, $10, $10)")
        .bind(row.id)
        .bind(row.name)
        .bind(row.base_url)
        .bind(Json(row.rules))
        .bind(&row.credentials.bytes)
        .bind(&row.credentials.key)
        .bind(row.credentials_type)
        .bind(row.paused.map(|_| row.now))
        .bind(row.paused)
        .bind(row.now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Up to `limit` targets after `after`, in the order of their ids.
pub(crate) async fn list(
    connection: &mut impl Connection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Target>, DbError> {
    const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM provisioning_targets WHERE id > $1 ORDER BY id LIMIT $2"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(LIST).bind(after).bind(limit).fetch_all(c).await?))
}

/// One target.
pub(crate) async fn find(connection: &mut impl Connection, id: Uuid) -> Result<Option<Target>, DbError> {
    const FIND: &str = concat!("SELECT ", columns!(), " FROM provisioning_targets WHERE id = $1");
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(id).fetch_optional(c).await?))
}

/// One target that stays as it is until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<Target>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: concat!("SELECT ", columns!(), " FROM provisioning_targets WHERE id = $1"),
        postgres: concat!("SELECT ", columns!(), " FROM provisioning_targets WHERE id = $1 FOR UPDATE"),
    );
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(id).fetch_optional(c).await?))
}

/// The number of targets.
pub(crate) async fn count(connection: &mut impl Connection) -> Result<i64, DbError> {
    const COUNT: &str = "SELECT count(*) FROM provisioning_targets";
    Ok(on_engine!(connection, c => sqlx::query_scalar(COUNT).fetch_one(c).await?))
}

/// The values that an administrator changes.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) name: &'a str,
    pub(crate) base_url: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) credentials: &'a Sealed,
    pub(crate) credentials_type: &'a str,
    pub(crate) paused: Option<(Timestamp, &'a str)>,
}

/// Writes what an administrator changed. A pause because of failures ends.
///
/// # Errors
/// [`DbError::Unique`] when the name is taken.
pub(crate) async fn update(
    tx: &mut Tx,
    id: Uuid,
    change: &Change<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets
             SET name = $2, base_url = $3, rules = $4, credentials = $5, credentials_key = $6, credentials_type = $7,
                 paused_at = $8, paused_reason = $9, failures = 0, paused_until = 0, last_error = NULL,
                 version = version + 1, updated_at = $10
             WHERE id = $1")
        .bind(id)
        .bind(change.name)
        .bind(change.base_url)
        .bind(Json(change.rules))
        .bind(&change.credentials.bytes)
        .bind(&change.credentials.key)
        .bind(change.credentials_type)
        .bind(change.paused.map(|(at, _)| at))
        .bind(change.paused.map(|(_, reason)| reason))
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Removes a target with everything that is known of it; `false` without one.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => {
        // The target first: a replica that is about to write for it waits, and finds none.
        let deleted = sqlx::query("DELETE FROM provisioning_targets WHERE id = $1")
            .bind(id)
            .execute(&mut *c)
            .await?
            .rows_affected();
        for statement in [
            "DELETE FROM provisioning_resources WHERE target_id = $1",
            "DELETE FROM provisioning_members WHERE target_id = $1",
            "DELETE FROM provisioning_sweeps WHERE target_id = $1",
            "DELETE FROM provisioning_checks WHERE target_id = $1",
        ] {
            sqlx::query(statement).bind(id).execute(&mut *c).await?;
        }
        deleted > 0
    }))
}

/// Pauses a target until an administrator changes it, unless it was changed since it had this version.
pub(crate) async fn pause(
    tx: &mut Tx,
    target: &Target,
    reason: &str,
    error: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets SET paused_at = $3, paused_reason = $4, last_error = $5
             WHERE id = $1 AND version = $2 AND paused_at IS NULL")
        .bind(target.id)
        .bind(target.version)
        .bind(now)
        .bind(reason)
        .bind(error)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Notes that a target failed, and leaves it alone until `until`. Pushes that were under way at the same time count once.
pub(crate) async fn back_off(
    tx: &mut Tx,
    target: &Target,
    error: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets SET failures = failures + 1, paused_until = $4, last_error = $5
             WHERE id = $1 AND failures = $2 AND paused_until <= $3")
        .bind(target.id)
        .bind(target.failures)
        .bind(now)
        .bind(until)
        .bind(error)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Notes that a target that had failed answers again.
pub(crate) async fn recovered(tx: &mut Tx, target: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets SET failures = 0, paused_until = 0, last_error = NULL
             WHERE id = $1 AND failures > 0 AND paused_at IS NULL")
        .bind(target)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Writes credentials that were encrypted under another key, unless the target was changed meanwhile.
pub(crate) async fn reseal(tx: &mut Tx, target: &Target, credentials: &Sealed) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets SET credentials = $3, credentials_key = $4 WHERE id = $1 AND version = $2")
        .bind(target.id)
        .bind(target.version)
        .bind(&credentials.bytes)
        .bind(&credentials.key)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Makes due what waits for longer than anything can, because a clock has gone back. The number of rows.
pub(crate) async fn correct_clock(
    tx: &mut Tx,
    (now, held): (Timestamp, Timestamp),
    longest: std::time::Duration,
    lease: std::time::Duration,
) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => {
        let waiting = sqlx::query(
                "UPDATE provisioning_resources SET next_attempt_at = $1 WHERE state = 'waiting' AND next_attempt_at > $2")
            .bind(now)
            .bind(now.latest(longest))
            .execute(&mut *c)
            .await?
            .rows_affected();
        let claimed = sqlx::query(
                "UPDATE provisioning_resources SET claimed_until = 0 WHERE state = 'waiting' AND claimed_until > $1")
            .bind(held.latest(lease))
            .execute(&mut *c)
            .await?
            .rows_affected();
        let paused = sqlx::query("UPDATE provisioning_targets SET paused_until = 0 WHERE paused_until > $1")
            .bind(now.latest(longest))
            .execute(c)
            .await?
            .rows_affected();
        waiting + claimed + paused
    }))
}
