//! `GET /admin/v1/users/{id}/data`: what this service holds about one person.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::db::Db;
use chassis::http::{Path, Problem};
use contract::UserId;

use super::NO_STORE;
use super::caller::Privileged;
use crate::personal_data;

/// `GET /admin/v1/users/{id}/data`: the answer to a request for access.
pub(crate) async fn show(
    _: Privileged<Admin>,
    admin: Scoped<Admin>,
    State(db): State<Db>,
    Path(id): Path<UserId>,
) -> Result<Response, Problem> {
    let data = personal_data::find(&db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "personal-data-exported", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, "administrator exported what is known of a person");
    Ok((NO_STORE, axum::Json(data)).into_response())
}
