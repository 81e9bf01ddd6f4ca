//! The statements of delivering: what the feed brings, what is due, whose turn it is, and what became of it.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use crate::types::Types;
use contract::Envelope;

/// A webhook that has not looked at the whole feed yet.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct Behind {
    pub(crate) id: Uuid,
    types: String,
    pub(crate) position: i64,
    version: i64,
}

impl Behind {
    pub(crate) fn types(&self) -> Types {
        Types::stored(&self.types)
    }
}

pub(crate) async fn behind(reader: &mut impl Connection) -> Result<Vec<Behind>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT id, types, position, version FROM webhooks
             WHERE disabled_at IS NULL AND position < (SELECT last FROM outbox_feed) ORDER BY id")
        .fetch_all(c)
        .await?))
}

/// Moves a webhook on to `to`. Nothing when another replica has moved it, or it was changed (its types may be others
/// now), disabled or deleted. Its row stays locked until the transaction ends.
pub(crate) async fn advance(tx: &mut Tx, known: &Behind, to: i64) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE webhooks SET position = $3
             WHERE id = $1 AND position = $2 AND version = $4 AND disabled_at IS NULL")
        .bind(known.id)
        .bind(known.position)
        .bind(to)
        .bind(known.version)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Writes down that `event` is to be delivered, when the one before it of the same aggregate is: while that waits for
/// its next attempt, so does this. The event is kept as it is: the outbox may forget it.
pub(crate) async fn enqueue(
    tx: &mut Tx,
    webhook: Uuid,
    event: &Envelope,
    envelope: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO webhook_deliveries (webhook_id, event_id, position, aggregate_id, type, envelope,
                                             next_attempt_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6,
                     coalesce((SELECT ahead.next_attempt_at FROM
                                   (SELECT next_attempt_at FROM webhook_deliveries
                                    WHERE webhook_id = $1 AND aggregate_id = $4 AND state = 'pending'
                                    ORDER BY position DESC, event_id DESC LIMIT 1) AS ahead
                               WHERE ahead.next_attempt_at > $7), $7),
                     $7)
             ON CONFLICT (webhook_id, event_id) DO NOTHING")
            .bind(webhook)
            .bind(event.id)
            .bind(event.position.unwrap_or_default())
            .bind(event.subject)
            .bind(&event.kind)
            .bind(envelope)
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The webhooks with something that is due at `now`, by their ids. `held` is what [`chassis::db::clock`] says.
pub(crate) async fn with_work(
    reader: &mut impl Connection,
    now: Timestamp,
    held: Timestamp,
) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_scalar(
            "SELECT id FROM webhooks WHERE disabled_at IS NULL AND paused_until <= $1
               AND EXISTS (SELECT 1 FROM webhook_deliveries
                           WHERE webhook_id = webhooks.id AND state = 'pending' AND next_attempt_at <= $1
                             AND claimed_until <= $2)
             ORDER BY id")
        .bind(now)
        .bind(held)
        .fetch_all(c)
        .await?))
}

/// Makes due what waits for longer than anything can, because a clock has gone back: deliveries that wait for more than
/// `longest`, claims that last for more than `lease`, and webhooks that are left alone for more than `longest`. How many.
pub(crate) async fn cut_short(
    tx: &mut Tx,
    (now, held): (Timestamp, Timestamp),
    longest: Duration,
    lease: Duration,
) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => {
        let waiting = sqlx::query(
            "UPDATE webhook_deliveries SET next_attempt_at = $1 WHERE state = 'pending' AND next_attempt_at > $2")
            .bind(now)
            .bind(now.latest(longest))
            .execute(&mut *c)
            .await?
            .rows_affected();
        let claimed = sqlx::query(
            "UPDATE webhook_deliveries SET claimed_until = 0 WHERE state = 'pending' AND claimed_until > $1")
            .bind(held.latest(lease))
            .execute(&mut *c)
            .await?
            .rows_affected();
        let paused = sqlx::query("UPDATE webhooks SET paused_until = 0 WHERE paused_until > $1")
            .bind(now.latest(longest))
            .execute(c)
            .await?
            .rows_affected();
        waiting + claimed + paused
    }))
}

/// A delivery that is due.
#[derive(Debug, sqlx_macros::FromRow)]
pub(crate) struct Due {
    pub(crate) event_id: Uuid,
    #[sqlx(rename = "type")]
    pub(crate) kind: String,
    pub(crate) envelope: String,
    pub(crate) attempts: i32,
    pub(crate) claims: i64,
}

/// Up to `limit` deliveries of `webhook` that are due and nobody's, the longest due first: in the order of an index, so
/// that what waits for later costs nothing. What comes after an event of the same aggregate that is still to be
/// delivered is not due, whichever replica has that one.
pub(crate) async fn due(
    reader: &mut impl Connection,
    webhook: Uuid,
    (now, held): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    Ok(on_engine!(reader, c => sqlx::query_as(
            "SELECT event_id, type, envelope, attempts, claims FROM webhook_deliveries AS d
             WHERE webhook_id = $1 AND state = 'pending' AND next_attempt_at <= $2 AND claimed_until <= $3
               AND NOT EXISTS (
                   SELECT 1 FROM webhook_deliveries AS earlier
                   WHERE earlier.webhook_id = d.webhook_id AND earlier.aggregate_id = d.aggregate_id
                     AND earlier.state = 'pending'
                     AND (earlier.position, earlier.event_id) < (d.position, d.event_id))
             ORDER BY next_attempt_at, position, event_id LIMIT $4")
        .bind(webhook)
        .bind(now)
        .bind(held)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The claim of a replica on a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) webhook: Uuid,
    pub(crate) event: Uuid,
    /// Raised by every claim: a replica that has lost its claim changes nothing any more.
    pub(crate) fence: i64,
}

/// Takes a delivery that nobody took since it was read.
pub(crate) async fn claim(
    tx: &mut Tx,
    webhook: Uuid,
    due: &Due,
    (now, held): (Timestamp, Timestamp),
    until: Timestamp,
) -> Result<Option<Claim>, DbError> {
    let taken = on_engine!(tx, c => sqlx::query(
            "UPDATE webhook_deliveries SET claims = claims + 1, claimed_until = $5
             WHERE webhook_id = $1 AND event_id = $2 AND claims = $3 AND state = 'pending' AND claimed_until <= $6
               AND next_attempt_at <= $4")
        .bind(webhook)
        .bind(due.event_id)
        .bind(due.claims)
        .bind(now)
        .bind(until)
        .bind(held)
        .execute(c)
        .await?
        .rows_affected());
    Ok((taken == 1).then_some(Claim {
        webhook,
        event: due.event_id,
        fence: due.claims + 1,
    }))
}

/// Gives a delivery back that was not tried.
pub(crate) async fn release(tx: &mut Tx, claim: Claim) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhook_deliveries SET claimed_until = 0
             WHERE webhook_id = $1 AND event_id = $2 AND claims = $3 AND state = 'pending'")
            .bind(claim.webhook)
            .bind(claim.event)
            .bind(claim.fence)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Gives a delivery back that could not be tried, until `until`.
pub(crate) async fn put_off(tx: &mut Tx, claim: Claim, until: Timestamp) -> Result<(), DbError> {
    on_engine!(&mut *tx, c => {
        sqlx::query(
            "UPDATE webhook_deliveries SET claimed_until = 0, next_attempt_at = $4
             WHERE webhook_id = $1 AND event_id = $2 AND claims = $3 AND state = 'pending'")
            .bind(claim.webhook)
            .bind(claim.event)
            .bind(claim.fence)
            .bind(until)
            .execute(c)
            .await?;
    });
    hold_back(tx, claim, until).await
}

/// Has what follows an event of the same aggregate wait as long as that does. It could not be sent before anyway; so it
/// need not be looked at either.
pub(crate) async fn hold_back(tx: &mut Tx, claim: Claim, until: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE webhook_deliveries SET next_attempt_at = $3
             WHERE webhook_id = $1 AND state = 'pending' AND next_attempt_at < $3
               AND aggregate_id = (SELECT aggregate_id FROM webhook_deliveries WHERE webhook_id = $1 AND event_id = $2)
               AND position >= (SELECT position FROM webhook_deliveries WHERE webhook_id = $1 AND event_id = $2)")
            .bind(claim.webhook)
            .bind(claim.event)
            .bind(until)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The outcome of an attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// `pending`, `delivered`, `dead`.
    pub(crate) state: &'static str,
    pub(crate) next_attempt_at: Timestamp,
    pub(crate) status: Option<i32>,
    pub(crate) error: Option<String>,
    /// True if it counts as one of the attempts after which a delivery is given up.
    pub(crate) counts: bool,
}

/// Writes an attempt down, and answers whether the delivery was still `claim`'s.
pub(crate) async fn finish(
    tx: &mut Tx,
    claim: Claim,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<bool, DbError> {
    let finished = (attempt.state != "pending").then_some(now);
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE webhook_deliveries
             SET state = $4, attempts = attempts + $10, next_attempt_at = $5, claimed_until = 0, last_status = $6,
                 last_error = $7, last_attempt_at = $8, finished_at = $9
             WHERE webhook_id = $1 AND event_id = $2 AND claims = $3 AND state = 'pending'")
        .bind(claim.webhook)
        .bind(claim.event)
        .bind(claim.fence)
        .bind(attempt.state)
        .bind(attempt.next_attempt_at)
        .bind(attempt.status)
        .bind(&attempt.error)
        .bind(now)
        .bind(finished)
        .bind(i32::from(attempt.counts))
        .execute(c)
        .await?
        .rows_affected() == 1))
}
