//! The statements that mark resources for a push.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

use crate::remote::Kind;

/// Marks those of the resources that are known for a push, and returns which they are. Attempts are counted anew.
pub(crate) async fn mark(
    tx: &mut Tx,
    target: Uuid,
    ids: &[Uuid],
    now: Timestamp,
) -> Result<Vec<Uuid>, DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE provisioning_resources
                 SET marks = marks + 1, attempts = 0, next_attempt_at = $3,
                     waiting_since = CASE WHEN state = 'waiting' THEN waiting_since ELSE $3 END, state = 'waiting'
                 WHERE target_id = $1 AND resource_id IN (SELECT unhex(value) FROM json_each($2)) RETURNING resource_id",
        postgres: "UPDATE provisioning_resources
                   SET marks = marks + 1, attempts = 0, next_attempt_at = $3,
                       waiting_since = CASE WHEN state = 'waiting' THEN waiting_since ELSE $3 END, state = 'waiting'
                   WHERE target_id = $1 AND resource_id IN
                       (SELECT resource_id FROM provisioning_resources WHERE target_id = $1 AND resource_id IN
                            (SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value))
                        ORDER BY resource_id FOR UPDATE)
                   RETURNING resource_id",
    );
    let list = id_list(ids.iter().copied());
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(target).bind(list).bind(now).fetch_all(c).await?),
    )
}

/// Begins to follow a resource, and marks it; one that is followed is marked as well.
pub(crate) async fn track(
    tx: &mut Tx,
    target: Uuid,
    (kind, id): (Kind, Uuid),
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "INSERT INTO provisioning_resources
                 (target_id, resource_id, kind, state, marks, next_attempt_at, waiting_since)
             VALUES ($1, $2, $3, 'waiting', 1, $4, $4)
             ON CONFLICT (target_id, resource_id) DO UPDATE
             SET marks = provisioning_resources.marks + 1, attempts = 0, next_attempt_at = $4,
                 waiting_since = CASE WHEN provisioning_resources.state = 'waiting'
                                      THEN provisioning_resources.waiting_since ELSE $4 END,
                 state = 'waiting'")
        .bind(target)
        .bind(id)
        .bind(kind.name())
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Has the target asked what it has of these resources, at their next push.
pub(crate) async fn distrust(tx: &mut Tx, target: Uuid, ids: &[Uuid], now: Timestamp) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE provisioning_resources SET pushed = NULL
                 WHERE target_id = $1 AND resource_id IN (SELECT unhex(value) FROM json_each($2))",
        postgres: "UPDATE provisioning_resources SET pushed = NULL
                   WHERE target_id = $1 AND resource_id IN
                       (SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    on_engine!(&mut *tx, c => sqlx::query(statement).bind(target).bind(list).execute(c).await?.rows_affected());
    mark(tx, target, ids, now).await.map(drop)
}

/// Has what was given up pushed once more, and returns how much that is.
pub(crate) async fn retry_dead(tx: &mut Tx, target: Uuid, now: Timestamp) -> Result<u64, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_resources
             SET state = 'waiting', marks = marks + 1, attempts = 0, next_attempt_at = $2, waiting_since = $2
             WHERE target_id = $1 AND state = 'dead'")
        .bind(target)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected()))
}

/// Forgets the ids that a target gave, and what was pushed there. Pushes under way change nothing any more.
pub(crate) async fn forget_remote(tx: &mut Tx, target: Uuid) -> Result<(), DbError> {
    on_engine!(tx, c => {
        for statement in [
            "UPDATE provisioning_resources
             SET remote_id = NULL, remote_name = NULL, pushed = NULL, claimed_until = 0, claims = claims + 1 WHERE target_id = $1",
            "DELETE FROM provisioning_members WHERE target_id = $1 AND state = 'removing'",
            "UPDATE provisioning_members SET state = 'adding', refused_at = NULL WHERE target_id = $1",
        ] {
            sqlx::query(statement).bind(target).execute(&mut *c).await?;
        }
    });
    Ok(())
}

/// Locks those of the resources that are known until the transaction ends, in the order of their ids, as every transaction
/// does that writes several.
pub(crate) async fn lock(tx: &mut Tx, target: Uuid, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT resource_id FROM provisioning_resources WHERE target_id = $1 AND resource_id = unhex($2)",
        postgres: "SELECT resource_id FROM provisioning_resources
                   WHERE target_id = $1 AND resource_id IN
                       (SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value))
                   ORDER BY resource_id FOR UPDATE",
    );
    let list = id_list(ids.iter().copied());
    let _: Vec<Uuid> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(target).bind(list).fetch_all(c).await?);
    Ok(())
}
