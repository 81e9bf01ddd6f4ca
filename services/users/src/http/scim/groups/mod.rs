//! `/scim/v2/Groups`: groups as SCIM resources (RFC 7644 §3).

pub(super) mod list;
mod matching;
mod members;
pub(super) mod selection;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{GroupsRead, GroupsWrite};
use chassis::db::Db;
use chassis::http::{Path, Problem, Query, header};
use contract::GroupId;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use scim::Error;
use scim::cursor::CursorKey;
use scim::patch;
use scim::schema::Registry;
use scim::version::{IfMatch, IfNoneMatch};
use serde::Deserialize;

use super::body::{ScimBody, ScimResponse};
use super::refusal::Refusal;
use super::resources::ResourceQuery;
use crate::app::ScimBase;
use crate::groups::{self, Group, Groups, location, to_desired_group, to_shown};
use crate::http::caller::{Authorized, Directory};
use crate::users::Writer;
pub(crate) use list::{list, search};
use members::MemberPage;
use selection::Selection;

/// A caller who administers everything.
type Administrator<S> = Result<Directory<S>, Problem>;
type Caller<S> = Result<Authorized<S>, Problem>;
type Parameters<Q> = Result<Query<Q>, Problem>;
type Id = Result<Path<GroupId>, Problem>;
type Collaborators = (State<Db>, State<Groups>, State<ScimBase>, State<Arc<Registry>>);

/// The parameters of a read.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
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
    (State(db), State(groups), State(base), State(registry)): Collaborators,
    caller: Administrator<GroupsWrite>,
    query: Parameters<ResourceQuery>,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    let writer = caller?.writer();
    let selection = Selection::of_query(&registry, &query?.0)?;
    let ScimBody(body) = body?;
    let desired = to_desired_group(&body, &writer, groups.group_type())?;
    let selection = selection.after_resource(&body);
    let group = groups.create(desired).await?;
    let shown = GroupView::new(&base, &writer, &selection);
    respond(&db, StatusCode::CREATED, &group, shown).await
}

/// `GET /scim/v2/Groups/{id}`: retrieval (RFC 7644 §3.4.1).
pub(crate) async fn show(
    (State(db), State(base), State(registry)): (State<Db>, State<ScimBase>, State<Arc<Registry>>),
    State(cursor_key): State<CursorKey>,
    caller: Caller<GroupsRead>,
    id: Id,
    query: Parameters<GroupQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let writer = caller?.writer;
    let Query(query) = query?;
    let names = (query.attributes.as_deref(), query.excluded_attributes.as_deref());
    let selection = Selection::parse(&registry, names)?;
    let page = MemberPage::parse(query.members_cursor.as_deref(), query.members_count.as_deref())?;
    let id = known_id(id)?;
    let mut reader = db.reader().await?;
    let found = groups::find(&mut reader, id).await?;
    let visible = found.filter(|group| writer.authority.sees_group(group.id));
    let group = visible.ok_or_else(Error::not_found)?;
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
        let shown = GroupView::new(&base, &writer, &selection);
        return respond(&db, StatusCode::OK, &group, shown).await;
    };
    let (shown, next) = page.load(&mut reader, &cursor_key, &group, base.as_str()).await?;
    let mut resource = GroupView::new(&base, &writer, &selection).attributes(&group);
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
    (State(db), State(groups), State(base), State(registry)): Collaborators,
    caller: Caller<GroupsWrite>,
    id: Id,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    let writer = caller?.writer;
    let selection = Selection::of_query(&registry, &query?.0)?;
    let id = known_id(id)?;
    let ScimBody(body) = body?;
    let desired = to_desired_group(&body, &writer, groups.group_type())?;
    let selection = selection.after_resource(&body);
    let group = groups
        .replace(&writer.authority, id, &if_match(&headers)?, desired)
        .await?;
    let shown = GroupView::new(&base, &writer, &selection);
    respond(&db, StatusCode::OK, &group, shown).await
}

/// `PATCH /scim/v2/Groups/{id}`: change (RFC 7644 §3.5.2). The members are neither loaded nor returned, unless the request
/// names attributes.
pub(crate) async fn patch(
    (State(db), State(groups), State(base), State(registry)): Collaborators,
    caller: Caller<GroupsWrite>,
    id: Id,
    query: Parameters<ResourceQuery>,
    headers: HeaderMap,
    body: Result<ScimBody, Refusal>,
) -> Result<Response, Refusal> {
    let writer = caller?.writer;
    let Query(query) = query?;
    let selection = Selection::of_query(&registry, &query)?;
    let id = known_id(id)?;
    let condition = if_match(&headers)?;
    let operations = patch::parse(&body?.0)?;
    let group = groups.patch(id, &condition, &operations, &writer).await?;
    if query.attributes.is_some() || query.excluded_attributes.is_some() {
        let selection = selection.after_patch(&operations);
        let shown = GroupView::new(&base, &writer, &selection);
        return respond(&db, StatusCode::OK, &group, shown).await;
    }
    let body = serde_json::Value::Null;
    let place = location(&group, base.as_str());
    let response = ScimResponse::resource(StatusCode::NO_CONTENT, body, group.revision, place);
    Ok(response.without_content().into_response())
}

/// `DELETE /scim/v2/Groups/{id}`: deletion (RFC 7644 §3.6).
pub(crate) async fn delete(
    State(groups): State<Groups>,
    caller: Administrator<GroupsWrite>,
    id: Id,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    caller?;
    groups.delete(known_id(id)?, &if_match(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The form of a group in a response.
#[derive(Clone, Copy)]
pub(super) struct GroupView<'a> {
    base: &'a str,
    /// The caller, whose `externalId` it has, and who may not read every attribute.
    viewer: &'a Writer,
    selection: &'a Selection,
}

impl<'a> GroupView<'a> {
    pub(super) fn new(base: &'a ScimBase, viewer: &'a Writer, selection: &'a Selection) -> Self {
        Self {
            base: base.as_str(),
            viewer,
            selection,
        }
    }

    fn attributes(self, group: &Group) -> serde_json::Map<String, serde_json::Value> {
        to_shown(group, self.base, self.viewer, self.selection.groups())
    }
}

/// A response with a group, and its members if they are wanted and not too many.
async fn respond(
    db: &Db,
    status: StatusCode,
    group: &Group,
    shown: GroupView<'_>,
) -> Result<Response, Refusal> {
    let mut resource = shown.attributes(group);
    if shown.selection.has_members() {
        let mut reader = db.reader().await?;
        if let Some(all) = members::all(&mut reader, group, shown.base).await? {
            resource.insert("members".to_owned(), all.into());
        }
    }
    let (body, place) = (shown.selection.apply(resource), location(group, shown.base));
    Ok(ScimResponse::resource(status, body, group.revision, place).into_response())
}

fn known_id(id: Id) -> Result<GroupId, Refusal> {
    id.map(|Path(id)| id).map_err(|_| Error::not_found().into())
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Error> {
    IfMatch::parse(header::list(headers, &IF_MATCH).as_deref())
}
