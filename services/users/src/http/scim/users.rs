//! `/scim/v2/Users` (RFC 7644 §3).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{UsersRead, UsersWrite};
use chassis::db::Db;
use chassis::http::{Path, Problem, Query, header};
use contract::{UserId, UserName, UserState};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, StatusCode};
use scim::filter::UserFilter;
use scim::list::{Page, response};
use scim::version::IfMatch;
use scim::{Error, User};
use serde::Deserialize;

use super::body::{ScimBody, ScimResponse};
use super::convert::{location, to_draft, to_resource};
use super::refusal::Refusal;
use crate::app::ScimBase;
use crate::http::caller::Directory;
use crate::users::{self, Users};

type Caller<S> = Result<Directory<S>, Problem>;

/// The parameters of a list. Others are refused rather than passed over: the client that sent them counts on them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct ListQuery {
    filter: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
}

/// The parameters of everything else: none. `attributes` and `excludedAttributes` (RFC 7644 §3.9) are refused as in a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoQuery {}

type Parameters<Q> = Result<Query<Q>, Problem>;

/// GET /scim/v2/Users
pub(super) async fn list(
    State(db): State<Db>,
    State(base): State<ScimBase>,
    caller: Caller<UsersRead>,
    query: Parameters<ListQuery>,
) -> Result<ScimResponse, Refusal> {
    caller?;
    let Query(query) = query?;
    let page = Page::parse(query.start_index.as_deref(), query.count.as_deref())?;
    let filter = query.filter.as_deref().map(UserFilter::parse).transpose()?;
    let mut reader = db.reader().await?;
    let (total, people) = match filter {
        Some(UserFilter::UserNameEq(name)) => {
            // What is no user name is nobody's.
            let found = match name.parse::<UserName>() {
                Ok(name) => users::find_by_key(&mut reader, name.key()).await?,
                Err(_) => None,
            };
            let total = i64::from(found.is_some());
            let wanted = page.offset() == 0 && page.count > 0;
            (total, found.into_iter().filter(|_| wanted).collect())
        }
        None if page.count == 0 => (users::count(&mut reader).await?, Vec::new()),
        None => (
            users::count(&mut reader).await?,
            users::page(&mut reader, page.offset(), page.count).await?,
        ),
    };
    let resources = people
        .iter()
        .map(|state| to_resource(state, base.as_str()))
        .collect();
    Ok(ScimResponse::new(
        StatusCode::OK,
        response(total, page.start_index, resources),
    ))
}

/// POST /scim/v2/Users
pub(super) async fn create(
    State(users): State<Users>,
    State(base): State<ScimBase>,
    caller: Caller<UsersWrite>,
    query: Parameters<NoQuery>,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    caller?;
    query?;
    let draft = to_draft(User::from_json(&body?.0)?)?;
    let state = users.create(draft).await?;
    Ok(resource(&base, StatusCode::CREATED, &state))
}

/// GET /scim/v2/Users/{id}
pub(super) async fn show(
    State(db): State<Db>,
    State(base): State<ScimBase>,
    caller: Caller<UsersRead>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller?;
    query?;
    let id = known_id(id)?;
    let mut reader = db.reader().await?;
    let state = users::find(&mut reader, id).await?.ok_or_else(Error::not_found)?;
    let unchanged =
        headers.contains_key(IF_NONE_MATCH) && condition(&headers, IF_NONE_MATCH)?.allows(state.version);
    let answer = resource(&base, StatusCode::OK, &state).into_response();
    if unchanged {
        let (mut parts, _) = answer.into_parts();
        parts.status = StatusCode::NOT_MODIFIED;
        return Ok(Response::from_parts(parts, axum::body::Body::empty()));
    }
    Ok(answer)
}

/// PUT /scim/v2/Users/{id}
pub(super) async fn replace(
    (State(users), State(base)): (State<Users>, State<ScimBase>),
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<NoQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    caller?;
    query?;
    let id = known_id(id)?;
    let draft = to_draft(User::from_json(&body?.0)?)?;
    let state = users.replace(id, &condition(&headers, IF_MATCH)?, draft).await?;
    Ok(resource(&base, StatusCode::OK, &state))
}

/// DELETE /scim/v2/Users/{id}
pub(super) async fn delete(
    State(users): State<Users>,
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<NoQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    caller?;
    query?;
    users
        .delete(known_id(id)?, &condition(&headers, IF_MATCH)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn resource(base: &ScimBase, status: StatusCode, state: &UserState) -> ScimResponse {
    let body = to_resource(state, base.as_str());
    ScimResponse::resource(status, body, state.version, location(state, base.as_str()))
}

fn known_id(id: Result<Path<UserId>, Problem>) -> Result<UserId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn condition(headers: &HeaderMap, name: HeaderName) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &name).as_deref())
}
