//! The table `failed_sign_ins`: counts of failed sign-ins per minute.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

/// The number of counts that one transaction publishes at most.
const BATCH: i64 = 100;

/// The row under which a failure is counted.
pub(super) struct NewCountRow<'a> {
    pub(super) minute_at: Timestamp,
    pub(super) account_id: Uuid,
    pub(super) source: &'a str,
    pub(super) reason: &'static str,
    pub(super) client_ip: Option<String>,
}

/// The count of a minute.
#[derive(Debug, sqlx_macros::FromRow)]
pub(super) struct CountRow {
    pub(super) minute_at: Timestamp,
    pub(super) account_id: Uuid,
    pub(super) reason: String,
    /// The address of the last failure.
    pub(super) client_ip: Option<String>,
    pub(super) failures: i64,
}

/// Counts one failure.
pub(super) async fn increment(tx: &mut Tx, row: &NewCountRow<'_>) -> Result<(), DbError> {
    let statement = "INSERT INTO failed_sign_ins (minute_at, account_id, source, reason, client_ip, failures)
        VALUES ($1, $2, $3, $4, $5, 1)
        ON CONFLICT (minute_at, account_id, source, reason) DO UPDATE
        SET failures = failed_sign_ins.failures + 1, client_ip = excluded.client_ip";
    on_engine!(tx, c => sqlx::query(statement)
        .bind(row.minute_at)
        .bind(row.account_id)
        .bind(row.source)
        .bind(row.reason)
        .bind(row.client_ip.as_deref())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes and returns the counts of minutes up to `before` and after `ahead`. The caller publishes them.
/// They are sorted in the order in which accounts are locked.
pub(super) async fn claim_pending(
    tx: &mut Tx,
    before: Timestamp,
    ahead: Timestamp,
) -> Result<Vec<CountRow>, DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM failed_sign_ins WHERE (minute_at, account_id, source, reason) IN
                (SELECT minute_at, account_id, source, reason FROM failed_sign_ins
                 WHERE minute_at <= $1 OR minute_at > $2 LIMIT $3)
            RETURNING minute_at, account_id, reason, client_ip, failures",
        postgres: "DELETE FROM failed_sign_ins WHERE (minute_at, account_id, source, reason) IN
                (SELECT minute_at, account_id, source, reason FROM failed_sign_ins
                 WHERE minute_at <= $1 OR minute_at > $2 LIMIT $3 FOR UPDATE SKIP LOCKED)
            RETURNING minute_at, account_id, reason, client_ip, failures",
    );
    let mut rows: Vec<CountRow> = on_engine!(tx, c => sqlx::query_as(statement).bind(before).bind(ahead).bind(BATCH).fetch_all(c).await?);
    rows.sort_unstable_by_key(|row| (row.account_id, row.minute_at));
    Ok(rows)
}
