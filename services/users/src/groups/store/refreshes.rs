//! The table `group_refreshes`: groups whose members' states are to be written anew.

use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};
use contract::GroupId;
use uuid::Uuid;

/// Work that is left for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx_macros::FromRow)]
pub(in crate::groups) struct Refresh {
    /// The group.
    pub(in crate::groups) group_id: GroupId,
    /// The last member whose state was written.
    pub(in crate::groups) after_id: Uuid,
}

/// Notes that the states of all members of a group are to be written anew, from the first one on.
pub(in crate::groups) async fn note(tx: &mut Tx, group: GroupId) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO group_refreshes (group_id, after_id) VALUES ($1, $2)
         ON CONFLICT (group_id) DO UPDATE SET after_id = excluded.after_id";
    on_engine!(tx, c => sqlx::query(NOTE).bind(group).bind(Uuid::nil()).execute(c).await?.rows_affected());
    Ok(())
}

/// True if anything is noted.
pub(in crate::groups) async fn any(connection: &mut impl Connection) -> Result<bool, DbError> {
    const ANY: &str = "SELECT EXISTS (SELECT 1 FROM group_refreshes)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(ANY).fetch_one(c).await?))
}

/// A note that no other replica works on, which nobody else can change until the transaction ends.
pub(in crate::groups) async fn claim(tx: &mut Tx) -> Result<Option<Refresh>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT group_id, after_id FROM group_refreshes ORDER BY group_id LIMIT 1",
        postgres: "SELECT group_id, after_id FROM group_refreshes ORDER BY group_id LIMIT 1 FOR UPDATE SKIP LOCKED",
    );
    Ok(on_engine!(tx, c => sqlx::query_as(statement).fetch_optional(c).await?))
}

/// Moves a claimed note on.
pub(in crate::groups) async fn advance(tx: &mut Tx, refresh: Refresh) -> Result<(), DbError> {
    const ADVANCE: &str = "UPDATE group_refreshes SET after_id = $2 WHERE group_id = $1";
    on_engine!(tx, c => sqlx::query(ADVANCE).bind(refresh.group_id).bind(refresh.after_id).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes a claimed note, whose work is done.
pub(in crate::groups) async fn delete(tx: &mut Tx, group: GroupId) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM group_refreshes WHERE group_id = $1";
    on_engine!(tx, c => sqlx::query(DELETE).bind(group).execute(c).await?.rows_affected());
    Ok(())
}
