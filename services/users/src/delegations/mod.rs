//! Delegations: the administration of some users, given to a person or to the members of a group
//! (`docs/decisions/0047-delegated-administrators.md`).

mod authority;
mod log;
mod source;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Connection, Db, DbError, Tx};
use chassis::random::SharedRandom;
use contract::{GroupId, UserId};
use uuid::Uuid;

use crate::authority::{Right, Rights};
use crate::groups;
use crate::namespace::ADMINISTRATORS;
use crate::users::{self, Users};

pub(crate) use source::DelegationsTo;

/// The most delegations of an installation. A request of a delegated administrator reads to whom anything is delegated.
const MAX_DELEGATIONS: i64 = 1_000;

/// The most delegations that a person holds, those to groups among them. Each is compared with each user of a list.
const MAX_HELD: i64 = 50;

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DelegationError {
    /// There is no such delegation.
    #[error("no such delegation")]
    NotFound,
    /// There are [`MAX_DELEGATIONS`].
    #[error(
        "there are {MAX_DELEGATIONS} delegations already: delegate to a group rather than to each of its members"
    )]
    TooMany,
    /// The user or the group has [`MAX_HELD`].
    #[error(
        "{MAX_HELD} delegations are given to this user or group already: delegate over a group that contains the others"
    )]
    HeldTooMany,
    /// A value does not fit.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, as requests name it.
        field: &'static str,
        /// The fault.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

fn invalid(field: &'static str, reason: impl Into<String>) -> DelegationError {
    DelegationError::Invalid {
        field,
        reason: reason.into(),
    }
}

/// A delegation to be created. It has one of `to_user` and `to_group`, and one of `members_of` and `users_matching`.
#[derive(Clone, Debug, Default)]
pub(crate) struct DesiredDelegation {
    pub(crate) to_user: Option<UserId>,
    pub(crate) to_group: Option<GroupId>,
    pub(crate) members_of: Option<GroupId>,
    pub(crate) users_matching: Option<String>,
    pub(crate) rights: Vec<String>,
}

/// A delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delegation {
    pub(crate) id: Uuid,
    /// The user to whom it is given; `None` for a delegation to a group.
    pub(crate) to_user: Option<UserId>,
    /// The group to whose members it is given, on every level.
    pub(crate) to_group: Option<GroupId>,
    /// The group whose members it is about, on every level; `None` for a delegation by a filter.
    pub(crate) members_of: Option<GroupId>,
    /// The filter of the users whom it is about.
    pub(crate) users_matching: Option<String>,
    pub(crate) rights: Rights,
    pub(crate) created_at: Timestamp,
}

/// The delegations, and the use cases about them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Delegations {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    users: Users,
    /// The delegations about which was warned, and when.
    warned: Arc<Mutex<HashMap<Uuid, Timestamp>>>,
}

impl Delegations {
    pub(crate) fn new(db: Db, (clock, random): (SharedClock, SharedRandom), users: Users) -> Self {
        Self {
            db,
            clock,
            random,
            users,
            warned: Arc::default(),
        }
    }

    /// Creates a delegation.
    ///
    /// # Errors
    /// See [`DelegationError`].
    pub(crate) async fn create(&self, desired: DesiredDelegation) -> Result<Delegation, DelegationError> {
        let rights = self.check(&desired)?;
        let row = store::Row {
            id: self.random.uuid(&*self.clock),
            to_user: desired.to_user,
            to_group: desired.to_group,
            members_of: desired.members_of,
            users_matching: desired.users_matching,
            rights: rights.to_string(),
            created_at: self.clock.now(),
        };
        let mut tx = self.db.begin("create_delegation").await?;
        store::lock(&mut tx).await?;
        check_exist(&mut tx, &row).await?;
        if store::count(&mut tx).await? >= MAX_DELEGATIONS {
            return Err(DelegationError::TooMany);
        }
        if store::count_of(&mut tx, &row).await? >= MAX_HELD {
            return Err(DelegationError::HeldTooMany);
        }
        store::insert(&mut tx, &row).await?;
        tx.commit().await?;
        let created = delegation(row);
        log::created(&created);
        Ok(created)
    }

    /// Checks what needs no database.
    fn check(&self, desired: &DesiredDelegation) -> Result<Rights, DelegationError> {
        if desired.to_user.is_some() == desired.to_group.is_some() {
            return Err(invalid("to_user", "expected one of to_user and to_group"));
        }
        if desired.members_of.is_some() == desired.users_matching.is_some() {
            return Err(invalid(
                "members_of",
                "expected one of members_of and users_matching",
            ));
        }
        let mut rights = Rights::READ;
        for name in &desired.rights {
            let right: Right = name
                .parse()
                .map_err(|error: crate::authority::InvalidRight| invalid("rights", error.to_string()))?;
            rights = rights.with(right);
        }
        if rights.has(Right::Create) && desired.users_matching.is_none() {
            let reason = "create: a new user is a member of no group; it needs users_matching";
            return Err(invalid("rights", reason));
        }
        if rights.has(Right::ManageMembers) && desired.members_of.is_none() {
            return Err(invalid(
                "rights",
                "manage_members: it needs members_of, the group",
            ));
        }
        if rights.has(Right::SetPassword) && !rights.has(Right::Write) && !rights.has(Right::Create) {
            return Err(invalid("rights", "set_password: it needs write or create"));
        }
        if let Some(filter) = &desired.users_matching {
            let checked = self.users.delegable_filter(filter);
            checked.map_err(|refused| invalid("users_matching", refused.detail))?;
        }
        Ok(rights)
    }

    /// Deletes a delegation. It gives nothing from the next request on.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`]; when the database fails.
    pub(crate) async fn delete(&self, id: Uuid) -> Result<(), DelegationError> {
        let mut tx = self.db.begin("delete_delegation").await?;
        let Some(row) = store::delete(&mut tx, id).await? else {
            return Err(DelegationError::NotFound);
        };
        tx.commit().await?;
        log::deleted(&delegation(row));
        Ok(())
    }

    /// One delegation.
    ///
    /// # Errors
    /// [`DelegationError::NotFound`]; when the database fails.
    pub(crate) async fn find(&self, id: Uuid) -> Result<Delegation, DelegationError> {
        let row = store::find(&mut self.db.reader().await?, id).await?;
        row.map(delegation).ok_or(DelegationError::NotFound)
    }

    /// The delegations after an id, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn page(&self, after: Uuid, limit: i64) -> Result<Vec<Delegation>, DbError> {
        let rows = store::after(&mut self.db.reader().await?, after, limit).await?;
        Ok(rows.into_iter().map(delegation).collect())
    }
}

/// The delegations to a user, without those to groups.
///
/// # Errors
/// When the database fails.
pub(crate) async fn given_to(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<Vec<Delegation>, DbError> {
    let rows = store::held_by(connection, user, &[], MAX_DELEGATIONS).await?;
    Ok(rows.into_iter().map(delegation).collect())
}

/// Checks that the users and groups of a delegation are there, and locks them, so that nobody deletes them before it is.
async fn check_exist(tx: &mut Tx, row: &store::Row) -> Result<(), DelegationError> {
    // Groups before users, as every transaction does.
    let named = [("to_group", row.to_group), ("members_of", row.members_of)];
    let ids: Vec<GroupId> = named.iter().filter_map(|(_, id)| *id).collect();
    let groups: BTreeMap<GroupId, String> = groups::lock_against_deletion(tx, &ids)
        .await?
        .into_iter()
        .collect();
    if let Some(user) = row.to_user
        && users::lock_all(tx, &BTreeSet::from([user])).await?.is_empty()
    {
        return Err(invalid("to_user", "no such user"));
    }
    for (field, group) in named {
        let Some(id) = group else { continue };
        let Some(name) = groups.get(&id) else {
            return Err(invalid(field, "no such group"));
        };
        if name == ADMINISTRATORS {
            let reason = match field {
                "to_group" => "its members administer everybody already",
                _ => "administrators are changed by administrators alone",
            };
            return Err(invalid(field, reason));
        }
    }
    Ok(())
}

/// Nothing but [`Delegations::create`] writes the column of rights; a name of a later version gives nothing.
fn delegation(row: store::Row) -> Delegation {
    Delegation {
        id: row.id,
        to_user: row.to_user,
        to_group: row.to_group,
        members_of: row.members_of,
        users_matching: row.users_matching,
        rights: row
            .rights
            .split(' ')
            .filter_map(|name| name.parse::<Right>().ok())
            .collect(),
        created_at: row.created_at,
    }
}
