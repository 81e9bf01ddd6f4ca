//! The statements that look for a name among users and groups.

use std::collections::BTreeMap;

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::{Claim, bucket};

/// Lets users and groups get these names in turns, until the transaction ends. The last locks that a transaction takes, but for
/// those of a bulk request, which takes all of its locks at first.
///
/// The names fall into [buckets](bucket), so that a transaction has a bounded number of locks however many names it gives out.
/// Users share a bucket, because an index keeps their names apart; a group has it alone.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock(tx: &mut Tx, names: &[(&str, Claim)]) -> Result<(), DbError> {
    let names = names.iter().map(|(key, claim)| (*key, *claim == Claim::Group));
    lock_texts(tx, "names", names).await
}

/// Locks texts of a kind until the transaction ends, in [buckets](bucket): those with `true` alone, the others together with
/// others who do not need them alone.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_texts<'a>(
    tx: &mut Tx,
    kind: &str,
    texts: impl Iterator<Item = (&'a str, bool)>,
) -> Result<(), DbError> {
    let statement = sql!(tx,
        // The transaction holds the only lock for writing already.
        sqlite: "SELECT $1 WHERE $2 IS NOT NULL",
        postgres: "SELECT CAST(count(CASE WHEN alone THEN CAST(pg_advisory_xact_lock(id) AS TEXT)
                       ELSE CAST(pg_advisory_xact_lock_shared(id) AS TEXT) END) AS TEXT)
                   FROM (SELECT hashtextextended($2 || ' ' || (value ->> 0), 0) AS id, (value ->> 1)::boolean AS alone
                         FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(value, place) ORDER BY place) AS buckets",
    );
    // In order, so that no two transactions wait for each other.
    let mut buckets: BTreeMap<u32, bool> = BTreeMap::new();
    for (text, alone) in texts {
        *buckets.entry(bucket(text)).or_default() |= alone;
    }
    if buckets.is_empty() {
        return Ok(());
    }
    let list = serde_json::json!(Vec::from_iter(buckets)).to_string();
    let _: Option<String> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).bind(kind).fetch_optional(c).await?);
    Ok(())
}

/// True if a group has the name with this key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_group_name(connection: &mut impl Connection, key: &str) -> Result<bool, DbError> {
    Ok(!group_names_among(connection, &[key]).await?.is_empty())
}

/// Those of the keys that are of names which groups have.
///
/// # Errors
/// When the database fails.
pub(crate) async fn group_names_among(
    connection: &mut impl Connection,
    keys: &[&str],
) -> Result<Vec<String>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT name_key FROM groups WHERE name_key IN (SELECT value FROM json_each($1))",
        postgres: "SELECT name_key FROM groups
                   WHERE name_key = ANY (ARRAY(SELECT value FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = serde_json::json!(keys).to_string();
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// True if a user has the name with this key.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_user_name(connection: &mut impl Connection, key: &str) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE user_name_key = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(key).fetch_one(c).await?))
}

/// Those of the ids that are groups, or were.
///
/// # Errors
/// When the database fails.
pub(crate) async fn group_ids_among(
    connection: &mut impl Connection,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id FROM groups WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id FROM groups
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// True if an id is that of a user, or of one who was deleted.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_user_id(connection: &mut impl Connection, id: Uuid) -> Result<bool, DbError> {
    const FIND: &str = "SELECT EXISTS (SELECT 1 FROM people WHERE id = $1)
         OR EXISTS (SELECT 1 FROM tombstones WHERE id = $1)
         OR EXISTS (SELECT 1 FROM deleted_users WHERE id = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(FIND).bind(id).fetch_one(c).await?))
}

/// True if a user is a member of the group with this name, or of a group in it, at most `levels` down.
pub(super) async fn is_effective_member(
    connection: &mut impl Connection,
    name: &str,
    user: Uuid,
    levels: i64,
) -> Result<bool, DbError> {
    const FIND: &str = "WITH RECURSIVE above (id, level) AS (
             SELECT g.id, CAST(0 AS BIGINT) FROM group_members m JOIN groups g ON g.id = m.group_id
                 WHERE m.person_id = $2 AND g.deleted_at IS NULL
             UNION SELECT g.id, above.level + 1 FROM above
                 JOIN group_parents p ON p.group_id = above.id
                 JOIN groups g ON g.id = p.parent_id AND g.deleted_at IS NULL
                 WHERE above.level < $3)
         SELECT EXISTS (SELECT 1 FROM above JOIN groups g ON g.id = above.id WHERE g.name = $1)";
    Ok(
        on_engine!(connection, c => sqlx::query_scalar(FIND).bind(name).bind(user).bind(levels).fetch_one(c).await?),
    )
}
