//! The groups of users in their states, which `groups` decides.

use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{DbError, Tx};
use contract::{GroupId, UserId, UserState};
use uuid::Uuid;

use super::{Users, store};

/// Users in one statement.
const PAGE: usize = 1_000;

/// The users of these ids who are there, whom nobody else can change until the transaction ends. They are locked in the order
/// of their ids.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_all(
    tx: &mut Tx,
    ids: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, UserState>, DbError> {
    let ids: Vec<UserId> = ids.iter().copied().collect();
    let mut locked = BTreeMap::new();
    for page in ids.chunks(PAGE) {
        let states = store::lock_all(tx, page).await?;
        locked.extend(states.into_iter().map(|state| (state.id, state)));
    }
    Ok(locked)
}

/// Locks those of the ids that are users, in the order of their ids, for a transaction that changes some of them.
///
/// # Errors
/// When the database fails.
pub(crate) async fn lock_before(tx: &mut Tx, ids: &BTreeSet<Uuid>) -> Result<(), DbError> {
    let ids: Vec<UserId> = ids.iter().copied().collect();
    for page in ids.chunks(PAGE) {
        store::lock_ids(tx, page).await?;
    }
    Ok(())
}

impl Users {
    /// Writes the next version of a locked user, with these groups, in the order of their ids, and its event. Nothing happens
    /// when the state has them.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn write_groups(
        &self,
        tx: &mut Tx,
        old: UserState,
        groups: Vec<(GroupId, String)>,
    ) -> Result<(), DbError> {
        let mut new = old.clone();
        let (ids, mut names): (Vec<GroupId>, Vec<String>) = groups.into_iter().unzip();
        names.sort_unstable();
        (new.group_ids, new.groups) = (Some(ids), names);
        if new == old {
            return Ok(());
        }
        new.version = old.version.saturating_add(1);
        new.updated_at = self.clock.now();
        // No group is among the indexed values.
        let rows = store::RowChanges {
            removed: Vec::new(),
            added: Vec::new(),
        };
        store::update(tx, &new, &rows).await?;
        self.append_changed(tx, old.active, new).await
    }
}
