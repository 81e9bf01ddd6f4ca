//! Changes of the members of a group: by whom and of whom they are allowed, and that they say nothing of who is outside.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::db::{Connection, Engine};

use super::*;
use crate::testing::app;
use crate::{groups, users};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A change of members of a group: by PATCH, by PUT in place of all, or by PATCH in a bulk request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
    Replace,
    AddInBulk,
    RemoveInBulk,
}

impl Change {
    const EACH: [Self; 5] = [
        Self::Add,
        Self::Remove,
        Self::Replace,
        Self::AddInBulk,
        Self::RemoveInBulk,
    ];

    /// Sends the change with some ids, each with the type that the request says. Returns the status and the body.
    async fn send(self, caller: &Caller, group: Uuid, ids: &[(Uuid, Option<&str>)]) -> (StatusCode, String) {
        let members: Vec<Value> = ids
            .iter()
            .map(|(id, kind)| match kind {
                Some(kind) => json!({ "value": id, "type": kind }),
                None => json!({ "value": id }),
            })
            .collect();
        let patch = operations(match self {
            Self::Remove | Self::RemoveInBulk => ids
                .iter()
                .map(|(id, _)| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
                .collect(),
            _ => json!([{ "op": "add", "path": "members", "value": members }]),
        });
        let response = match self {
            Self::Add | Self::Remove => caller.json("PATCH", &group_path(group), &patch).await,
            Self::Replace => {
                let body = json!({ "schemas": [CORE_GROUP], "displayName": "Own", "members": members });
                caller.json("PUT", &group_path(group), &body).await
            }
            Self::AddInBulk | Self::RemoveInBulk => {
                let operation =
                    json!({ "method": "PATCH", "path": format!("/Groups/{group}"), "data": patch });
                let body = json!({ "schemas": [BULK], "Operations": [operation] });
                let response = caller.json("POST", "/scim/v2/Bulk", &body).await;
                let status = response.body["Operations"][0]["status"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                return (status, response.body.to_string());
            }
        };
        (response.status, response.body.to_string())
    }
}

async fn members_of(world: &World, group: Uuid) -> Vec<String> {
    let group = world.admin.get(&group_path(group)).await.body;
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members
        .iter()
        .map(|member| member["value"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35, SB-48
    async fn nobody_who_is_protected_becomes_a_member_or_ceases_to_be_one(db: TestDb) {
        let world = World::new(app(&db)).await;
        let protected = [world.ann, world.root, world.pia];
        world.delegate(json!({ "to_user": world.ann, "users_matching": "userName pr", "rights": ["write"] })).await;
        let (empty, full) = (group(&world.admin, "Empty", &[]).await, group(&world.admin, "Own", &protected).await);
        for of in [empty, full] {
            world.delegate(json!({ "to_user": world.ann, "members_of": of, "rights": ["manage_members"] })).await;
        }
        let ann = world.ann();
        let before = members_of(&world, full).await;
        for id in protected {
            let version = world.version(id).await;
            for change in [Change::Add, Change::AddInBulk] {
                assert_eq!(change.send(&ann, empty, &[(id, None)]).await.0, StatusCode::FORBIDDEN, "{change:?} {id}");
                assert!(change.send(&ann, full, &[(id, None)]).await.0.is_success(), "{change:?} {id}: a member already");
            }
            for change in [Change::Remove, Change::RemoveInBulk] {
                assert!(change.send(&ann, empty, &[(id, None)]).await.0.is_success(), "{change:?} {id}: no member");
                assert_eq!(change.send(&ann, full, &[(id, None)]).await.0, StatusCode::FORBIDDEN, "{change:?} {id}");
            }
            assert_eq!(Change::Replace.send(&ann, full, &[(id, None)]).await.0, StatusCode::FORBIDDEN, "the two others go");
            assert_eq!(world.version(id).await, version);
        }
        assert_eq!(Change::Replace.send(&ann, full, &[]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(members_of(&world, empty).await, Vec::<String>::new());
        assert_eq!(members_of(&world, full).await, before);
        // Others come and go beside them.
        for change in [Change::Add, Change::Remove, Change::AddInBulk, Change::RemoveInBulk] {
            assert!(change.send(&ann, full, &[(world.sam, None)]).await.0.is_success(), "{change:?}");
            assert_eq!(members_of(&world, full).await.len(), if matches!(change, Change::Add | Change::AddInBulk) { 4 } else { 3 });
        }
    }

    // SB-35
    async fn groups_that_are_members_stay_as_they_are(db: TestDb) {
        let world = World::new(app(&db)).await;
        let inner = group(&world.admin, "Inner", &[]).await;
        let own = group(&world.admin, "Own", &[world.sam, inner]).await;
        world.delegate(json!({ "to_user": world.ann, "members_of": own, "rights": ["write", "manage_members"] })).await;
        let ann = world.ann();
        let both = [(world.sam, None), (inner, None)];
        assert!(Change::Replace.send(&ann, own, &both).await.0.is_success(), "as they were read");
        assert!(Change::Replace.send(&ann, own, &[(inner, Some("Group"))]).await.0.is_success(), "a user goes");
        assert_eq!(members_of(&world, own).await, [inner.to_string()]);
        assert_eq!(Change::Replace.send(&ann, own, &[]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(Change::Remove.send(&ann, own, &[(inner, None)]).await.0, StatusCode::FORBIDDEN);
        assert_eq!(Change::Add.send(&ann, own, &[(own, None)]).await.0, StatusCode::FORBIDDEN, "a new one");
        assert_eq!(members_of(&world, own).await, [inner.to_string()]);
    }

    // SB-35
    async fn changes_of_members_do_not_say_whether_an_id_outside_exists(db: TestDb) {
        let world = World::new(app(&db)).await;
        let hidden = group(&world.admin, "Hidden", &[]).await;
        let own = group(&world.admin, "Own", &[]).await;
        world.delegate(json!({ "to_user": world.ann, "members_of": own, "rights": ["write", "manage_members"] })).await;
        world.delegate(json!({ "to_user": world.ann, "users_matching": "userName eq \"sam\"" })).await;
        let ann = world.ann();
        let others = [None, Some(Uuid::from_u128(7)), Some(Uuid::from_u128(u128::MAX)), Some(world.sam)];
        for change in Change::EACH {
            for outside in [world.oto, hidden, world.sales] {
                // Its neighbour in the order of the ids, who is nobody.
                let nobody = Uuid::from_u128(outside.as_u128() ^ 1);
                for kind in [None, Some("User"), Some("Group")] {
                    for other in others {
                        let case = format!("{change:?} {outside} {kind:?} {other:?}");
                        let mut answers = Vec::new();
                        for id in [outside, nobody] {
                            let ids: Vec<_> = [(id, kind)].into_iter().chain(other.map(|other| (other, None))).collect();
                            let (status, body) = change.send(&ann, own, &ids).await;
                            answers.push((status, body.replace(&id.to_string(), "ID")));
                        }
                        assert_eq!(answers[0], answers[1], "{case}");
                    }
                }
            }
        }
        assert_eq!(members_of(&world, own).await, Vec::<String>::new());
    }

    // SB-35
    async fn nobody_outside_is_locked(db: TestDb) {
        let world = World::new(app(&db)).await;
        let own = group(&world.admin, "Own", &[]).await;
        world.delegate(json!({ "to_user": world.ann, "members_of": own, "rights": ["write", "delete", "manage_members"] })).await;
        let ann = world.ann();
        let outside = BTreeSet::from([world.oto, world.sales]);
        let mut tx = world.app.db.begin("test").await.unwrap();
        users::lock_before(&mut tx, &outside).await.unwrap();
        groups::lock_before(&mut tx, &outside).await.unwrap();
        // SQLite has one lock for all writers.
        let held = match tx.engine() {
            Engine::Sqlite => tx.rollback().await.map(|()| None),
            Engine::Postgres => Ok(Some(tx)),
        }
        .unwrap();
        let answers = async {
            let mut statuses = vec![
                ann.json("PATCH", &user_path(world.oto), &retitle("Archer")).await.status,
                ann.send("DELETE", &user_path(world.oto), &[], Body::empty()).await.status,
                ann.json("PATCH", &group_path(world.sales), &remove_member(world.sam)).await.status,
            ];
            for change in Change::EACH {
                for id in [world.oto, world.sales] {
                    statuses.push(change.send(&ann, own, &[(id, None)]).await.0);
                }
            }
            statuses
        };
        let statuses = tokio::time::timeout(Duration::from_secs(20), answers).await.expect("nothing waits");
        let (missing, refused, none) = (StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST, StatusCode::NO_CONTENT);
        let ok = StatusCode::OK;
        assert_eq!(statuses, [missing, missing, missing, refused, refused, none, none, refused, refused, refused, refused, ok, ok]);
        drop(held);
    }
}
