//! `GET /scim/v2/Groups` and `POST /scim/v2/Groups/.search`: queries of groups (RFC 7644 §3.4.2, §3.4.3, RFC 9865).

use std::ops::Bound;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use chassis::access::GroupsRead;
use chassis::clock::SharedClock;
use chassis::db::{Db, Reader};
use chassis::http::Query;
use contract::GroupId;
use http::StatusCode;
use scim::Error;
use scim::cursor::{Cursor, CursorKey, Direction};
use scim::filter::Filter;
use scim::list::{Paging, cursor_response, response};
use scim::query::{ListRequest, QueryParameters};
use scim::schema::Registry;
use scim::sort::Sort;
use serde_json::Value;
use uuid::Uuid;

use super::selection::Selection;
use super::{Caller, GroupView, Parameters, matching, members};
use crate::app::{ScimBase, SharedApp};
use crate::authority::{Authority, Delegated};
use crate::groups::{self, Group, check_searchable};
use crate::http::scim::body::{ScimBody, ScimResponse};
use crate::http::scim::refusal::Refusal;
use crate::http::scim::search::{CURSOR_TIMEOUT, ListQuery};
use crate::users::Writer;

/// The members of all groups of a page after which the page ends.
const MAX_MEMBERS_OF_PAGE: usize = 10_000;
const NOT_SORTED: &str =
    "sortBy: in a directory of this size, groups are sorted with a filter that has an index";
/// The collaborators of a query.
#[derive(Clone)]
pub(crate) struct GroupSearcher {
    db: Db,
    base: ScimBase,
    clock: SharedClock,
    registry: Arc<Registry>,
    cursor_key: CursorKey,
}

impl FromRef<SharedApp> for GroupSearcher {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            db: Db::from_ref(app),
            base: app.scim_base.clone(),
            clock: Arc::clone(&app.clock),
            registry: Arc::clone(&app.registry),
            cursor_key: app.cursor_key.clone(),
        }
    }
}

/// `GET /scim/v2/Groups`: list of groups (RFC 7644 §3.4.2).
pub(crate) async fn list(
    State(searcher): State<GroupSearcher>,
    caller: Caller<GroupsRead>,
    query: Parameters<ListQuery>,
) -> Result<ScimResponse, Refusal> {
    let viewer = caller?.writer;
    let Query(query) = query?;
    searcher.answer(&query.into(), &viewer).await
}

/// `POST /scim/v2/Groups/.search`: list of groups, with the query in the body (RFC 7644 §3.4.3).
pub(crate) async fn search(
    State(searcher): State<GroupSearcher>,
    caller: Caller<GroupsRead>,
    body: Result<ScimBody, Refusal>,
) -> Result<ScimResponse, Refusal> {
    let viewer = caller?.writer;
    let parameters = QueryParameters::from_search(&body?.0)?;
    searcher.answer(&parameters, &viewer).await
}

impl GroupSearcher {
    async fn answer(&self, parameters: &QueryParameters, viewer: &Writer) -> Result<ScimResponse, Refusal> {
        let (groups, authority) = (self.registry.groups(), &viewer.authority);
        let request = ListRequest::parse(parameters, &[groups])?;
        let sorted = request.sort.iter().map(|sort| &sort.attribute);
        let filtered: Vec<_> = request.filter.iter().flat_map(Filter::attributes).collect();
        check_searchable(filtered.iter().chain(sorted), groups, viewer.accessor)?;
        let selection = Selection::of(&self.registry, request.projection.clone());
        let shown_as = GroupView::new(&self.base, viewer, &selection);
        let (filter, mut reader) = (request.filter.as_ref(), self.db.reader().await?);
        let body = match (&request.paging, &request.sort) {
            (Paging::Index(page), Some(sort)) => {
                let (offset, count) = (page.offset(), page.count);
                let found =
                    sorted_page((&mut reader, authority), filter, sort, (offset, count), shown_as).await?;
                response(found.total, page.start_index, found.resources)
            }
            (Paging::Index(page), None) => {
                let begin = Begin::Offset(page.offset());
                let found =
                    find_page((&mut reader, authority), filter, (begin, page.count), shown_as).await?;
                response(found.total, page.start_index, found.resources)
            }
            (Paging::Cursor(_), Some(_)) => {
                let reason = "a list of groups by cursor is in the order of their creation";
                return Err(Error::invalid_value("sortBy", reason).into());
            }
            (Paging::Cursor(page), None) => {
                let client = viewer.client.as_deref().unwrap_or_default();
                let digest = request.digest(&["Groups", client]);
                let now = self.clock.now().as_secs().unsigned_abs();
                let position = page.position(&self.cursor_key, &digest, now, CURSOR_TIMEOUT)?;
                let after = position.map_or(Ok(Uuid::nil()), |cursor| position_of(&cursor))?;
                let begin = Begin::After(after);
                let found =
                    find_page((&mut reader, authority), filter, (begin, page.count), shown_as).await?;
                let next = found
                    .next
                    .map(|id| cursor_after(id).encode(&self.cursor_key, &digest, now));
                cursor_response(Some(found.total), next, None, found.resources)
            }
        };
        Ok(ScimResponse::new(StatusCode::OK, body))
    }
}

/// Finds a page of groups in the order of an attribute.
async fn sorted_page(
    (reader, authority): (&mut Reader, &Authority),
    filter: Option<&Filter>,
    sort: &Sort,
    (offset, count): (i64, i64),
    shown_as: GroupView<'_>,
) -> Result<GroupPage, Refusal> {
    let found = match filter {
        Some(filter) => matching::find(reader, filter, authority, shown_as).await?,
        None => matching::every(reader, authority, NOT_SORTED).await?,
    };
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let mut keyed: Vec<(Value, Group)> = found
        .into_iter()
        .map(|group| (Value::Object(shown_as.attributes(&group)), group))
        .collect();
    keyed.sort_by(|(one, _), (other, _)| sort.compare(one, other));
    let sorted = keyed.into_iter().map(|(_, group)| group).collect();
    let (resources, _) = show(reader, &part(sorted, offset, count), shown_as).await?;
    Ok(GroupPage {
        resources,
        total,
        next: None,
    })
}

/// The position at which a page of groups begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::http::scim) enum Begin {
    /// After so many groups.
    Offset(i64),
    /// After the group with this id.
    After(GroupId),
}

/// A page of groups.
#[derive(Debug)]
pub(in crate::http::scim) struct GroupPage {
    pub(in crate::http::scim) resources: Vec<Value>,
    /// The number of all groups that match.
    pub(in crate::http::scim) total: i64,
    /// The last group of the page, if others follow.
    pub(in crate::http::scim) next: Option<GroupId>,
}

/// Finds a page of at most `count` groups.
///
/// # Errors
/// `invalidFilter` and `tooMany`; when the database fails.
pub(in crate::http::scim) async fn find_page(
    (reader, authority): (&mut Reader, &Authority),
    filter: Option<&Filter>,
    (begin, count): (Begin, i64),
    shown_as: GroupView<'_>,
) -> Result<GroupPage, Refusal> {
    if let (None, Some(delegated)) = (filter, authority.limits()) {
        return page_of_delegated(reader, delegated, (begin, count), shown_as).await;
    }
    let matching = match filter {
        Some(filter) => Some(matching::find(reader, filter, authority, shown_as).await?),
        None => None,
    };
    let total = match &matching {
        Some(matching) => i64::try_from(matching.len()).unwrap_or(i64::MAX),
        None => groups::count(reader).await?,
    };
    let more = count.saturating_add(1);
    let mut found = match (matching, begin) {
        _ if count == 0 => Vec::new(),
        (Some(matching), Begin::Offset(offset)) => part(matching, offset, more),
        (None, Begin::Offset(offset)) => groups::page(reader, offset, more).await?,
        (Some(matching), Begin::After(after)) => {
            let left = matching.into_iter().filter(|group| group.id > after);
            part(left.collect(), 0, more)
        }
        (None, Begin::After(after)) => groups::page_after(reader, after, more).await?,
    };
    let is_last = found.len() < usize::try_from(more).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let (resources, last) = show(reader, &found, shown_as).await?;
    let next = last.filter(|_| !is_last || resources.len() < found.len());
    Ok(GroupPage {
        resources,
        total,
        next,
    })
}

/// A page of all groups that a delegated administrator may see. It loads those of the page alone.
async fn page_of_delegated(
    reader: &mut Reader,
    delegated: &Delegated,
    (begin, count): (Begin, i64),
    shown_as: GroupView<'_>,
) -> Result<GroupPage, Refusal> {
    let all = delegated.visible_groups();
    let wanted = usize::try_from(count).unwrap_or(0);
    let mut ids: Vec<GroupId> = match begin {
        Begin::Offset(offset) => {
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            all.iter()
                .skip(offset)
                .take(wanted.saturating_add(1))
                .copied()
                .collect()
        }
        Begin::After(after) => {
            let left = all.range((Bound::Excluded(after), Bound::Unbounded));
            left.take(wanted.saturating_add(1)).copied().collect()
        }
    };
    let is_last = ids.len() <= wanted;
    ids.truncate(wanted);
    let found = groups::of_ids(reader, &ids).await?;
    let (resources, last) = show(reader, &found, shown_as).await?;
    let next = match resources.len() < found.len() {
        true => last,
        // Not the last that was found: groups of the page may be deleted meanwhile.
        false => ids.last().copied().filter(|_| !is_last),
    };
    Ok(GroupPage {
        resources,
        total: i64::try_from(all.len()).unwrap_or(i64::MAX),
        next,
    })
}

fn part(groups: Vec<Group>, offset: i64, count: i64) -> Vec<Group> {
    let number = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
    groups
        .into_iter()
        .skip(number(offset))
        .take(number(count))
        .collect()
}

fn cursor_after(id: GroupId) -> Cursor {
    Cursor {
        direction: Direction::Next,
        key: vec![Some(id.to_string())],
    }
}

fn position_of(cursor: &Cursor) -> Result<GroupId, Error> {
    let id = cursor.key.last().and_then(Option::as_deref);
    id.and_then(|id| id.parse().ok())
        .ok_or_else(Error::invalid_cursor)
}

/// The resources of groups with their members, until the page has members enough; and the last group that is among them.
async fn show(
    reader: &mut Reader,
    found: &[Group],
    shown_as: GroupView<'_>,
) -> Result<(Vec<Value>, Option<GroupId>), Refusal> {
    let (mut shown, mut last, mut loaded) = (Vec::with_capacity(found.len()), None, 0_usize);
    for group in found {
        if loaded > MAX_MEMBERS_OF_PAGE {
            break;
        }
        let mut resource = shown_as.attributes(group);
        if shown_as.selection.has_members()
            && let Some(all) = members::all(reader, group, shown_as.base).await?
        {
            loaded = loaded.saturating_add(all.len());
            resource.insert("members".to_owned(), all.into());
        }
        shown.push(shown_as.selection.apply(resource));
        last = Some(group.id);
    }
    Ok((shown, last))
}
