//! Lists of delegated administrators to whom more users are delegated than can be looked at: by cursor, a part of them at a time.
//!
//! What is delegated is gone through one after another: the members of groups by id, then the users of each filter by the index that
//! serves it. Somebody who is in several is a result in the first.

use chassis::db::Reader;
use contract::{GroupId, UserState};
use scim::filter::Filter;
use serde_json::Value;

use super::super::values::Position;
use super::super::{Users, resource::to_resource, store as people};
use super::delegated::wanted_id;
use super::stream::{Source, id_of, position_of};
use super::{CHUNK, Page, ResultKey, Search, SearchError, groups_for};
use crate::authority::{Delegated, Right};

/// The users whom one statement reads at least.
const MIN_CHUNK: usize = 50;

/// Some of the users who are delegated, with the index that has them.
struct Part<'a> {
    source: Source,
    /// The filter that they match; `None` for the members of groups.
    filter: Option<&'a Filter>,
}

/// The position of a result: the number of the part, and the entry of its index. Without one, it is the beginning of the part.
type PartPosition = (usize, Option<Position>);

impl Users {
    /// A page of the users who are delegated, and match the filter of the search.
    pub(super) async fn stream_delegated(
        &self,
        reader: &mut Reader,
        search: &Search,
        (delegated, key): (&Delegated, Option<&ResultKey>),
    ) -> Result<Page, SearchError> {
        let parts = self.parts_of(delegated).ok_or_else(|| self.too_many())?;
        let (mut number, mut position) = key.map_or(Ok((0, None)), part_position_of)?;
        let wanted = usize::try_from(search.count).unwrap_or(0);
        let chunk = match search.filter {
            None => wanted.saturating_add(1).clamp(MIN_CHUNK, CHUNK),
            Some(_) => CHUNK,
        };
        let (mut users, mut compared) = (Vec::new(), 0);
        let mut last: PartPosition = (number, position.clone());
        while let Some(part) = parts.get(number) {
            let entries = part.source.read(reader, position.as_ref(), chunk).await?;
            let ended = entries.len() < chunk;
            let groups = groups_for(reader, search, entries.iter().map(|(_, id, _)| *id)).await?;
            for (key, id, document) in entries {
                compared += 1;
                let state: UserState = people::parse(&document)?;
                let resource: Value = to_resource(&state, self.registry.users(), "");
                let is_result = self.is_first_entry(&part.source, &key, &state)
                    && is_first_part(&parts, number, (delegated, &state, &resource))
                    && search
                        .authority
                        .rights_over(&state, || &resource)
                        .has(Right::Read)
                    && search.filter.as_ref().is_none_or(|filter| {
                        filter.matches(&self.compared_resource(search, &state, &groups))
                    });
                position = Some((key, id));
                if !is_result {
                    continue;
                }
                if users.len() == wanted {
                    return Ok(page(users, Some(last)));
                }
                last = (number, position.clone());
                users.push(state);
            }
            if ended {
                (number, position) = (number.saturating_add(1), None);
            }
            if compared >= self.search_limit && number < parts.len() {
                // The page may be shorter than asked for, and empty (RFC 9865 §2).
                return Ok(page(users, Some((number, position))));
            }
        }
        Ok(page(users, None))
    }

    /// The parts of what is delegated; `None` for a filter that no index serves.
    fn parts_of<'a>(&self, delegated: &'a Delegated) -> Option<Vec<Part<'a>>> {
        let groups: Vec<GroupId> = delegated.visible_groups().iter().copied().collect();
        let mut parts = Vec::new();
        if !groups.is_empty() {
            parts.push(Part {
                source: Source::Members(groups),
                filter: None,
            });
        }
        for filter in delegated.filters() {
            parts.append(&mut self.parts_of_filter(filter)?);
        }
        Some(parts)
    }

    fn parts_of_filter<'a>(&self, filter: &'a Filter) -> Option<Vec<Part<'a>>> {
        let whole = |source| {
            vec![Part {
                source,
                filter: Some(filter),
            }]
        };
        if let Some((source, _)) = self.source_of(filter) {
            return Some(whole(source));
        }
        match filter {
            Filter::Compare(comparison) => wanted_id(comparison).map(|id| whole(Source::User(id))),
            Filter::Or(all) => {
                let parts: Option<Vec<_>> = all.iter().map(|term| self.parts_of_filter(term)).collect();
                Some(parts?.into_iter().flatten().collect())
            }
            Filter::And(all) => all.iter().find_map(|term| self.parts_of_filter(term)),
            _ => None,
        }
    }
}

/// True if a part is the first that a user is in. The range of an index may have users whom the filter of the part does not match.
fn is_first_part(
    parts: &[Part<'_>],
    number: usize,
    (delegated, state, resource): (&Delegated, &UserState, &Value),
) -> bool {
    let first = parts.iter().position(|part| match part.filter {
        Some(filter) => filter.matches(resource),
        None => delegated.has_member(state),
    });
    first == Some(number)
}

fn page(users: Vec<UserState>, position: Option<PartPosition>) -> Page {
    let next = position.map(|(number, position)| {
        let (key, id) = position.map_or((None, uuid::Uuid::nil()), |(key, id)| (Some(key), id));
        vec![Some(number.to_string()), key, Some(id.to_string())]
    });
    Page {
        users,
        total: None,
        next,
    }
}

fn part_position_of(key: &ResultKey) -> Result<PartPosition, scim::Error> {
    let (number, entry) = key.split_first().ok_or_else(scim::Error::invalid_cursor)?;
    let number = number.as_deref().and_then(|number| number.parse().ok());
    let number = number.ok_or_else(scim::Error::invalid_cursor)?;
    let entry = entry.to_vec();
    match entry.first() {
        Some(Some(_)) => Ok((number, Some(position_of(&entry)?))),
        _ => id_of(&entry).map(|_| (number, None)),
    }
}
