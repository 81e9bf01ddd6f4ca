//! The plan of a change of members: what has to be locked for it, and then what is added and removed.

use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{DbError, Tx};
use contract::{GroupId, UserId, UserState};
use uuid::Uuid;

use super::{Group, GroupError, Invalid, MAX_MEMBER_CHANGES, MemberEdit, MemberKind, store};
use crate::users;

/// The members that a change is about, locked.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Groups that are added or removed.
    pub(super) groups: BTreeMap<GroupId, Group>,
    /// Users who are added or removed.
    pub(super) users: BTreeMap<UserId, UserState>,
    /// Groups to be added.
    pub(super) add_groups: BTreeSet<GroupId>,
    /// Users to be added.
    pub(super) add_users: BTreeSet<UserId>,
    /// Groups to be removed.
    pub(super) remove_groups: BTreeSet<GroupId>,
    /// Users to be removed.
    pub(super) remove_users: BTreeSet<UserId>,
}

/// Rows to look for in one statement.
pub(super) const PAGE: usize = 1_000;

impl Plan {
    /// Locks the graph, if groups are among the members, and the groups. `target` is the group itself, which is locked with
    /// them and returned, unless it is new.
    pub(super) async fn lock_groups(
        tx: &mut Tx,
        target: Option<GroupId>,
        edit: &MemberEdit,
    ) -> Result<(Self, Option<Group>), GroupError> {
        if edit.add.len().saturating_add(edit.remove.len()) > MAX_MEMBER_CHANGES {
            return Err(GroupError::TooManyChanges);
        }
        let added = edit.add.iter().map(|member| member.id);
        let named: BTreeSet<Uuid> = added.chain(edit.remove.iter().copied()).collect();
        let mut nested = groups_among(tx, &named).await?;
        if edit.replace || !nested.is_empty() {
            store::graph::lock(tx).await?;
        }
        let mut plan = Self::default();
        if let Some(target) = target.filter(|_| edit.replace) {
            let added: BTreeSet<Uuid> = edit.add.iter().map(|member| member.id).collect();
            let children = children_of(tx, target).await?;
            let others = children.into_iter().filter(|child| !added.contains(child));
            plan.remove_groups.extend(others);
            nested.extend(plan.remove_groups.iter().copied());
        }
        let locked: Vec<GroupId> = nested.iter().copied().chain(target).collect();
        for page in sorted(locked).chunks(PAGE) {
            let groups = store::lock_all(tx, page).await?;
            plan.groups
                .extend(groups.into_iter().map(|group| (group.id, group)));
        }
        // A group that is a member of itself is a circle, so it stays among the groups.
        let own = target.and_then(|target| plan.groups.get(&target).cloned());
        if let Some(target) = target.filter(|target| !nested.contains(target)) {
            plan.groups.remove(&target);
        }
        Ok((plan, own))
    }

    /// Locks the users, and sorts out who is added and removed.
    ///
    /// # Errors
    /// [`GroupError::Invalid`] for a member that does not exist, or is of another kind than the caller says.
    pub(super) async fn lock_users(
        &mut self,
        tx: &mut Tx,
        target: Option<GroupId>,
        edit: &MemberEdit,
    ) -> Result<(), GroupError> {
        for member in &edit.add {
            let is_group = self.groups.contains_key(&member.id);
            match (member.kind, is_group) {
                (Some(MemberKind::User), true) => return Err(unknown(member.id, "is a group, not a user")),
                (Some(MemberKind::Group), false) => return Err(unknown(member.id, "no such group")),
                (_, true) => self.add_groups.insert(member.id),
                (_, false) => self.add_users.insert(member.id),
            };
        }
        for id in &edit.remove {
            match self.groups.contains_key(id) {
                true => self.remove_groups.insert(*id),
                false => self.remove_users.insert(*id),
            };
        }
        if let Some(target) = target.filter(|_| edit.replace) {
            let kept: Vec<UserId> = self.add_users.iter().copied().collect();
            let limit = i64::try_from(MAX_MEMBER_CHANGES).unwrap_or(i64::MAX);
            let others = store::members::others(tx, target, &kept, limit.saturating_add(1)).await?;
            if others.len() > MAX_MEMBER_CHANGES {
                return Err(GroupError::TooManyChanges);
            }
            self.remove_users.extend(others);
        }
        // Added after it was removed: the last word counts.
        self.remove_users.retain(|id| !self.add_users.contains(id));
        self.remove_groups.retain(|id| !self.add_groups.contains(id));
        let ids: BTreeSet<UserId> = self.add_users.union(&self.remove_users).copied().collect();
        self.users = users::lock_all(tx, &ids).await?;
        match self.add_users.iter().find(|id| !self.users.contains_key(id)) {
            Some(missing) => Err(unknown(*missing, "no such user or group")),
            None => Ok(()),
        }
    }
}

pub(super) fn unknown(id: Uuid, reason: &str) -> GroupError {
    Invalid::new("members", format!("{id}: {reason}")).into()
}

fn sorted(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

async fn groups_among(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<BTreeSet<GroupId>, DbError> {
    let (ids, mut found) = (ids.iter().copied().collect::<Vec<_>>(), BTreeSet::new());
    for page in ids.chunks(PAGE) {
        found.extend(store::existing(tx, page).await?);
    }
    Ok(found)
}

pub(super) async fn children_of(tx: &mut Tx, group: GroupId) -> Result<Vec<GroupId>, GroupError> {
    let limit = i64::try_from(MAX_MEMBER_CHANGES).unwrap_or(i64::MAX);
    let children = store::graph::children_after(tx, group, Uuid::nil(), limit.saturating_add(1)).await?;
    if children.len() > MAX_MEMBER_CHANGES {
        return Err(GroupError::TooManyChanges);
    }
    Ok(children.into_iter().map(|(id, _)| id).collect())
}
