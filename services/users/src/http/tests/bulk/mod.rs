//! Bulk requests, as a provisioning client sends them (RFC 7644 §3.7).

mod batches;
mod races;
mod references;

use axum::body::Body;
use chassis::on_engine;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::testing::{
    Caller, TestResponse, app, app_with_attributes, clients_token, desired_user, events_of,
};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK: &str = "/scim/v2/Bulk";
const BASE: &str = "http://users.example/scim/v2";

fn directory(app: &SharedApp) -> Caller {
    let scopes = "users:read users:write groups:read groups:write";
    Caller::with(app, clients_token("a-directory", scopes))
}

fn user(name: &str) -> Value {
    json!({
        "method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": name},
    })
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({
        "method": "POST", "path": "/Groups", "bulkId": name,
        "data": {"schemas": [GROUP], "displayName": name, "members": members},
    })
}

fn patch(path: &str, operations: Value) -> Value {
    json!({"method": "PATCH", "path": path, "data": {"schemas": [PATCH], "Operations": operations}})
}

async fn send(caller: &Caller, operations: &[Value]) -> TestResponse {
    send_with(caller, operations, Value::Null).await
}

async fn send_with(caller: &Caller, operations: &[Value], fail_on_errors: Value) -> TestResponse {
    let body = json!({"schemas": [REQUEST], "failOnErrors": fail_on_errors, "Operations": operations});
    caller.json("POST", BULK, &body).await
}

/// The statuses of the operations.
fn statuses(answer: &TestResponse) -> Vec<&str> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let results = answer.body["Operations"].as_array().unwrap();
    results
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect()
}

/// The path of the resource of an operation.
fn path_of(answer: &TestResponse, index: usize) -> String {
    let location = answer.body["Operations"][index]["location"].as_str().unwrap();
    location.strip_prefix("http://users.example").unwrap().to_owned()
}

fn id_of(answer: &TestResponse, index: usize) -> Uuid {
    path_of(answer, index)
        .rsplit('/')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

async fn names(directory: &Caller, endpoint: &str, name: &str) -> Vec<String> {
    let all = directory.get(&format!("/scim/v2/{endpoint}?count=200")).await;
    let mut names: Vec<String> = all.body["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it[name].as_str().unwrap().to_owned())
        .filter(|name| name != "vestibule-admins")
        .collect();
    names.sort_unstable();
    names
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn operations_of_every_kind_are_run_in_one_request(db: TestDb) {
        // RFC 7644 §3.7 (2) (3) (5), RFC 7644 §3.7.3 (1)
        let app = app(&db);
        let directory = directory(&app);
        let bob = app.users.create(desired_user("bob")).await.unwrap().id;
        let cas = app.users.create(desired_user("cas")).await.unwrap().id;
        let answer = send(&directory, &[
            user("ann"),
            json!({"method": "PUT", "path": format!("/Users/{bob}"), "version": "W/\"1\"", "data": {"schemas": [USER], "userName": "bobby"}}),
            patch(&format!("/Users/{cas}"), json!([{"op": "replace", "path": "active", "value": false}])),
            group("Archers", &["bulkId:ann", &bob.to_string()]),
            patch("/Groups/bulkId:Archers", json!([{"op": "add", "path": "members", "value": [{"value": cas}]}])),
            json!({"method": "DELETE", "path": format!("/Users/{bob}")}),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "200", "200", "201", "200", "204"], "{answer:?}");
        let results = answer.body["Operations"].as_array().unwrap();
        assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        assert_eq!((&results[0]["bulkId"], &results[0]["method"], &results[0]["version"]), (&json!("ann"), &json!("POST"), &json!("W/\"1\"")));
        // The user is put into the group by a later operation.
        assert_eq!(results[1]["version"], "W/\"2\"");
        assert_eq!(results[5]["location"], format!("{BASE}/Users/{bob}"));
        assert_eq!(results[5].get("version"), None);
        let ann = directory.get(&path_of(&answer, 0)).await;
        assert_eq!((&ann.body["userName"], &ann.body["groups"][0]["display"]), (&json!("ann"), &json!("Archers")));
        let archers = directory.get(&path_of(&answer, 3)).await;
        let members: Vec<&str> = archers.body["members"].as_array().unwrap().iter().map(|it| it["value"].as_str().unwrap()).collect();
        assert_eq!(members.len(), 2, "{members:?}");
        assert_eq!(directory.get(&format!("/scim/v2/Users/{bob}")).await.status, StatusCode::NOT_FOUND);
        let kinds: Vec<String> = events_of(&db, cas).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["created", "deactivated", "updated"].map(|it| format!("vestibule.user.{it}.v1")));
    }

    async fn an_operation_that_fails_is_rolled_back_alone(db: TestDb) {
        // RFC 7644 §3.7 (4), RFC 7644 §3.7.3 (2)
        let app = app(&db);
        let directory = directory(&app);
        app.users.create(desired_user("taken")).await.unwrap();
        let nobody = Uuid::from_u128(7);
        let mut numbered = user("eve");
        numbered["data"]["userName"] = json!(7);
        let answer = send(&directory, &[
            user("ann"),
            user("taken"),
            group("Archers", &["bulkId:ann", &nobody.to_string()]),
            numbered,
            json!({"method": "PUT", "path": format!("/Users/{nobody}"), "data": {"schemas": [USER], "userName": "x"}}),
            json!({"method": "DELETE", "path": "/Users/bulkId:ann", "version": "W/\"9\""}),
            json!({"method": "DELETE", "path": "/Devices/1"}),
            json!({"method": "DELETE", "path": "/Users/x", "version": "7"}),
            group("Bowmen", &["bulkId:ann"]),
        ]).await;
        assert_eq!(statuses(&answer), ["201", "409", "400", "400", "404", "412", "404", "404", "201"], "{answer:?}");
        let results = answer.body["Operations"].as_array().unwrap();
        assert_eq!(results[1]["response"]["scimType"], "uniqueness");
        assert_eq!(results[1].get("location"), None, "a creation that failed has no URL");
        assert!(results[2]["response"]["detail"].as_str().unwrap().contains(&nobody.to_string()));
        assert!(results[3]["response"]["detail"].as_str().unwrap().contains("userName"));
        assert_eq!(results[4]["location"], format!("{BASE}/Users/{nobody}"));
        assert_eq!(names(&directory, "Users", "userName").await, ["ann", "taken"]);
        assert_eq!(names(&directory, "Groups", "displayName").await, ["Bowmen"]);
        let ann: Vec<i64> = events_of(&db, id_of(&answer, 0)).await.into_iter().map(|(_, version)| version).collect();
        assert_eq!(ann, [1, 2], "the group that failed left no version behind");
    }

    async fn each_operation_needs_its_own_scope(db: TestDb) {
        let app = app(&db);
        let of_users = Caller::with(&app, clients_token("a-directory", "users:write"));
        let answer = send(&of_users, &[user("ann"), group("Archers", &["bulkId:ann"])]).await;
        assert_eq!(statuses(&answer), ["201", "403"]);
        assert!(answer.body["Operations"][1]["response"]["detail"].as_str().unwrap().contains("groups:write"));
        let of_groups = Caller::with(&app, clients_token("a-directory", "groups:write"));
        assert_eq!(statuses(&send(&of_groups, &[user("bob"), group("Archers", &[])]).await), ["403", "201"]);
        let reader = Caller::with(&app, clients_token("a-directory", "users:read groups:read"));
        let refused = send(&reader, &[user("cas")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.header("www-authenticate").contains("users:write groups:write"));
    }

    async fn a_request_beyond_the_limits_is_refused_whole(db: TestDb) {
        // RFC 7644 §3.7.4 (2)
        let small: ScimConfig = serde_json::from_value(json!({"bulk": {"max_operations": 2, "max_payload_bytes": 400_000}})).unwrap();
        let app = app_with_attributes(&db, &small);
        let directory = directory(&app);
        let many = send(&directory, &[user("a"), user("b"), user("c")]).await;
        assert_eq!(many.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(many.body["detail"].as_str().unwrap().contains("maxOperations (2)"));
        // Beyond `limits.body_bytes`, which other requests have to keep to.
        let mut large = user("ann");
        large["data"]["displayName"] = json!("x".repeat(300_000));
        assert_eq!(statuses(&send(&directory, &[large.clone()]).await), ["400"], "the value is too long, not the request");
        large["data"]["displayName"] = json!("x".repeat(400_000));
        let long = send(&directory, &[large.clone()]).await;
        assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE, "{long:?}");
        assert!(long.body["detail"].as_str().unwrap().contains("400000"), "{long:?}");
        let stranger = Caller::anonymous(&app);
        let refused = send(&stranger, &[large]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let config = directory.get("/scim/v2/ServiceProviderConfig").await;
        assert_eq!(config.body["bulk"], json!({"supported": true, "maxOperations": 2, "maxPayloadSize": 400_000}));
        assert_eq!(names(&directory, "Users", "userName").await, Vec::<String>::new());
        let unreadable = directory.send("POST", BULK, &[("content-type", "text/plain")], Body::from("{}")).await;
        assert_eq!(unreadable.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    async fn no_further_operation_is_run_after_so_many_errors(db: TestDb) {
        // RFC 7644 §3.7 (4)
        let app = app(&db);
        let directory = directory(&app);
        app.users.create(desired_user("taken")).await.unwrap();
        let operations = [user("ann"), user("taken"), user("bob"), user("taken2"), user("cas")];
        let one = send_with(&directory, &operations, json!(1)).await;
        assert_eq!(statuses(&one), ["201", "409"]);
        let mut again = operations.to_vec();
        again[0] = user("taken3");
        let two = send_with(&directory, &again, json!(2)).await;
        assert_eq!(statuses(&two), ["201", "409", "201", "201", "201"]);
    }

    async fn nothing_is_reported_as_done_when_the_transaction_fails(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let bob = app.users.create(desired_user("bob")).await.unwrap().id;
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("ALTER TABLE tombstones RENAME TO elsewhere").execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        let answer = send(&directory, &[user("ann"), json!({"method": "DELETE", "path": format!("/Users/{bob}")})]).await;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{answer:?}");
        assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(names(&directory, "Users", "userName").await, ["bob"]);
    }
}
