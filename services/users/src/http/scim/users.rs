//! `/scim/v2/Users`: users as SCIM resources (RFC 7644 §3).

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{UsersRead, UsersWrite};
use chassis::db::Db;
use chassis::http::{Path, Problem, Query, header};
use contract::{UserId, UserName};
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use scim::Error;
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use scim::list::{Page, response};
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

/// The parameters of a list. Others are refused rather than passed over: the client that sent them counts on them.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ListQuery {
    /// `userName eq "NAME"`, compared without regard to case.
    filter: Option<String>,
    /// The position at which the page begins, from 1.
    #[schemars(with = "Option<i64>")]
    start_index: Option<String>,
    /// The most users of the page: 100 if it is left out, 200 at most.
    #[schemars(with = "Option<i64>")]
    count: Option<String>,
}

/// The parameters of a deletion: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

type Parameters<Q> = Result<Query<Q>, Problem>;

/// `GET /scim/v2/Users`: list of users (RFC 7644 §3.4.2).
pub(crate) async fn list(
    State(db): State<Db>,
    State(resources): State<Resources>,
    caller: Caller<UsersRead>,
    query: Parameters<ListQuery>,
) -> Result<ScimResponse, Refusal> {
    let accessor = caller?.accessor();
    let Query(query) = query?;
    let view = resources.view(accessor, &ResourceQuery::default())?;
    let page = Page::parse(query.start_index.as_deref(), query.count.as_deref())?;
    let filter = query.filter.as_deref();
    let filter = filter
        .map(|text| Filter::parse(text, &[resources.users()]))
        .transpose()?;
    let mut reader = db.reader().await?;
    let (total, people) = match filter.map(wanted_user_name).transpose()? {
        Some(name) => {
            // No user has a name that is not a user name.
            let found = match name.parse::<UserName>() {
                Ok(name) => users::find_by_key(&mut reader, name.key()).await?,
                Err(_) => None,
            };
            let total = i64::from(found.is_some());
            (total, found.into_iter().filter(|_| page.has_first()).collect())
        }
        None if page.count == 0 => (users::count(&mut reader).await?, Vec::new()),
        None => (
            users::count(&mut reader).await?,
            users::page(&mut reader, page.offset(), page.count).await?,
        ),
    };
    let resources = people
        .iter()
        .map(|state| resources.resource(state, &view))
        .collect();
    Ok(ScimResponse::new(
        StatusCode::OK,
        response(total, page.start_index, resources),
    ))
}

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

/// The user name that a filter asks for.
///
/// # Errors
/// `invalidFilter` for every other filter: no index serves it yet.
fn wanted_user_name(filter: Filter) -> Result<String, Error> {
    match filter {
        Filter::Compare(Comparison {
            attribute,
            operator: Operator::Eq,
            value: CompareValue::Text(name),
        }) if attribute.schema.is_none() && attribute.name == "userName" => Ok(name),
        _ => Err(Error::invalid_filter(
            "the filter is of a form that is not supported; this server supports one form: userName eq \"NAME\"",
        )),
    }
}

fn known_id(id: Result<Path<UserId>, Problem>) -> Result<UserId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &IF_MATCH).as_deref())
}
