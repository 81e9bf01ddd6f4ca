//! `GET /scim/v2` and `POST /scim/v2/.search`: queries of all resource types (RFC 7644 §3.4.2.1, §3.4.3).
//!
//! The result has the users first, then the groups, each in the order of their creation: those that the caller's scopes allow to
//! read.

use std::sync::Arc;

use axum::extract::State;
use chassis::access::{AnyRead, GroupsRead, UsersRead};
use chassis::db::Db;
use chassis::http::{Problem, Query};
use contract::GroupId;
use http::StatusCode;
use scim::Error;
use scim::cursor::{Cursor, Direction};
use scim::filter::{Filter, Reduced};
use scim::list::{Paging, cursor_response, response};
use scim::query::{ListRequest, QueryParameters};
use scim::schema::{Registry, ResourceType};
use serde_json::Value;
use uuid::Uuid;

use super::body::{ScimBody, ScimResponse};
use super::groups::GroupView;
use super::groups::list::{Begin, GroupPage, find_page};
use super::groups::selection::Selection;
use super::refusal::Refusal;
use super::resources::View;
use super::search::{CURSOR_TIMEOUT, ListQuery, Searcher};
use crate::app::ScimBase;
use crate::groups::check_searchable;
use crate::http::caller::Authorized;
use crate::users::{Search, Start, Writer};

type Caller = Result<Authorized<AnyRead>, Problem>;
type Collaborators = (State<Searcher>, State<Db>, State<ScimBase>, State<Arc<Registry>>);

/// `GET /scim/v2`: query of all resource types (RFC 7644 §3.4.2.1).
pub(crate) async fn list(
    collaborators: Collaborators,
    caller: Caller,
    query: Result<Query<ListQuery>, Problem>,
) -> Result<ScimResponse, Refusal> {
    let root = Root::new(collaborators, &caller?);
    root.answer(&query?.0.into()).await
}

/// `POST /scim/v2/.search`: query of all resource types, with the parameters in the body (RFC 7644 §3.4.3).
pub(crate) async fn search(
    collaborators: Collaborators,
    caller: Caller,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let root = Root::new(collaborators, &caller?);
    root.answer(&QueryParameters::from_search(&body?.0)?).await
}

/// A query of the resource types that a caller may read.
struct Root {
    searcher: Searcher,
    db: Db,
    base: ScimBase,
    registry: Arc<Registry>,
    caller: Writer,
    reads_users: bool,
    reads_groups: bool,
}

/// The filters of one query for each resource type; `None` for a type of which no resource can match, or which the caller may not
/// read.
struct Parts {
    users: Option<Option<Filter>>,
    groups: Option<Option<Filter>>,
}

/// The position of a page by cursor.
enum Position {
    Users(Option<Vec<Option<String>>>),
    Groups(GroupId),
}

impl Position {
    fn of(cursor: Option<Cursor>) -> Result<Self, Error> {
        let Some(Cursor { direction, mut key }) = cursor else {
            return Ok(Self::Users(None));
        };
        if direction != Direction::Next || key.is_empty() {
            return Err(Error::invalid_cursor());
        }
        let kind = key.remove(0);
        match kind.as_deref() {
            Some("Users") => Ok(Self::Users(Some(key))),
            Some("Groups") => {
                let id = key.first().and_then(Option::as_deref);
                let id = id.and_then(|id| id.parse().ok());
                id.map(Self::Groups).ok_or_else(Error::invalid_cursor)
            }
            _ => Err(Error::invalid_cursor()),
        }
    }

    fn into_key(self) -> Vec<Option<String>> {
        match self {
            Self::Users(key) => std::iter::once(Some("Users".to_owned()))
                .chain(key.unwrap_or_default())
                .collect(),
            Self::Groups(id) => vec![Some("Groups".to_owned()), Some(id.to_string())],
        }
    }
}

impl Root {
    fn new(collaborators: Collaborators, caller: &Authorized<AnyRead>) -> Self {
        let (State(searcher), State(db), State(base), State(registry)) = collaborators;
        Self {
            searcher,
            db,
            base,
            registry,
            caller: caller.writer.clone(),
            reads_users: caller.allows::<UsersRead>(),
            reads_groups: caller.allows::<GroupsRead>(),
        }
    }

    async fn answer(&self, parameters: &QueryParameters) -> Result<ScimResponse, Refusal> {
        let users = Some(self.searcher.resources.users()).filter(|_| self.reads_users);
        let groups = Some(self.registry.groups()).filter(|_| self.reads_groups);
        let types: Vec<&ResourceType> = users.into_iter().chain(groups).collect();
        let request = ListRequest::parse(parameters, &types)?;
        if request.sort.is_some() {
            let reason = "a query of all resource types is in the order of their creation";
            return Err(Error::invalid_value("sortBy", reason).into());
        }
        let part = |of: Option<&ResourceType>| {
            let filter = request.filter.as_ref();
            match of.map(|of| filter.map(|filter| filter.reduce(of)))? {
                None | Some(Reduced::Always) => Some(None),
                Some(Reduced::To(filter)) => Some(Some(filter)),
                Some(Reduced::Never) => None,
            }
        };
        let parts = Parts {
            users: part(users),
            groups: part(groups),
        };
        let body = match &request.paging {
            Paging::Index(page) => {
                let (total, resources) = self
                    .by_index(&request, &parts, (page.offset(), page.count))
                    .await?;
                response(total, page.start_index, resources)
            }
            Paging::Cursor(page) => {
                let client = self.caller.client.as_deref().unwrap_or_default();
                let scopes = format!(
                    "{:?} {} {}",
                    self.caller.accessor, self.reads_users, self.reads_groups
                );
                let digest = request.digest(&["", client, &scopes, &self.caller.authority.extent_text()]);
                let now = u64::try_from(self.searcher.clock.now().as_secs()).unwrap_or_default();
                let key = &self.searcher.cursor_key;
                let position = Position::of(page.position(key, &digest, now, CURSOR_TIMEOUT)?)?;
                let (resources, next) = self.by_cursor(&request, &parts, (position, page.count)).await?;
                let next = next.map(|position| {
                    let cursor = Cursor {
                        direction: Direction::Next,
                        key: position.into_key(),
                    };
                    cursor.encode(key, &digest, now)
                });
                cursor_response(None, next, None, resources)
            }
        };
        Ok(ScimResponse::new(StatusCode::OK, body))
    }

    /// The number of all results, and those of a page.
    async fn by_index(
        &self,
        request: &ListRequest,
        parts: &Parts,
        (offset, count): (i64, i64),
    ) -> Result<(i64, Vec<Value>), Refusal> {
        let (mut total, mut resources) = (0, Vec::new());
        if let Some(filter) = &parts.users {
            let found = self
                .users(request, filter, (Start::Offset(offset), count))
                .await?;
            (total, resources) = (found.1.unwrap_or_default(), found.0);
        }
        if let Some(filter) = &parts.groups {
            let begin = Begin::Offset(offset.saturating_sub(total).max(0));
            let left = count.saturating_sub(length(&resources));
            let found = self.groups(request, filter.as_ref(), (begin, left)).await?;
            total = total.saturating_add(found.total);
            resources.extend(found.resources);
        }
        Ok((total, resources))
    }

    /// The results of a page, and its end, if others follow.
    async fn by_cursor(
        &self,
        request: &ListRequest,
        parts: &Parts,
        (position, count): (Position, i64),
    ) -> Result<(Vec<Value>, Option<Position>), Refusal> {
        let (mut resources, mut after) = (Vec::new(), Uuid::nil());
        match (position, &parts.users) {
            (Position::Users(key), Some(filter)) => {
                let found = self.users(request, filter, (Start::After(key), count)).await?;
                if let Some(key) = found.2 {
                    return Ok((found.0, Some(Position::Users(Some(key)))));
                }
                resources = found.0;
            }
            (Position::Groups(id), _) => after = id,
            (Position::Users(_), None) => {}
        }
        let Some(filter) = &parts.groups else {
            return Ok((resources, None));
        };
        let left = count.saturating_sub(length(&resources));
        if left == 0 {
            return Ok((resources, Some(Position::Groups(after))));
        }
        let found = self
            .groups(request, filter.as_ref(), (Begin::After(after), left))
            .await?;
        resources.extend(found.resources);
        Ok((resources, found.next.map(Position::Groups)))
    }

    /// Users as resources, their number, and the key of the last one, if others follow.
    async fn users(
        &self,
        request: &ListRequest,
        filter: &Option<Filter>,
        (start, count): (Start, i64),
    ) -> Result<(Vec<Value>, Option<i64>, Option<Vec<Option<String>>>), Refusal> {
        let search = Search {
            client: self.caller.client.clone(),
            authority: self.caller.authority.clone(),
            filter: filter.clone(),
            sort: None,
            start,
            count,
        };
        let found = self.searcher.users.search(&search, self.caller.accessor).await?;
        let view = View::new(self.caller.clone(), request.projection.clone());
        let mut reader = self.db.reader().await?;
        let resources = &self.searcher.resources;
        let shown = resources.all(&mut reader, &found.users, &view).await?;
        Ok((shown, found.total, found.next))
    }

    async fn groups(
        &self,
        request: &ListRequest,
        filter: Option<&Filter>,
        page: (Begin, i64),
    ) -> Result<GroupPage, Refusal> {
        let filtered: Vec<_> = filter.into_iter().flat_map(Filter::attributes).collect();
        check_searchable(filtered.iter(), self.registry.groups(), self.caller.accessor)?;
        let selection = Selection::of(&self.registry, request.projection.clone());
        let shown = GroupView::new(&self.base, &self.caller, &selection);
        let mut reader = self.db.reader().await?;
        find_page((&mut reader, &self.caller.authority), filter, page, shown).await
    }
}

fn length(resources: &[Value]) -> i64 {
    i64::try_from(resources.len()).unwrap_or(i64::MAX)
}
