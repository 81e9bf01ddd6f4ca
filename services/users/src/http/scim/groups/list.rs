//! `GET /scim/v2/Groups`: list of groups (RFC 7644 §3.4.2).

use std::collections::BTreeSet;

use axum::extract::State;
use chassis::access::GroupsRead;
use chassis::clock::SharedClock;
use chassis::db::{Db, Reader};
use chassis::http::Query;
use contract::GroupId;
use http::StatusCode;
use scim::Error;
use scim::cursor::{Cursor, Direction};
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use scim::list::{Paging, cursor_response, response};
use scim::query::{ListRequest, QueryParameters};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::resource::{Selection, cursor_key, group_type, to_attributes};
use super::{Caller, Parameters, members};
use crate::app::ScimBase;
use crate::groups::{self, Group, GroupName};
use crate::http::scim::body::ScimResponse;
use crate::http::scim::refusal::Refusal;

/// The most groups of a directory in which a filter is compared with each: other filters need an attribute that is looked up.
const MAX_SCANNED: i64 = 10_000;
/// Groups in one statement of a scan.
const SCAN_PAGE: i64 = 500;
/// The members of all groups of a page after which the page ends.
const MAX_MEMBERS_OF_PAGE: usize = 10_000;
/// Seconds for which a cursor is valid. A position is an id, so any time would do.
const CURSOR_SECONDS: u64 = 86_400;

/// The parameters of a list. Others are refused rather than passed over: the client that sent them counts on them.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct GroupListQuery {
    /// A filter (RFC 7644 §3.4.2.2). `id`, `displayName`, `externalId` and `members` are looked up with `eq`, in directories of
    /// any size.
    filter: Option<String>,
    /// The position at which the page begins, from 1.
    #[schemars(with = "Option<i64>")]
    start_index: Option<String>,
    /// The most groups of the page: 100 if it is left out, 200 at most.
    #[schemars(with = "Option<i64>")]
    count: Option<String>,
    /// The `nextCursor` of the page before (RFC 9865); empty for the first page.
    cursor: Option<String>,
    /// The attributes to return, separated by commas.
    attributes: Option<String>,
    /// Attributes not to return, separated by commas.
    excluded_attributes: Option<String>,
}

impl GroupListQuery {
    fn request(self) -> Result<ListRequest, Error> {
        let names = |text: Option<String>| text.map(|text| QueryParameters::names(&text));
        let parameters = QueryParameters {
            attributes: names(self.attributes),
            excluded_attributes: names(self.excluded_attributes),
            filter: self.filter,
            start_index: self.start_index,
            count: self.count,
            cursor: self.cursor,
            ..QueryParameters::default()
        };
        ListRequest::parse(&parameters, &[group_type()])
    }
}

/// `GET /scim/v2/Groups`: list of groups (RFC 7644 §3.4.2).
pub(crate) async fn list(
    (State(db), State(base)): (State<Db>, State<ScimBase>),
    State(clock): State<SharedClock>,
    caller: Caller<GroupsRead>,
    query: Parameters<GroupListQuery>,
) -> Result<ScimResponse, Refusal> {
    caller?;
    let Query(query) = query?;
    let request = query.request()?;
    let selection = Selection::of(request.projection.clone());
    let (digest, now) = (request.digest(&["Groups"]), clock.now().as_secs().unsigned_abs());
    let mut reader = db.reader().await?;
    let matching = match &request.filter {
        Some(filter) => Some(matching(&mut reader, filter, base.as_str()).await?),
        None => None,
    };
    let total = match &matching {
        Some(matching) => i64::try_from(matching.len()).unwrap_or(i64::MAX),
        None => groups::count(&mut reader).await?,
    };
    let body = match &request.paging {
        Paging::Index(page) => {
            let found = match matching {
                Some(matching) => part(matching, page.offset(), page.count),
                None if page.count == 0 => Vec::new(),
                None => groups::page(&mut reader, page.offset(), page.count).await?,
            };
            let (shown, _) = show(&mut reader, &found, &selection, base.as_str()).await?;
            response(total, page.start_index, shown)
        }
        Paging::Cursor(page) => {
            let position = page.position(&cursor_key(), &digest, now, CURSOR_SECONDS)?;
            let after = position.map_or(Ok(Uuid::nil()), |cursor| position_of(&cursor))?;
            let more = page.count.saturating_add(1);
            let mut found = match matching {
                Some(matching) => part(
                    matching.into_iter().filter(|group| group.id > after).collect(),
                    0,
                    more,
                ),
                None => groups::page_after(&mut reader, after, more).await?,
            };
            let is_last = found.len() < usize::try_from(more).unwrap_or(usize::MAX);
            found.truncate(usize::try_from(page.count).unwrap_or(usize::MAX));
            let (shown, last) = show(&mut reader, &found, &selection, base.as_str()).await?;
            let next = last.filter(|_| !is_last || shown.len() < found.len());
            cursor_response(
                Some(total),
                next.map(|id| cursor_after(id).encode(&cursor_key(), &digest, now)),
                None,
                shown,
            )
        }
    };
    Ok(ScimResponse::new(StatusCode::OK, body))
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
    selection: &Selection,
    base: &str,
) -> Result<(Vec<Value>, Option<GroupId>), Refusal> {
    let (mut shown, mut last, mut loaded) = (Vec::with_capacity(found.len()), None, 0_usize);
    for group in found {
        if loaded > MAX_MEMBERS_OF_PAGE {
            break;
        }
        let mut resource = to_attributes(group, base);
        if selection.has_members()
            && let Some(all) = members::all(reader, group, base).await?
        {
            loaded = loaded.saturating_add(all.len());
            resource.insert("members".to_owned(), all.into());
        }
        shown.push(selection.apply(resource));
        last = Some(group.id);
    }
    Ok((shown, last))
}

/// All groups that match a filter, by id.
async fn matching(reader: &mut Reader, filter: &Filter, base: &str) -> Result<Vec<Group>, Refusal> {
    let terms = terms(filter);
    let members: Vec<&Comparison> = terms.iter().filter_map(|term| member_of(term)).collect();
    let rest: Vec<&Filter> = terms
        .into_iter()
        .filter(|term| member_of(term).is_none())
        .collect();
    if rest
        .iter()
        .any(|term| term.attributes().iter().any(|it| it.name == "members"))
    {
        let hint = "members: look up the groups of one member, with members.value eq \"ID\"";
        return Err(Error::invalid_filter(hint).into());
    }
    let mut found = match candidates(reader, &members, &rest).await? {
        Some(found) => found,
        None => every(reader).await?,
    };
    found.retain(|group| {
        let resource = Value::Object(to_attributes(group, base));
        rest.iter().all(|term| term.matches(&resource))
    });
    Ok(found)
}

/// The parts of a filter that `and` joins.
fn terms(filter: &Filter) -> Vec<&Filter> {
    match filter {
        Filter::And(all) => all.iter().flat_map(terms).collect(),
        one => vec![one],
    }
}

/// The comparison of a term that asks for one member: `members eq "ID"`, `members.value eq "ID"` or `members[value eq "ID"]`.
fn member_of(term: &Filter) -> Option<&Comparison> {
    let (comparison, sub) = match term {
        Filter::Compare(comparison) if comparison.attribute.name == "members" => {
            (comparison, comparison.attribute.sub.as_deref())
        }
        Filter::Values(attribute, inner) if attribute.name == "members" => match inner.as_ref() {
            Filter::Compare(comparison) => (comparison, Some(comparison.attribute.name.as_str())),
            _ => return None,
        },
        _ => return None,
    };
    let by_id = comparison.operator == Operator::Eq && sub.is_none_or(|sub| sub == "value");
    by_id.then_some(comparison)
}

fn text_of(comparison: &Comparison) -> Option<&str> {
    match &comparison.value {
        CompareValue::Text(text) => Some(text),
        _ => None,
    }
}

/// The groups that a look-up finds, by id, among which are all that match; `None` when no term of the filter can be looked up.
async fn candidates(
    reader: &mut Reader,
    members: &[&Comparison],
    rest: &[&Filter],
) -> Result<Option<Vec<Group>>, Refusal> {
    let mut with_all: Option<BTreeSet<GroupId>> = None;
    for comparison in members {
        let id = text_of(comparison).and_then(|text| text.parse::<Uuid>().ok());
        let of_member: BTreeSet<GroupId> = match id {
            Some(id) => groups::with_member(reader, id).await?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        with_all = Some(match with_all {
            Some(known) => known.intersection(&of_member).copied().collect(),
            None => of_member,
        });
    }
    if let Some(ids) = with_all {
        let ids: Vec<GroupId> = ids.into_iter().collect();
        return Ok(Some(groups::of_ids(reader, &ids).await?));
    }
    for comparison in rest.iter().flat_map(|term| term.equalities()) {
        let Some(text) = text_of(comparison) else { continue };
        let found = match comparison.attribute.name.as_str() {
            "id" => match text.parse() {
                Ok(id) => groups::of_ids(reader, &[id]).await?,
                Err(_) => Vec::new(),
            },
            "displayName" => match text.parse::<GroupName>() {
                Ok(name) => groups::by_name_key(reader, name.key())
                    .await?
                    .into_iter()
                    .collect(),
                Err(_) => Vec::new(),
            },
            "externalId" => groups::by_external_id(reader, text, MAX_SCANNED).await?,
            _ => continue,
        };
        return Ok(Some(found));
    }
    Ok(None)
}

/// Every group, of a directory that has few.
async fn every(reader: &mut Reader) -> Result<Vec<Group>, Refusal> {
    if groups::count(reader).await? > MAX_SCANNED {
        let hint = "filter: in a directory of this size, compare id, displayName, externalId or members.value with eq";
        return Err(Error::too_many(hint).into());
    }
    let (mut found, mut after) = (Vec::new(), Uuid::nil());
    loop {
        let page = groups::page_after(reader, after, SCAN_PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id;
        found.extend(page);
    }
}
