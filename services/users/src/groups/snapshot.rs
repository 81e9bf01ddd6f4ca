//! The groups and their tombstones for the snapshot of the directory (`GET /events/snapshot`).

use std::collections::HashMap;

use chassis::db::{DbError, Reader, next_cursor};
use contract::{GroupDeleted, GroupId, GroupUpdated};
use events::State;

use super::{Group, store};

pub(crate) use store::lists::versions;

/// The states of the groups and tombstones after an id, at most `limit`, and the id after which the next page begins.
///
/// # Errors
/// When the database fails.
pub(crate) async fn snapshot_page(
    reader: &mut Reader,
    after: GroupId,
    limit: i64,
) -> Result<(Vec<State>, Option<GroupId>), DbError> {
    let groups = store::lists::after(reader, after, limit).await?;
    let next = next_cursor(&groups, limit, |group| group.id);
    Ok((states_of(reader, &groups).await?, next))
}

/// The states of those of the ids that are groups or tombstones.
///
/// # Errors
/// When the database fails.
pub(crate) async fn states(reader: &mut Reader, ids: &[GroupId]) -> Result<Vec<State>, DbError> {
    let groups = store::lists::with_tombstones(reader, ids).await?;
    states_of(reader, &groups).await
}

async fn states_of(reader: &mut Reader, groups: &[Group]) -> Result<Vec<State>, DbError> {
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
    let mut parents: HashMap<GroupId, Vec<GroupId>> = store::graph::parents_of(reader, &ids).await?;
    groups
        .iter()
        .map(|group| state_of(group, parents.remove(&group.id).unwrap_or_default()))
        .collect()
}

fn state_of(group: &Group, parents: Vec<GroupId>) -> Result<State, DbError> {
    let state = match group.deleted_at {
        Some(deleted_at) => {
            let deleted = GroupDeleted {
                id: group.id,
                version: group.version,
                deleted_at,
            };
            State::new(group.id, group.version, deleted_at, &deleted)
        }
        None => {
            let state = GroupUpdated(group.state(parents));
            State::new(group.id, group.version, group.updated_at, &state)
        }
    };
    state.map_err(|error| DbError::Other(sqlx::Error::Decode(Box::new(error))))
}
