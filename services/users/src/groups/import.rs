//! Import of a group with its id, the time of its creation, and those of its members that can be added.

use std::collections::{BTreeMap, BTreeSet};

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use contract::{GroupCreated, GroupId, UserId};
use uuid::Uuid;

use super::attributes::of_import;
use super::change::claim_name;
use super::external_ids::{check_external_id, write_imported};
use super::log::{log_changed, log_created};
use super::plan::Plan;
use super::{
    Group, GroupAttributes, GroupError, GroupName, Groups, Invalid, MAX_GROUPS_OF_USER, MemberEdit,
    MemberKind, MemberRef, nesting, state_of, store,
};
use crate::namespace;
use crate::users::{self, check_identity};

/// A group to be imported.
#[derive(Debug)]
pub(crate) struct ImportedGroup {
    /// The id to keep; without it a new group gets a new one.
    pub(crate) id: Option<GroupId>,
    /// The time of the creation to keep; without it a new group is new now.
    pub(crate) created_at: Option<Timestamp>,
    /// The name.
    pub(crate) name: GroupName,
    /// The identifier that a provisioning client uses.
    pub(crate) external_id: Option<String>,
    /// The identifiers that clients gave to the group (ADR 0040), by `client_id`.
    pub(crate) external_ids: BTreeMap<String, String>,
    /// The attributes of extensions. An import may write all of them.
    pub(crate) attributes: GroupAttributes,
    /// Members to add. Those who are in the group stay.
    pub(crate) members: Vec<MemberRef>,
}

/// The outcome of the import of a group.
#[derive(Debug)]
pub(crate) struct GroupImported {
    /// The group: the new one, or the one that has the id or the name already.
    pub(crate) id: GroupId,
    /// True if the group is new.
    pub(crate) created: bool,
    /// The number of members that were added.
    pub(crate) added: usize,
    /// Members that were not added, each with the reason.
    pub(crate) refused: Vec<(Uuid, String)>,
}

impl Groups {
    /// Imports a group. One that has the id or the name already keeps its name, its external identifier and its attributes, and gets the
    /// members that it lacks; so an import can be repeated, and a large group can come in parts.
    ///
    /// # Errors
    /// See [`GroupError`]. Then nothing is changed.
    pub(crate) async fn import(&self, wanted: ImportedGroup) -> Result<GroupImported, GroupError> {
        check_external_id(wanted.external_id.as_deref())?;
        for own in wanted.external_ids.values() {
            check_external_id(Some(own))?;
        }
        let now = self.clock.now();
        let edit = MemberEdit {
            add: wanted.members.clone(),
            ..MemberEdit::default()
        };
        let mut tx = self.db.begin("import_group").await?;
        let known = find_known(&mut tx, &wanted).await?;
        let (mut plan, old) = Plan::lock_groups(&mut tx, known, &edit).await?;
        if known.is_some() && old.is_none() {
            return Err(GroupError::NotFound);
        }
        let mut refused = lock_users(&mut tx, &mut plan, &wanted.members, old.as_ref()).await?;
        let (group, created) = match old {
            Some(old) => (old, false),
            None => (self.insert_imported(&mut tx, &wanted, now).await?, true),
        };
        let nested = self
            .nest_imported(&mut tx, &group, &mut plan, now, &mut refused)
            .await?;
        let before = plan.users.len();
        let changed = self.apply(&mut tx, group.id, &mut plan, now).await?;
        let added = nested.saturating_add(before.saturating_sub(plan.users.len()));
        let id = group.id;
        if !created && (changed || nested > 0) {
            let mut new = group;
            new.revision = new.revision.saturating_add(1);
            new.changed_at = now;
            store::update(&mut tx, &new).await?;
        }
        tx.commit().await?;
        if created {
            log_created(id);
        } else if added > 0 {
            log_changed(id);
        }
        Ok(GroupImported {
            id,
            created,
            added,
            refused,
        })
    }

    /// Inserts a group without members.
    async fn insert_imported(
        &self,
        tx: &mut Tx,
        wanted: &ImportedGroup,
        now: Timestamp,
    ) -> Result<Group, GroupError> {
        let id = wanted.id.unwrap_or_else(|| self.random.uuid(&*self.clock));
        check_identity(id, wanted.created_at, now)?;
        if namespace::is_user_id(tx, id).await? {
            return Err(Invalid::new("id", "belongs to a user").into());
        }
        claim_name(tx, &wanted.name).await?;
        let version = match wanted.id {
            // Consumers may have seen the id before a restoration.
            Some(_) => events::restore::first_sequence(tx).await?,
            None => 1,
        };
        let created_at = wanted.created_at.unwrap_or(now);
        let group = Group {
            id,
            name: wanted.name.as_str().to_owned(),
            external_id: wanted.external_id.clone(),
            external_ids: wanted.external_ids.clone(),
            version,
            revision: 1,
            created_at,
            updated_at: created_at,
            changed_at: created_at,
            deleted_at: None,
            attributes: of_import(wanted.attributes.clone(), self.group_type())?,
        };
        if !store::insert(tx, &group, &wanted.name).await? {
            return Err(GroupError::NameTaken);
        }
        write_imported(tx, &group).await?;
        let state = state_of(tx, &group).await?;
        self.append(tx, id, version, &GroupCreated(state)).await?;
        Ok(group)
    }

    /// Makes the groups of the plan members of a group, and returns the number of those that were not. One that would make a
    /// circle is refused, and the others are added.
    async fn nest_imported(
        &self,
        tx: &mut Tx,
        group: &Group,
        plan: &mut Plan,
        now: Timestamp,
        refused: &mut Vec<(Uuid, String)>,
    ) -> Result<usize, GroupError> {
        let mut added = 0_usize;
        for child in std::mem::take(&mut plan.add_groups) {
            match nesting::nest(tx, group.id, child).await {
                Ok(true) => {
                    added = added.saturating_add(1);
                    self.next_version_of(tx, plan, child, now).await?;
                }
                Ok(false) => {}
                Err(GroupError::Invalid(Invalid { reason, .. })) => {
                    let id = format!("{child}: ");
                    refused.push((child, reason.strip_prefix(&id).unwrap_or(&reason).to_owned()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(added)
    }
}

/// The group that a wanted one is already: by its id, else by its name.
///
/// # Errors
/// [`GroupError::Invalid`] when the id belongs to a group with another name, or to one that was deleted.
async fn find_known(tx: &mut Tx, wanted: &ImportedGroup) -> Result<Option<GroupId>, GroupError> {
    if let Some(id) = wanted.id
        && let Some(known) = store::lists::with_tombstones(tx, &[id]).await?.pop()
    {
        let key = known.name.parse::<GroupName>().map(|name| name.key().to_owned());
        return match (known.deleted_at, key) {
            (Some(_), _) => Err(Invalid::new("id", "belongs to a group that was deleted").into()),
            (None, Ok(key)) if key == wanted.name.key() => Ok(Some(id)),
            (None, _) => Err(Invalid::new("id", "belongs to another group").into()),
        };
    }
    let known = store::lists::by_name_key(tx, wanted.name.key()).await?;
    Ok(known.map(|known| known.id))
}

/// Locks the users among the members, and sorts out who can be added. Returns the members that cannot.
async fn lock_users(
    tx: &mut Tx,
    plan: &mut Plan,
    members: &[MemberRef],
    group: Option<&Group>,
) -> Result<Vec<(Uuid, String)>, DbError> {
    let mut refused = BTreeMap::new();
    let mut ids: BTreeSet<UserId> = BTreeSet::new();
    for member in members {
        let is_group = plan.groups.contains_key(&member.id);
        match (member.kind, is_group) {
            (Some(MemberKind::User), true) => {
                refused.insert(member.id, "is a group, not a user".to_owned());
            }
            (Some(MemberKind::Group), false) => {
                refused.insert(member.id, "no such group".to_owned());
            }
            (_, true) => {
                plan.add_groups.insert(member.id);
            }
            (_, false) => {
                ids.insert(member.id);
            }
        }
    }
    plan.users = users::lock_all(tx, &ids).await?;
    let present: Vec<UserId> = plan.users.keys().copied().collect();
    let mut groups = store::members::groups_of(tx, &present).await?;
    for id in ids {
        let groups = groups.remove(&id).unwrap_or_default();
        let is_member = group.is_some_and(|group| groups.iter().any(|(known, _)| *known == group.id));
        if !plan.users.contains_key(&id) {
            refused.insert(id, "no such user or group".to_owned());
        } else if groups.len() >= MAX_GROUPS_OF_USER && !is_member {
            plan.users.remove(&id);
            refused.insert(id, format!("a member of at most {MAX_GROUPS_OF_USER} groups"));
        } else {
            plan.add_users.insert(id);
        }
    }
    Ok(refused.into_iter().collect())
}
