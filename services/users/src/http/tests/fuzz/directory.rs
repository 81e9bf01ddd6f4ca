//! The checks that a directory is whole: every resource can be read and is valid, totals agree, the index agrees with the documents, and
//! the events have it all.

use std::collections::{BTreeMap, BTreeSet};

use chassis::on_engine;
use chassis::shutdown::Shutdown;
use contract::{GroupState, UserState};
use http::StatusCode;
use serde_json::Value;
use testkit::TestDb;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::namespace::ADMINISTRATORS;
use crate::testing::{Caller, clients_token};
use crate::users::assert_index_agrees;

/// Checks the whole directory, which has more than so many groups.
pub(super) async fn assert_whole(db: &TestDb, app: &SharedApp, least_groups: usize) {
    app.groups.refresh(&Shutdown::new()).await.unwrap();
    let directory = Caller::with(
        app,
        clients_token("a-directory", "users:read users:write groups:read groups:write"),
    );
    let users = read(&directory, "/scim/v2/Users").await;
    let groups = read(&directory, "/scim/v2/Groups").await;
    assert!(
        users.len() > 50 && groups.len() > least_groups,
        "{} users, {} groups",
        users.len(),
        groups.len()
    );
    assert_index_agrees(db, app.registry.users()).await;
    assert_events_have(db, &users, &groups).await;
}

/// Every resource of a type, by id: as a list has it, which is what a look-up has. What is read can be written, and is then the same.
async fn read(directory: &Caller, endpoint: &str) -> BTreeMap<Uuid, Value> {
    let total = directory.get(&format!("{endpoint}?count=0")).await.body["totalResults"].clone();
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = directory
            .get(&format!("{endpoint}?count=200&cursor={cursor}"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        for resource in page.body["Resources"].as_array().unwrap() {
            let id: Uuid = resource["id"].as_str().unwrap().parse().unwrap();
            assert!(found.insert(id, resource.clone()).is_none(), "{id} twice");
        }
        match page.body["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(total, found.len(), "totalResults of {endpoint}");
    for (id, resource) in &found {
        let path = format!("{endpoint}/{id}");
        assert_eq!(directory.get(&path).await.body, *resource);
        let tag = resource["meta"]["version"].as_str().unwrap();
        let same = directory.json_if("PUT", &path, resource, tag).await;
        assert_eq!((same.status, &same.body), (StatusCode::OK, resource), "{same:?}");
    }
    found
}

/// A group as the events have it: its last state, and its members by those of the members.
#[derive(Debug, Default)]
struct Rebuilt {
    users: BTreeMap<Uuid, UserState>,
    groups: BTreeMap<Uuid, GroupState>,
}

async fn rebuild(db: &TestDb) -> Rebuilt {
    const EVENTS: &str =
        "SELECT aggregate_id, type, CAST(payload AS TEXT) FROM outbox ORDER BY aggregate_id, sequence";
    let mut reader = db.reader().await.unwrap();
    let events: Vec<(Uuid, String, String)> =
        on_engine!(&mut reader, c => sqlx::query_as(EVENTS).fetch_all(c).await.unwrap());
    let mut rebuilt = Rebuilt::default();
    for (id, kind, payload) in events {
        if kind.starts_with("vestibule.user.deleted") {
            rebuilt.users.remove(&id);
        } else if kind.starts_with("vestibule.group.deleted") {
            rebuilt.groups.remove(&id);
        } else if kind.starts_with("vestibule.user.") {
            rebuilt.users.insert(id, serde_json::from_str(&payload).unwrap());
        } else if kind.starts_with("vestibule.group.") {
            rebuilt.groups.insert(id, serde_json::from_str(&payload).unwrap());
        }
    }
    rebuilt
}

/// The users who are deleted and not yet erased.
pub(super) async fn hidden(db: &TestDb) -> Vec<Uuid> {
    const HIDDEN: &str = "SELECT id FROM deleted_users";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar(HIDDEN).fetch_all(c).await.unwrap())
}

async fn assert_events_have(db: &TestDb, users: &BTreeMap<Uuid, Value>, groups: &BTreeMap<Uuid, Value>) {
    let mut rebuilt = rebuild(db).await;
    // Until they are erased, deleted users are deactivated for those who follow the events.
    for id in hidden(db).await {
        let state = rebuilt.users.remove(&id);
        assert!(state.is_some_and(|state| !state.active), "{id} is deleted");
        assert!(!users.contains_key(&id), "{id} is deleted");
    }
    let ids: BTreeSet<Uuid> = users.keys().copied().collect();
    assert_eq!(rebuilt.users.keys().copied().collect::<BTreeSet<_>>(), ids);
    // The group of the administrators is there from the first migration on: a snapshot has it, and no event.
    let of_events: BTreeSet<Uuid> = rebuilt.groups.keys().copied().collect();
    let without: Vec<&Value> = groups
        .iter()
        .filter(|(id, _)| !of_events.contains(id))
        .map(|(_, group)| group)
        .collect();
    assert!(
        without.iter().all(|group| group["displayName"] == ADMINISTRATORS),
        "{without:?}"
    );
    assert!(of_events.iter().all(|id| groups.contains_key(id)));
    let mut reader = db.reader().await.unwrap();
    for (id, state) in &rebuilt.users {
        let stored = crate::users::find(&mut reader, *id).await.unwrap().unwrap();
        assert_eq!(
            serde_json::to_value(state).unwrap(),
            serde_json::to_value(stored).unwrap()
        );
    }
    for (id, group) in groups {
        let members = group["members"].as_array().into_iter().flatten();
        let members: BTreeSet<Uuid> = members
            .map(|it| it["value"].as_str().unwrap().parse().unwrap())
            .collect();
        let people = rebuilt
            .users
            .iter()
            .filter(|(_, state)| state.group_ids.iter().flatten().any(|it| it == id));
        let children = rebuilt
            .groups
            .iter()
            .filter(|(_, state)| state.parents.contains(id));
        let of_events: BTreeSet<Uuid> = people
            .map(|(id, _)| *id)
            .chain(children.map(|(id, _)| *id))
            .collect();
        assert_eq!(members, of_events, "{group}");
        if let Some(state) = rebuilt.groups.get(id) {
            assert_eq!(group["displayName"], state.display_name.as_str());
            let own = state
                .external_ids
                .get("a-directory")
                .or(state.external_id.as_ref());
            assert_eq!(group["externalId"].as_str(), own.map(String::as_str));
        }
    }
}
