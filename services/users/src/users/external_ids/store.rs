//! The table `user_external_ids`.

use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{Connection, DbError, Tx, id_list};
use chassis::{on_engine, sql};
use contract::UserId;

use super::ExternalId;

/// Gives identifiers to users. Returns those that were free, by client.
pub(super) async fn insert(
    tx: &mut Tx,
    wanted: &[&ExternalId],
) -> Result<BTreeSet<(String, String)>, DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO user_external_ids (client_id, external_id, user_id)
                 SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each($1) WHERE true ORDER BY key
                 ON CONFLICT DO NOTHING RETURNING client_id, external_id",
        postgres: "INSERT INTO user_external_ids (client_id, external_id, user_id)
                   SELECT value ->> 0, value ->> 1, (value ->> 2)::uuid
                   FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(value, place) ORDER BY place
                   ON CONFLICT DO NOTHING RETURNING client_id, external_id",
    );
    let given: Vec<(String, String)> =
        on_engine!(tx, c => sqlx::query_as(statement).bind(list(wanted)).fetch_all(c).await?);
    Ok(given.into_iter().collect())
}

/// Takes identifiers away from users.
pub(super) async fn remove(tx: &mut Tx, gone: &[&ExternalId]) -> Result<(), DbError> {
    if gone.is_empty() {
        return Ok(());
    }
    let statement = sql!(tx,
        sqlite: "DELETE FROM user_external_ids WHERE (client_id, external_id, user_id) IN
                     (SELECT value ->> 0, value ->> 1, unhex(value ->> 2) FROM json_each($1))",
        postgres: "DELETE FROM user_external_ids WHERE (client_id, external_id, user_id) IN
                       (SELECT e ->> 0, e ->> 1, (e ->> 2)::uuid FROM jsonb_array_elements($1::jsonb) AS rows (e))",
    );
    on_engine!(tx, c => sqlx::query(statement).bind(list(gone)).execute(c).await?.rows_affected());
    Ok(())
}

fn list(all: &[&ExternalId]) -> String {
    let rows = all
        .iter()
        .map(|one| serde_json::json!([one.client, one.value, one.user.simple().to_string()]));
    serde_json::Value::from_iter(rows).to_string()
}

/// Takes every identifier away from these users.
pub(in crate::users) async fn remove_all(tx: &mut Tx, users: &[UserId]) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM user_external_ids WHERE user_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "DELETE FROM user_external_ids
                   WHERE user_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(users.iter().copied());
    on_engine!(tx, c => sqlx::query(statement).bind(list).execute(c).await?.rows_affected());
    Ok(())
}

/// The user to whom a client gave an identifier.
pub(in crate::users) async fn holder(
    connection: &mut impl Connection,
    client: &str,
    external_id: &str,
) -> Result<Option<UserId>, DbError> {
    const HOLDER: &str = "SELECT user_id FROM user_external_ids WHERE client_id = $1 AND external_id = $2";
    Ok(
        on_engine!(connection, c => sqlx::query_scalar(HOLDER).bind(client).bind(external_id).fetch_optional(c).await?),
    )
}

/// The users with these keys of the attribute that everybody sees, to whom a client gave no identifier, with the keys.
pub(super) async fn inherited(
    tx: &mut Tx,
    client: &str,
    keys: &[&str],
) -> Result<Vec<(String, UserId)>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT v.value_key, v.user_id FROM user_values v
                 WHERE v.attribute = 'externalId' AND v.value_key IN (SELECT value FROM json_each($2))
                   AND NOT EXISTS (SELECT 1 FROM user_external_ids e WHERE e.user_id = v.user_id AND e.client_id = $1)",
        postgres: "SELECT v.value_key, v.user_id FROM user_values v
                   WHERE v.attribute = 'externalId'
                     AND v.value_key = ANY (ARRAY(SELECT value FROM jsonb_array_elements_text($2::jsonb) AS k(value)))
                     AND NOT EXISTS (SELECT 1 FROM user_external_ids e WHERE e.user_id = v.user_id AND e.client_id = $1)",
    );
    let list = serde_json::json!(keys).to_string();
    Ok(on_engine!(tx, c => sqlx::query_as(statement).bind(client).bind(list).fetch_all(c).await?))
}

/// Those of the users who are to have an identifier for everybody that a client gave to another one, and that this client would see at
/// both: it gave none to the user.
pub(super) async fn given_among(tx: &mut Tx, common: &[(UserId, &str)]) -> Result<Vec<UserId>, DbError> {
    if common.is_empty() {
        return Ok(Vec::new());
    }
    // There are few clients, and the index has them in order.
    let statement = sql!(tx,
        sqlite: "WITH RECURSIVE clients (id) AS (
                     SELECT min(client_id) FROM user_external_ids
                     UNION ALL SELECT (SELECT min(client_id) FROM user_external_ids WHERE client_id > clients.id)
                     FROM clients WHERE clients.id IS NOT NULL)
                 SELECT unhex(w.value ->> 0) FROM json_each($1) w WHERE EXISTS (
                     SELECT 1 FROM clients c JOIN user_external_ids e ON e.client_id = c.id AND e.external_id = w.value ->> 1
                     WHERE e.user_id <> unhex(w.value ->> 0) AND NOT EXISTS (
                         SELECT 1 FROM user_external_ids o WHERE o.user_id = unhex(w.value ->> 0) AND o.client_id = c.id))",
        postgres: "WITH RECURSIVE clients (id) AS (
                       SELECT min(client_id) FROM user_external_ids
                       UNION ALL SELECT (SELECT min(client_id) FROM user_external_ids WHERE client_id > clients.id)
                       FROM clients WHERE clients.id IS NOT NULL),
                   wanted (user_id, value) AS (
                       SELECT (e ->> 0)::uuid, e ->> 1 FROM jsonb_array_elements($1::jsonb) AS rows (e))
                   SELECT w.user_id FROM wanted w WHERE EXISTS (
                       SELECT 1 FROM clients c JOIN user_external_ids e ON e.client_id = c.id AND e.external_id = w.value
                       WHERE e.user_id <> w.user_id AND NOT EXISTS (
                           SELECT 1 FROM user_external_ids o WHERE o.user_id = w.user_id AND o.client_id = c.id))",
    );
    let rows = common
        .iter()
        .map(|(user, value)| serde_json::json!([user.simple().to_string(), value]));
    let list = serde_json::Value::from_iter(rows).to_string();
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}

/// The users to whom a client gave an identifier, the first ones in order.
pub(in crate::users) async fn users_of(
    tx: &mut Tx,
    client: &str,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    const USERS: &str =
        "SELECT user_id FROM user_external_ids WHERE client_id = $1 ORDER BY external_id LIMIT $2";
    Ok(on_engine!(tx, c => sqlx::query_scalar(USERS).bind(client).bind(limit).fetch_all(c).await?))
}

/// Takes the identifiers of one client away from these users.
pub(in crate::users) async fn remove_of(tx: &mut Tx, client: &str, users: &[UserId]) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "DELETE FROM user_external_ids WHERE client_id = $2
                     AND user_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "DELETE FROM user_external_ids WHERE client_id = $2
                       AND user_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(users.iter().copied());
    on_engine!(tx, c => sqlx::query(statement).bind(list).bind(client).execute(c).await?.rows_affected());
    Ok(())
}

/// The identifiers of these users, by client.
pub(in crate::users) async fn of_users(
    tx: &mut Tx,
    users: &[UserId],
) -> Result<BTreeMap<UserId, BTreeMap<String, String>>, DbError> {
    let statement = sql!(tx,
        sqlite: "SELECT user_id, client_id, external_id FROM user_external_ids
                 WHERE user_id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT user_id, client_id, external_id FROM user_external_ids
                   WHERE user_id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(users.iter().copied());
    let rows: Vec<(UserId, String, String)> =
        on_engine!(tx, c => sqlx::query_as(statement).bind(list).fetch_all(c).await?);
    let mut found: BTreeMap<UserId, BTreeMap<String, String>> = BTreeMap::new();
    for (user, client, external_id) in rows {
        found.entry(user).or_default().insert(client, external_id);
    }
    Ok(found)
}

/// The clients that gave identifiers to users.
///
/// # Errors
/// When the database fails.
pub(crate) async fn clients(connection: &mut impl Connection) -> Result<Vec<String>, DbError> {
    // The index has the clients, which are few, in order.
    const CLIENTS: &str = "WITH RECURSIVE clients (id) AS (
             SELECT min(client_id) FROM user_external_ids
             UNION ALL SELECT (SELECT min(client_id) FROM user_external_ids WHERE client_id > clients.id)
             FROM clients WHERE clients.id IS NOT NULL)
         SELECT id FROM clients WHERE id IS NOT NULL";
    Ok(on_engine!(connection, c => sqlx::query_scalar(CLIENTS).fetch_all(c).await?))
}
