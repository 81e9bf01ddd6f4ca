//! Groups (RFC 7643 §4.2): their names, and who and which groups are members of them.
//!
//! Membership is in the state of the member: adding and removing a member raises the version of the member and appends its
//! event, in the transaction of the change. The state of a group has its name and the groups that it is a member of.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the [graph](store::graph::lock), groups by
//! id, notes of [refreshes](refresh), users by id, a [name](crate::namespace::lock).

mod apply;
mod attributes;
mod change;
mod delegated;
mod delete;
mod desired;
mod error;
mod external_ids;
mod import;
mod log;
mod name;
mod nesting;
mod plan;
mod refresh;
mod resource;
mod restore;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{EventData, GroupId, GroupState, GroupUpdated, MAX_GROUP_LEVELS, UserId};
use events::Outbox;
use scim::schema::ResourceType;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use attributes::{AttributesChange, AttributesEdit, GroupAttributes, check_searchable};
pub(crate) use desired::{DesiredGroup, GroupEdit, MemberEdit, MemberKind, MemberRef};
pub(crate) use error::GroupError;
pub(crate) use import::{GroupImported, ImportedGroup};
pub(crate) use log::{log_changed, log_created, log_deleted};
pub(crate) use name::GroupName;
pub(crate) use resource::{location, to_attributes, to_desired_group, to_shown};
pub(crate) use snapshot::{snapshot_page, states, versions};
pub(crate) use store::external_ids::{clients as external_id_clients, find as by_own_external_id};
pub(crate) use store::graph::{below as groups_below, children_after, nestings_above};
pub(crate) use store::lists::{by_external_id, by_name_key, count, of_ids, page, page_after};
pub(crate) use store::members::{after as user_members_after, groups_of, of_any_after};
pub(crate) use store::{Group, find, find_by_name};

use crate::namespace::{self, ADMINISTRATORS};
use crate::users::{Invalid, Users, outbox_failed};

/// The kind of aggregate that a group is, in the outbox.
const AGGREGATE: &str = "group";
/// The most members that one request adds and removes: each is a row, a state and an event of the same transaction.
pub(crate) const MAX_MEMBER_CHANGES: usize = 10_000;
/// The most groups of which a user is a direct member: their ids and names are in the state of the user.
pub(crate) const MAX_GROUPS_OF_USER: usize = 500;
/// The most groups of which a group is a direct member.
pub(crate) const MAX_PARENTS: usize = 100;
/// The greatest length of an external identifier, in characters.
pub(crate) const MAX_EXTERNAL_ID: usize = 256;

/// The groups, and the use cases that change them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Groups {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    outbox: Outbox,
    users: Users,
    /// Woken when members' states are to be written anew.
    refreshes: Arc<Notify>,
}

impl Groups {
    pub(crate) fn new(
        db: Db,
        (clock, random): (SharedClock, SharedRandom),
        outbox: Outbox,
        users: Users,
    ) -> Self {
        Self {
            db,
            clock,
            random,
            outbox,
            users,
            refreshes: Arc::default(),
        }
    }

    /// The resource type `Group`, with the extensions of the configuration.
    pub(crate) fn group_type(&self) -> &ResourceType {
        self.users.registry().groups()
    }

    async fn append<T: EventData>(
        &self,
        tx: &mut Tx,
        id: GroupId,
        version: i64,
        data: &T,
    ) -> Result<(), DbError> {
        let appended = self.outbox.append(tx, AGGREGATE, id, version, data).await;
        appended.map(drop).map_err(outbox_failed)
    }

    /// Writes the next version of a locked group, whose parents were changed, and appends its event.
    async fn write_next_version(&self, tx: &mut Tx, mut group: Group, now: Timestamp) -> Result<(), DbError> {
        group.version = group.version.saturating_add(1);
        group.updated_at = now;
        store::update(tx, &group).await?;
        self.append_state(tx, &group).await
    }

    /// Appends the event of the state that a group has now.
    async fn append_state(&self, tx: &mut Tx, group: &Group) -> Result<(), DbError> {
        let state = state_of(tx, group).await?;
        self.append(tx, group.id, group.version, &GroupUpdated(state))
            .await
    }
}

/// The state of a group as it is published.
async fn state_of(connection: &mut impl Connection, group: &Group) -> Result<GroupState, DbError> {
    let mut parents = store::graph::parents_of(connection, &[group.id]).await?;
    Ok(group.state(parents.remove(&group.id).unwrap_or_default()))
}

impl Group {
    /// The state as it is published, with these parents.
    fn state(&self, parents: Vec<GroupId>) -> GroupState {
        GroupState {
            id: self.id,
            display_name: self.name.clone(),
            external_id: self.external_id.clone(),
            external_ids: self.external_ids.clone(),
            attributes: self.attributes.clone(),
            parents,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// The identifier by which a client knows the group; without a client that which everybody sees.
    pub(crate) fn external_id_for(&self, client: Option<&str>) -> Option<&str> {
        let own = client.and_then(|client| self.external_ids.get(client));
        own.or(self.external_id.as_ref()).map(String::as_str)
    }

    /// True if it is the group whose members administer.
    fn is_built_in(&self) -> bool {
        self.name == ADMINISTRATORS
    }
}

/// Puts a new user into a group, whose id is in the state of the user already.
///
/// # Errors
/// When the database fails.
pub(crate) async fn add_member(
    tx: &mut Tx,
    group: GroupId,
    user: UserId,
    now: Timestamp,
) -> Result<(), DbError> {
    if store::members::add(tx, group, user).await? {
        store::touch(tx, group, now).await?;
    }
    Ok(())
}

/// Those of the groups that are there, in order, with their names. Nobody can change them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_existing(tx: &mut Tx, ids: &[GroupId]) -> Result<Vec<(GroupId, String)>, DbError> {
    let groups = store::lock_all(tx, ids).await?;
    Ok(groups.into_iter().map(|group| (group.id, group.name)).collect())
}

/// Those of the groups that are there, in order, with their names. Nobody can delete them until the transaction ends.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_against_deletion(
    tx: &mut Tx,
    ids: &[GroupId],
) -> Result<Vec<(GroupId, String)>, DbError> {
    store::lock_against_deletion(tx, ids).await
}

/// True if a user is an administrator: a member of their group, or of a group in it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_administrator(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<bool, DbError> {
    namespace::is_administrator(connection, user).await
}

/// Locks the graph, and those of the ids that are groups, in the order of their ids, for a transaction that changes some of them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_before(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<(), DbError> {
    store::graph::lock(tx).await?;
    lock_managed_before(tx, ids).await
}

/// As [`lock_before`], for a transaction that changes no groups in groups.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_managed_before(tx: &mut Tx, ids: &BTreeSet<GroupId>) -> Result<(), DbError> {
    let ids: Vec<GroupId> = ids.iter().copied().collect();
    for page in ids.chunks(plan::PAGE) {
        store::lock_all(tx, page).await?;
    }
    Ok(())
}

/// The groups of which a user or a group is a direct member, in order.
///
/// # Errors
/// When the database fails.
pub(crate) async fn with_member(
    connection: &mut impl Connection,
    member: Uuid,
) -> Result<Vec<GroupId>, DbError> {
    let limit = i64::try_from(MAX_GROUPS_OF_USER).unwrap_or(i64::MAX);
    let of_user = store::members::direct_groups(connection, member, limit).await?;
    if !of_user.is_empty() {
        return Ok(of_user);
    }
    let parents = store::graph::parents_of(connection, &[member]).await?;
    let parents: Vec<GroupId> = parents.into_values().flatten().collect();
    store::existing(connection, &parents).await
}

/// The groups of which a user is a member, directly and by groups in groups.
///
/// # Errors
/// When the database fails.
pub(crate) async fn effective_groups(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<Vec<GroupId>, DbError> {
    store::graph::effective_groups(connection, user, MAX_GROUP_LEVELS).await
}

/// These groups, the group with a name, and the groups in them on every level, with their names.
///
/// # Errors
/// When the database fails.
pub(crate) async fn with_groups_in_them(
    connection: &mut impl Connection,
    groups: &[GroupId],
    name: Option<&str>,
) -> Result<Vec<(GroupId, String)>, DbError> {
    store::graph::with_groups_in_them(connection, groups, name, MAX_GROUP_LEVELS).await
}

/// True while the states of some users, or groups, may have names of groups that were renamed or deleted.
///
/// # Errors
/// When the database fails.
pub(crate) async fn has_refreshes(connection: &mut impl Connection) -> Result<bool, DbError> {
    store::refreshes::any(connection).await
}

/// For each of some groups, the group itself and the groups in it on every level, with their names.
///
/// # Errors
/// When the database fails.
pub(crate) async fn groups_in_each(
    connection: &mut impl Connection,
    groups: &[GroupId],
) -> Result<HashMap<GroupId, Vec<(GroupId, String)>>, DbError> {
    store::graph::groups_in_each(connection, groups, MAX_GROUP_LEVELS).await
}
