//! The table `user_index_changes`.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx};
use chassis::{on_engine, sql};
use contract::{UserId, UserState};

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::users::values) enum ChangeKind {
    /// The rows of an attribute are filled in, and no search uses them before that.
    Fill,
    /// They are filled in once more.
    Repeat,
    /// They are deleted.
    Remove,
}

impl ChangeKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Repeat => "repeat",
            Self::Remove => "remove",
        }
    }
}

/// A change of the index of an attribute.
#[derive(Clone, Debug, sqlx_macros::FromRow)]
pub(in crate::users::values) struct Change {
    /// The name of the attribute.
    pub(in crate::users::values) name: String,
    kind: String,
    /// The last user whose rows were filled in.
    pub(in crate::users::values) after_id: UserId,
}

impl Change {
    /// The kind. A later version may know others, for which it is repeated.
    pub(in crate::users::values) fn kind(&self) -> ChangeKind {
        [ChangeKind::Fill, ChangeKind::Remove]
            .into_iter()
            .find(|kind| kind.as_str() == self.kind)
            .unwrap_or(ChangeKind::Repeat)
    }
}

/// Notes a change that begins at a time, in place of the one before.
pub(in crate::users::values) async fn note(
    tx: &mut Tx,
    name: &str,
    kind: ChangeKind,
    due_at: Timestamp,
) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO user_index_changes (name, kind, after_id, due_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, after_id = excluded.after_id, due_at = excluded.due_at";
    on_engine!(tx, c => sqlx::query(NOTE)
        .bind(name)
        .bind(kind.as_str())
        .bind(UserId::nil())
        .bind(due_at)
        .execute(c)
        .await?
        .rows_affected());
    Ok(())
}

/// The names of the attributes whose rows are not complete.
pub(in crate::users::values) async fn filling(reader: &mut Reader) -> Result<Vec<String>, DbError> {
    const FILLING: &str = "SELECT name FROM user_index_changes WHERE kind = 'fill'";
    Ok(on_engine!(reader, c => sqlx::query_scalar(FILLING).fetch_all(c).await?))
}

/// The statement that finds the next change that is due, for a replica that writes rows of the attributes in `$1`: it fills in
/// those, and deletes others.
macro_rules! next_due {
    ($list:literal, $end:literal) => {
        concat!(
            "SELECT name, kind, after_id FROM user_index_changes WHERE due_at <= $2 AND (kind = 'remove') <> (name IN (",
            $list,
            ")) ORDER BY name LIMIT 1",
            $end
        )
    };
}

/// True if a change is due for a replica that writes rows of these attributes.
pub(in crate::users::values) async fn any_due(
    reader: &mut Reader,
    names: &BTreeSet<&str>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let statement = sql!(reader,
        sqlite: next_due!("SELECT value FROM json_each($1)", ""),
        postgres: next_due!("SELECT value FROM jsonb_array_elements_text($1::jsonb) AS e(value)", ""),
    );
    let found: Option<Change> = find(reader, statement, names, now).await?;
    Ok(found.is_some())
}

/// The next change that is due for a replica that writes rows of these attributes, and that no other one works on.
pub(in crate::users::values) async fn claim(
    tx: &mut Tx,
    names: &BTreeSet<&str>,
    now: Timestamp,
) -> Result<Option<Change>, DbError> {
    let statement = sql!(tx,
        sqlite: next_due!("SELECT value FROM json_each($1)", ""),
        postgres: next_due!(
            "SELECT value FROM jsonb_array_elements_text($1::jsonb) AS e(value)", " FOR UPDATE SKIP LOCKED"
        ),
    );
    find(tx, statement, names, now).await
}

async fn find(
    connection: &mut impl Connection,
    statement: &'static str,
    names: &BTreeSet<&str>,
    now: Timestamp,
) -> Result<Option<Change>, DbError> {
    let list = serde_json::json!(names).to_string();
    Ok(on_engine!(connection, c => sqlx::query_as(statement).bind(list).bind(now).fetch_optional(c).await?))
}

/// Moves a claimed change on.
pub(in crate::users::values) async fn advance(tx: &mut Tx, name: &str, after: UserId) -> Result<(), DbError> {
    const ADVANCE: &str = "UPDATE user_index_changes SET after_id = $2 WHERE name = $1";
    on_engine!(tx, c => sqlx::query(ADVANCE).bind(name).bind(after).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes a claimed change, which is done.
pub(in crate::users::values) async fn delete(tx: &mut Tx, name: &str) -> Result<(), DbError> {
    const DELETE: &str = "DELETE FROM user_index_changes WHERE name = $1";
    on_engine!(tx, c => sqlx::query(DELETE).bind(name).execute(c).await?.rows_affected());
    Ok(())
}

/// The users after an id, in order, whom nobody else can change until the transaction ends.
pub(in crate::users::values) async fn lock_after(
    tx: &mut Tx,
    id: UserId,
    limit: i64,
) -> Result<Vec<UserState>, DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT document FROM people WHERE id > $1 ORDER BY id LIMIT $2",
        postgres: "SELECT CAST(document AS TEXT) FROM people WHERE id > $1 ORDER BY id LIMIT $2 FOR NO KEY UPDATE",
    );
    let rows: Vec<String> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).bind(limit).fetch_all(c).await?);
    rows.iter()
        .map(|document| crate::users::store::parse(document))
        .collect()
}
