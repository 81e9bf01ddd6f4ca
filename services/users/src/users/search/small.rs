//! Results that are few enough to be looked at all: those of the index, or everybody in a small directory.

use std::cmp::Ordering;
use std::collections::HashMap;

use chassis::db::{DbError, Reader};
use contract::{UserId, UserState};
use scim::filter::Filter;
use scim::sort::{Sort, SortKey};

use super::super::values::integer_key;
use super::super::{Users, store};
use super::candidates::Candidates;
use super::{CHUNK, Page, ResultKey, Search, SearchError, Start, groups_for, stream};
use crate::memberships::GroupsOfUsers;

/// A result: what it is sorted by, as text of the same order, and its id.
type Hit = (Option<String>, UserId);

impl Users {
    /// A page of the candidates that match.
    pub(super) async fn page_of(
        &self,
        reader: &mut Reader,
        search: &Search,
        found: Candidates,
    ) -> Result<Page, SearchError> {
        let ids: Vec<UserId> = found.ids.into_iter().collect();
        if found.exact && search.sort.is_none() {
            let results = ids.into_iter().map(|id| (None, id)).collect();
            return self.page(reader, search, results).await;
        }
        let mut results = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut states = self.states(reader, chunk).await?;
            states.sort_by_key(|state| state.id);
            let groups = groups_for(reader, search, states.iter().map(|state| state.id)).await?;
            self.collect(search, (&states, &groups), &mut results);
        }
        self.page(reader, search, results).await
    }

    /// A page of everybody who matches, in a small directory.
    pub(super) async fn page_of_small(
        &self,
        reader: &mut Reader,
        search: &Search,
    ) -> Result<Page, SearchError> {
        let mut results = Vec::new();
        let (mut after, mut compared) = (UserId::nil(), 0);
        loop {
            let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
            let states = store::states_after(reader, after, limit).await?;
            let Some(last) = states.last() else { break };
            after = last.id;
            compared += states.len();
            // The directory may have grown since it was counted.
            if compared > self.search_limit.saturating_mul(2) {
                return Err(self.too_many());
            }
            let groups = groups_for(reader, search, states.iter().map(|state| state.id)).await?;
            self.collect(search, (&states, &groups), &mut results);
        }
        self.page(reader, search, results).await
    }

    /// Adds those of the users that match.
    fn collect(
        &self,
        search: &Search,
        (states, groups): (&[UserState], &GroupsOfUsers),
        results: &mut Vec<Hit>,
    ) {
        for state in states.iter().filter(|state| self.is_visible(search, state)) {
            if search.filter.is_none() && search.sort.is_none() {
                results.push((None, state.id));
                continue;
            }
            let resource = self.compared_resource(search, state, groups);
            if search
                .filter
                .as_ref()
                .is_none_or(|filter: &Filter| filter.matches(&resource))
            {
                let key = search.sort.as_ref().and_then(|sort| sort.key(&resource));
                results.push((key.as_ref().map(sortable), state.id));
            }
        }
    }

    async fn page(
        &self,
        reader: &mut Reader,
        search: &Search,
        mut results: Vec<Hit>,
    ) -> Result<Page, SearchError> {
        let sort = search.sort.as_ref();
        results.sort_by(|one, other| order(sort, one, other));
        let total = i64::try_from(results.len()).ok();
        let begin = match &search.start {
            Start::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
            Start::After(None) => 0,
            Start::After(Some(key)) => {
                let position = position_of(key)?;
                results.partition_point(|result| order(sort, result, &position) != Ordering::Greater)
            }
        };
        let count = usize::try_from(search.count).unwrap_or(0);
        let page: Vec<Hit> = results.iter().skip(begin).take(count).cloned().collect();
        let more = results.len() > begin.saturating_add(page.len());
        let next = page
            .last()
            .filter(|_| more)
            .map(|(key, id)| vec![key.clone(), Some(id.to_string())]);
        let ids: Vec<UserId> = page.iter().map(|(_, id)| *id).collect();
        let mut users = self.states(reader, &ids).await?;
        // Somebody may have been moved out since.
        users.retain(|state| self.is_visible(search, state));
        Ok(Page { users, total, next })
    }

    /// The users of these ids, in this order, without those that are gone.
    pub(in crate::users) async fn states(
        &self,
        reader: &mut Reader,
        ids: &[UserId],
    ) -> Result<Vec<UserState>, DbError> {
        let mut states = HashMap::with_capacity(ids.len());
        for entry in store::stored_of(reader, ids).await? {
            states.insert(entry.id, store::parse(&entry.document)?);
        }
        Ok(ids.iter().filter_map(|id| states.remove(id)).collect())
    }
}

/// The last result before the page, from the key of a cursor.
fn position_of(key: &ResultKey) -> Result<Hit, scim::Error> {
    Ok((key.first().cloned().flatten(), stream::id_of(key)?))
}

/// RFC 7644 §3.4.2.3: without a value a result is last in ascending order, and first in descending order.
fn order(sort: Option<&Sort>, (one, one_id): &Hit, (other, other_id): &Hit) -> Ordering {
    let keys = match (one, other) {
        (Some(one), Some(other)) => one.cmp(other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    let ascending = keys.then(one_id.cmp(other_id));
    match sort.is_some_and(|sort| sort.descending) {
        true => ascending.reverse(),
        false => ascending,
    }
}

/// A value as text of the same order.
fn sortable(key: &SortKey) -> String {
    match key {
        SortKey::Text(text) => text.clone(),
        SortKey::Boolean(value) => value.to_string(),
        SortKey::Time(time) => format!("{:032x}", time.0.cast_unsigned() ^ (1 << 127)),
        SortKey::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) if !number.is_f64() => integer_key(whole),
            (_, Some(decimal)) => decimal_key(decimal),
            _ => String::new(),
        },
    }
}

/// A number as text of the same order (IEEE 754 §5.10).
fn decimal_key(number: f64) -> String {
    let bits = number.to_bits();
    let ordered = match number.is_sign_negative() {
        true => !bits,
        false => bits ^ (1 << 63),
    };
    format!("{ordered:016x}")
}
