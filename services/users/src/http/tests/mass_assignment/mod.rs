//! Mass assignment (SB-35): each kind of caller tries to set every attribute of the registry, in each way that it has, and sets those
//! alone that are open to it.

mod table;

use std::collections::BTreeSet;

use http::StatusCode;
use scim::schema::CORE_USER;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{
    Caller, TestResponse, app_with_attributes, clients_token, desired_user, make_administrator,
    persons_token, token,
};
use crate::users::{find, seen_by, to_resource};
use table::{Open, Own, Row, configured, table};

const USERS: &str = "/scim/v2/Users";
const CLIENT: &str = "a-directory";

/// The stored user, as the client `CLIENT` knows it, with nothing hidden.
async fn stored(app: &SharedApp, id: Uuid) -> Value {
    let state = find(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
        .unwrap();
    to_resource(&seen_by(&state, Some(CLIENT)), app.registry.users(), "")
}

async fn new_user(app: &SharedApp, name: &str) -> Uuid {
    app.users.create(desired_user(name)).await.unwrap().id
}

/// The callers of SCIM, by their kind.
async fn callers(app: &SharedApp) -> [(&'static str, Caller); 3] {
    let (root, ann) = (new_user(app, "rita").await, new_user(app, "ann").await);
    make_administrator(app, root).await;
    let operator = Caller::with(app, clients_token("cli", "admin"));
    let delegation =
        json!({ "to_user": ann, "users_matching": "userName sw \"m\"", "rights": ["write", "create"] });
    let made = operator.json("POST", "/admin/v1/delegations", &delegation).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let person = |id: Uuid, scope: &str| Caller::with(app, token(&id.to_string(), "an-application", scope));
    [
        (
            "client",
            Caller::with(app, clients_token(CLIENT, "users:read users:write")),
        ),
        ("administrator", person(root, "users:read users:write")),
        (
            "delegated administrator",
            person(ann, "openid directory:delegated"),
        ),
    ]
}

/// Checks the response to a request that sets an attribute, and what is stored after it; `None` if nobody was created.
fn check(at: &str, row: &Row, kind: &str, response: &TestResponse, stored: Option<&Value>) {
    let (open, is_patch) = (row.is_open_to(kind), at.starts_with("PATCH"));
    if open || (row.open == Open::Server && !is_patch) {
        assert!(response.status.is_success(), "{at}: {}", response.body);
    } else {
        assert!(response.status.is_client_error(), "{at}: {}", response.status);
        let detail = response.body["detail"].as_str().unwrap();
        assert!(detail.contains(row.name), "{at}: {detail}");
    }
    assert_eq!(
        stored.is_some_and(|stored| row.is_in(stored)),
        open,
        "{at}: {stored:?}"
    );
}

#[test]
fn the_table_has_every_attribute() {
    let registry = configured().registry().unwrap();
    let users = registry.users();
    let of_schemas = users.schemas().flat_map(|schema| {
        let id = schema.id.as_str();
        schema
            .attributes
            .iter()
            .map(move |attribute| (id, attribute.name.as_str()))
    });
    let common = users
        .common
        .iter()
        .map(|attribute| (CORE_USER, attribute.name.as_str()));
    let mut registered: BTreeSet<(&str, &str)> = of_schemas.chain(common).collect();
    registered.remove(&(CORE_USER, "schemas"));
    let rows = table();
    let listed: BTreeSet<(&str, &str)> = rows.iter().map(|row| (row.schema, row.name)).collect();
    assert_eq!(listed, registered);
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35: mass assignment.
    async fn each_caller_of_scim_sets_what_is_open_to_it_and_nothing_else(db: TestDb) {
        let app = app_with_attributes(&db, &configured());
        for (number, (kind, caller)) in callers(&app).await.iter().enumerate() {
            for (place, mut row) in table().into_iter().enumerate() {
                // Names and client identifiers are unique.
                if ["userName", "externalId"].contains(&row.name) {
                    row.value = json!(format!("m-new-{number}"));
                }
                let name = format!("m{number}-{place}");
                let mut body = json!({ "schemas": [CORE_USER], "userName": name });
                body.as_object_mut().unwrap().extend(row.members());
                let at = |method: &str| format!("{method} {} as {kind}", row.path());
                let made = caller.json("POST", USERS, &body).await;
                let id = made.body["id"].as_str().filter(|_| made.status.is_success());
                let kept = match id {
                    Some(id) => Some(stored(&app, id.parse().unwrap()).await),
                    None => None,
                };
                check(&at("POST"), &row, kind, &made, kept.as_ref());
                if let Some(id) = id {
                    app.users.delete(id.parse().unwrap(), &scim::version::IfMatch::Any).await.unwrap();
                }
                let target = new_user(&app, &format!("{name}-put")).await;
                if row.name != "userName" {
                    body["userName"] = json!(format!("{name}-put"));
                }
                let path = format!("{USERS}/{target}");
                let replaced = caller.json("PUT", &path, &body).await;
                check(&at("PUT"), &row, kind, &replaced, Some(&stored(&app, target).await));
                app.users.delete(target, &scim::version::IfMatch::Any).await.unwrap();
                let target = new_user(&app, &format!("{name}-patch")).await;
                let path = format!("{USERS}/{target}");
                let patch = json!({
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [{ "op": "replace", "path": row.path(), "value": row.value }],
                });
                let patched = caller.json("PATCH", &path, &patch).await;
                check(&at("PATCH"), &row, kind, &patched, Some(&stored(&app, target).await));
                app.users.delete(target, &scim::version::IfMatch::Any).await.unwrap();
            }
        }
    }

    // SB-35: mass assignment.
    async fn a_person_sets_what_is_marked_for_it_and_nothing_else(db: TestDb) {
        let app = app_with_attributes(&db, &configured());
        for (place, row) in table().iter().enumerate() {
            let id = new_user(&app, &format!("m{place}")).await;
            let person = Caller::with(&app, persons_token(id));
            let members = Value::Object(row.members());
            let mut attempts = vec![members.clone(), json!({ "attributes": members })];
            if row.name == "userName" {
                attempts.push(json!({ "user_name": row.value }));
            }
            let before = stored(&app, id).await;
            for body in &attempts {
                let response = person.json("PATCH", "/user", body).await;
                assert!(!response.status.is_server_error(), "{body}: {}", response.body);
                if row.own == Own::No {
                    assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", response.body);
                    assert_eq!(stored(&app, id).await, before, "{body}");
                }
            }
            let allowed = match row.own {
                Own::No => continue,
                Own::Attribute => json!({ "attributes": members }),
                Own::Field(body) => serde_json::from_str(body).unwrap(),
            };
            let response = person.json("PATCH", "/user", &allowed).await;
            assert_eq!(response.status, StatusCode::OK, "{allowed}: {}", response.body);
            assert!(row.is_in(&stored(&app, id).await), "{allowed}");
        }
    }

    // SB-35
    async fn a_person_sets_nothing_by_scim(db: TestDb) {
        let app = app_with_attributes(&db, &configured());
        let id = new_user(&app, "mallory").await;
        make_administrator(&app, id).await;
        let before = stored(&app, id).await;
        // A token for sign-in alone has no more, though its user administers.
        let person = Caller::with(&app, persons_token(id));
        for row in table() {
            let mut body = json!({ "schemas": [CORE_USER], "userName": "mallory" });
            body.as_object_mut().unwrap().extend(row.members());
            for (method, path) in [("POST", USERS.to_owned()), ("PUT", format!("{USERS}/{id}")), ("PATCH", format!("{USERS}/{id}"))] {
                assert_eq!(person.json(method, &path, &body).await.status, StatusCode::FORBIDDEN, "{method} {body}");
            }
            for method in ["PUT", "PATCH", "POST", "DELETE"] {
                let status = person.json(method, "/scim/v2/Me", &body).await.status;
                assert!(status.is_client_error() || status == StatusCode::NOT_IMPLEMENTED, "{method} /Me: {status}");
            }
        }
        assert_eq!(stored(&app, id).await, before);
    }
}
