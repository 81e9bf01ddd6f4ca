//! Tests of `PATCH /scim/v2/Users/{id}` (RFC 7644 §3.5.2), with the forms of provisioning clients.

use http::StatusCode;
use scim::schema::{CORE_USER, ENTERPRISE_USER};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, app, clients_token, events_of};

const USERS: &str = "/scim/v2/Users";

fn directory(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("a-directory", "users:read users:write"))
}

fn operations(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

async fn ann(directory: &Caller) -> (Uuid, String) {
    let body = json!({
        "schemas": [CORE_USER], "userName": "ann", "displayName": "Ann",
        "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
    });
    let made = directory.json("POST", USERS, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
    (id, format!("{USERS}/{id}"))
}

fn refusal(response: &TestResponse) -> (u16, &str) {
    (
        response.status.as_u16(),
        response.body["scimType"].as_str().unwrap_or_default(),
    )
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_is_changed_as_entra_and_okta_send_it(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let (id, path) = ann(&directory).await;
        let deactivated = "vestibule.user.deactivated.v1";
        for (version, (sent, pointer, value, event)) in (2..).zip([
            // Entra ID: `op` in capitals, truth values as text, a sub-attribute by its path.
            (json!([{"op": "Replace", "path": "active", "value": "False"}]), "/active", json!(false), deactivated),
            (json!([{"op": "Add", "path": "name.givenName", "value": "Ann"}]), "/name/givenName", json!("Ann"), "vestibule.user.updated.v1"),
            (json!([{"op": "Add", "path": "emails[type eq \"home\"].value", "value": "ann@example.org"}]), "/emails/1",
                json!({"value": "ann@example.org", "type": "home", "primary": false}), "vestibule.user.updated.v1"),
            (json!([{"op": "Replace", "path": format!("{ENTERPRISE_USER}:department"), "value": "Sales"}]),
                &format!("/{ENTERPRISE_USER}/department"), json!("Sales"), "vestibule.user.updated.v1"),
            (json!([{"op": "Add", "value": {"name.familyName": "Example", "timezone": "Europe/Paris"}}]), "/name/familyName",
                json!("Example"), "vestibule.user.updated.v1"),
            // Okta: an object without a path.
            (json!([{"op": "replace", "value": {"active": true, "displayName": "A. Example"}}]), "/displayName",
                json!("A. Example"), "vestibule.user.reactivated.v1"),
            (json!([{"op": "remove", "path": "emails[type eq \"home\"]"}]), "/emails",
                json!([{"value": "ann@example.com", "type": "work", "primary": true}]), "vestibule.user.updated.v1"),
        ]) {
            let changed = directory.json("PATCH", &path, &operations(&sent)).await;
            assert_eq!(changed.status, StatusCode::OK, "{sent}: {changed:?}");
            assert_eq!(changed.body.pointer(pointer), Some(&value), "{sent}: {}", changed.body);
            assert_eq!(changed.header("etag"), format!("W/\"{version}\""));
            assert_eq!(directory.get(&path).await.body, changed.body);
            assert_eq!(events_of(&db, id).await.pop().unwrap(), (event.to_owned(), version), "{sent}");
        }
    }

    async fn a_patch_without_an_effect_makes_no_version_and_no_event(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let (id, path) = ann(&directory).await;
        for sent in [
            json!([{"op": "replace", "path": "displayName", "value": "Ann"}]),
            json!([{"op": "add", "path": "emails", "value": [{"value": "ann@example.com", "type": "work", "primary": true}]}]),
            json!([{"op": "remove", "path": "nickName"}]),
            json!([{"op": "add", "path": "nickName", "value": "A"}, {"op": "remove", "path": "nickName"}]),
        ] {
            let same = directory.json("PATCH", &path, &operations(&sent)).await;
            assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "W/\"1\""), "{sent}: {same:?}");
        }
        assert_eq!(events_of(&db, id).await.len(), 1);
    }

    async fn a_refused_operation_undoes_all_of_the_patch(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let (id, path) = ann(&directory).await;
        let other = json!({"schemas": [CORE_USER], "userName": "bob"});
        assert_eq!(directory.json("POST", USERS, &other).await.status, StatusCode::CREATED);
        let before = directory.get(&path).await.body;
        for (last, expected) in [
            (json!({"op": "replace", "path": "id", "value": Uuid::nil()}), (400, "mutability")),
            (json!({"op": "add", "path": "groups", "value": [{"value": "vestibule-admins"}]}), (400, "mutability")),
            (json!({"op": "remove", "path": "userName"}), (400, "mutability")),
            (json!({"op": "replace", "path": "shoeSize", "value": 44}), (400, "invalidPath")),
            (json!({"op": "replace", "path": "emails[shoe eq 1]", "value": 44}), (400, "invalidFilter")),
            (json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "a@b.example"}}), (400, "noTarget")),
            (json!({"op": "replace", "path": "active", "value": "maybe"}), (400, "invalidValue")),
            (json!({"op": "replace", "path": "emails", "value": [{"value": "nowhere"}]}), (400, "invalidValue")),
            (json!({"op": "replace", "path": "userName", "value": "root"}), (400, "invalidValue")),
            (json!({"op": "replace", "path": "userName", "value": "BOB"}), (409, "uniqueness")),
            (json!({"op": "replace", "path": "password", "value": "correct horse"}), (400, "invalidValue")),
            (json!({"op": "remove", "path": "password"}), (400, "invalidValue")),
            (json!({"op": "move", "path": "title", "value": "x"}), (400, "invalidSyntax")),
        ] {
            let sent = operations(&json!([{"op": "add", "path": "title", "value": "Boss"}, last]));
            let refused = directory.json("PATCH", &path, &sent).await;
            assert_eq!(refusal(&refused), expected, "{sent}: {refused:?}");
            assert_eq!(refused.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        }
        assert_eq!(directory.get(&path).await.body, before);
        assert_eq!(events_of(&db, id).await.len(), 1);
    }

    async fn a_patch_obeys_its_condition_and_needs_the_right_to_write(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let (_, path) = ann(&directory).await;
        let title = |title: &str| operations(&json!([{"op": "add", "path": "title", "value": title}]));
        assert_eq!(directory.json_if("PATCH", &path, &title("a"), "W/\"1\"").await.status, StatusCode::OK);
        let stale = directory.json_if("PATCH", &path, &title("b"), "W/\"1\"").await;
        assert_eq!((stale.status, &stale.body["status"]), (StatusCode::PRECONDITION_FAILED, &json!("412")));
        assert_eq!(directory.get(&path).await.body["title"], "a");
        let reader = Caller::with(&app, clients_token("a-reader", "users:read"));
        assert_eq!(reader.json("PATCH", &path, &title("c")).await.status, StatusCode::FORBIDDEN);
        let nobody = format!("{USERS}/{}", Uuid::nil());
        assert_eq!(directory.json("PATCH", &nobody, &title("d")).await.status, StatusCode::NOT_FOUND);
    }

    async fn a_response_has_the_attributes_that_are_asked_for(db: TestDb) {
        // RFC 7644 §3.9
        let app = app(&db);
        let directory = directory(&app);
        let (_, path) = ann(&directory).await;
        let names = |body: &Value| -> Vec<String> {
            let mut names: Vec<String> = body.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        let only = directory.get(&format!("{path}?attributes=USERNAME,emails.value,{ENTERPRISE_USER}:department")).await;
        assert_eq!(names(&only.body), ["emails", "id", "schemas", "userName"]);
        assert_eq!(only.body["emails"], json!([{"value": "ann@example.com"}]));
        let without = directory.get(&format!("{path}?excludedAttributes=emails,id,meta")).await;
        assert_eq!(names(&without.body), ["active", "displayName", "id", "schemas", "userName"]);
        let sent = operations(&json!([{"op": "add", "path": "title", "value": "Boss"}]));
        let changed = directory.json("PATCH", &format!("{path}?attributes=title"), &sent).await;
        assert_eq!(names(&changed.body), ["id", "schemas", "title"]);
        let both = directory.get(&format!("{path}?attributes=title&excludedAttributes=id")).await;
        assert_eq!(refusal(&both), (400, "invalidValue"));
    }
}
