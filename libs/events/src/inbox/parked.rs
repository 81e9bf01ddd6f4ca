//! Events that could not be applied, and those of their aggregate that wait behind them.

use std::collections::HashSet;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::telemetry::error_text;
use serde_json::Value;
use uuid::Uuid;

use super::apply::Origin;
use super::store::Together;
use super::{Applied, Delivery, Handler, HandlerError, Inbox, store};
use contract::Envelope;

/// An event that a consumer has set aside.
#[derive(Clone, Debug, serde::Serialize, sqlx::FromRow)]
pub struct ParkedEvent {
    /// The event.
    pub event_id: Uuid,
    /// What it is about.
    pub aggregate_id: Uuid,
    /// The version of the aggregate.
    pub sequence: i64,
    /// The event itself, as JSON.
    #[serde(skip)]
    pub envelope: String,
    /// How often it was tried; 0: it waits behind another.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: String,
    /// When it was given up. Those behind it went on without it.
    pub dead_lettered_at: Option<Timestamp>,
}

/// The events that `consumer` has set aside, by aggregate and sequence, `limit` at most.
///
/// # Errors
/// When the database fails.
pub async fn parked(
    connection: &mut impl Connection,
    consumer: &str,
    limit: i64,
) -> Result<Vec<ParkedEvent>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT event_id, aggregate_id, sequence, envelope, attempts, last_error, dead_lettered_at
             FROM inbox_parked WHERE consumer = $1 ORDER BY aggregate_id, sequence LIMIT $2")
        .bind(consumer)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Has an event that was given up applied after all, by the running consumer. It is dropped if a newer one of its
/// aggregate was applied since. Answers whether there was such an event.
///
/// # Errors
/// When the database fails.
pub async fn replay_parked(tx: &mut Tx, consumer: &str, event: Uuid) -> Result<bool, DbError> {
    let revived = on_engine!(tx, c => sqlx::query(
            "UPDATE inbox_parked SET attempts = 0, next_attempt_at = 0, dead_lettered_at = NULL
             WHERE consumer = $1 AND event_id = $2 AND dead_lettered_at IS NOT NULL")
        .bind(consumer)
        .bind(event)
        .execute(c)
        .await?
        .rows_affected());
    Ok(revived > 0)
}

/// Deletes what was given up before `before`. Answers how many.
pub(super) async fn prune(tx: &mut Tx, consumer: &str, before: Timestamp) -> Result<u64, DbError> {
    Ok(
        on_engine!(tx, c => sqlx::query("DELETE FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at < $2")
            .bind(consumer)
            .bind(before)
            .execute(c)
            .await?
            .rows_affected()),
    )
}

/// Those of the aggregates whose events must wait.
pub(super) async fn held(
    tx: &mut Tx,
    consumer: &str,
    aggregates: impl Iterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, DbError> {
    let waiting: Vec<Uuid> = on_engine!(tx, c => sqlx::query_scalar(
            "SELECT DISTINCT aggregate_id FROM inbox_parked WHERE consumer = $1 AND dead_lettered_at IS NULL")
        .bind(consumer)
        .fetch_all(c)
        .await?);
    if waiting.is_empty() {
        return Ok(HashSet::new());
    }
    let asked: HashSet<Uuid> = aggregates.collect();
    Ok(waiting
        .into_iter()
        .filter(|aggregate| asked.contains(aggregate))
        .collect())
}

/// Sets an event aside that was tried.
pub(super) async fn park(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    error: &str,
    next_attempt_at: Timestamp,
) -> Result<(), DbError> {
    insert(tx, consumer, event, (1, next_attempt_at, error)).await
}

/// Sets an event aside behind another of its aggregate.
pub(super) async fn wait(tx: &mut Tx, consumer: &str, event: &Envelope) -> Result<(), DbError> {
    insert(
        tx,
        consumer,
        event,
        (0, Timestamp::from_micros(0), "waits behind another"),
    )
    .await
}

async fn insert(
    tx: &mut Tx,
    consumer: &str,
    event: &Envelope,
    (attempts, next_attempt_at, error): (i32, Timestamp, &str),
) -> Result<(), DbError> {
    let envelope = serde_json::to_string(event).unwrap_or_else(|_| Value::Null.to_string());
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO inbox_parked (consumer, event_id, aggregate_id, sequence, envelope, attempts,
                                       next_attempt_at, last_error)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT DO NOTHING")
            .bind(consumer)
            .bind(event.id)
            .bind(event.subject)
            .bind(event.sequence)
            .bind(&envelope)
            .bind(attempts)
            .bind(next_attempt_at)
            .bind(store::text(error))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The first waiting event of each aggregate that is due: its time has come, or is further away than any pause is
/// long, since a clock that was wrong set it.
async fn due(
    reader: &mut impl Connection,
    consumer: &str,
    now: Timestamp,
    longest: Duration,
) -> Result<Vec<ParkedEvent>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT event_id, aggregate_id, sequence, envelope, attempts, last_error, dead_lettered_at
             FROM inbox_parked AS head
             WHERE consumer = $1 AND dead_lettered_at IS NULL AND (next_attempt_at <= $2 OR next_attempt_at > $3)
               AND NOT EXISTS (
                   SELECT 1 FROM inbox_parked AS before
                   WHERE before.consumer = head.consumer AND before.aggregate_id = head.aggregate_id
                     AND before.dead_lettered_at IS NULL AND before.sequence < head.sequence)
             ORDER BY next_attempt_at LIMIT 100")
        .bind(consumer)
        .bind(now)
        .bind(now + longest)
        .fetch_all(c)
        .await?))
}

/// When the next attempt is due, if any event is set aside and not given up.
pub(super) async fn next_due(
    reader: &mut impl Connection,
    consumer: &str,
) -> Result<Option<Timestamp>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar(
            "SELECT min(next_attempt_at) FROM inbox_parked AS head
             WHERE consumer = $1 AND dead_lettered_at IS NULL
               AND NOT EXISTS (
                   SELECT 1 FROM inbox_parked AS before
                   WHERE before.consumer = head.consumer AND before.aggregate_id = head.aggregate_id
                     AND before.dead_lettered_at IS NULL AND before.sequence < head.sequence)")
        .bind(consumer)
        .fetch_one(c)
        .await?))
}

impl<H: Handler> Inbox<H> {
    /// Tries the events again that are due. Answers whether any was settled, so that those behind it may be due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_parked(&self) -> Result<bool, DbError> {
        let (now, longest) = (self.clock.now(), self.options.longest_backoff);
        let due = due(&mut self.db.reader().await?, self.consumer, now, longest).await?;
        let mut settled = false;
        for event in due {
            match self.retry(&event).await {
                Ok(()) => settled = true,
                Err(HandlerError::Db(error)) if error.is_transient() => return Err(error),
                Err(error) => settled |= self.postpone(&event, &error).await?,
            }
        }
        Ok(settled)
    }

    async fn retry(&self, parked: &ParkedEvent) -> Result<(), HandlerError> {
        let event: Envelope = serde_json::from_str(&parked.envelope).map_err(HandlerError::other)?;
        let mut tx = self.db.begin("inbox_retry").await?;
        store::enter(&mut tx, self.consumer, Together::Alone).await?;
        let taken = on_engine!(&mut tx, c => sqlx::query(
                "DELETE FROM inbox_parked WHERE consumer = $1 AND event_id = $2 AND dead_lettered_at IS NULL")
            .bind(self.consumer)
            .bind(parked.event_id)
            .execute(c)
            .await
            .map_err(DbError::from)?
            .rows_affected());
        if taken == 0 {
            return Ok(());
        }
        let known = store::sequences(&mut tx, self.consumer, std::iter::once(event.subject)).await?;
        let mut delivery = Delivery::default();
        if known
            .get(&event.subject)
            .is_some_and(|last| event.sequence <= *last)
        {
            delivery.stale = 1;
        } else {
            let applying = self.handler.apply(&mut tx, &event);
            match self.traced(&event, applying).await? {
                Applied::Yes => delivery.applied = 1,
                Applied::Ignored => delivery.ignored = 1,
            }
            let newest = [(event.subject, event.sequence)].into();
            store::note_sequences(&mut tx, self.consumer, &newest).await?;
        }
        tx.commit().await?;
        self.meter(&delivery, Origin::Stream, &[]);
        Ok(())
    }

    /// Notes another failure. Answers whether the event was given up with it.
    async fn postpone(&self, parked: &ParkedEvent, error: &HandlerError) -> Result<bool, DbError> {
        let now = self.clock.now();
        let attempts = parked.attempts.saturating_add(1);
        let dead = attempts >= self.options.max_attempts;
        let pause = self.options.first_backoff * 2_u32.pow(parked.attempts.clamp(0, 20).unsigned_abs());
        let mut tx = self.db.begin("inbox_postpone").await?;
        on_engine!(&mut tx, c => {
            sqlx::query(
                "UPDATE inbox_parked SET attempts = $3, next_attempt_at = $4, last_error = $5, dead_lettered_at = $6
                 WHERE consumer = $1 AND event_id = $2")
                .bind(self.consumer)
                .bind(parked.event_id)
                .bind(attempts)
                .bind(now + pause.min(self.options.longest_backoff))
                .bind(store::text(&error_text(error)))
                .bind(dead.then_some(now))
                .execute(c)
                .await?;
        });
        tx.commit().await?;
        if dead {
            metrics::counter!("vestibule_inbox_dead_lettered_total", "consumer" => self.consumer)
                .increment(1);
            tracing::error!(
                event.action = "event-dead-lettered",
                event.outcome = "failure",
                consumer = self.consumer,
                event.id = %parked.event_id,
                error = error_text(error),
                "an event was given up; it can be replayed",
            );
        }
        Ok(dead)
    }
}
