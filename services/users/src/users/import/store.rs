//! The statements of an import, each for many users: the tables `people` and `tombstones`.

use chassis::db::{Connection, DbError, id_list};
use chassis::{on_engine, sql};
use contract::UserId;

/// Those of the ids that are users, with the keys of their names.
pub(super) async fn names_of(
    connection: &mut impl Connection,
    ids: &[UserId],
) -> Result<Vec<(UserId, String)>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id, user_name_key FROM people WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, user_name_key FROM people
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?))
}

/// Those of the ids that belong to users who were deleted, erased or not yet.
pub(super) async fn tombstones_among(
    connection: &mut impl Connection,
    ids: &[UserId],
) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT id FROM tombstones WHERE id IN (SELECT unhex(value) FROM json_each($1))
                 UNION ALL SELECT id FROM deleted_users WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id FROM tombstones
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))
                   UNION ALL SELECT id FROM deleted_users
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}
