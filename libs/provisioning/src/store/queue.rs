//! The statements of pushing: what is due, whose it is, and what became of it.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

/// The targets with something that is due at `now`, by their ids. `held` is the time of [`chassis::db::clock`].
pub(crate) async fn targets_due(
    connection: &mut impl Connection,
    (now, held): (Timestamp, Timestamp),
) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT id FROM provisioning_targets AS t WHERE paused_at IS NULL AND paused_until <= $1
               AND EXISTS (SELECT 1 FROM provisioning_resources
                           WHERE target_id = t.id AND state = 'waiting' AND next_attempt_at <= $1 AND claimed_until <= $2)
             ORDER BY id")
        .bind(now)
        .bind(held)
        .fetch_all(c)
        .await?))
}

/// A resource that is due.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Due {
    pub(crate) resource_id: Uuid,
    pub(crate) kind: String,
    pub(crate) remote_id: Option<String>,
    /// The name that it was pushed with last, of a resource whose `externalId` the target has not shown.
    pub(crate) remote_name: Option<String>,
    pub(crate) pushed: Option<Vec<u8>>,
    pub(crate) marks: i64,
    pub(crate) attempts: i32,
    pub(crate) claims: i64,
}

/// Up to `limit` resources of `target` that are due and nobody's, the longest due first.
pub(crate) async fn due(
    connection: &mut impl Connection,
    target: Uuid,
    (now, held): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<Due>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT resource_id, kind, remote_id, remote_name, pushed, marks, attempts, claims FROM provisioning_resources
             WHERE target_id = $1 AND state = 'waiting' AND next_attempt_at <= $2 AND claimed_until <= $3
             ORDER BY next_attempt_at, resource_id LIMIT $4")
        .bind(target)
        .bind(now)
        .bind(held)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The claim of a replica on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) target: Uuid,
    pub(crate) resource: Uuid,
    /// Raised by every claim: a replica that has lost its claim changes nothing any more.
    pub(crate) fence: i64,
}

/// Claims a resource that nobody claimed since it was read.
pub(crate) async fn claim(
    tx: &mut Tx,
    target: Uuid,
    due: &Due,
    held: Timestamp,
    until: Timestamp,
) -> Result<Option<Claim>, DbError> {
    let claimed = on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_resources SET claims = claims + 1, claimed_until = $5
             WHERE target_id = $1 AND resource_id = $2 AND claims = $3 AND state = 'waiting' AND claimed_until <= $4")
        .bind(target)
        .bind(due.resource_id)
        .bind(due.claims)
        .bind(held)
        .bind(until)
        .execute(c)
        .await?
        .rows_affected());
    Ok((claimed == 1).then_some(Claim {
        target,
        resource: due.resource_id,
        fence: due.claims + 1,
    }))
}

/// Gives resources back that were not pushed, or could not be by no fault of theirs.
pub(crate) async fn release(
    tx: &mut Tx,
    claim: Claim,
    next_attempt_at: Option<Timestamp>,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_resources
             SET claimed_until = 0, next_attempt_at = coalesce($4, next_attempt_at)
             WHERE target_id = $1 AND resource_id = $2 AND claims = $3")
        .bind(claim.target)
        .bind(claim.resource)
        .bind(claim.fence)
        .bind(next_attempt_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The outcome of a push.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    /// The state that it has, if nothing was marked meanwhile.
    pub(crate) state: &'a str,
    /// The mark that was pushed.
    pub(crate) marks: i64,
    pub(crate) remote_id: Option<&'a str>,
    pub(crate) remote_name: Option<&'a str>,
    pub(crate) pushed: Option<&'a [u8]>,
    pub(crate) next_attempt_at: Timestamp,
    /// True if it counts as one of the attempts after which a resource is given up.
    pub(crate) counts: bool,
    pub(crate) status: Option<i32>,
    pub(crate) error: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// Writes the outcome down; `false` when the resource is not `claim`'s any more. A change that was marked meanwhile waits, and the
/// target is asked then: the mark may be of somebody who does not trust what was pushed.
///
/// # Errors
/// [`DbError::Unique`] when another resource has the id of the target.
pub(crate) async fn finish(tx: &mut Tx, claim: Claim, outcome: &Outcome<'_>) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_resources
             SET state = CASE WHEN marks = $4 THEN $5 ELSE 'waiting' END,
                 next_attempt_at = CASE WHEN marks = $4 THEN $6 ELSE $7 END,
                 attempts = CASE WHEN marks <> $4 OR $5 = 'in_step' THEN 0 ELSE attempts + $8 END,
                 waiting_since = CASE WHEN marks = $4 THEN waiting_since ELSE $7 END,
                 remote_id = $9, pushed = CASE WHEN marks = $4 THEN $10 END, last_status = $11, last_error = $12, last_attempt_at = $7,
                 remote_name = $13, claimed_until = 0
             WHERE target_id = $1 AND resource_id = $2 AND claims = $3")
        .bind(claim.target)
        .bind(claim.resource)
        .bind(claim.fence)
        .bind(outcome.marks)
        .bind(outcome.state)
        .bind(outcome.next_attempt_at)
        .bind(outcome.now)
        .bind(i32::from(outcome.counts))
        .bind(outcome.remote_id)
        .bind(outcome.pushed)
        .bind(outcome.status)
        .bind(outcome.error)
        .bind(outcome.remote_name)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Writes down which resource at the target is that of `claim`, while the push goes on; `false` when it is not `claim`'s any more.
///
/// # Errors
/// [`DbError::Unique`] when another resource has the id of the target.
pub(crate) async fn note(
    tx: &mut Tx,
    claim: Claim,
    remote_id: &str,
    remote_name: Option<&str>,
) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_resources SET remote_id = $4, remote_name = $5
             WHERE target_id = $1 AND resource_id = $2 AND claims = $3")
        .bind(claim.target)
        .bind(claim.resource)
        .bind(claim.fence)
        .bind(remote_id)
        .bind(remote_name)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Forgets a resource that is not at the target any more, unless something was marked meanwhile.
pub(crate) async fn forget(tx: &mut Tx, claim: Claim, marks: i64) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "DELETE FROM provisioning_resources WHERE target_id = $1 AND resource_id = $2 AND claims = $3 AND marks = $4")
        .bind(claim.target)
        .bind(claim.resource)
        .bind(claim.fence)
        .bind(marks)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Ends all claims of a process that is no more. Only where no other process can have any.
pub(crate) async fn release_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => {
        for statement in [
            "UPDATE provisioning_resources SET claimed_until = 0 WHERE claimed_until > 0",
            "UPDATE provisioning_checks SET claimed_until = 0 WHERE claimed_until > 0",
        ] {
            sqlx::query(statement).execute(&mut *c).await?;
        }
    });
    Ok(())
}
