//! Groups (RFC 7643 §4.2): their names, and who and which groups are members of them.
//!
//! Membership is in the state of the member: adding and removing a member raises the version of the member and appends its
//! event, in the transaction of the change. The state of a group has its name and the groups that it is a member of.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the [graph](store::graph::lock), groups by
//! id, notes of [refreshes](refresh), users by id, a [name](crate::namespace::lock).

mod change;
mod delete;
mod desired;
mod name;
mod nesting;
mod plan;
mod refresh;
mod restore;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{EventData, GroupId, GroupState, GroupUpdated, MAX_GROUP_LEVELS, UserId};
use events::Outbox;
use tokio::sync::Notify;
use uuid::Uuid;

pub(crate) use desired::{DesiredGroup, GroupEdit, MemberEdit, MemberKind, MemberRef};
pub(crate) use name::GroupName;
pub(crate) use snapshot::{snapshot_page, states, versions};
pub(crate) use store::graph::children_after;
pub(crate) use store::lists::{by_external_id, by_name_key, count, of_ids, page, page_after};
pub(crate) use store::members::after as user_members_after;
pub(crate) use store::{Group, find, find_by_name};

use crate::namespace::ADMINISTRATORS;
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

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GroupError {
    /// No group has this id.
    #[error("no such group")]
    NotFound,
    /// A group or a user has the name.
    #[error("the name is taken")]
    NameTaken,
    /// The group was changed since the caller read.
    #[error("the group was changed meanwhile")]
    Changed,
    /// The group of the administrators keeps its name, and cannot be deleted.
    #[error("the group of the administrators keeps its name, and cannot be deleted")]
    BuiltIn,
    /// More than [`MAX_MEMBER_CHANGES`].
    #[error("at most {MAX_MEMBER_CHANGES} members can be added and removed at once")]
    TooManyChanges,
    /// A value does not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

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
            parents,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
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

/// True if a user is an administrator: a member of their group, or of a group in it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_administrator(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<bool, DbError> {
    store::graph::is_effective_member(connection, ADMINISTRATORS, user, MAX_GROUP_LEVELS).await
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
