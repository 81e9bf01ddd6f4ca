//! The statements of drift checks.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use sqlx::types::Json;
use uuid::Uuid;

use crate::remote::Kind;

/// The most findings that are kept with a check.
pub(crate) const MAX_FINDINGS: usize = 100;

/// A difference that a check found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[schemars(rename = "DriftFinding")]
pub(crate) struct Finding {
    /// `different`, `missing` at the target, `unmanaged` (the target has it, and it was not pushed from here), or `not_compared`: a
    /// group that is too large to be read, or that the target does not give in time.
    pub(crate) finding: String,
    /// `user` or `group`.
    pub(crate) kind: String,
    /// The id here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource_id: Option<Uuid>,
    /// The id at the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remote_id: Option<String>,
    /// The attributes that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attributes: Vec<String>,
}

impl Finding {
    /// True if a push may repair it.
    pub(crate) fn is_repairable(&self) -> bool {
        matches!(self.finding.as_str(), "different" | "missing")
    }
}

/// A drift check, under way or ended.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Check {
    pub(crate) target_id: Uuid,
    pub(crate) id: Uuid,
    pub(crate) repair: bool,
    pub(crate) phase: String,
    pub(crate) cursor: String,
    /// The ids of the target that were compared of the page at the cursor.
    pub(crate) page_done: Json<Vec<String>>,
    pub(crate) compared: i64,
    pub(crate) different: i64,
    pub(crate) missing: i64,
    pub(crate) unmanaged: i64,
    pub(crate) not_compared: i64,
    pub(crate) findings: Json<Vec<Finding>>,
    pub(crate) error: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) claims: i64,
}

impl Check {
    /// Moves on to a page, of which nothing is compared yet.
    pub(crate) fn begin_page(&mut self, start: &str) {
        start.clone_into(&mut self.cursor);
        self.page_done.clear();
    }
}

/// The columns of a [`Check`].
macro_rules! columns {
    () => {
        "target_id, id, repair, phase, cursor, page_done, compared, different, missing, unmanaged, not_compared, findings, error,
         started_at, finished_at, claims"
    };
}

/// Begins a check; `false` while one is under way.
pub(crate) async fn begin(
    tx: &mut Tx,
    target: Uuid,
    (id, repair): (Uuid, bool),
    now: Timestamp,
) -> Result<bool, DbError> {
    on_engine!(&mut *tx, c => sqlx::query(
            "DELETE FROM provisioning_checks WHERE target_id = $1 AND finished_at IS NOT NULL")
        .bind(target)
        .execute(c)
        .await?
        .rows_affected());
    let inserted = on_engine!(tx, c => sqlx::query(
            "INSERT INTO provisioning_checks (target_id, id, repair, phase, cursor, findings, started_at)
             VALUES ($1, $2, $3, 'users', '', $4, $5) ON CONFLICT DO NOTHING")
        .bind(target)
        .bind(id)
        .bind(repair)
        .bind(Json(Vec::<Finding>::new()))
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// The last check of a target.
pub(crate) async fn find(connection: &mut impl Connection, target: Uuid) -> Result<Option<Check>, DbError> {
    const FIND: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM provisioning_checks WHERE target_id = $1"
    );
    Ok(on_engine!(connection, c => sqlx::query_as(FIND).bind(target).fetch_optional(c).await?))
}

/// The checks under way that are nobody's, of targets that may be called at `now`. `held` is the clock of claims.
pub(crate) async fn due(
    connection: &mut impl Connection,
    (now, held): (Timestamp, Timestamp),
) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT k.target_id FROM provisioning_checks AS k JOIN provisioning_targets AS t ON t.id = k.target_id
             WHERE k.finished_at IS NULL AND k.claimed_until <= $2 AND t.paused_at IS NULL AND t.paused_until <= $1
             ORDER BY k.target_id")
        .bind(now)
        .bind(held)
        .fetch_all(c)
        .await?))
}

/// Claims a check for a page.
pub(crate) async fn claim(
    tx: &mut Tx,
    target: Uuid,
    (held, until): (Timestamp, Timestamp),
) -> Result<Option<Check>, DbError> {
    const CLAIM: &str = concat!(
        "UPDATE provisioning_checks SET claims = claims + 1, claimed_until = $3
         WHERE target_id = $1 AND finished_at IS NULL AND claimed_until <= $2 RETURNING ",
        columns!()
    );
    Ok(on_engine!(tx, c => sqlx::query_as(CLAIM)
        .bind(target)
        .bind(held)
        .bind(until)
        .fetch_optional(c)
        .await?))
}

/// Writes down a claimed check after a page, and gives it back; `false` when another replica has it.
pub(crate) async fn save(tx: &mut Tx, check: &Check) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_checks
             SET phase = $4, cursor = $5, compared = $6, different = $7, missing = $8, unmanaged = $9, findings = $10,
                 error = $11, finished_at = $12, page_done = $13, not_compared = $14, claimed_until = 0
             WHERE target_id = $1 AND id = $2 AND claims = $3")
        .bind(check.target_id)
        .bind(check.id)
        .bind(check.claims)
        .bind(&check.phase)
        .bind(&check.cursor)
        .bind(check.compared)
        .bind(check.different)
        .bind(check.missing)
        .bind(check.unmanaged)
        .bind(&check.findings)
        .bind(&check.error)
        .bind(check.finished_at)
        .bind(&check.page_done)
        .bind(check.not_compared)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Notes that a check found these resources at the target.
pub(crate) async fn see(tx: &mut Tx, check: &Check, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE provisioning_resources SET seen_by = $2
                 WHERE target_id = $1 AND resource_id IN (SELECT unhex(value) FROM json_each($3))",
        postgres: "UPDATE provisioning_resources SET seen_by = $2
                   WHERE target_id = $1 AND resource_id IN
                       (SELECT value::uuid FROM jsonb_array_elements_text($3::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    on_engine!(tx, c => sqlx::query(statement)
        .bind(check.target_id)
        .bind(check.id)
        .bind(list)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The resources that belong to these of the target: the id at the target, the one here, and whether a push waits.
pub(crate) async fn owners(
    connection: &mut impl Connection,
    target: Uuid,
    kind: Kind,
    remote_ids: &[&str],
) -> Result<Vec<(String, Uuid, bool)>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT remote_id, resource_id, state = 'waiting' FROM provisioning_resources
                 WHERE target_id = $1 AND kind = $2 AND remote_id IN (SELECT value FROM json_each($3))",
        postgres: "SELECT remote_id, resource_id, state = 'waiting' FROM provisioning_resources
                   WHERE target_id = $1 AND kind = $2 AND remote_id IN
                       (SELECT value FROM jsonb_array_elements_text($3::jsonb) AS e(value))",
    );
    let list = serde_json::Value::from_iter(remote_ids.iter().copied()).to_string();
    Ok(on_engine!(connection, c => sqlx::query_as(statement)
        .bind(target)
        .bind(kind.name())
        .bind(list)
        .fetch_all(c)
        .await?))
}

/// The claims and marks of a resource, which are others after a push of it has begun or was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(crate) struct Progress {
    pub(crate) claims: i64,
    pub(crate) marks: i64,
    /// True if no push waits, and none was given up.
    pub(crate) is_in_step: bool,
}

/// The progress of a resource.
pub(crate) async fn progress(
    connection: &mut impl Connection,
    target: Uuid,
    id: Uuid,
) -> Result<Option<Progress>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT claims, marks, state = 'in_step' AS is_in_step FROM provisioning_resources WHERE target_id = $1 AND resource_id = $2")
        .bind(target)
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// A resource of which a check knows that it was pushed.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Pushed {
    pub(crate) resource_id: Uuid,
    pub(crate) kind: String,
    pub(crate) remote_id: Option<String>,
    pub(crate) is_missing: bool,
}

/// The resources after an id, in order, each with whether the check should have found it and did not: those that were pushed
/// during the check may have come after it.
pub(crate) async fn unseen_after(
    connection: &mut impl Connection,
    check: &Check,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Pushed>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT resource_id, kind, remote_id,
                    (remote_id IS NOT NULL AND state = 'in_step' AND (seen_by IS NULL OR seen_by <> $2)
                     AND (last_attempt_at IS NULL OR last_attempt_at < $3)) AS is_missing
             FROM provisioning_resources WHERE target_id = $1 AND resource_id > $4
             ORDER BY resource_id LIMIT $5")
        .bind(check.target_id)
        .bind(check.id)
        .bind(check.started_at)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}
