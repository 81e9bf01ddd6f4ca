//! The groups that a filter matches (RFC 7644 §3.4.2.2): looked up by what has an index, then compared in memory.

use std::collections::BTreeSet;

use chassis::db::Reader;
use contract::GroupId;
use scim::Error;
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use serde_json::Value;
use uuid::Uuid;

use super::GroupView;
use crate::authority::Authority;
use crate::groups::{self, Group, GroupName};
use crate::http::scim::refusal::Refusal;

/// The most groups of a directory in which a filter is compared with each: other filters need an attribute that is looked up.
const MAX_SCANNED: i64 = 10_000;
/// Groups in one statement of a scan.
const SCAN_PAGE: i64 = 500;
const LOOKED_UP: &str =
    "filter: in a directory of this size, compare id, displayName, externalId or members.value with eq";

/// All groups that match a filter and that the caller may see, by id.
pub(super) async fn find(
    reader: &mut Reader,
    filter: &Filter,
    authority: &Authority,
    shown: GroupView<'_>,
) -> Result<Vec<Group>, Refusal> {
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
    let mut found = match candidates(reader, &members, &rest, shown.viewer.client.as_deref()).await? {
        Some(found) => found,
        None => every(reader, authority, LOOKED_UP).await?,
    };
    found.retain(|group| {
        if !authority.sees_group(group.id) {
            return false;
        }
        let resource = Value::Object(shown.attributes(group));
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
    client: Option<&str>,
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
            "externalId" => {
                let mut found = groups::by_external_id(reader, text, MAX_SCANNED).await?;
                if let Some(client) = client
                    && let Some(own) = groups::by_own_external_id(reader, client, text).await?
                {
                    found.retain(|group| group.id != own.id);
                    found.push(own);
                    found.sort_by_key(|group| group.id);
                }
                found
            }
            _ => continue,
        };
        return Ok(Some(found));
    }
    Ok(None)
}

/// Every group that the caller may see, by id, of a directory that has few; else `tooMany` with `hint`.
pub(super) async fn every(
    reader: &mut Reader,
    authority: &Authority,
    hint: &'static str,
) -> Result<Vec<Group>, Refusal> {
    if let Some(delegated) = authority.limits() {
        let ids: Vec<GroupId> = delegated.visible_groups().iter().copied().collect();
        if i64::try_from(ids.len()).is_ok_and(|count| count > MAX_SCANNED) {
            return Err(Error::too_many(hint).into());
        }
        return Ok(groups::of_ids(reader, &ids).await?);
    }
    if groups::count(reader).await? > MAX_SCANNED {
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
