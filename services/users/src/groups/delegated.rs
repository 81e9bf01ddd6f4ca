//! Changes of the members of a group by delegated administrators.

use std::collections::BTreeSet;

use chassis::db::Tx;
use contract::{GroupId, UserId, UserState};
use uuid::Uuid;

use super::plan::{PAGE, Plan, children_of, unknown};
use super::{Group, GroupError, GroupName, Groups, MAX_MEMBER_CHANGES, MemberEdit, MemberKind, store};
use crate::authority::{Authority, Forbidden, Right};

/// Checks that a caller may change a group in this way.
///
/// # Errors
/// [`GroupError::NotFound`] for a group that the caller may not see; [`Forbidden`].
pub(super) fn check_edit(
    authority: &Authority,
    old: &Group,
    name: Option<&GroupName>,
    external_id: Option<&Option<String>>,
) -> Result<(), GroupError> {
    if authority.limits().is_none() {
        return Ok(());
    }
    check_manages(authority, old.id)?;
    let renamed = name.is_some_and(|name| name.as_str() != old.name);
    match renamed || external_id.is_some_and(|id| *id != old.external_id) {
        true => Err(Forbidden::MembersOnly.into()),
        false => Ok(()),
    }
}

/// Locks a group whose members a delegated administrator may change, and no other row.
///
/// # Errors
/// See [`check_edit`].
pub(super) async fn lock_managed(
    tx: &mut Tx,
    authority: &Authority,
    id: GroupId,
) -> Result<Option<Group>, GroupError> {
    check_manages(authority, id)?;
    Ok(store::lock_all(tx, &[id]).await?.pop())
}

fn check_manages(authority: &Authority, id: GroupId) -> Result<(), GroupError> {
    match (authority.sees_group(id), authority.manages_members_of(id)) {
        (false, _) => Err(GroupError::NotFound),
        (true, false) => Err(Forbidden::NotDelegated.into()),
        (true, true) => Ok(()),
    }
}

impl Groups {
    /// The plan of a change of members by a delegated administrator, whose users are locked. An id of somebody, or of a group,
    /// that the caller may not see is treated as the id of nobody, before anything else is decided, and is not locked.
    ///
    /// # Errors
    /// [`GroupError::Invalid`] for a new member that does not exist; [`Forbidden`].
    pub(super) async fn lock_seen(
        &self,
        tx: &mut Tx,
        authority: &Authority,
        (target, edit): (GroupId, &MemberEdit),
    ) -> Result<Plan, GroupError> {
        if edit.add.len().saturating_add(edit.remove.len()) > MAX_MEMBER_CHANGES {
            return Err(GroupError::TooManyChanges);
        }
        let added = edit.add.iter().map(|member| member.id);
        let named: BTreeSet<Uuid> = added.chain(edit.remove.iter().copied()).collect();
        let (groups, named): (BTreeSet<Uuid>, BTreeSet<Uuid>) =
            named.into_iter().partition(|id| authority.sees_group(*id));
        let seen = self.users.seen_among(tx, authority, &named).await?;
        let unseen = |id: &Uuid| !groups.contains(id) && !seen.contains(id);
        // The first one in the order of the ids, as for administrators.
        if let Some(missing) = edit.add.iter().map(|member| member.id).filter(unseen).min() {
            return Err(unknown_user(missing));
        }
        check_groups_stay(tx, (target, edit), &groups).await?;
        let users = MemberEdit {
            add: edit
                .add
                .iter()
                .filter(|member| seen.contains(&member.id))
                .copied()
                .collect(),
            remove: edit
                .remove
                .iter()
                .filter(|id| seen.contains(id))
                .copied()
                .collect(),
            ..edit.clone()
        };
        let mut plan = Plan::default();
        plan.lock_users(tx, Some(target), &users).await?;
        self.check_members(tx, authority, (target, &plan)).await?;
        Ok(plan)
    }

    /// Checks the users that are added and removed, who are locked. Nobody whom the caller may never change becomes a member or
    /// ceases to be one, and the caller has no more rights over a new member than before.
    async fn check_members(
        &self,
        tx: &mut Tx,
        authority: &Authority,
        (target, plan): (GroupId, &Plan),
    ) -> Result<(), GroupError> {
        let ids = Vec::from_iter(plan.users.keys().copied());
        let mut members = BTreeSet::new();
        for page in ids.chunks(PAGE) {
            members.extend(store::members::among(tx, target, page).await?);
        }
        for (id, state) in &plan.users {
            let is_added = plan.add_users.contains(id);
            let before = self.users.rights(authority, state);
            if is_added && !before.has(Right::Read) {
                return Err(unknown_user(*id));
            }
            if is_added == members.contains(id) {
                continue;
            }
            if authority.is_protected(state) {
                return Err(Forbidden::NotDelegated.into());
            }
            if is_added && !before.covers(self.users.rights(authority, &as_member(state, target))) {
                return Err(Forbidden::GainsRights.into());
            }
        }
        Ok(())
    }
}

/// The state of a user who is a member of one more group.
fn as_member(state: &UserState, group: GroupId) -> UserState {
    let mut after = state.clone();
    after.group_ids.get_or_insert_default().push(group);
    after
}

/// Checks that a change leaves the groups in a group as they are. `named` are groups that the caller may see.
async fn check_groups_stay(
    tx: &mut Tx,
    (target, edit): (GroupId, &MemberEdit),
    named: &BTreeSet<GroupId>,
) -> Result<(), GroupError> {
    if named.is_empty() && !edit.replace {
        return Ok(());
    }
    // The group is locked, so that nobody changes them meanwhile.
    let children = BTreeSet::from_iter(children_of(tx, target).await?);
    let mut added = BTreeSet::new();
    for member in edit.add.iter().filter(|member| named.contains(&member.id)) {
        if member.kind == Some(MemberKind::User) {
            return Err(unknown(member.id, "is a group, not a user"));
        }
        added.insert(member.id);
    }
    let is_new = !added.is_subset(&children);
    let is_gone = children
        .iter()
        .any(|id| !added.contains(id) && (edit.replace || edit.remove.contains(id)));
    match is_new || is_gone {
        true => Err(Forbidden::MembersOnly.into()),
        false => Ok(()),
    }
}

fn unknown_user(id: UserId) -> GroupError {
    unknown(id, "no such user or group")
}
