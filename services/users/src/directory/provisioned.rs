//! The directory as outbound provisioning reads it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chassis::db::{DbError, Reader};
use contract::{GroupId, MAX_GROUP_LEVELS, UserId, UserState};
use provisioning::{Directory, DirectoryFuture, DirectoryGroup, DirectoryUser, Nesting};
use scim::schema::Registry;
use serde_json::Value;

use crate::groups;
use crate::users;

/// The users as SCIM resources, and the groups.
pub(crate) struct ProvisionedDirectory {
    pub(crate) registry: Arc<Registry>,
    /// The URL of `/scim/v2`, which no target gets: `meta` is not pushed.
    pub(crate) base: String,
}

impl ProvisionedDirectory {
    async fn with_groups(
        &self,
        reader: &mut Reader,
        states: Vec<UserState>,
    ) -> Result<Vec<DirectoryUser>, DbError> {
        let ids: Vec<UserId> = states.iter().map(|state| state.id).collect();
        let mut groups = groups::groups_of(reader, &ids).await?;
        Ok(states.iter().map(|state| self.user(state, &mut groups)).collect())
    }

    fn user(&self, state: &UserState, groups: &mut HashMap<UserId, Vec<(GroupId, String)>>) -> DirectoryUser {
        let resource = match users::to_resource(state, self.registry.users(), &self.base) {
            Value::Object(resource) => resource,
            _ => serde_json::Map::new(),
        };
        let groups = groups.remove(&state.id).unwrap_or_default();
        DirectoryUser {
            id: state.id,
            active: state.active,
            deleted: state.deleted_at.is_some(),
            groups: groups.into_iter().map(|(id, _)| id).collect(),
            resource,
        }
    }
}

fn group(group: groups::Group) -> DirectoryGroup {
    DirectoryGroup {
        id: group.id,
        display_name: group.name,
    }
}

impl Directory for ProvisionedDirectory {
    fn users<'a>(
        &'a self,
        reader: &'a mut Reader,
        ids: &'a [UserId],
    ) -> DirectoryFuture<'a, Vec<DirectoryUser>> {
        Box::pin(async move {
            let mut states = users::states_of(reader, ids).await?;
            states.extend(users::deleted_states_of(reader, ids).await?);
            states.sort_unstable_by_key(|state| state.id);
            self.with_groups(reader, states).await
        })
    }

    fn users_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: UserId,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryUser>> {
        Box::pin(async move {
            let mut states = users::states_after(reader, after, limit).await?;
            states.extend(users::deleted_states_after(reader, after, limit).await?);
            states.sort_unstable_by_key(|state| state.id);
            states.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            self.with_groups(reader, states).await
        })
    }

    fn groups<'a>(
        &'a self,
        reader: &'a mut Reader,
        ids: &'a [GroupId],
    ) -> DirectoryFuture<'a, Vec<DirectoryGroup>> {
        Box::pin(async move {
            let found = groups::of_ids(reader, ids).await?;
            Ok(found.into_iter().map(group).collect())
        })
    }

    fn groups_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: GroupId,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryGroup>> {
        Box::pin(async move {
            let found = groups::page_after(reader, after, limit).await?;
            Ok(found.into_iter().map(group).collect())
        })
    }

    fn nestings_above<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [GroupId],
    ) -> DirectoryFuture<'a, Vec<Nesting>> {
        Box::pin(async move {
            let found = groups::nestings_above(reader, groups, MAX_GROUP_LEVELS).await?;
            let nesting = |(group, parent)| Nesting { group, parent };
            Ok(found.into_iter().map(nesting).collect())
        })
    }

    fn groups_below<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [GroupId],
    ) -> DirectoryFuture<'a, BTreeSet<GroupId>> {
        Box::pin(async move {
            let found = groups::groups_below(reader, groups, MAX_GROUP_LEVELS).await?;
            Ok(found.into_iter().collect())
        })
    }

    fn members_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [GroupId],
        after: UserId,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<UserId>> {
        Box::pin(groups::of_any_after(reader, groups, after, limit))
    }
}
