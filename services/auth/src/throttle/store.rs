//! The table `throttles`: failure counters.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::{COUNTER_RETENTION, EXHAUSTED_COUNTER_RETENTION, Key, Limit, MAX_FAILURES, Tally};

#[derive(sqlx_macros::FromRow)]
struct CounterRow {
    key: Vec<u8>,
    failures: i64,
    failed_at: Timestamp,
    tried_at: Timestamp,
}

impl From<&CounterRow> for Tally {
    fn from(row: &CounterRow) -> Self {
        Self {
            failures: row.failures,
            failed_at: row.failed_at,
            tried_at: row.tried_at,
        }
    }
}

/// Reserves a guess when `limit` admits one at `now`. It is one guarded statement, so that of concurrent
/// guesses on any number of replicas as many are admitted as of sequential ones (SB-46).
pub(crate) async fn reserve(tx: &mut Tx, key: &Key, limit: Limit, now: Timestamp) -> Result<bool, DbError> {
    // A time in the future must not reject a guess without a delay, because the clocks of replicas differ a
    // little.
    let statement = "INSERT INTO throttles (key, failures, failed_at, tried_at) VALUES ($1, 1, $2, $2)
        ON CONFLICT (key) DO UPDATE SET tried_at = excluded.tried_at,
            failures = CASE WHEN throttles.failed_at < $3 AND throttles.tried_at < $3 THEN 1
                ELSE throttles.failures + 1 END
        WHERE (throttles.failed_at < $3 AND throttles.tried_at < $3)
           OR (throttles.failures < $4 AND (throttles.failures <= $5
               OR CASE WHEN throttles.failures >= $6 THEN CAST($7 AS BIGINT)
                       ELSE CAST($8 AS BIGINT) << CAST(throttles.failures - $5 - 1 AS INTEGER) END
                  <= $2 - CASE WHEN throttles.failed_at > throttles.tried_at THEN throttles.failed_at
                               ELSE throttles.tried_at END))";
    let forget_before = limit
        .resets_after
        .map_or(Timestamp::from_micros(0), |resets_after| now - resets_after);
    let micros = |time: std::time::Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    let counted = on_engine!(tx, c => sqlx::query(statement)
        .bind(key.as_bytes())
        .bind(now)
        .bind(forget_before)
        .bind(limit.max_failures)
        .bind(limit.free_failures)
        .bind(limit.failures_at_max_delay())
        .bind(micros(limit.max_delay))
        .bind(micros(limit.first_delay))
        .execute(c).await?.rows_affected());
    Ok(counted == 1)
}

/// Records the failure of a reserved guess. When a success has cleared the counter meanwhile, it is the first
/// failure.
pub(crate) async fn record_failure(tx: &mut Tx, key: &Key, now: Timestamp) -> Result<(), DbError> {
    let statement = "INSERT INTO throttles (key, failures, failed_at, tried_at) VALUES ($1, 1, $2, $2)
        ON CONFLICT (key) DO UPDATE SET failed_at = excluded.failed_at";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Counts a failure without a reservation.
pub(crate) async fn count(tx: &mut Tx, key: &Key, limit: Limit, now: Timestamp) -> Result<(), DbError> {
    let statement = "INSERT INTO throttles (key, failures, failed_at, tried_at) VALUES ($1, 1, $2, $2)
        ON CONFLICT (key) DO UPDATE SET failed_at = excluded.failed_at, tried_at = excluded.tried_at,
            failures = CASE WHEN throttles.failed_at < $3 AND throttles.tried_at < $3 THEN 1
                ELSE throttles.failures + 1 END";
    let forget_before = limit
        .resets_after
        .map_or(Timestamp::from_micros(0), |resets_after| now - resets_after);
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).bind(forget_before)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Releases a reserved guess and its time.
pub(crate) async fn release(tx: &mut Tx, key: &Key) -> Result<(), DbError> {
    let statement = "UPDATE throttles SET failures = failures - 1, tried_at = failed_at
        WHERE key = $1 AND failures > 0";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).execute(c).await?.rows_affected());
    Ok(())
}

/// Sets times after `now` to `now`.
pub(crate) async fn clamp(tx: &mut Tx, key: &Key, now: Timestamp) -> Result<(), DbError> {
    let statement = "UPDATE throttles
        SET failed_at = CASE WHEN failed_at > $2 THEN $2 ELSE failed_at END,
            tried_at = CASE WHEN tried_at > $2 THEN $2 ELSE tried_at END
        WHERE key = $1 AND (failed_at > $2 OR tried_at > $2)";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The tally of `key`.
pub(crate) async fn find(db: &mut impl Connection, key: &Key) -> Result<Option<Tally>, DbError> {
    let [tally] = find_each(db, [Some(key)]).await?;
    Ok(tally)
}

/// The tallies of `keys`, read with one query.
pub(crate) async fn find_each<const N: usize>(
    db: &mut impl Connection,
    keys: [Option<&Key>; N],
) -> Result<[Option<Tally>; N], DbError> {
    let statement =
        "SELECT key, failures, failed_at, tried_at FROM throttles WHERE key IN ($1, $2, $3, $4, $5)";
    let bound = |number: usize| keys.get(number).copied().flatten().map(Key::as_bytes);
    let rows: Vec<CounterRow> = on_engine!(db, c => sqlx::query_as(statement)
        .bind(bound(0)).bind(bound(1)).bind(bound(2)).bind(bound(3)).bind(bound(4))
        .fetch_all(c).await?);
    Ok(keys.map(|key| {
        let key = key?;
        rows.iter().find(|row| row.key == key.as_bytes()).map(Tally::from)
    }))
}

/// Deletes the counter of `key`.
pub(crate) async fn clear(tx: &mut Tx, key: &Key) -> Result<(), DbError> {
    let statement = "DELETE FROM throttles WHERE key = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(key.as_bytes()).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes counters that were not touched for [`COUNTER_RETENTION`], or with [`MAX_FAILURES`] for
/// [`EXHAUSTED_COUNTER_RETENTION`].
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM throttles WHERE failed_at < $1 AND tried_at < $1
        AND (failures < $2 OR (failed_at < $3 AND tried_at < $3))";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now - COUNTER_RETENTION).bind(MAX_FAILURES).bind(now - EXHAUSTED_COUNTER_RETENTION)
        .execute(c).await?.rows_affected()),
    )
}
