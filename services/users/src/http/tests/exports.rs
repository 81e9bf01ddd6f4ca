//! The export of users and groups, with everything that an import takes back.

use std::collections::BTreeSet;

use http::StatusCode;
use scim::schema::CONFIGURED_USER;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::testing::{Caller, app, app_with_attributes, app_with_grace_and_attributes, clients_token};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const TEAM: &str = "urn:example:params:scim:schemas:extension:2.0:Team";
const CREATED: &str = "2020-02-03T04:05:06.000007Z";
const USERS: &str = "/admin/v1/export/users";
const GROUPS: &str = "/admin/v1/export/groups";
const CLIENTS: &str = "/admin/v1/provisioning-clients";
/// A provisioning client of another installation.
const ENTRA: &str = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3";

/// An attribute of each kind that a list over SCIM does not show to a client, or that a client may not write.
fn config() -> ScimConfig {
    let attributes = json!([
        {"name": "plain"},
        {"name": "onRequest", "returned": "request"},
        {"name": "never", "returned": "never"},
        {"name": "writeOnly", "mutability": "writeOnly", "returned": "never"},
        {"name": "immutable", "mutability": "immutable"},
        {"name": "hidden", "read": ["administrator"], "write": ["administrator"]},
        {"name": "own", "read": ["self"], "write": ["self"]},
    ]);
    let team = json!({"schema": TEAM, "name": "Team", "resource_type": "Group", "attributes": attributes});
    serde_json::from_value(json!({"attributes": attributes, "extensions": [team]})).unwrap()
}

fn values() -> Value {
    json!({
        "plain": "p", "onRequest": "r", "never": "n", "writeOnly": "w", "immutable": "i", "hidden": "h", "own": "o",
    })
}

fn operator(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("an-operator", "admin users:read groups:read"))
}

fn person(id: u128, name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE, CONFIGURED_USER], "id": Uuid::from_u128(id), "userName": name,
        "active": true, "externalId": format!("hr-{name}"), "meta": {"created": CREATED},
        "emails": [{"value": format!("{name}@example.org"), "type": "work"}],
        ENTERPRISE: {"manager": {"value": Uuid::from_u128(1)}},
        CONFIGURED_USER: values(),
        "external_ids": {"okta-sync": format!("okta-{name}"), ENTRA: format!("entra-{name}")},
    })
}

fn team(id: u128, name: &str) -> Value {
    json!({
        "schemas": [GROUP, TEAM], "id": Uuid::from_u128(id), "displayName": name, "externalId": format!("hr-{name}"),
        "meta": {"created": CREATED}, TEAM: values(),
        "external_ids": {"okta-sync": format!("okta-{name}"), ENTRA: format!("entra-{name}")},
    })
}

async fn import(caller: &Caller, kind: &str, rows: &[Value]) -> Vec<String> {
    let path = format!("/admin/v1/import/{kind}");
    let answer = caller.json("POST", &path, &json!({ kind: rows })).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let results = answer.body["results"].as_array().unwrap().iter();
    results
        .map(|row| match row["detail"].as_str() {
            None => row["status"].as_str().unwrap().to_owned(),
            Some(detail) => detail.to_owned(),
        })
        .collect()
}

async fn add_client(caller: &Caller, id: &str, name: &str) -> (StatusCode, Value) {
    let body = json!({"id": id, "name": name, "scopes": ["users:read", "groups:read"]});
    let answer = caller.json("POST", CLIENTS, &body).await;
    (answer.status, answer.body)
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &provisioning::MIGRATIONS, &crate::MIGRATIONS];

    async fn an_export_has_everything_that_an_import_has_written(db: TestDb) {
        let app = app_with_attributes(&db, &config());
        let operator = operator(&app);
        let (status, client) = add_client(&operator, ENTRA, "Entra ID").await;
        assert_eq!((status, &client["id"]), (StatusCode::CREATED, &json!(ENTRA)));
        let people = [person(1, "ann"), person(2, "bob"), person(3, "cas")];
        assert_eq!(import(&operator, "users", &people).await, ["created"; 3]);
        let teams = [team(11, "archers"), team(12, "bakers")];
        assert_eq!(import(&operator, "groups", &teams).await, ["created"; 2]);

        let exported = operator.get(USERS).await;
        assert_eq!(exported.header("cache-control"), "no-store");
        assert_eq!(exported.body, json!({ "users": people }));
        let exported = operator.get(GROUPS).await.body["groups"].as_array().unwrap().clone();
        assert_eq!((&exported[..2], exported.len()), (&teams[..], 3), "and that of the administrators");
        // What SCIM shows of the same person is less.
        let listed = operator.get(&format!("/scim/v2/Users/{}", Uuid::from_u128(1))).await;
        let seen: BTreeSet<&str> = listed.body[CONFIGURED_USER].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(seen, BTreeSet::from(["immutable", "plain"]));

        // The identifiers are those of the clients again, in the index too.
        let sync = Caller::with(&app, clients_token("okta-sync", "users:read groups:read"));
        let entra = Caller::with(&app, client["token"].as_str().unwrap().to_owned());
        for (caller, prefix) in [(&sync, "okta"), (&entra, "entra")] {
            for (endpoint, name, id) in [("Users", "bob", 2), ("Groups", "bakers", 12)] {
                let filter = format!("/scim/v2/{endpoint}?filter=externalId%20eq%20%22{prefix}-{name}%22");
                let found = caller.get(&filter).await;
                assert_eq!(found.body["totalResults"], 1, "{prefix} {name}: {found:?}");
                assert_eq!(found.body["Resources"][0]["id"], json!(Uuid::from_u128(id)));
            }
        }
        let again = [json!({"schemas": [USER], "userName": "dan", "external_ids": {"okta-sync": "okta-ann"}})];
        assert_eq!(import(&operator, "users", &again).await, ["externalId: another resource has this value"]);
        let again = [json!({"schemas": [GROUP], "displayName": "dyers", "external_ids": {"okta-sync": "okta-bakers"}})];
        assert_eq!(import(&operator, "groups", &again).await, ["externalId: another resource has this value"]);
    }

    async fn identifiers_of_a_provisioning_client_that_is_not_here_are_refused(db: TestDb) {
        let (app, clock) = app_with_grace_and_attributes(&db, 0, &config());
        let operator = operator(&app);
        let reason = format!(
            "external_ids: there is no provisioning client with the id {ENTRA}; create it first, with this id"
        );
        assert_eq!(import(&operator, "users", &[person(1, "ann")]).await, [reason.as_str()]);
        assert_eq!(import(&operator, "groups", &[team(11, "archers")]).await, [reason.as_str()]);
        let wrong = |ids: Value| json!({"schemas": [USER], "userName": "eve", "external_ids": ids});
        let rows = [wrong(json!("x")), wrong(json!({"a": 1})), wrong(json!({"": "x"})), wrong(json!({"a": ""}))];
        assert_eq!(import(&operator, "users", &rows).await, [
            "external_ids: expected an object with a text for each client",
            "external_ids: expected an object with a text for each client",
            "external_ids: expected the client_id of a client",
            "externalId: must not be empty",
        ]);

        let taken = |answer: (StatusCode, Value)| answer.0;
        assert_eq!(taken(add_client(&operator, &Uuid::from_u128(7).to_string(), "A").await), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(taken(add_client(&operator, ENTRA, "Entra ID").await), StatusCode::CREATED);
        assert_eq!(taken(add_client(&operator, ENTRA, "Other").await), StatusCode::CONFLICT);
        assert_eq!(import(&operator, "users", &[person(1, "ann")]).await, ["created"]);
        let path = format!("{CLIENTS}/{ENTRA}");
        let deleted = operator.send("DELETE", &path, &[], axum::body::Body::empty()).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        assert_eq!(operator.get(&path).await.status, StatusCode::NOT_FOUND);
        // What it gave is still being removed.
        assert_eq!(taken(add_client(&operator, ENTRA, "Entra ID").await), StatusCode::CONFLICT);
        clock.advance(std::time::Duration::from_secs(61));
        let shutdown = chassis::shutdown::Shutdown::new();
        app.provisioning_clients.remove_identifiers(&app.users, &app.groups, &shutdown).await.unwrap();
        assert_eq!(taken(add_client(&operator, ENTRA, "Entra ID").await), StatusCode::CREATED);
    }

    async fn an_export_goes_on_after_the_last_id_of_a_page(db: TestDb) {
        let app = app(&db);
        let operator = operator(&app);
        let rows: Vec<Value> = (1..=5)
            .map(|id| json!({"schemas": [USER], "id": Uuid::from_u128(id), "userName": format!("user{id}")}))
            .collect();
        assert_eq!(import(&operator, "users", &rows).await, ["created"; 5]);
        let groups: Vec<Value> = (11..=13)
            .map(|id| json!({"schemas": [GROUP], "id": Uuid::from_u128(id), "displayName": format!("group{id}")}))
            .collect();
        assert_eq!(import(&operator, "groups", &groups).await, ["created"; 3]);
        for (path, kind, first, last) in [(USERS, "users", 1, 5), (GROUPS, "groups", 11, 13)] {
            let (mut found, mut query) = (Vec::new(), "?limit=2".to_owned());
            loop {
                let page = operator.get(&format!("{path}{query}")).await;
                let entries = page.body[kind].as_array().unwrap().clone();
                found.extend(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
                if let Some(next) = page.body["next"].as_str() {
                    query = format!("?limit=2&after={next}");
                } else {
                    break;
                }
            }
            found.retain(|id| id.starts_with("00000000-0000-0000-0000"));
            let expected: Vec<String> = (first..=last).map(|id| Uuid::from_u128(id).to_string()).collect();
            assert_eq!(found, expected, "{kind}");
        }
        let refused = operator.get(&format!("{USERS}?limit=1001")).await;
        assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, "limit"));
        let reader = Caller::with(&app, clients_token("a-reader", "users:read groups:read"));
        for path in [USERS, GROUPS] {
            assert_eq!(reader.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}
