//! `GET /scim/v2/Users` and `POST /scim/v2/Users/.search`: queries of users (RFC 7644 §3.4.2, §3.4.3, RFC 9865).

use std::sync::Arc;

use axum::extract::{FromRef, State};
use chassis::access::UsersRead;
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::{Problem, Query};
use http::StatusCode;
use scim::cursor::{Cursor, CursorKey, Direction, QueryDigest};
use scim::list::{Paging, cursor_response, response};
use scim::query::{ListRequest, QueryParameters};
use serde::Deserialize;

use super::body::{ScimBody, ScimResponse};
use super::refusal::Refusal;
use super::resources::{Resources, View};
use crate::app::SharedApp;
use crate::http::caller::Authorized;
use crate::users::{Search, Start, Users, Writer};

/// Seconds for which a cursor is valid.
pub(super) const CURSOR_TIMEOUT: u64 = 3600;

/// The parameters of a list. Others are ignored (RFC 7644 §3.4.2).
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListQuery {
    /// A filter (RFC 7644 §3.4.2.2): `emails.value eq "ann@example.com"`.
    filter: Option<String>,
    /// The attribute that the resources are sorted by.
    sort_by: Option<String>,
    /// `ascending`, which is the default, or `descending`.
    sort_order: Option<String>,
    /// The position at which the page begins, from 1.
    #[schemars(with = "Option<i64>")]
    start_index: Option<String>,
    /// The most resources of the page: 100 if it is left out, 200 at most.
    #[schemars(with = "Option<i64>")]
    count: Option<String>,
    /// Pages by cursor (RFC 9865): empty for the first page, then `nextCursor` of the page before.
    cursor: Option<String>,
    /// The attributes of the response, separated by commas.
    attributes: Option<String>,
    /// The attributes that the response does not need, separated by commas.
    excluded_attributes: Option<String>,
}

impl From<ListQuery> for QueryParameters {
    fn from(query: ListQuery) -> Self {
        let names = |text: Option<String>| text.as_deref().map(QueryParameters::names);
        Self {
            attributes: names(query.attributes),
            excluded_attributes: names(query.excluded_attributes),
            filter: query.filter,
            sort_by: query.sort_by,
            sort_order: query.sort_order,
            start_index: query.start_index,
            count: query.count,
            cursor: query.cursor,
        }
    }
}

/// The collaborators of a query.
#[derive(Clone)]
pub(crate) struct Searcher {
    db: Db,
    pub(super) users: Users,
    pub(super) resources: Resources,
    pub(super) clock: SharedClock,
    pub(super) cursor_key: CursorKey,
}

impl FromRef<SharedApp> for Searcher {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            db: app.db.clone(),
            users: app.users.clone(),
            resources: Resources::from_ref(app),
            clock: Arc::clone(&app.clock),
            cursor_key: app.cursor_key.clone(),
        }
    }
}

/// `GET /scim/v2/Users`: list of users (RFC 7644 §3.4.2).
pub(crate) async fn list(
    State(searcher): State<Searcher>,
    caller: Result<Authorized<UsersRead>, Problem>,
    query: Result<Query<ListQuery>, Problem>,
) -> Result<ScimResponse, Refusal> {
    let caller = caller?.writer;
    let Query(query) = query?;
    searcher.answer(&query.into(), caller).await
}

/// `POST /scim/v2/Users/.search`: list of users, with the query in the body (RFC 7644 §3.4.3).
pub(crate) async fn search(
    State(searcher): State<Searcher>,
    caller: Result<Authorized<UsersRead>, Problem>,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let caller = caller?.writer;
    let parameters = QueryParameters::from_search(&body?.0)?;
    searcher.answer(&parameters, caller).await
}

impl Searcher {
    async fn answer(&self, parameters: &QueryParameters, caller: Writer) -> Result<ScimResponse, Refusal> {
        let request = ListRequest::parse(parameters, &[self.resources.users()])?;
        let digest = request.digest(&[
            "Users",
            &format!("{:?}", caller.accessor),
            caller.client.as_deref().unwrap_or_default(),
            &caller.authority.extent_text(),
        ]);
        let now = u64::try_from(self.clock.now().as_secs()).unwrap_or_default();
        let (start, count) = match &request.paging {
            Paging::Index(page) => (Start::Offset(page.offset()), page.count),
            Paging::Cursor(page) => {
                let position = page.position(&self.cursor_key, &digest, now, CURSOR_TIMEOUT)?;
                (after(position)?, page.count)
            }
        };
        let search = Search {
            client: caller.client.clone(),
            authority: caller.authority.clone(),
            filter: request.filter,
            sort: request.sort,
            start,
            count,
        };
        let found = self.users.search(&search, caller.accessor).await?;
        let view = View::new(caller, request.projection);
        let mut reader = self.db.reader().await?;
        let resources = self.resources.all(&mut reader, &found.users, &view).await?;
        let body = match request.paging {
            Paging::Index(page) => response(found.total.unwrap_or_default(), page.start_index, resources),
            Paging::Cursor(_) => {
                let next = found.next.map(|key| self.encode(key, &digest, now));
                cursor_response(found.total, next, None, resources)
            }
        };
        Ok(ScimResponse::new(StatusCode::OK, body))
    }

    fn encode(&self, key: Vec<Option<String>>, digest: &QueryDigest, now: u64) -> String {
        let direction = Direction::Next;
        Cursor { direction, key }.encode(&self.cursor_key, digest, now)
    }
}

/// The start of a page after a position. This server does not go back.
fn after(position: Option<Cursor>) -> Result<Start, scim::Error> {
    match position {
        None => Ok(Start::After(None)),
        Some(cursor) if cursor.direction == Direction::Next => Ok(Start::After(Some(cursor.key))),
        Some(_) => Err(scim::Error::invalid_cursor()),
    }
}
