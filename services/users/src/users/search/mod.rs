//! Lists of users: filters, orders and pages, without looking at everybody (ADR 0037).
//!
//! A filter is answered from the index of values. What an index cannot decide is compared in memory, of [`MAX_COMPARED`] people at
//! most: a search that would cost more is refused. A search by cursor may go through a range of the index of any size, a part
//! at a time.

mod candidates;
mod delegated;
mod offsets;
mod small;
mod store;
mod stream;
mod stream_delegated;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Reader};
use contract::{UserId, UserState};
use scim::filter::{CompareValue, Comparison, Filter, Operator};
use scim::schema::{Accessor, AttributeRef, ResourceType};
use scim::sort::Sort;
use serde_json::Value;

use super::external_ids::{EXTERNAL_ID, seen_by};
use super::resource::to_resource;
use super::{Users, total, values};
use crate::authority::Authority;
use crate::memberships::{self, GroupsOfUsers};
pub(super) use candidates::is_groups;
pub(super) use offsets::KnownOffsets;

/// The maximum number of people that one search looks at in memory.
pub(super) const MAX_COMPARED: usize = 10_000;

/// People that are read by one statement.
const CHUNK: usize = 500;

/// The reason why a search is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SearchError {
    /// It would cost too much, the filter names what the caller may not read, or the cursor is of another search.
    #[error(transparent)]
    Refused(#[from] scim::Error),
    /// The index is still being filled in after an upgrade.
    #[error("the index of users is being built")]
    IndexIncomplete,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The position at which a page begins.
#[derive(Clone, Debug)]
pub(crate) enum Start {
    /// After so many results.
    Offset(i64),
    /// After the result with this key; `None` is the beginning.
    After(Option<ResultKey>),
}

/// The key of a [`scim::cursor::Cursor`].
pub(crate) type ResultKey = Vec<Option<String>>;

/// A search.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The client whose `externalId` is compared (RFC 7643 §3.1); `None` for a person.
    pub(crate) client: Option<String>,
    /// The users whom the caller may see.
    pub(crate) authority: Authority,
    pub(crate) filter: Option<Filter>,
    pub(crate) sort: Option<Sort>,
    pub(crate) start: Start,
    /// The maximum number of results; 0 requests the total alone.
    pub(crate) count: i64,
}

/// A page of results.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) users: Vec<UserState>,
    /// The number of all results, unless it would cost too much.
    pub(crate) total: Option<i64>,
    /// The key of the last result, if there are more.
    pub(crate) next: Option<ResultKey>,
}

impl Users {
    /// Finds a page of users.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub(crate) async fn search(&self, search: &Search, accessor: Accessor) -> Result<Page, SearchError> {
        check_readable(search, self.registry.users(), accessor)?;
        let delegated = search.authority.limits();
        let mut reader = self.db.reader().await?;
        if delegated.is_none() {
            if let (None, None) = (&search.filter, &search.sort) {
                return self.everybody(&mut reader, search).await;
            }
            if let Some(key) = wanted_user_name(search) {
                return self.by_user_name(&mut reader, key, search).await;
            }
        }
        // On SQLite the writer is another connection, and on PostgreSQL a second one might not be free.
        drop(reader);
        if !self.complete_values().await? {
            return Err(SearchError::IndexIncomplete);
        }
        reader = self.db.reader().await?;
        if let Some(delegated) = delegated {
            return self.search_delegated(&mut reader, search, delegated).await;
        }
        if let Some(filter) = &search.filter
            && !self.is_streamed(&mut reader, search).await?
            && let Some(found) = self
                .candidates(&mut reader, filter, search.client.as_deref())
                .await?
        {
            return self.page_of(&mut reader, search, found).await;
        }
        if self.is_small(&mut reader).await? {
            return self.page_of_small(&mut reader, search).await;
        }
        if self.awaits_index(search) {
            return Err(SearchError::IndexIncomplete);
        }
        self.stream(&mut reader, search).await
    }

    /// A list without a filter and an order, by id.
    async fn everybody(&self, reader: &mut Reader, search: &Search) -> Result<Page, SearchError> {
        let total = Some(total::read(reader).await?);
        if search.count == 0 {
            return Ok(Page {
                total,
                ..Page::default()
            });
        }
        let (users, next) = match &search.start {
            Start::Offset(offset) => (self.page_at(reader, *offset, search.count).await?, None),
            Start::After(key) => {
                let after = match key {
                    Some(key) => stream::id_of(key)?,
                    None => contract::UserId::nil(),
                };
                let users = super::store::states_after(reader, after, search.count).await?;
                let full = i64::try_from(users.len()).is_ok_and(|count| count == search.count);
                let last = users.last().filter(|_| full).map(|last| last.id);
                let more = match last {
                    Some(last) => store::has_after(reader, last).await?,
                    None => false,
                };
                (
                    users,
                    last.filter(|_| more).map(|last| vec![Some(last.to_string())]),
                )
            }
        };
        Ok(Page { users, total, next })
    }

    /// A page of everybody at an offset, from the nearest position that is known.
    async fn page_at(&self, reader: &mut Reader, offset: i64, count: i64) -> Result<Vec<UserState>, DbError> {
        let now = self.clock.now();
        let (known, after) = self.offsets.nearest(offset, now);
        let users = super::store::page(reader, after, offset.saturating_sub(known), count).await?;
        if let Some(last) = users.last() {
            let length = i64::try_from(users.len()).unwrap_or_default();
            self.offsets.remember(offset.saturating_add(length), last.id, now);
        }
        Ok(users)
    }

    /// The user with a name, who is found without the index of values.
    async fn by_user_name(
        &self,
        reader: &mut Reader,
        key: Option<String>,
        search: &Search,
    ) -> Result<Page, SearchError> {
        let found = match key {
            Some(key) => super::store::find_by_key(reader, &key).await?,
            // No user has a name that is not a user name.
            None => None,
        };
        let total = Some(i64::from(found.is_some()));
        let first = search.count > 0 && matches!(search.start, Start::Offset(0) | Start::After(None));
        Ok(Page {
            users: found.into_iter().filter(|_| first).collect(),
            total,
            next: None,
        })
    }

    /// True for a search by cursor through a range of one index that may hold many, in a large directory: its candidates need not be
    /// counted first.
    async fn is_streamed(&self, reader: &mut Reader, search: &Search) -> Result<bool, DbError> {
        let range = match &search.filter {
            Some(Filter::Compare(comparison)) => self.indexed.range(comparison),
            Some(Filter::Present(attribute)) => self.indexed.present(attribute),
            _ => None,
        };
        // Each client has an `externalId` of its own, which the index does not decide.
        let wide = range.is_some_and(|range| range.exact && !range.narrow && range.attribute != EXTERNAL_ID);
        let by_cursor = search.sort.is_none() && matches!(search.start, Start::After(_));
        Ok(wide && by_cursor && !self.is_small(reader).await?)
    }

    /// The resource of a user as a search compares it.
    fn compared_resource(&self, search: &Search, state: &UserState, groups: &GroupsOfUsers) -> Value {
        let seen = seen_by(state, search.client.as_deref());
        let mut resource = to_resource(&seen, self.registry.users(), "");
        if let (Value::Object(members), Some(groups)) = (&mut resource, groups.get(&state.id)) {
            members.insert("groups".to_owned(), groups.clone().into());
        }
        resource
    }

    /// True if a search is by an attribute whose index is being filled in.
    fn awaits_index(&self, search: &Search) -> bool {
        let filtered = search.filter.iter().flat_map(Filter::attributes);
        let sorted = search.sort.iter().map(|sort| sort.attribute.clone());
        filtered
            .chain(sorted)
            .any(|attribute| self.indexed.is_incomplete(&attribute))
    }

    /// True if everybody can be looked at.
    async fn is_small(&self, reader: &mut Reader) -> Result<bool, DbError> {
        let limit = i64::try_from(self.search_limit).unwrap_or(i64::MAX);
        Ok(total::read(reader).await? <= limit)
    }

    /// The refusal of a search that would cost too much.
    fn too_many(&self) -> SearchError {
        scim::Error::too_many(format!(
            "this would look at more than {} users; compare one of these with eq, sw, gt, ge, lt or le: {}; or page \
             with cursor; sort by userName or meta.lastModified",
            self.search_limit,
            Vec::from_iter(self.indexed.names()).join(", ")
        ))
        .into()
    }
}

/// The values of `groups` of users, if a search compares them.
async fn groups_for(
    reader: &mut Reader,
    search: &Search,
    users: impl Iterator<Item = UserId>,
) -> Result<GroupsOfUsers, DbError> {
    let compares_groups = search
        .filter
        .iter()
        .flat_map(Filter::attributes)
        .any(|attribute| candidates::is_groups(&attribute));
    match compares_groups {
        true => memberships::groups_of(reader, &users.collect::<Vec<_>>(), &search.authority, "").await,
        false => Ok(GroupsOfUsers::new()),
    }
}

/// The key of the user name that a search asks for, and nothing else; `Some(None)` for a text that is no user name.
fn wanted_user_name(search: &Search) -> Option<Option<String>> {
    match &search.filter {
        Some(Filter::Compare(Comparison {
            attribute,
            operator: Operator::Eq,
            value: CompareValue::Text(name),
        })) if attribute.schema.is_none() && attribute.name == "userName" => {
            let name = name.parse::<contract::UserName>().ok();
            Some(name.map(|name| name.key().to_owned()))
        }
        _ => None,
    }
}

/// A caller learns nothing by a filter or an order of what it may not read.
fn check_readable(search: &Search, users: &ResourceType, accessor: Accessor) -> Result<(), scim::Error> {
    let hidden = |attribute: &AttributeRef| !users.is_readable(attribute, accessor);
    let filtered = search.filter.iter().flat_map(Filter::attributes);
    let sorted = search.sort.iter().map(|sort| sort.attribute.clone());
    match filtered.chain(sorted).find(hidden) {
        Some(attribute) => Err(scim::Error::invalid_filter(format!(
            "{attribute}: cannot be searched by this client"
        ))),
        None => Ok(()),
    }
}
