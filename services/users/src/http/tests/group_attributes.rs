//! Tests of the attributes of groups: extensions that the configuration defines.

use chassis::db::Db;
use chassis::on_engine;
use http::StatusCode;
use scim::schema::Accessor;
use scim::version::IfMatch;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::authority::Authority;
use crate::config::ScimConfig;
use crate::testing::{Caller, app, app_with_attributes, clients_token, desired_user, make_administrator};
use crate::users::Writer;

const GROUPS: &str = "/scim/v2/Groups";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const TEAM: &str = "urn:example:params:scim:schemas:extension:2.0:Team";

fn config() -> ScimConfig {
    serde_json::from_value(json!({"extensions": [{
        "schema": TEAM, "name": "Team", "resource_type": "Group",
        "attributes": [
            {"name": "costCenter", "required": true},
            {"name": "floor", "type": "integer"},
            {"name": "badge", "mutability": "immutable"},
            {"name": "budget", "read": ["administrator"], "write": ["administrator"]},
            {"name": "rooms", "multi_valued": true},
        ],
    }]}))
    .unwrap()
}

fn directory(app: &SharedApp) -> Caller {
    Caller::with(
        app,
        clients_token("a-directory", "groups:read groups:write users:read users:write"),
    )
}

async fn administrator(app: &SharedApp) -> Caller {
    let root = app.users.create(desired_user("root1")).await.unwrap().id;
    make_administrator(app, root).await;
    Caller::with(app, persons_token_with(root))
}

fn persons_token_with(id: Uuid) -> String {
    crate::testing::token(
        &id.to_string(),
        "console",
        "openid groups:read groups:write users:read",
    )
}

fn team(name: &str, attributes: &Value) -> Value {
    json!({"schemas": [CORE, TEAM], "displayName": name, TEAM: attributes})
}

fn patch(operation: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

/// The attributes in the last event of a group.
async fn published(db: &Db, id: &str) -> Value {
    last_event(db, id.parse().unwrap()).await["attributes"].clone()
}

/// The data of the last event of a group.
async fn last_event(db: &Db, id: Uuid) -> Value {
    const EVENT: &str =
        "SELECT CAST(payload AS TEXT) FROM outbox WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1";
    let mut reader = db.reader().await.unwrap();
    let text: String =
        on_engine!(&mut reader, c => sqlx::query_scalar(EVENT).bind(id).fetch_one(c).await.unwrap());
    serde_json::from_str(&text).unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn attributes_are_stored_shown_published_and_replaced(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        let made = directory.json("POST", GROUPS, &team("Archers", &json!({"costCenter": "4711", "Floor": 3}))).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let expected = json!({"costCenter": "4711", "floor": 3});
        let id = made.body["id"].as_str().unwrap();
        let path = format!("{GROUPS}/{id}");
        let shown = directory.get(&path).await;
        for body in [&made.body, &shown.body] {
            assert_eq!((&body["schemas"], &body[TEAM]), (&json!([CORE, TEAM]), &expected), "{body}");
        }
        assert_eq!(published(&db, id).await, json!({TEAM: expected}));
        // Sent back as it was read it changes nothing.
        let same = directory.json("PUT", &path, &shown.body).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "W/\"1\""), "{same:?}");
        let moved = directory.json("PUT", &path, &team("Archers", &json!({"costCenter": "4711", "rooms": ["a", "b"]}))).await;
        assert_eq!(moved.body[TEAM], json!({"costCenter": "4711", "rooms": ["a", "b"]}), "{moved:?}");
        assert_eq!(published(&db, id).await, json!({TEAM: {"costCenter": "4711", "rooms": ["a", "b"]}}));
        let plain = directory.json("PUT", &path, &json!({"schemas": [CORE], "displayName": "Archers"})).await;
        assert_eq!((&plain.body["schemas"], plain.body.get(TEAM)), (&json!([CORE]), None), "{plain:?}");
        assert_eq!(published(&db, id).await, Value::Null);
    }

    async fn what_does_not_fit_is_refused_by_name(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        for (attributes, named) in [
            (json!({"costCenter": 7}), "costCenter"),
            (json!({"floor": 3}), "costCenter"),
            (json!({"costCenter": "1", "color": "red"}), "color"),
            (json!({"costCenter": "a\u{7}b"}), TEAM),
            (json!({"costCenter": "1", "rooms": vec!["x".repeat(200); 40]}), "4096"),
        ] {
            let refused = directory.json("POST", GROUPS, &team("Archers", &attributes)).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{attributes}: {refused:?}");
            assert!(refused.body["detail"].as_str().unwrap().contains(named), "{refused:?}");
        }
        let none = directory.get(&format!("{GROUPS}?filter=displayName%20eq%20%22Archers%22")).await;
        assert_eq!(none.body["totalResults"], 0);
    }

    async fn a_patch_changes_single_attributes(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        let made = directory.json("POST", GROUPS, &team("Archers", &json!({"costCenter": "4711", "badge": "A"}))).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let path = format!("{GROUPS}/{id}?attributes={TEAM}:costCenter,{TEAM}:floor,{TEAM}:rooms,{TEAM}:badge");
        for (operation, expected) in [
            (json!({"op": "add", "path": format!("{TEAM}:floor"), "value": 3}), json!({"costCenter": "4711", "badge": "A", "floor": 3})),
            (json!({"op": "replace", "value": {TEAM: {"costCenter": "12"}}}), json!({"costCenter": "12", "badge": "A", "floor": 3})),
            (json!({"op": "add", "path": format!("{TEAM}:rooms"), "value": ["a"]}), json!({"costCenter": "12", "badge": "A", "floor": 3, "rooms": ["a"]})),
            (json!({"op": "remove", "path": format!("{TEAM}:floor")}), json!({"costCenter": "12", "badge": "A", "rooms": ["a"]})),
        ] {
            let changed = directory.json("PATCH", &path, &patch(&operation)).await;
            assert_eq!((changed.status, &changed.body[TEAM]), (StatusCode::OK, &expected), "{operation}: {changed:?}");
            assert_eq!(published(&db, &id).await, json!({TEAM: expected}));
        }
        let path = format!("{GROUPS}/{id}");
        for (operation, scim_type) in [
            (json!({"op": "replace", "path": format!("{TEAM}:badge"), "value": "B"}), "mutability"),
            (json!({"op": "remove", "path": format!("{TEAM}:costCenter")}), "mutability"),
        ] {
            let refused = directory.json("PATCH", &path, &patch(&operation)).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!(scim_type)), "{operation}: {refused:?}");
        }
        let replaced = directory.json("PUT", &path, &team("Archers", &json!({"costCenter": "12", "badge": "B"}))).await;
        assert_eq!(replaced.body["scimType"], "mutability", "{replaced:?}");
        // Bulk requests do the same.
        let operation = json!({"method": "PATCH", "path": format!("/Groups/{id}"),
            "data": patch(&json!({"op": "replace", "path": format!("{TEAM}:costCenter"), "value": "13"}))});
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation]});
        assert_eq!(directory.json("POST", "/scim/v2/Bulk", &bulk).await.body["Operations"][0]["status"], "200");
        assert_eq!(directory.get(&path).await.body[TEAM]["costCenter"], "13");
    }

    async fn two_patches_of_different_attributes_are_both_kept(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        let made = directory.json("POST", GROUPS, &team("Archers", &json!({"costCenter": "0"}))).await;
        let path = format!("{GROUPS}/{}", made.body["id"].as_str().unwrap());
        for round in 1..9 {
            let floor = patch(&json!({"op": "replace", "path": format!("{TEAM}:floor"), "value": round}));
            let center = patch(&json!({"op": "replace", "path": format!("{TEAM}:costCenter"), "value": round.to_string()}));
            let (one, other) = tokio::join!(directory.json("PATCH", &path, &floor), directory.json("PATCH", &path, &center));
            assert_eq!((one.status, other.status), (StatusCode::NO_CONTENT, StatusCode::NO_CONTENT), "{one:?} {other:?}");
            let shown = directory.get(&path).await;
            assert_eq!(shown.body[TEAM], json!({"costCenter": round.to_string(), "floor": round}));
        }
    }

    async fn a_patch_that_raced_keeps_its_rename(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        let made = directory.json("POST", GROUPS, &team("Archers", &json!({"costCenter": "1"}))).await;
        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let path = format!("{GROUPS}/{id}");
        let center = json!({"op": "replace", "path": format!("{TEAM}:costCenter"), "value": "2"});
        let writer = Writer {
            accessor: Accessor::Administrator,
            client: None,
            makes_administrators: true,
            authority: Authority::EVERYBODY,
        };
        // It is applied, and committed after the other PATCH has read the group.
        let mut tx = app.db.begin("test").await.unwrap();
        let operations = scim::patch::parse(&patch(&center)).unwrap();
        app.groups.patch_in(&mut tx, (id, &IfMatch::Any), &operations, &writer).await.unwrap();
        let other = directory.clone();
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
            {"op": "replace", "path": "displayName", "value": "Bowmen"}, center,
        ]});
        let url = path.clone();
        let mut renaming = JoinSet::new();
        renaming.spawn(async move { other.json("PATCH", &url, &body).await });
        db.wait_for_lock_waiter().await;
        tx.commit().await.unwrap();
        let renamed = renaming.join_next().await.unwrap().unwrap();
        assert_eq!(renamed.status, StatusCode::NO_CONTENT, "{renamed:?}");
        let shown = directory.get(&path).await;
        assert_eq!((&shown.body["displayName"], &shown.body[TEAM]["costCenter"]), (&json!("Bowmen"), &json!("2")));
        assert_eq!(shown.body["meta"]["version"], "W/\"3\"");
        assert_eq!(last_event(&db, id).await["display_name"], "Bowmen");
    }

    // SB-35
    async fn attributes_are_for_those_who_may_read_and_write_them(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let (directory, administrator) = (directory(&app), administrator(&app).await);
        let made = administrator.json("POST", GROUPS, &team("Archers", &json!({"costCenter": "1", "budget": "9000"}))).await;
        assert_eq!(made.body[TEAM]["budget"], "9000", "{made:?}");
        let path = format!("{GROUPS}/{}", made.body["id"].as_str().unwrap());
        let seen = directory.get(&path).await;
        assert_eq!(seen.body[TEAM], json!({"costCenter": "1"}));
        // What the client does not see stays.
        let replaced = directory.json("PUT", &path, &team("Archers", &json!({"costCenter": "2"}))).await;
        assert_eq!(replaced.status, StatusCode::OK, "{replaced:?}");
        assert_eq!(administrator.get(&path).await.body[TEAM], json!({"costCenter": "2", "budget": "9000"}));
        let write = patch(&json!({"op": "replace", "path": format!("{TEAM}:budget"), "value": "1"}));
        assert_eq!(directory.json("PATCH", &path, &write).await.status, StatusCode::FORBIDDEN);
        let creation = team("Bowmen", &json!({"costCenter": "1", "budget": "1"}));
        assert_eq!(directory.json("POST", GROUPS, &creation).await.status, StatusCode::FORBIDDEN);
        let search = format!("{GROUPS}?filter={TEAM}:budget%20sw%20%229%22");
        let refused = directory.get(&search).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidFilter")), "{refused:?}");
        assert_eq!(administrator.get(&search).await.body["totalResults"], 1);
    }

    async fn groups_are_found_and_sorted_by_their_attributes(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let directory = directory(&app);
        for (name, floor) in [("Archers", 3), ("Bowmen", 1), ("Cooks", 2)] {
            directory.json("POST", GROUPS, &team(name, &json!({"costCenter": name, "floor": floor}))).await;
        }
        let names = async |query: &str| -> Vec<String> {
            let found = directory.get(query).await;
            let all = found.body["Resources"].as_array().cloned().unwrap_or_default();
            all.iter().map(|group| group["displayName"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&format!("{GROUPS}?filter={TEAM}:floor%20gt%201&sortBy={TEAM}:floor")).await, ["Cooks", "Archers"]);
        assert_eq!(names(&format!("{GROUPS}?filter={TEAM}:costCenter%20eq%20%22bowmen%22")).await, ["Bowmen"]);
        assert_eq!(names(&format!("/scim/v2?filter={TEAM}:floor%20eq%203")).await, ["Archers"]);
        let only = directory.get(&format!("{GROUPS}?filter={TEAM}:floor%20eq%203&attributes={TEAM}:floor")).await;
        assert_eq!(only.body["Resources"][0][TEAM], json!({"floor": 3}));
    }

    async fn what_is_taken_out_of_the_configuration_is_hidden_and_stays(db: TestDb) {
        let defined = app_with_attributes(&db, &config());
        let made = directory(&defined).json("POST", GROUPS, &team("Archers", &json!({"costCenter": "1"}))).await;
        let path = format!("{GROUPS}/{}", made.body["id"].as_str().unwrap());
        let without = app(&db);
        let plain = directory(&without);
        let shown = plain.get(&path).await;
        assert_eq!((&shown.body["schemas"], shown.body.get(TEAM)), (&json!([CORE]), None));
        let renamed = plain.json("PUT", &path, &json!({"schemas": [CORE], "displayName": "Bowmen"})).await;
        assert_eq!(renamed.status, StatusCode::OK, "{renamed:?}");
        assert_eq!(directory(&defined).get(&path).await.body[TEAM], json!({"costCenter": "1"}));
    }

    async fn an_import_has_the_attributes(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let admin = Caller::with(&app, clients_token("cli", "admin groups:read"));
        let rows = json!({"groups": [team("Archers", &json!({"costCenter": "1", "floor": 4}))]});
        let imported = admin.json("POST", "/admin/v1/import/groups", &rows).await;
        let id = imported.body["results"][0]["id"].as_str().unwrap();
        assert_eq!(directory(&app).get(&format!("{GROUPS}/{id}")).await.body[TEAM], json!({"costCenter": "1", "floor": 4}));
        assert_eq!(published(&db, id).await, json!({TEAM: {"costCenter": "1", "floor": 4}}));
    }
}
