//! The statements that count resources and targets.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError};
use chassis::on_engine;
use serde::Serialize;
use uuid::Uuid;

/// The numbers of resources of a target, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningCounts")]
pub(crate) struct Counts {
    pub(crate) waiting: i64,
    pub(crate) in_step: i64,
    pub(crate) dead: i64,
}

/// Counts the resources of a target.
pub(crate) async fn counts(connection: &mut impl Connection, target: Uuid) -> Result<Counts, DbError> {
    let rows: Vec<(String, i64)> = on_engine!(connection, c => sqlx::query_as(
            "SELECT state, count(*) FROM provisioning_resources WHERE target_id = $1 GROUP BY state")
        .bind(target)
        .fetch_all(c)
        .await?);
    let mut counts = Counts::default();
    for (state, count) in rows {
        match state.as_str() {
            "waiting" => counts.waiting = count,
            "in_step" => counts.in_step = count,
            _ => counts.dead = count,
        }
    }
    Ok(counts)
}

/// Figures for the metrics, of all targets that are not paused: the number of waiting resources, the time since which the
/// oldest waits; and the number of those that were given up, of all targets.
pub(crate) async fn depth(
    connection: &mut impl Connection,
) -> Result<(i64, Option<Timestamp>, i64), DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT count(*), min(waiting_since),
                    (SELECT count(*) FROM provisioning_resources AS r JOIN provisioning_targets AS t ON t.id = r.target_id
                     WHERE r.state = 'dead')
             FROM provisioning_resources AS r JOIN provisioning_targets AS t ON t.id = r.target_id
             WHERE r.state = 'waiting' AND t.paused_at IS NULL")
        .fetch_one(c)
        .await?))
}

/// The number of targets that are paused because they refused the credentials.
pub(crate) async fn unauthorized_targets(connection: &mut impl Connection) -> Result<i64, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT count(*) FROM provisioning_targets WHERE paused_reason = 'unauthorized'")
        .fetch_one(c)
        .await?))
}

/// True if at least `limit` resources wait.
pub(crate) async fn has_backlog(
    connection: &mut impl Connection,
    target: Uuid,
    limit: i64,
) -> Result<bool, DbError> {
    let found: Option<Uuid> = on_engine!(connection, c => sqlx::query_scalar(
            "SELECT resource_id FROM provisioning_resources WHERE target_id = $1 AND state = 'waiting'
             ORDER BY resource_id LIMIT 1 OFFSET $2")
        .bind(target)
        .bind(limit)
        .fetch_optional(c)
        .await?);
    Ok(found.is_some())
}
