//! `GET /admin/v1/users/{id}/data`: what this service holds about one person.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::db::Db;
use chassis::http::{Path, Problem};
use http::header::{CACHE_CONTROL, HeaderValue};
use uuid::Uuid;

use crate::personal_data;

/// `GET /admin/v1/users/{id}/data`: the answer to a request for access.
pub(crate) async fn show(
    admin: Scoped<Admin>,
    State(db): State<Db>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let data = personal_data::find(&db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "personal-data-exported", event.outcome = "success", user.id = %admin.subject, user.target.id = %id, "administrator exported what is known of a person");
    let mut response = axum::Json(data).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
