//! A directory in memory, whose changes are events.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chassis::clock::Timestamp;
use chassis::db::{Db, DbError, Reader};
use contract::{EventData, GroupDeleted, GroupState, GroupUpdated, UserDeleted};
use events::Outbox;
use events::testing::new_id;
use serde_json::{Value, json};
use uuid::Uuid;

use super::publish;
use crate::directory::{Directory, DirectoryFuture, DirectoryGroup, DirectoryUser, Nesting};

/// Users, groups and the memberships of groups in groups.
#[derive(Default)]
pub(crate) struct Contents {
    pub(super) users: BTreeMap<Uuid, DirectoryUser>,
    groups: BTreeMap<Uuid, String>,
    nestings: BTreeSet<(Uuid, Uuid)>,
    versions: BTreeMap<Uuid, i64>,
    /// True if nothing can be read, as from a database that is down.
    fails: bool,
}

/// The directory.
#[derive(Clone)]
pub(crate) struct Town {
    pub(super) contents: Arc<Mutex<Contents>>,
    db: Db,
    outbox: Outbox,
}

impl Town {
    pub(super) fn new(db: &Db, outbox: &Outbox) -> Self {
        Self {
            contents: Arc::default(),
            db: db.clone(),
            outbox: outbox.clone(),
        }
    }

    /// Adds an active user.
    pub(super) async fn add(&self, name: &str) -> Uuid {
        let id = new_id();
        let resource = json!({ "userName": name, "active": true, "name": { "givenName": name } });
        let user = DirectoryUser {
            id,
            active: true,
            deleted: false,
            groups: Vec::new(),
            resource: resource.as_object().unwrap().clone(),
        };
        self.contents.lock().unwrap().users.insert(id, user);
        self.say_user(id).await;
        id
    }

    /// Changes a user.
    pub(super) async fn edit(&self, id: Uuid, change: impl FnOnce(&mut DirectoryUser)) {
        {
            let mut contents = self.contents.lock().unwrap();
            let user = contents.users.get_mut(&id).unwrap();
            change(user);
            user.resource.insert("active".to_owned(), user.active.into());
        }
        self.say_user(id).await;
    }

    /// Changes an attribute of a user.
    pub(super) async fn set(&self, id: Uuid, name: &str, value: Value) {
        self.edit(id, |user| {
            user.resource.insert(name.to_owned(), value);
        })
        .await;
    }

    pub(super) async fn remove(&self, id: Uuid) {
        self.contents.lock().unwrap().users.remove(&id);
        self.say_user(id).await;
    }

    /// Adds a group, or gives one another name.
    pub(super) async fn name_group(&self, id: Uuid, name: &str) {
        self.contents.lock().unwrap().groups.insert(id, name.to_owned());
        self.say_group(id).await;
    }

    pub(super) async fn remove_group(&self, id: Uuid) {
        {
            let mut contents = self.contents.lock().unwrap();
            contents.groups.remove(&id);
            contents
                .nestings
                .retain(|(group, parent)| *group != id && *parent != id);
        }
        let deleted = |version| GroupDeleted {
            id,
            version,
            deleted_at: Timestamp::from_secs(1),
        };
        self.say(id, "group", deleted).await;
    }

    /// Makes a group a member of another, or ends that.
    pub(super) async fn nest(&self, group: Uuid, parent: Uuid, is_member: bool) {
        {
            let nestings = &mut self.contents.lock().unwrap().nestings;
            match is_member {
                true => nestings.insert((group, parent)),
                false => nestings.remove(&(group, parent)),
            };
        }
        self.say_group(group).await;
    }

    async fn say_user(&self, id: Uuid) {
        let deleted = |version| UserDeleted {
            id,
            version,
            deleted_at: Timestamp::from_secs(1),
        };
        self.say(id, "user", deleted).await;
    }

    async fn say_group(&self, id: Uuid) {
        let state = |version| {
            GroupUpdated(GroupState {
                id,
                display_name: "any".to_owned(),
                external_id: None,
                external_ids: std::collections::BTreeMap::new(),
                attributes: std::collections::BTreeMap::new(),
                parents: Vec::new(),
                version,
                created_at: Timestamp::from_secs(1),
                updated_at: Timestamp::from_secs(1),
            })
        };
        self.say(id, "group", state).await;
    }

    /// Publishes an event. What it says is of no interest but for its type.
    async fn say<T: EventData>(&self, id: Uuid, aggregate: &str, event: impl FnOnce(i64) -> T) {
        let version = {
            let mut contents = self.contents.lock().unwrap();
            let version = contents.versions.entry(id).or_default();
            *version += 1;
            *version
        };
        let mut tx = self.db.begin("test").await.unwrap();
        self.outbox
            .append(&mut tx, aggregate, id, version, &event(version))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        publish(&self.db).await;
    }

    /// Has every question fail, or no more.
    pub(super) fn fail(&self, fails: bool) {
        self.contents.lock().unwrap().fails = fails;
    }

    fn answer<'a, T: Send + 'a>(&self, find: impl FnOnce(&Contents) -> T) -> DirectoryFuture<'a, T> {
        let contents = self.contents.lock().unwrap();
        let found = match contents.fails {
            true => Err(DbError::Open {
                location: "town".to_owned(),
                reason: "down".to_owned(),
            }),
            false => Ok(find(&contents)),
        };
        Box::pin(async move { found })
    }
}

fn page<T: Clone>(all: &BTreeMap<Uuid, T>, after: Uuid, limit: i64) -> Vec<(Uuid, T)> {
    let rest = all.iter().filter(|(id, _)| **id > after);
    rest.take(usize::try_from(limit).unwrap())
        .map(|(id, value)| (*id, value.clone()))
        .collect()
}

fn group((id, display_name): (Uuid, String)) -> DirectoryGroup {
    DirectoryGroup { id, display_name }
}

impl Directory for Town {
    fn users<'a>(&'a self, _: &'a mut Reader, ids: &'a [Uuid]) -> DirectoryFuture<'a, Vec<DirectoryUser>> {
        self.answer(|town| ids.iter().filter_map(|id| town.users.get(id).cloned()).collect())
    }

    fn users_after<'a>(
        &'a self,
        _: &'a mut Reader,
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryUser>> {
        self.answer(|town| {
            page(&town.users, after, limit)
                .into_iter()
                .map(|(_, user)| user)
                .collect()
        })
    }

    fn groups<'a>(&'a self, _: &'a mut Reader, ids: &'a [Uuid]) -> DirectoryFuture<'a, Vec<DirectoryGroup>> {
        self.answer(|town| {
            let found = ids
                .iter()
                .filter_map(|id| Some((*id, town.groups.get(id)?.clone())));
            found.map(group).collect()
        })
    }

    fn groups_after<'a>(
        &'a self,
        _: &'a mut Reader,
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryGroup>> {
        self.answer(|town| page(&town.groups, after, limit).into_iter().map(group).collect())
    }

    fn nestings_above<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> DirectoryFuture<'a, Vec<Nesting>> {
        self.answer(|town| {
            let nesting = |(group, parent): &(Uuid, Uuid)| Nesting {
                group: *group,
                parent: *parent,
            };
            town.nestings.iter().map(nesting).collect()
        })
    }

    fn groups_below<'a>(&'a self, _: &'a mut Reader, ids: &'a [Uuid]) -> DirectoryFuture<'a, BTreeSet<Uuid>> {
        self.answer(|town| {
            let mut below: BTreeSet<Uuid> = ids.iter().copied().collect();
            loop {
                let inside = town.nestings.iter().filter(|(_, parent)| below.contains(parent));
                let more: Vec<Uuid> = inside
                    .map(|(group, _)| *group)
                    .filter(|group| !below.contains(group))
                    .collect();
                if more.is_empty() {
                    return below;
                }
                below.extend(more);
            }
        })
    }

    fn members_after<'a>(
        &'a self,
        _: &'a mut Reader,
        groups: &'a [Uuid],
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<Uuid>> {
        self.answer(|town| {
            let members = town.users.values().filter(|user| user.id > after);
            members
                .filter(|user| user.groups.iter().any(|group| groups.contains(group)))
                .map(|user| user.id)
                .take(usize::try_from(limit).unwrap())
                .collect()
        })
    }
}
