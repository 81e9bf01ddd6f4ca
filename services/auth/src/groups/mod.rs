//! The graph of groups: this service's copy of the groups of the user service, and the groups that a subject is a member of,
//! directly and by groups in groups.
//!
//! They are resolved whenever a subject is read, so a change of a group is in the next token of each of its members.

mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use chassis::db::{Connection, DbError};
use contract::{GroupId, MAX_GROUP_LEVELS, UserState};

pub(crate) use store::{
    any_in_administrators, insert_tombstone_if_newer, upsert_if_newer, versions, versions_by_ids,
};

/// The most groups that are looked at for one subject: the rest is left out, so that no graph makes a token expensive.
const MAX_GROUPS: usize = 2_000;

/// The names of the groups that a user is a member of, directly and by groups in groups, in order.
///
/// A direct group that is not known yet counts by its name in the state. So do all in the state of an earlier release, which
/// has no ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn effective_names(
    db: &mut impl Connection,
    state: &UserState,
) -> Result<Vec<String>, DbError> {
    let mut names = BTreeSet::new();
    let direct = match &state.group_ids {
        Some(ids) => ids.clone(),
        None if state.groups.is_empty() => Vec::new(),
        None => {
            names.extend(state.groups.iter().cloned());
            store::ids_of_names(db, &state.groups).await?
        }
    };
    let mut seen: HashSet<GroupId> = direct.iter().copied().collect();
    let mut level = direct;
    for height in 0..=MAX_GROUP_LEVELS {
        if level.is_empty() {
            break;
        }
        let groups = store::find_all(db, &level).await?;
        if height == 0 && groups.len() < level.len() {
            names.extend(state.groups.iter().cloned());
        }
        let mut above = Vec::new();
        for group in groups.into_iter().filter(|group| !group.deleted) {
            names.insert(group.name);
            let unseen = group.parents.0.into_iter().filter(|parent| seen.insert(*parent));
            above.extend(unseen);
        }
        if seen.len() > MAX_GROUPS {
            tracing::warn!(user.target.id = %state.id, "user is a member of too many groups: some are left out");
            break;
        }
        level = above;
    }
    Ok(names.into_iter().collect())
}
