//! The creation and the change of a group, with its members.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{GroupCreated, GroupId, UserName};
use scim::version::IfMatch;

use super::plan::Plan;
use super::{
    DesiredGroup, Group, GroupEdit, GroupError, GroupName, Groups, Invalid, MAX_EXTERNAL_ID,
    MAX_GROUPS_OF_USER, nesting, state_of, store,
};
use crate::namespace::{self, ADMINISTRATORS};

impl Groups {
    /// Creates a group with a new id.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn create(&self, desired: DesiredGroup) -> Result<Group, GroupError> {
        check_external_id(desired.external_id.as_deref())?;
        let (id, now) = (self.random.uuid(&*self.clock), self.clock.now());
        let GroupEdit { members, .. } = GroupEdit::from(desired.clone());
        let group = Group {
            id,
            name: desired.name.as_str().to_owned(),
            external_id: desired.external_id,
            version: 1,
            revision: 1,
            created_at: now,
            updated_at: now,
            changed_at: now,
            deleted_at: None,
        };
        let mut tx = self.db.begin("create_group").await?;
        let (mut plan, _) = Plan::lock_groups(&mut tx, None, &members).await?;
        plan.lock_users(&mut tx, None, &members).await?;
        claim_name(&mut tx, &desired.name).await?;
        if !store::insert(&mut tx, &group, &desired.name).await? {
            return Err(GroupError::NameTaken);
        }
        let state = state_of(&mut tx, &group).await?;
        self.append(&mut tx, id, 1, &GroupCreated(state)).await?;
        self.apply(&mut tx, id, plan, now).await?;
        tx.commit().await?;
        tracing::info!(event.action = "group-created", event.outcome = "success", group.id = %id, "a group was created");
        Ok(group)
    }

    /// Puts `desired` in place of what is known of a group. Its members stay, unless `desired` says something of them.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn replace(
        &self,
        id: GroupId,
        condition: &IfMatch,
        desired: DesiredGroup,
    ) -> Result<Group, GroupError> {
        self.change(id, condition, desired.into()).await
    }

    /// Changes a group. A change that changes nothing makes no new version.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn change(
        &self,
        id: GroupId,
        condition: &IfMatch,
        edit: GroupEdit,
    ) -> Result<Group, GroupError> {
        let GroupEdit {
            name,
            external_id,
            members,
        } = edit;
        check_external_id(external_id.as_ref().and_then(Option::as_deref))?;
        let now = self.clock.now();
        let mut tx = self.db.begin("change_group").await?;
        let (mut plan, old) = Plan::lock_groups(&mut tx, Some(id), &members).await?;
        let old = old.ok_or(GroupError::NotFound)?;
        if !condition.allows(old.revision) {
            return Err(GroupError::Changed);
        }
        let name = name.filter(|name| name.as_str() != old.name);
        if name.is_some() {
            if old.is_built_in() {
                return Err(GroupError::BuiltIn);
            }
            store::refreshes::note(&mut tx, id).await?;
        }
        plan.lock_users(&mut tx, Some(id), &members).await?;
        let mut new = old.clone();
        if let Some(name) = &name {
            rename(&mut tx, &old, name).await?;
            name.as_str().clone_into(&mut new.name);
        }
        if let Some(external_id) = external_id {
            new.external_id = external_id;
        }
        let members_changed = self.apply(&mut tx, id, plan, now).await?;
        let changed = new != old;
        if !changed && !members_changed {
            return Ok(old);
        }
        new.revision = old.revision.saturating_add(1);
        new.changed_at = now;
        if changed {
            new.version = old.version.saturating_add(1);
            new.updated_at = now;
        }
        store::update(&mut tx, &new).await?;
        if changed {
            self.append_state(&mut tx, &new).await?;
        }
        tx.wake_on_commit(&self.refreshes);
        tx.commit().await?;
        tracing::info!(event.action = "group-changed", event.outcome = "success", group.id = %id, "a group was changed");
        Ok(new)
    }

    /// Adds and removes the members of a plan, and writes the next version of each that was added or removed. Returns
    /// whether there was any.
    async fn apply(
        &self,
        tx: &mut Tx,
        id: GroupId,
        mut plan: Plan,
        now: Timestamp,
    ) -> Result<bool, GroupError> {
        let mut changed = false;
        for child in std::mem::take(&mut plan.remove_groups) {
            if store::graph::remove(tx, id, child).await? {
                changed = true;
                self.next_version_of(tx, &mut plan, child, now).await?;
            }
        }
        for child in std::mem::take(&mut plan.add_groups) {
            if nesting::nest(tx, id, child).await? {
                changed = true;
                self.next_version_of(tx, &mut plan, child, now).await?;
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

    async fn next_version_of(
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

fn check_external_id(external_id: Option<&str>) -> Result<(), Invalid> {
    let reason = match external_id {
        Some("") => "must not be empty".to_owned(),
        // SB-34
        Some(text) if text.chars().any(char::is_control) => "control characters are not allowed".to_owned(),
        Some(text) if text.chars().count() > MAX_EXTERNAL_ID => {
            format!("at most {MAX_EXTERNAL_ID} characters")
        }
        _ => return Ok(()),
    };
    Err(Invalid::new("externalId", reason))
}

/// Checks that a group may be given the name, and keeps others from it until the transaction ends.
async fn claim_name(tx: &mut Tx, name: &GroupName) -> Result<(), GroupError> {
    namespace::lock(tx, name.key()).await?;
    let administrators = ADMINISTRATORS
        .parse::<UserName>()
        .ok()
        .map(|name| name.skeleton());
    let looks_alike = name
        .skeleton()
        .is_some_and(|skeleton| Some(skeleton) == administrators);
    if looks_alike
        || namespace::is_group_name(tx, name.key()).await?
        || namespace::is_user_name(tx, name.key()).await?
    {
        return Err(GroupError::NameTaken);
    }
    Ok(())
}

/// Gives a locked group another name. Only its spelling may change under the same key.
async fn rename(tx: &mut Tx, old: &Group, name: &GroupName) -> Result<(), GroupError> {
    let same_key = old
        .name
        .parse::<GroupName>()
        .is_ok_and(|old| old.key() == name.key());
    if !same_key {
        claim_name(tx, name).await?;
    }
    store::rename(tx, old.id, name)
        .await
        .map_err(|error| match error {
            DbError::Unique { .. } => GroupError::NameTaken,
            other => GroupError::Db(other),
        })
}
