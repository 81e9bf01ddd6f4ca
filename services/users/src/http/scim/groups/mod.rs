//! `/scim/v2/Groups`: groups as SCIM resources (RFC 7644 §3).

mod list;
mod members;
mod resource;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{GroupsRead, GroupsWrite};
use chassis::db::Db;
use chassis::http::{Path, Problem, Query, header};
use contract::GroupId;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use scim::Error;
use scim::patch;
use scim::version::{IfMatch, IfNoneMatch};
use serde::Deserialize;

use super::body::{ScimBody, ScimResponse};
use super::refusal::Refusal;
use crate::app::ScimBase;
use crate::groups::{self, Group, Groups};
use crate::http::caller::Directory;
pub(crate) use list::{GroupListQuery, list};
use members::MemberPage;
use resource::{Selection, edit_of, group_type, location, to_attributes, to_desired_group};

type Caller<S> = Result<Directory<S>, Problem>;
type Parameters<Q> = Result<Query<Q>, Problem>;
type Id = Result<Path<GroupId>, Problem>;

/// The parameters that choose attributes (RFC 7644 §3.9).
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct AttributesQuery {
    /// The attributes to return, separated by commas.
    attributes: Option<String>,
    /// Attributes not to return, separated by commas.
    excluded_attributes: Option<String>,
}

impl AttributesQuery {
    fn selection(&self) -> Result<Selection, Error> {
        Selection::parse(self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }
}

/// The parameters of a read.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct GroupQuery {
    /// The attributes to return, separated by commas.
    attributes: Option<String>,
    /// Attributes not to return, separated by commas.
    excluded_attributes: Option<String>,
    /// The position at which a page of the members begins, as `Link` gives it; empty for the first page.
    members_cursor: Option<String>,
    /// The most members of the page: 1000 if it is left out, and at most.
    #[schemars(with = "Option<i64>")]
    members_count: Option<String>,
}

/// `POST /scim/v2/Groups`: creation (RFC 7644 §3.3).
pub(crate) async fn create(
    (State(db), State(groups)): (State<Db>, State<Groups>),
    State(base): State<ScimBase>,
    caller: Caller<GroupsWrite>,
    query: Parameters<AttributesQuery>,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    caller?;
    let selection = query?.0.selection()?;
    let desired = to_desired_group(&body?.0)?;
    let group = groups.create(desired).await?;
    respond(&db, &base, StatusCode::CREATED, &group, &selection).await
}

/// `GET /scim/v2/Groups/{id}`: retrieval (RFC 7644 §3.4.1).
pub(crate) async fn show(
    (State(db), State(base)): (State<Db>, State<ScimBase>),
    caller: Caller<GroupsRead>,
    id: Id,
    query: Parameters<GroupQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    caller?;
    let Query(query) = query?;
    let selection = Selection::parse(query.attributes.as_deref(), query.excluded_attributes.as_deref())?;
    let page = MemberPage::parse(query.members_cursor.as_deref(), query.members_count.as_deref())?;
    let id = known_id(id)?;
    let mut reader = db.reader().await?;
    let group = groups::find(&mut reader, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let condition = IfNoneMatch::parse(header::list(&headers, &IF_NONE_MATCH).as_deref())?;
    if condition.is_not_modified(group.revision) {
        let body = ScimResponse::resource(
            StatusCode::NOT_MODIFIED,
            serde_json::Value::Null,
            group.revision,
            location(&group, base.as_str()),
        );
        return Ok(body.without_content().into_response());
    }
    let Some(page) = page else {
        drop(reader);
        return respond(&db, &base, StatusCode::OK, &group, &selection).await;
    };
    let (shown, next) = page.load(&mut reader, &group, base.as_str()).await?;
    let mut resource = to_attributes(&group, base.as_str());
    resource.insert("members".to_owned(), shown.into());
    let body = selection.apply(resource);
    let response = ScimResponse::resource(
        StatusCode::OK,
        body,
        group.revision,
        location(&group, base.as_str()),
    );
    Ok(page.with_link(
        response.into_response(),
        next.as_deref(),
        &location(&group, base.as_str()),
    ))
}

/// `PUT /scim/v2/Groups/{id}`: replacement (RFC 7644 §3.5.1).
pub(crate) async fn replace(
    (State(db), State(groups), State(base)): (State<Db>, State<Groups>, State<ScimBase>),
    caller: Caller<GroupsWrite>,
    id: Id,
    query: Parameters<AttributesQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    caller?;
    let selection = query?.0.selection()?;
    let id = known_id(id)?;
    let desired = to_desired_group(&body?.0)?;
    let group = groups.replace(id, &if_match(&headers)?, desired).await?;
    respond(&db, &base, StatusCode::OK, &group, &selection).await
}

/// `PATCH /scim/v2/Groups/{id}`: change (RFC 7644 §3.5.2). The members are neither loaded nor returned, unless the request
/// names attributes.
pub(crate) async fn patch(
    (State(db), State(groups), State(base)): (State<Db>, State<Groups>, State<ScimBase>),
    caller: Caller<GroupsWrite>,
    id: Id,
    query: Parameters<AttributesQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    caller?;
    let Query(query) = query?;
    let selection = query.selection()?;
    let id = known_id(id)?;
    let condition = if_match(&headers)?;
    let operations = patch::parse(&body?.0)?;
    let mut reader = db.reader().await?;
    let old = groups::find(&mut reader, id)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(reader);
    let before = to_attributes(&old, base.as_str());
    let mut after = before.clone();
    let outcome = patch::apply(&mut after, &operations, group_type())?;
    let edit = edit_of(&before, &after, &outcome.members)?;
    let group = groups.change(id, &condition, edit).await?;
    if query.attributes.is_some() || query.excluded_attributes.is_some() {
        return respond(&db, &base, StatusCode::OK, &group, &selection).await;
    }
    let body = serde_json::Value::Null;
    let place = location(&group, base.as_str());
    let response = ScimResponse::resource(StatusCode::NO_CONTENT, body, group.revision, place);
    Ok(response.without_content().into_response())
}

/// `DELETE /scim/v2/Groups/{id}`: deletion (RFC 7644 §3.6).
pub(crate) async fn delete(
    State(groups): State<Groups>,
    caller: Caller<GroupsWrite>,
    id: Id,
    query: Parameters<super::users::NoQuery>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    caller?;
    query?;
    groups.delete(known_id(id)?, &if_match(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A response with a group, and its members if they are wanted and not too many.
async fn respond(
    db: &Db,
    base: &ScimBase,
    status: StatusCode,
    group: &Group,
    selection: &Selection,
) -> Result<Response, Refusal> {
    let mut resource = to_attributes(group, base.as_str());
    if selection.has_members() {
        let mut reader = db.reader().await?;
        if let Some(all) = members::all(&mut reader, group, base.as_str()).await? {
            resource.insert("members".to_owned(), all.into());
        }
    }
    let (body, place) = (selection.apply(resource), location(group, base.as_str()));
    Ok(ScimResponse::resource(status, body, group.revision, place).into_response())
}

fn known_id(id: Id) -> Result<GroupId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &IF_MATCH).as_deref())
}
