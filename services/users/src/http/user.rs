//! `GET /user`, `PATCH /user`: the user whose token it is.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::Scheme;
use chassis::http::header::list;
use chassis::http::{Json, Problem};
use contract::UserState;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use scim::schema::Registry;
use scim::version::{IfMatch, etag};
use serde_json::Value;

use super::caller::CurrentUser;
use crate::token_checks::TokenRefused;
use crate::users::{Found, Patch, Stored, UserError, Users, hide_from_person, hides_from_people};

/// GET /user
///
/// The person's record as [`contract::UserState`]; the version is also in `ETag`. For a person who is not
/// known yet, waits up to two seconds, then 503 with `Retry-After`.
pub(crate) async fn show(
    State(users): State<Users>,
    State(registry): State<Arc<Registry>>,
    user: CurrentUser,
) -> Result<Response, Problem> {
    let stored = find_active(&users, user).await?;
    // The words are in a state alone with these members, or in a value, which only costs time.
    let is_open = !hides_from_people(registry.users())
        && !stored.document.contains("\"external_ids\"")
        && !stored.document.contains("\"credential_id\"");
    if is_open {
        return Ok(record(stored.version, stored.document));
    }
    let state = serde_json::from_str(&stored.document).map_err(|error| Problem::internal(&error))?;
    own_record(state, &registry)
}

/// PATCH /user
///
/// A JSON merge patch (RFC 7396) of `name`, `locale`, `zoneinfo`, `attributes`. Obeys `If-Match`.
pub(crate) async fn patch(
    State(users): State<Users>,
    State(registry): State<Arc<Registry>>,
    user: CurrentUser,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    let condition = condition(&headers)?;
    find_active(&users, user).await?;
    let patch = Patch::from_json(body, registry.users())
        .map_err(UserError::from)
        .map_err(|error| problem(error, user.scheme))?;
    let state = users
        .patch_own(user.id, &condition, patch)
        .await
        .map_err(|error| problem(error, user.scheme))?;
    own_record(state, &registry)
}

/// The record without the attributes that are closed to the person.
fn own_record(mut state: UserState, registry: &Registry) -> Result<Response, Problem> {
    hide_from_person(&mut state, registry.users());
    let document = serde_json::to_string(&state).map_err(|error| Problem::internal(&error))?;
    Ok(record(state.version, document))
}

/// The current user, who may act; waits for one who is not known yet.
pub(super) async fn find_active(users: &Users, user: CurrentUser) -> Result<Stored, Problem> {
    match users.find_when_created(user.id).await? {
        Found::Stored(stored) if stored.active => Ok(stored),
        Found::Stored(_) | Found::Deleted => Err(TokenRefused::NoLongerValid(user.scheme).into()),
        Found::NotYet => Err(not_yet()),
    }
}

fn not_yet() -> Problem {
    Problem::unavailable(Duration::from_secs(1)).detail("This account is still being set up; try again.")
}

fn record(version: i64, document: String) -> Response {
    let mut response = Response::new(Body::from(document));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // SB-18
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(tag) = HeaderValue::from_str(&etag(version)) {
        headers.insert(ETAG, tag);
    }
    response.into_response()
}

fn condition(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    IfMatch::parse(list(headers, &IF_MATCH).as_deref())
        .map_err(|refused| Problem::bad_request(refused.detail))
}

fn problem(error: UserError, scheme: Scheme) -> Problem {
    match error {
        UserError::NotFound => TokenRefused::NoLongerValid(scheme).into(),
        UserError::NameTaken => Problem::conflict("The user name is taken."),
        UserError::Changed => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "The record was changed meanwhile",
        )
        .detail("Read the record again, and repeat the change with its new ETag."),
        UserError::Forbidden(forbidden) => Problem::forbidden(format!("{forbidden}.")),
        UserError::Invalid(invalid) => Problem::invalid().field(invalid.field, invalid.reason),
        UserError::Scim(refused) => Problem::bad_request(refused.detail),
        UserError::NoCredentials { retry_after } => Problem::unavailable(retry_after),
        UserError::TooManyTaken { retry_after } => Problem::too_many(retry_after),
        UserError::Db(error) => error.into(),
    }
}
