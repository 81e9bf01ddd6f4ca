//! The creation and the change of a group, with its members.

use std::collections::BTreeMap;

use chassis::db::{DbError, Tx};
use contract::{GroupCreated, GroupId, UserName};
use scim::patch::{self, Operation};
use scim::version::IfMatch;

use super::attributes::edited;
use super::delegated::{check_edit, lock_managed};
use super::external_ids::{assign_external_id, check_external_id, write_external_id};
use super::log::{log_changed, log_created};
use super::plan::Plan;
use super::resource::{edit_of, to_attributes};
use super::{
    DesiredGroup, Group, GroupAttributes, GroupEdit, GroupError, GroupName, Groups, state_of, store,
};
use crate::authority::{Authority, Forbidden};
use crate::namespace::{self, ADMINISTRATORS, Claim};
use crate::users::Writer;

impl Groups {
    /// Creates a group with a new id.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn create(&self, desired: DesiredGroup) -> Result<Group, GroupError> {
        let mut tx = self.db.begin("create_group").await?;
        let group = self.create_in(&mut tx, desired).await?;
        tx.commit().await?;
        log_created(group.id);
        Ok(group)
    }

    /// As [`Self::create`], in a transaction that the caller commits.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn create_in(&self, tx: &mut Tx, desired: DesiredGroup) -> Result<Group, GroupError> {
        check_external_id(desired.external_id.as_deref())?;
        let (id, now) = (self.random.uuid(&*self.clock), self.clock.now());
        let GroupEdit { members, .. } = GroupEdit::from(desired.clone());
        let mut group = Group {
            id,
            name: desired.name.as_str().to_owned(),
            external_id: None,
            external_ids: BTreeMap::new(),
            version: 1,
            revision: 1,
            created_at: now,
            updated_at: now,
            changed_at: now,
            deleted_at: None,
            attributes: edited(desired.attributes, &GroupAttributes::new(), self.group_type())?,
        };
        assign_external_id(&mut group, desired.writer.client.as_deref(), desired.external_id);
        let (mut plan, _) = Plan::lock_groups(tx, None, &members).await?;
        plan.lock_users(tx, None, &members).await?;
        claim_name(tx, &desired.name).await?;
        if !store::insert(tx, &group, &desired.name).await? {
            return Err(GroupError::NameTaken);
        }
        write_external_id(tx, None, &group, desired.writer.client.as_deref()).await?;
        let state = state_of(tx, &group).await?;
        self.append(tx, id, 1, &GroupCreated(state)).await?;
        self.apply(tx, id, &mut plan, now).await?;
        Ok(group)
    }

    /// Puts `desired` in place of what is known of a group. Its members stay, unless `desired` says something of them.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn replace(
        &self,
        authority: &Authority,
        id: GroupId,
        condition: &IfMatch,
        desired: DesiredGroup,
    ) -> Result<Group, GroupError> {
        self.change(authority, id, condition, desired.into()).await
    }

    /// Changes a group. A change that changes nothing makes no new version.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn change(
        &self,
        authority: &Authority,
        id: GroupId,
        condition: &IfMatch,
        edit: GroupEdit,
    ) -> Result<Group, GroupError> {
        let mut tx = self.db.begin("change_group").await?;
        let (group, changed) = self.change_in(&mut tx, id, (condition, authority), edit).await?;
        if changed {
            tx.commit().await?;
            log_changed(id);
        }
        Ok(group)
    }

    /// Applies the operations of a PATCH to a group.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn patch(
        &self,
        id: GroupId,
        condition: &IfMatch,
        operations: &[Operation],
        writer: &Writer,
    ) -> Result<Group, GroupError> {
        let mut tx = self.db.begin("change_group").await?;
        let (group, changed) = self
            .patch_in(&mut tx, (id, condition), operations, writer)
            .await?;
        if changed {
            tx.commit().await?;
            log_changed(id);
        }
        Ok(group)
    }

    /// As [`Self::patch`], in a transaction that the caller commits. True with the group if it was changed.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn patch_in(
        &self,
        tx: &mut Tx,
        (id, condition): (GroupId, &IfMatch),
        operations: &[Operation],
        writer: &Writer,
    ) -> Result<(Group, bool), GroupError> {
        match self.try_patch_in(tx, (id, condition), operations, writer).await {
            // The group is locked now, so that nobody changes it again.
            Err(GroupError::Raced) => self.try_patch_in(tx, (id, condition), operations, writer).await,
            done => done,
        }
    }

    /// Applies the operations to the group as it is found before it is locked.
    async fn try_patch_in(
        &self,
        tx: &mut Tx,
        (id, condition): (GroupId, &IfMatch),
        operations: &[Operation],
        writer: &Writer,
    ) -> Result<(Group, bool), GroupError> {
        let (old, groups) = (
            store::find(tx, id).await?.ok_or(GroupError::NotFound)?,
            self.group_type(),
        );
        if !writer.authority.sees_group(id) {
            return Err(GroupError::NotFound);
        }
        let before = to_attributes(&old, "", writer.client.as_deref(), groups);
        let mut after = before.clone();
        let outcome = patch::apply_as(writer.accessor, &mut after, operations, groups)?;
        let edit = edit_of((&before, &after), &outcome.members, writer, groups)?;
        self.change_in(tx, id, (condition, &writer.authority), edit).await
    }

    /// As [`Self::change`], in a transaction that the caller commits. True with the group if it was changed.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub(crate) async fn change_in(
        &self,
        tx: &mut Tx,
        id: GroupId,
        (condition, authority): (&IfMatch, &Authority),
        edit: GroupEdit,
    ) -> Result<(Group, bool), GroupError> {
        let GroupEdit {
            name,
            external_id,
            client,
            members,
            attributes,
        } = edit;
        check_external_id(external_id.as_ref().and_then(Option::as_deref))?;
        let now = self.clock.now();
        let (mut plan, old) = match authority.limits() {
            None => Plan::lock_groups(tx, Some(id), &members).await?,
            Some(_) => (Plan::default(), lock_managed(tx, authority, id).await?),
        };
        let old = old.ok_or(GroupError::NotFound)?;
        let authority = &authority.read_again(tx).await??;
        check_edit(authority, &old, name.as_ref(), external_id.as_ref())?;
        if !condition.allows(old.revision) {
            return Err(GroupError::Changed);
        }
        let mut new = old.clone();
        // Before anything is written: a PATCH that raced is applied once more in this transaction.
        if let Some(attributes) = attributes {
            new.attributes = edited(attributes, &old.attributes, self.group_type())?;
            if authority.limits().is_some() && new.attributes != old.attributes {
                return Err(Forbidden::MembersOnly.into());
            }
        }
        let name = name.filter(|name| name.as_str() != old.name);
        if name.is_some() {
            if old.is_built_in() {
                return Err(GroupError::BuiltIn);
            }
            store::refreshes::note(tx, id).await?;
        }
        match authority.limits() {
            None => plan.lock_users(tx, Some(id), &members).await?,
            Some(_) => plan = self.lock_seen(tx, authority, (id, &members)).await?,
        }
        if let Some(name) = &name {
            rename(tx, &old, name).await?;
            name.as_str().clone_into(&mut new.name);
        }
        if let Some(external_id) = external_id {
            assign_external_id(&mut new, client.as_deref(), external_id);
            write_external_id(tx, Some(&old), &new, client.as_deref()).await?;
        }
        let members_changed = self.apply(tx, id, &mut plan, now).await?;
        let changed = new != old;
        if !changed && !members_changed {
            return Ok((old, false));
        }
        new.revision = old.revision.saturating_add(1);
        new.changed_at = now;
        if changed {
            new.version = old.version.saturating_add(1);
            new.updated_at = now;
        }
        store::update(tx, &new).await?;
        if changed {
            self.append_state(tx, &new).await?;
        }
        tx.wake_on_commit(&self.refreshes);
        Ok((new, true))
    }
}

/// Checks that a group may be given the name, and keeps others from it until the transaction ends.
pub(super) async fn claim_name(tx: &mut Tx, name: &GroupName) -> Result<(), GroupError> {
    namespace::lock(tx, &[(name.key(), Claim::Group)]).await?;
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
