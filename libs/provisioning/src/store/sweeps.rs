//! The statements of sweeps: walks over many resources that mark them, page by page, and of the position in the feed.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use super::Target;

/// A walk over many resources.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(crate) struct Sweep {
    pub(crate) target_id: Uuid,
    /// `users`, `groups`, `tracked`, `verify` or `members`.
    pub(crate) kind: String,
    /// The group of `members`.
    pub(crate) group_id: Uuid,
    pub(crate) after_id: Uuid,
    pub(crate) scanned: i64,
    pub(crate) round: i64,
}

/// The sweep over all users.
pub(crate) const USERS: &str = "users";
/// The sweep over all groups.
pub(crate) const GROUPS: &str = "groups";
/// The sweep over everything that is followed at the target.
pub(crate) const TRACKED: &str = "tracked";
/// The same, and the target is asked what it has of each.
pub(crate) const VERIFY: &str = "verify";
/// The sweep over the users in a group, and in the groups in it.
pub(crate) const MEMBERS: &str = "members";

/// Begins a sweep, or begins one anew that is under way.
pub(crate) async fn begin(
    tx: &mut Tx,
    target: Uuid,
    (kind, group): (&str, Uuid),
    now: Timestamp,
) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query(
            "INSERT INTO provisioning_sweeps (target_id, kind, group_id, after_id, created_at)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (target_id, kind, group_id) DO UPDATE
             SET after_id = $4, scanned = 0, round = provisioning_sweeps.round + 1, created_at = $5")
        .bind(target)
        .bind(kind)
        .bind(group)
        .bind(Uuid::nil())
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// Begins a comparison of the whole directory with what is known of a target; with `verify`, with what the target has.
pub(crate) async fn begin_all(
    tx: &mut Tx,
    target: Uuid,
    verify: bool,
    now: Timestamp,
) -> Result<(), DbError> {
    for kind in [USERS, GROUPS, if verify { VERIFY } else { TRACKED }] {
        begin(tx, target, (kind, Uuid::nil()), now).await?;
    }
    Ok(())
}

/// The next sweep of each target that is not paused.
pub(crate) async fn next(connection: &mut impl Connection) -> Result<Vec<Sweep>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT s.target_id, s.kind, s.group_id, s.after_id, s.scanned, s.round
             FROM provisioning_targets AS t JOIN provisioning_sweeps AS s ON s.target_id = t.id
             WHERE t.paused_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM provisioning_sweeps AS o
                               WHERE o.target_id = s.target_id AND (o.kind, o.group_id) < (s.kind, s.group_id))
             ORDER BY s.target_id")
        .fetch_all(c)
        .await?))
}

/// The sweeps of a target.
pub(crate) async fn of_target(connection: &mut impl Connection, target: Uuid) -> Result<Vec<Sweep>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT target_id, kind, group_id, after_id, scanned, round FROM provisioning_sweeps
             WHERE target_id = $1 ORDER BY kind, group_id LIMIT 100")
        .bind(target)
        .fetch_all(c)
        .await?))
}

/// Moves a sweep on past a page; `false` when another replica did, or it began anew.
pub(crate) async fn advance(tx: &mut Tx, sweep: &Sweep, to: Uuid, scanned: i64) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_sweeps SET after_id = $6, scanned = scanned + $7
             WHERE target_id = $1 AND kind = $2 AND group_id = $3 AND after_id = $4 AND round = $5")
        .bind(sweep.target_id)
        .bind(&sweep.kind)
        .bind(sweep.group_id)
        .bind(sweep.after_id)
        .bind(sweep.round)
        .bind(to)
        .bind(scanned)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// Ends a sweep; `false` when another replica did, or it began anew.
pub(crate) async fn end(tx: &mut Tx, sweep: &Sweep) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "DELETE FROM provisioning_sweeps
             WHERE target_id = $1 AND kind = $2 AND group_id = $3 AND after_id = $4 AND round = $5")
        .bind(sweep.target_id)
        .bind(&sweep.kind)
        .bind(sweep.group_id)
        .bind(sweep.after_id)
        .bind(sweep.round)
        .execute(c)
        .await?
        .rows_affected() == 1))
}

/// The targets that have not read the whole feed.
pub(crate) async fn behind(connection: &mut impl Connection) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT id FROM provisioning_targets WHERE position < (SELECT last FROM outbox_feed) ORDER BY id")
        .fetch_all(c)
        .await?))
}

/// Moves a target on in the feed; `false` when another replica did, or it was changed or deleted. Its row stays locked until
/// the transaction ends.
pub(crate) async fn move_on(tx: &mut Tx, target: &Target, to: i64) -> Result<bool, DbError> {
    Ok(on_engine!(tx, c => sqlx::query(
            "UPDATE provisioning_targets SET position = $4 WHERE id = $1 AND position = $2 AND version = $3")
        .bind(target.id)
        .bind(target.position)
        .bind(target.version)
        .bind(to)
        .execute(c)
        .await?
        .rows_affected() == 1))
}
