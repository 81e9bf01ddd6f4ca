//! The statements of the log of deliveries: to look at, to replay, to forget.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::message::TEST_TYPE;

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "DeliveryState")]
pub(crate) enum State {
    /// To be tried, or tried again.
    Pending,
    /// The receiver has it.
    Delivered,
    /// Given up; can be replayed.
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// One line of the log. Nothing of the event itself: that may be about a person.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
pub(crate) struct Delivery {
    event_id: Uuid,
    #[serde(rename = "type")]
    #[sqlx(rename = "type")]
    kind: String,
    #[serde(rename = "subject")]
    aggregate_id: Uuid,
    state: String,
    attempts: i32,
    /// Only while it is pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Timestamp>,
}

impl Delivery {
    pub(crate) fn event_id(&self) -> Uuid {
        self.event_id
    }
}

/// The selection of a part of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) state: Option<State>,
    /// Older than this event.
    pub(crate) before: Option<Uuid>,
    pub(crate) limit: i64,
}

/// Deliveries of a webhook, newest first.
pub(crate) async fn list(
    reader: &mut impl Connection,
    webhook: Uuid,
    page: Page,
) -> Result<Vec<Delivery>, DbError> {
    // Ids of events sort by time.
    let before = page.before.unwrap_or(Uuid::max());
    let statement = sql!(reader,
        sqlite: "SELECT event_id, type, aggregate_id, state, attempts, last_attempt_at, last_status, last_error,
                        created_at, finished_at, CASE WHEN state = 'pending' THEN next_attempt_at END AS next_attempt_at
                 FROM webhook_deliveries WHERE webhook_id = $1 AND event_id < $2 AND ($3 IS NULL OR state = $3)
                 ORDER BY event_id DESC LIMIT $4",
        postgres: "SELECT event_id, type, aggregate_id, state, attempts, last_attempt_at, last_status, last_error,
                          created_at, finished_at, CASE WHEN state = 'pending' THEN next_attempt_at END AS next_attempt_at
                   FROM webhook_deliveries WHERE webhook_id = $1 AND event_id < $2 AND ($3::text IS NULL OR state = $3)
                   ORDER BY event_id DESC LIMIT $4",
    );
    Ok(on_engine!(reader, c => sqlx::query_as(statement)
        .bind(webhook)
        .bind(before)
        .bind(page.state.map(State::name))
        .bind(page.limit)
        .fetch_all(c)
        .await?))
}

pub(crate) async fn find(
    reader: &mut impl Connection,
    webhook: Uuid,
    event: Uuid,
) -> Result<Option<Delivery>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT event_id, type, aggregate_id, state, attempts, last_attempt_at, last_status, last_error,
                    created_at, finished_at, CASE WHEN state = 'pending' THEN next_attempt_at END AS next_attempt_at
             FROM webhook_deliveries WHERE webhook_id = $1 AND event_id = $2")
        .bind(webhook)
        .bind(event)
        .fetch_optional(c)
        .await?))
}

/// The number of deliveries of a webhook that wait, and the number of those that were given up.
pub(crate) async fn counts(reader: &mut impl Connection, webhook: Uuid) -> Result<(i64, i64), DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'pending'),
                    (SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'dead')")
        .bind(webhook)
        .fetch_one(c)
        .await?))
}

/// Has a delivery tried again from the beginning, whatever became of it; the attempt that may be under way counts no
/// more. Answers whether there is such a delivery.
pub(crate) async fn replay(tx: &mut Tx, webhook: Uuid, event: Uuid, now: Timestamp) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => {
        let found = sqlx::query(
                "UPDATE webhook_deliveries
                 SET state = 'pending', attempts = 0, next_attempt_at = $3, claimed_until = 0, claims = claims + 1,
                     finished_at = NULL
                 WHERE webhook_id = $1 AND event_id = $2")
            .bind(webhook)
            .bind(event)
            .bind(now)
            .execute(&mut *c)
            .await?
            .rows_affected();
        // What only waited because this did.
        sqlx::query(
                "UPDATE webhook_deliveries SET next_attempt_at = $3
                 WHERE webhook_id = $1 AND state = 'pending' AND attempts = 0 AND next_attempt_at > $3
                   AND aggregate_id =
                       (SELECT aggregate_id FROM webhook_deliveries WHERE webhook_id = $1 AND event_id = $2)")
            .bind(webhook)
            .bind(event)
            .bind(now)
            .execute(c)
            .await?;
        found > 0
    }))
}

/// Has everything that was given up tried again, tests excepted, and answers how much that is.
pub(crate) async fn replay_dead(tx: &mut Tx, webhook: Uuid, now: Timestamp) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = $2, finished_at = NULL
             WHERE webhook_id = $1 AND state = 'dead' AND type <> $3")
        .bind(webhook)
        .bind(now)
        .bind(TEST_TYPE)
        .execute(c)
        .await?
        .rows_affected()))
}

/// Forgets what was finished before `before`, and what has waited since then for a webhook that is disabled: `limit`
/// deliveries of each at most. Answers whether there may be more.
pub(crate) async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => {
        let finished = sqlx::query(
                "DELETE FROM webhook_deliveries WHERE (webhook_id, event_id) IN
                     (SELECT webhook_id, event_id FROM webhook_deliveries WHERE finished_at < $1
                      ORDER BY finished_at LIMIT $2)")
            .bind(before)
            .bind(limit)
            .execute(&mut *c)
            .await?
            .rows_affected();
        let abandoned = sqlx::query(
                "DELETE FROM webhook_deliveries WHERE (webhook_id, event_id) IN
                     (SELECT webhook_id, event_id FROM webhook_deliveries
                      WHERE state = 'pending' AND created_at < $1
                        AND webhook_id IN (SELECT id FROM webhooks WHERE disabled_at < $1) LIMIT $2)")
            .bind(before)
            .bind(limit)
            .execute(c)
            .await?
            .rows_affected();
        i64::try_from(finished.max(abandoned)).is_ok_and(|gone| gone >= limit)
    }))
}

/// The figures for the metrics, of all webhooks that are not disabled: the number of deliveries that wait,
/// the time since which the oldest does, and the number of those that were given up.
pub(crate) async fn depth(reader: &mut impl Connection) -> Result<(i64, Option<Timestamp>, i64), DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT count(*), min(created_at),
                    (SELECT count(*) FROM webhook_deliveries WHERE state = 'dead' AND type <> $1)
             FROM webhook_deliveries
             WHERE state = 'pending' AND webhook_id IN (SELECT id FROM webhooks WHERE disabled_at IS NULL)")
        .bind(TEST_TYPE)
        .fetch_one(c)
        .await?))
}
