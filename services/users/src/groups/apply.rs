//! The application of a plan to the members of a group.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::GroupId;

use super::plan::Plan;
use super::{GroupError, Groups, Invalid, MAX_GROUPS_OF_USER, nesting, store};

impl Groups {
    /// Adds and removes the members of a plan, and writes the next version of each that was added or removed. Returns
    /// whether there was any.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        id: GroupId,
        plan: &mut Plan,
        now: Timestamp,
    ) -> Result<bool, GroupError> {
        let mut changed = false;
        for child in std::mem::take(&mut plan.remove_groups) {
            if store::graph::remove(tx, id, child).await? {
                changed = true;
                self.next_version_of(tx, plan, child, now).await?;
            }
        }
        for child in std::mem::take(&mut plan.add_groups) {
            if nesting::nest(tx, id, child).await? {
                changed = true;
                self.next_version_of(tx, plan, child, now).await?;
            }
        }
        let gone: Vec<_> = std::mem::take(&mut plan.remove_users).into_iter().collect();
        let mut touched = store::members::remove(tx, id, &gone).await?;
        for user in std::mem::take(&mut plan.add_users) {
            if store::members::add(tx, id, user).await? {
                touched.push(user);
            }
        }
        if touched.is_empty() {
            return Ok(changed);
        }
        let mut groups = store::members::groups_of(tx, &touched).await?;
        if let Some((user, _)) = groups
            .iter()
            .find(|(_, groups)| groups.len() > MAX_GROUPS_OF_USER)
        {
            let reason = format!("{user}: a member of at most {MAX_GROUPS_OF_USER} groups");
            return Err(Invalid::new("members", reason).into());
        }
        touched.sort_unstable();
        for user in touched {
            if let Some(state) = plan.users.remove(&user) {
                let groups = groups.remove(&user).unwrap_or_default();
                self.users.write_groups(tx, state, groups).await?;
            }
        }
        Ok(true)
    }

    pub(super) async fn next_version_of(
        &self,
        tx: &mut Tx,
        plan: &mut Plan,
        child: GroupId,
        now: Timestamp,
    ) -> Result<(), DbError> {
        match plan.groups.remove(&child) {
            Some(group) => self.write_next_version(tx, group, now).await,
            None => Ok(()),
        }
    }
}
