//! `/scim/v2/Users`: creation, retrieval and changes of users (RFC 7644 §3).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{UsersRead, UsersWrite};
use chassis::db::Db;
use chassis::http::{Path, Problem, Query, header};
use contract::UserId;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use scim::Error;
use scim::patch;
use scim::schema::read;
use scim::version::{IfMatch, IfNoneMatch};
use serde::Deserialize;

use super::body::{ScimBody, ScimResponse};
use super::refusal::Refusal;
use super::resources::{ResourceQuery, Resources};
use crate::http::caller::Directory;
use crate::users::{self, Users};

type Caller<S> = Result<Directory<S>, Problem>;

/// The parameters of a deletion: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

type Parameters<Q> = Result<Query<Q>, Problem>;

/// `POST /scim/v2/Users`: creation (RFC 7644 §3.3).
pub(crate) async fn create(
    State(users): State<Users>,
    State(resources): State<Resources>,
    caller: Caller<UsersWrite>,
    query: Parameters<ResourceQuery>,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let accessor = caller?.accessor();
    let view = resources.view(accessor, &query?.0)?;
    let body = read(&body?.0, resources.users())?;
    let state = users.create_resource(body, accessor).await?;
    Ok(resources.response(StatusCode::CREATED, &state, &view))
}

/// `GET /scim/v2/Users/{id}`: retrieval (RFC 7644 §3.4.1).
pub(crate) async fn show(
    State(db): State<Db>,
    State(resources): State<Resources>,
    caller: Caller<UsersRead>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let view = resources.view(caller?.accessor(), &query?.0)?;
    let id = known_id(id)?;
    let mut reader = db.reader().await?;
    let state = users::find(&mut reader, id).await?.ok_or_else(Error::not_found)?;
    let condition = IfNoneMatch::parse(header::list(&headers, &IF_NONE_MATCH).as_deref())?;
    let answer = resources.response(StatusCode::OK, &state, &view).into_response();
    if condition.is_not_modified(state.version) {
        let (mut parts, _) = answer.into_parts();
        parts.status = StatusCode::NOT_MODIFIED;
        return Ok(Response::from_parts(parts, axum::body::Body::empty()));
    }
    Ok(answer)
}

/// `PUT /scim/v2/Users/{id}`: replacement (RFC 7644 §3.5.1).
pub(crate) async fn replace(
    (State(users), State(resources)): (State<Users>, State<Resources>),
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let accessor = caller?.accessor();
    let view = resources.view(accessor, &query?.0)?;
    let id = known_id(id)?;
    let body = read(&body?.0, resources.users())?;
    let state = users
        .replace_resource(id, &if_match(&headers)?, body, accessor)
        .await?;
    Ok(resources.response(StatusCode::OK, &state, &view))
}

/// `PATCH /scim/v2/Users/{id}`: modification (RFC 7644 §3.5.2).
pub(crate) async fn modify(
    (State(users), State(resources)): (State<Users>, State<Resources>),
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let accessor = caller?.accessor();
    let view = resources.view(accessor, &query?.0)?;
    let id = known_id(id)?;
    let operations = patch::parse(&body?.0)?;
    let state = users
        .patch_resource(id, &if_match(&headers)?, &operations, accessor)
        .await?;
    Ok(resources.response(StatusCode::OK, &state, &view))
}

/// `DELETE /scim/v2/Users/{id}`: deletion (RFC 7644 §3.6).
pub(crate) async fn delete(
    State(users): State<Users>,
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<NoQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    caller?;
    query?;
    users.delete(known_id(id)?, &if_match(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn known_id(id: Result<Path<UserId>, Problem>) -> Result<UserId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &IF_MATCH).as_deref())
}
