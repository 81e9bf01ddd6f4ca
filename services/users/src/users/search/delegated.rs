//! Searches of delegated administrators: among the users whom they may see, and nobody else.
//!
//! The index of everybody proposes no user here. Otherwise the time of an answer, or a refusal, would tell what users outside have.

use std::collections::BTreeSet;

use chassis::db::{DbError, Reader};
use contract::{GroupId, UserId, UserState};
use scim::filter::{CompareValue, Comparison, Filter, Operator};

use super::super::{Users, store as people};
use super::candidates::Candidates;
use super::{CHUNK, Page, Search, SearchError, Start, store, wanted_user_name};
use crate::authority::{Authority, Delegated, Right};

impl Users {
    /// True if the caller of a search may see a user.
    pub(super) fn is_visible(&self, search: &Search, state: &UserState) -> bool {
        self.rights(&search.authority, state).has(Right::Read)
    }

    /// A page of a search of a delegated administrator.
    pub(super) async fn search_delegated(
        &self,
        reader: &mut Reader,
        search: &Search,
        delegated: &Delegated,
    ) -> Result<Page, SearchError> {
        let Some(mut found) = self.delegated_candidates(reader, delegated).await? else {
            if let Some(page) = self.named(reader, search).await? {
                return Ok(page);
            }
            return match &search.start {
                Start::After(key) if search.sort.is_none() => {
                    self.stream_delegated(reader, search, (delegated, key.as_ref()))
                        .await
                }
                _ => Err(self.too_many()),
            };
        };
        if let Some(Filter::Compare(comparison)) = &search.filter {
            self.retain_named(reader, comparison, &mut found).await?;
        }
        found.exact &= search.filter.is_none();
        self.page_of(reader, search, found).await
    }

    /// Leaves the user whom a filter names by user name or id, of which nobody else has the same: at most one is loaded, and nobody
    /// who is outside.
    async fn retain_named(
        &self,
        reader: &mut Reader,
        comparison: &Comparison,
        found: &mut Candidates,
    ) -> Result<(), DbError> {
        if let Some(id) = wanted_id(comparison) {
            found.ids.retain(|known| Some(*known) == id);
        } else if is_user_name(comparison)
            && let Some(range) = self.indexed.range(comparison)
        {
            let ids = super::values::ids(reader, &range, self.search_limit_and_one()).await?;
            found.ids.retain(|known| ids.contains(known));
        }
        Ok(())
    }

    /// The user whom the filter of a search names by user name or id, if it is such a filter. One statement reads them, whether they
    /// are inside, outside or nobody.
    async fn named(&self, reader: &mut Reader, search: &Search) -> Result<Option<Page>, SearchError> {
        let found = match (wanted_user_name(search), &search.filter) {
            (Some(Some(key)), _) => people::find_by_key(reader, &key).await?,
            (Some(None), _) => None,
            (None, Some(Filter::Compare(comparison))) => match wanted_id(comparison) {
                Some(Some(id)) => people::find(reader, id).await?,
                Some(None) => None,
                None => return Ok(None),
            },
            (None, _) => return Ok(None),
        };
        let found = found.filter(|state| self.is_visible(search, state));
        let first = search.count > 0 && matches!(search.start, Start::Offset(0) | Start::After(None));
        Ok(Some(Page {
            total: Some(i64::from(found.is_some())),
            users: found.into_iter().filter(|_| first).collect(),
            next: None,
        }))
    }

    /// Everybody who is delegated; nothing when they are more than the limit.
    pub(super) async fn delegated_candidates(
        &self,
        reader: &mut Reader,
        delegated: &Delegated,
    ) -> Result<Option<Candidates>, DbError> {
        let mut all = Candidates {
            ids: BTreeSet::new(),
            exact: true,
        };
        let groups: Vec<GroupId> = delegated.visible_groups().iter().copied().collect();
        if !groups.is_empty() {
            let limit = self.search_limit_and_one();
            all.ids.extend(store::member_ids(reader, &groups, limit).await?);
        }
        for filter in delegated.filters() {
            if all.ids.len() > self.search_limit {
                return Ok(None);
            }
            let Some(mut found) = self.candidates(reader, filter, None).await? else {
                return Ok(None);
            };
            all.exact &= found.exact;
            all.ids.append(&mut found.ids);
        }
        Ok((all.ids.len() <= self.search_limit).then_some(all))
    }

    /// Those whom a delegated administrator may see and who are wanted; nothing when the delegated are more than the limit. Others are
    /// not kept: their states may be large.
    ///
    /// # Errors
    /// When the database fails.
    pub(in crate::users) async fn all_delegated(
        &self,
        reader: &mut Reader,
        (authority, delegated): (&Authority, &Delegated),
        is_wanted: impl Fn(&UserState) -> bool,
    ) -> Result<Option<Vec<UserState>>, DbError> {
        let Some(found) = self.delegated_candidates(reader, delegated).await? else {
            return Ok(None);
        };
        let mut all = Vec::new();
        for chunk in Vec::from_iter(found.ids).chunks(CHUNK) {
            let mut states = self.states(reader, chunk).await?;
            states.retain(|state| is_wanted(state) && self.rights(authority, state).has(Right::Read));
            all.append(&mut states);
        }
        Ok(Some(all))
    }

    /// True if an index serves a filter.
    pub(in crate::users) fn is_indexed(&self, filter: &Filter) -> bool {
        match filter {
            Filter::And(all) => all.iter().any(|term| self.is_indexed(term)),
            Filter::Or(all) => all.iter().all(|term| self.is_indexed(term)),
            Filter::Not(_) => false,
            Filter::Present(attribute) => self.indexed.present(attribute).is_some(),
            Filter::Values(attribute, inner) => self.range_of_value(attribute, inner).is_some(),
            Filter::Compare(comparison) => {
                self.indexed.range(comparison).is_some() || is_of_column(comparison)
            }
        }
    }
}

/// The user whom `id eq` names, if it is such a comparison; `Some(None)` for a text that is no id.
pub(super) fn wanted_id(comparison: &Comparison) -> Option<Option<UserId>> {
    match (is_plain_eq(comparison, "id"), &comparison.value) {
        (true, CompareValue::Text(text)) => {
            let id = text.parse::<UserId>().ok();
            Some(id.filter(|id| id.to_string() == *text))
        }
        _ => None,
    }
}

fn is_user_name(comparison: &Comparison) -> bool {
    is_plain_eq(comparison, "userName") && matches!(comparison.value, CompareValue::Text(_))
}

/// True for a comparison with a column of the table of users: `id eq`, `active eq`.
fn is_of_column(comparison: &Comparison) -> bool {
    wanted_id(comparison).is_some()
        || (is_plain_eq(comparison, "active") && matches!(comparison.value, CompareValue::Boolean(_)))
}

fn is_plain_eq(comparison: &Comparison, name: &str) -> bool {
    let attribute = &comparison.attribute;
    comparison.operator == Operator::Eq
        && attribute.schema.is_none()
        && attribute.sub.is_none()
        && attribute.name == name
}
