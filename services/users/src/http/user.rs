//! `GET /user`, `PATCH /user`: the person whose token it is.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::http::header::list;
use chassis::http::{Json, Problem};
use contract::UserId;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use scim::version::{IfMatch, etag};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::caller::{Person, no_longer_valid};
use crate::app::{App, SharedApp};
use crate::users::{self, Patch, Stored, UserError};

/// GET /user
///
/// The person's record as [`contract::UserState`]; the version is also in `ETag`. For a person who is not
/// known yet, waits up to two seconds, then 503 with `Retry-After`.
pub(super) async fn show(State(app): State<SharedApp>, person: Person) -> Result<Response, Problem> {
    let stored = arrived(&app, person.id).await?;
    Ok(record(stored.version, stored.document))
}

/// PATCH /user
///
/// A JSON merge patch (RFC 7396) of `name`, `locale`, `zoneinfo`, `attributes`. Obeys `If-Match`.
pub(super) async fn patch(
    State(app): State<SharedApp>,
    person: Person,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Problem> {
    let condition = condition(&headers)?;
    arrived(&app, person.id).await?;
    let patch = Patch::from_json(body).map_err(UserError::from).map_err(problem)?;
    let state = users::patch_own(&app, person.id, &condition, patch)
        .await
        .map_err(problem)?;
    let document = serde_json::to_string(&state).map_err(|error| Problem::internal(&error))?;
    Ok(record(state.version, document))
}

/// A person who may act; waits for one who is not known yet.
async fn arrived(app: &App, id: UserId) -> Result<Stored, Problem> {
    let stored = match find_stored(app, id).await? {
        Some(stored) => stored,
        None => wait(app, id).await?,
    };
    if stored.active {
        Ok(stored)
    } else {
        Err(no_longer_valid())
    }
}

async fn find_stored(app: &App, id: UserId) -> Result<Option<Stored>, Problem> {
    let mut reader = app.db.reader().await?;
    Ok(users::find_stored(&mut reader, id).await?)
}

/// Waits for a person whose event is on its way.
async fn wait(app: &App, id: UserId) -> Result<Stored, Problem> {
    let mut reader = app.db.reader().await?;
    let buried = users::has_tombstone(&mut reader, id).await?;
    drop(reader);
    if buried {
        return Err(no_longer_valid());
    }
    let _place = app.user_created_waiters.enter().ok_or_else(not_yet)?;
    let deadline = Instant::now() + app.user_created_waiters.patience;
    loop {
        let mut arrival = pin!(app.user_created_waiters.next());
        arrival.as_mut().enable();
        if let Some(stored) = find_stored(app, id).await? {
            return Ok(stored);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(not_yet());
        }
        // Woken or not: look again.
        let _ = timeout(left.min(app.user_created_waiters.look_again), arrival).await;
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

fn problem(error: UserError) -> Problem {
    match error {
        UserError::NotFound => no_longer_valid(),
        UserError::NameTaken => Problem::conflict("The user name is taken."),
        UserError::Changed => Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "The record was changed meanwhile",
        )
        .detail("Read the record again, and repeat the change with its new ETag."),
        UserError::Invalid(invalid) => Problem::invalid().field(invalid.field, invalid.reason),
        UserError::Db(error) => error.into(),
    }
}
