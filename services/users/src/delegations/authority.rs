//! The authority of a delegated administrator, read when a request begins. So a delegation counts from the next request on, and
//! one that was ended gives nothing more to it, whatever cursor it has (SB-47).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::PoisonError;
use std::time::Duration;

use chassis::db::{Connection, DbError};
use contract::{GroupId, UserId};
use uuid::Uuid;

use super::{Delegation, Delegations, MAX_HELD, delegation, store};
use crate::authority::{Authority, Delegated, Extent, GroupSet, Held, Protected};
use crate::groups;
use crate::namespace::ADMINISTRATORS;

/// The time between two warnings about a delegation.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

impl Delegations {
    /// The authority of a user by what is delegated to them; `None` when nothing is.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn authority_of(
        &self,
        connection: &mut impl Connection,
        user: UserId,
    ) -> Result<Option<Authority>, DbError> {
        let groups = groups::effective_groups(connection, user).await?;
        let mut rows = store::held_by(connection, user, &groups, MAX_HELD.saturating_add(1)).await?;
        if usize::try_from(MAX_HELD).is_ok_and(|most| rows.len() > most)
            && let Some(left_out) = rows.pop()
            && self.is_to_be_warned_about(left_out.id)
        {
            tracing::warn!(delegation.id = %left_out.id, user.target.id = %user, "a user holds more than {MAX_HELD} delegations; those from this one on give nothing");
        }
        let delegations: Vec<Delegation> = rows.into_iter().map(delegation).collect();
        let roots: Vec<GroupId> = delegations.iter().filter_map(|one| one.members_of).collect();
        let groups = match roots.is_empty() {
            true => HashMap::new(),
            false => groups::groups_in_each(connection, &roots).await?,
        };
        let held = delegations.into_iter().filter_map(|one| self.held(one, &groups));
        let held: Vec<Held> = held.collect();
        if held.is_empty() {
            return Ok(None);
        }
        let (users, groups) = store::holders(connection).await?;
        let protected = Protected {
            users: users.into_iter().collect(),
            groups: groups::with_groups_in_them(connection, &groups, Some(ADMINISTRATORS))
                .await?
                .into_iter()
                .collect(),
        };
        // After the names of the groups: one that was renamed since has a note.
        let names_are_outdated = groups::has_refreshes(connection).await?;
        let delegated = Delegated::new(held, protected)
            .held_by(user)
            .with_outdated_names(names_are_outdated);
        Ok(Some(Authority::delegated(delegated)))
    }

    /// A delegation with the groups or the filter that it names; `None` when the filter cannot be read any more.
    fn held(
        &self,
        delegation: Delegation,
        groups_in_each: &HashMap<GroupId, Vec<(GroupId, String)>>,
    ) -> Option<Held> {
        let rights = delegation.rights;
        if let Some(of) = delegation.members_of {
            let groups = groups_in_each.get(&of).cloned().unwrap_or_default();
            let groups: GroupSet = groups.into_iter().collect();
            let extent = Extent::Members { of, groups };
            return Some(Held { extent, rights });
        }
        let filter = delegation.users_matching.unwrap_or_default();
        match self.users.delegable_filter(&filter) {
            Ok(filter) => Some(Held {
                extent: Extent::Matching(filter),
                rights,
            }),
            Err(refused) => {
                if self.is_to_be_warned_about(delegation.id) {
                    tracing::warn!(delegation.id = %delegation.id, "a delegation gives nothing, because its filter does not fit the attributes of the configuration any more: {}", refused.detail);
                }
                None
            }
        }
    }

    /// True once a minute for a delegation: each request of its holder comes here.
    fn is_to_be_warned_about(&self, id: Uuid) -> bool {
        let now = self.clock.now();
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.retain(|_, since| now.distance(*since) < WARNING_INTERVAL);
        match warned.entry(id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(free) => {
                free.insert(now);
                true
            }
        }
    }
}
