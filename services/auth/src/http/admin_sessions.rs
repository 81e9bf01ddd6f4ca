//! `/admin/v1/users/{id}/sessions`: the sessions of one account, for administrators.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, Scoped};
use chassis::http::{Path, Problem};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::sessions::{LiveSession, Sessions};

/// The live sessions of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionList {
    /// The sessions, the last used first.
    sessions: Vec<LiveSession>,
}

/// `GET /admin/v1/users/{id}/sessions`: the live sessions of an account.
pub(crate) async fn list(
    _: Scoped<Admin>,
    State(sessions): State<Sessions>,
    Path(id): Path<Uuid>,
) -> Result<Json<SessionList>, Problem> {
    let sessions = sessions.of_account(id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(SessionList { sessions }))
}

/// `DELETE /admin/v1/users/{id}/sessions/{session_id}`: ends one session and revokes what hangs on it.
pub(crate) async fn end(
    admin: Scoped<Admin>,
    State(sessions): State<Sessions>,
    Path((id, session_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    if !sessions.revoke(id, session_id).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(event.action = "sessions-revoked", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, session.count = 1, "administrator ended a session of a user");
    Ok(StatusCode::NO_CONTENT)
}
