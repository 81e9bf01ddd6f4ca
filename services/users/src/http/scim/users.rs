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
use scim::projection::Written;
use scim::schema::read;
use scim::version::{IfMatch, IfNoneMatch};

use super::body::{ScimBody, ScimResponse};
use super::refusal::Refusal;
use super::resources::{ResourceQuery, Resources, View};
use crate::http::caller::Authorized;
use crate::users::{ResourceEdit, Users, Writer};

type Caller<S> = Result<Authorized<S>, Problem>;

type Parameters<Q> = Result<Query<Q>, Problem>;

/// `POST /scim/v2/Users`: creation (RFC 7644 §3.3).
pub(crate) async fn create(
    State(users): State<Users>,
    State(resources): State<Resources>,
    caller: Caller<UsersWrite>,
    query: Parameters<ResourceQuery>,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let writer = caller?.writer;
    let view = resources.view(&writer, &query?.0)?;
    let body = read(&body?.0, resources.users())?;
    let view = view.after(Written::of_resource(&body, resources.users()));
    let state = users.create_resource(body, &writer).await?;
    resources.response(StatusCode::CREATED, &state, &view).await
}

/// `GET /scim/v2/Users/{id}`: retrieval (RFC 7644 §3.4.1).
pub(crate) async fn show(
    (State(db), State(users)): (State<Db>, State<Users>),
    State(resources): State<Resources>,
    caller: Caller<UsersRead>,
    id: Result<Path<UserId>, Problem>,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let caller = caller?.writer;
    let view = resources.view(&caller, &query?.0)?;
    let id = known_id(id)?;
    let found = users
        .find_visible(&mut db.reader().await?, id, &caller.authority)
        .await?;
    let state = found.ok_or_else(Error::not_found)?;
    let condition = IfNoneMatch::parse(header::list(&headers, &IF_NONE_MATCH).as_deref())?;
    let answer = resources
        .response(StatusCode::OK, &state, &view)
        .await?
        .into_response();
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
    let change = Change::new(&resources, caller?.writer, id, &query?.0)?;
    let edit = ResourceEdit::Replace(read(&body?.0, resources.users())?);
    change.make(&users, &resources, (edit, &headers)).await
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
    let change = Change::new(&resources, caller?.writer, id, &query?.0)?;
    let edit = ResourceEdit::Patch(patch::parse(&body?.0)?);
    change.make(&users, &resources, (edit, &headers)).await
}

/// `DELETE /scim/v2/Users/{id}`: deletion (RFC 7644 §3.6).
pub(crate) async fn delete(
    State(users): State<Users>,
    caller: Caller<UsersWrite>,
    id: Result<Path<UserId>, Problem>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let authority = caller?.writer.authority;
    users
        .delete_as(&authority, known_id(id)?, &if_match(&headers)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A change of one user, by `PUT` or `PATCH`.
struct Change {
    id: UserId,
    writer: Writer,
    view: View,
}

impl Change {
    /// Reads what both methods have in common, before the body.
    fn new(
        resources: &Resources,
        writer: Writer,
        id: Result<Path<UserId>, Problem>,
        query: &ResourceQuery,
    ) -> Result<Self, Refusal> {
        let view = resources.view(&writer, query)?;
        let id = known_id(id)?;
        Ok(Self { id, writer, view })
    }

    /// Makes the change, if the user still has the version that `If-Match` asks for.
    async fn make(
        self,
        users: &Users,
        resources: &Resources,
        (edit, headers): (ResourceEdit, &HeaderMap),
    ) -> Result<ScimResponse, Refusal> {
        let condition = if_match(headers)?;
        let written = match &edit {
            ResourceEdit::Replace(body) => Written::of_resource(body, resources.users()),
            ResourceEdit::Patch(operations) => Written::of_patch(operations, resources.users()),
        };
        let view = self.view.after(written);
        let changed = users.change_resource(self.id, &condition, edit, &self.writer);
        let state = changed.await?;
        resources.response(StatusCode::OK, &state, &view).await
    }
}

fn known_id(id: Result<Path<UserId>, Problem>) -> Result<UserId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &IF_MATCH).as_deref())
}
