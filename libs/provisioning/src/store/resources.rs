//! The statements that find the resources of a target.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, id_list};
use chassis::{on_engine, sql};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::remote::Kind;

/// The state of a resource at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ProvisioningState")]
pub(crate) enum State {
    /// To be pushed, or pushed again.
    Waiting,
    /// As it is in the directory.
    InStep,
    /// Given up; can be retried.
    Dead,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InStep => "in_step",
            Self::Dead => "dead",
        }
    }
}

/// An account of a user at an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
#[schemars(rename = "ProvisionedAccount")]
pub struct Account {
    /// The name of the target.
    pub application: String,
    /// The base URL of its SCIM endpoint.
    pub base_url: String,
    /// The id of the account there; `null` while none is known.
    pub remote_id: Option<String>,
    /// `waiting`, `in_step` or `dead`.
    pub state: String,
}

/// A resource at a target, for administrators.
#[derive(Clone, Debug, Serialize, sqlx_macros::FromRow, schemars::JsonSchema)]
#[schemars(rename = "ProvisionedResource")]
pub(crate) struct Resource {
    /// The id of the user or group here.
    resource_id: Uuid,
    /// `user` or `group`.
    kind: String,
    /// `waiting`, `in_step` or `dead`.
    state: String,
    /// The id at the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    attempts: i32,
    /// Only while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<Timestamp>,
    /// The status of the last answer that was no success.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
}

impl Resource {
    pub(crate) fn id(&self) -> Uuid {
        self.resource_id
    }
}

/// The ids of the resources after an id, in order.
pub(crate) async fn ids_after(
    connection: &mut impl Connection,
    target: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT resource_id FROM provisioning_resources WHERE target_id = $1 AND resource_id > $2
             ORDER BY resource_id LIMIT $3")
        .bind(target)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// The resource here that a resource at the target belongs to.
pub(crate) async fn owner_of(
    connection: &mut impl Connection,
    target: Uuid,
    kind: Kind,
    remote_id: &str,
) -> Result<Option<Uuid>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_scalar(
            "SELECT resource_id FROM provisioning_resources WHERE target_id = $1 AND kind = $2 AND remote_id = $3")
        .bind(target)
        .bind(kind.name())
        .bind(remote_id)
        .fetch_optional(c)
        .await?))
}

/// Resources of a target after an id, in order.
pub(crate) async fn list(
    connection: &mut impl Connection,
    target: Uuid,
    state: Option<State>,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Resource>, DbError> {
    let statement = match state {
        Some(_) => {
            "SELECT resource_id, kind, state, remote_id, attempts, last_attempt_at, last_status, last_error,
                    CASE WHEN state = 'waiting' THEN next_attempt_at END AS next_attempt_at
             FROM provisioning_resources WHERE target_id = $1 AND resource_id > $2 AND state = $4
             ORDER BY resource_id LIMIT $3"
        }
        None => {
            "SELECT resource_id, kind, state, remote_id, attempts, last_attempt_at, last_status, last_error,
                    CASE WHEN state = 'waiting' THEN next_attempt_at END AS next_attempt_at
             FROM provisioning_resources WHERE target_id = $1 AND resource_id > $2 AND CAST($4 AS TEXT) IS NULL
             ORDER BY resource_id LIMIT $3"
        }
    };
    Ok(on_engine!(connection, c => sqlx::query_as(statement)
        .bind(target)
        .bind(after)
        .bind(limit)
        .bind(state.map(State::name))
        .fetch_all(c)
        .await?))
}

/// One resource of a target.
pub(crate) async fn find(
    connection: &mut impl Connection,
    target: Uuid,
    id: Uuid,
) -> Result<Option<Resource>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT resource_id, kind, state, remote_id, attempts, last_attempt_at, last_status, last_error,
                    CASE WHEN state = 'waiting' THEN next_attempt_at END AS next_attempt_at
             FROM provisioning_resources WHERE target_id = $1 AND resource_id = $2")
        .bind(target)
        .bind(id)
        .fetch_optional(c)
        .await?))
}

/// The resources after an id, in order, as a push has them.
pub(crate) async fn due_after(
    connection: &mut impl Connection,
    target: Uuid,
    after: Uuid,
    limit: i64,
) -> Result<Vec<super::queue::Due>, DbError> {
    Ok(on_engine!(connection, c => sqlx::query_as(
            "SELECT resource_id, kind, remote_id, remote_name, pushed, marks, attempts, claims FROM provisioning_resources
             WHERE target_id = $1 AND resource_id > $2 ORDER BY resource_id LIMIT $3")
        .bind(target)
        .bind(after)
        .bind(limit)
        .fetch_all(c)
        .await?))
}

/// Those of the ids that are followed at the target.
pub(crate) async fn known(
    connection: &mut impl Connection,
    target: Uuid,
    ids: &[Uuid],
) -> Result<std::collections::BTreeSet<Uuid>, DbError> {
    let statement = sql!(connection,
        sqlite: "SELECT resource_id FROM provisioning_resources
                 WHERE target_id = $1 AND resource_id IN (SELECT unhex(value) FROM json_each($2))",
        postgres: "SELECT resource_id FROM provisioning_resources
                   WHERE target_id = $1 AND resource_id IN
                       (SELECT value::uuid FROM jsonb_array_elements_text($2::jsonb) AS e(value))",
    );
    let list = id_list(ids.iter().copied());
    let found: Vec<Uuid> = on_engine!(connection, c => sqlx::query_scalar(statement)
        .bind(target)
        .bind(list)
        .fetch_all(c)
        .await?);
    Ok(found.into_iter().collect())
}

/// The accounts of a user at all targets, by the names of these.
///
/// # Errors
/// When the database fails.
pub async fn accounts_of(connection: &mut impl Connection, user: Uuid) -> Result<Vec<Account>, DbError> {
    const ACCOUNTS: &str = "SELECT t.name AS application, t.base_url, r.remote_id, r.state
         FROM provisioning_targets AS t
         JOIN provisioning_resources AS r ON r.target_id = t.id AND r.resource_id = $1
         WHERE r.kind = 'user' ORDER BY t.name";
    Ok(on_engine!(connection, c => sqlx::query_as(ACCOUNTS).bind(user).fetch_all(c).await?))
}
