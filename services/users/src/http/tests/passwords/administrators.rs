//! Tests of what signs an administrator in: password, user name and e-mail addresses.

use scim::version::IfMatch;

use super::*;
use crate::authority::Authority;
use crate::groups::{GroupEdit, MemberEdit, MemberRef};
use crate::testing::{desired_group, make_administrator};

/// Makes a group a member of that of the administrators.
async fn make_group_administer(app: &SharedApp, group: Uuid) {
    let add = vec![MemberRef {
        id: group,
        kind: None,
    }];
    let edit = GroupEdit {
        members: MemberEdit {
            add,
            ..MemberEdit::default()
        },
        ..GroupEdit::default()
    };
    let administrators = contract::ADMINISTRATORS_ID;
    app.groups
        .change(&Authority::EVERYBODY, administrators, &IfMatch::Any, edit)
        .await
        .unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-48
    async fn the_password_of_an_administrator_is_not_for_a_client_that_changes_users_alone(db: TestDb) {
        let (app, auth, directory) = world(&db);
        let (root, nested, late) = (create(&directory, "root1").await, create(&directory, "deputy").await, create(&directory, "late").await);
        make_administrator(&app, root).await;
        let deputies = desired_group("deputies", Some(vec![MemberRef { id: nested, kind: None }]));
        let deputies = app.groups.create(deputies).await.unwrap().id;
        make_group_administer(&app, deputies).await;
        auth.calls();
        let before = stored(&db).await;
        for id in [root, nested] {
            let path = format!("{USERS}/{id}");
            for (method, body) in [
                ("PUT", user("root1", PASSWORD)), ("PATCH", patch(&json!({"op": "replace", "path": "password", "value": PASSWORD}))),
            ] {
                let refused = directory.json(method, &path, &body).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
                assert!(refused.body["detail"].as_str().unwrap().contains("groups:write"));
            }
        }
        assert_eq!((auth.calls(), stored(&db).await), (vec![], before));
        // Somebody becomes one while the password is hashed.
        let other = app.clone();
        auth.meanwhile(async move { make_administrator(&other, late).await });
        let path = format!("{USERS}/{late}");
        let refused = directory.json("PUT", &path, &user("late", PASSWORD)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(matches!(&auth.calls()[..], [Call::Put(put, ..), Call::Cancel(cancelled)] if put == cancelled));
        // Who may make administrators may do that too.
        let powerful = Caller::with(&app, clients_token("a-directory", "users:read users:write groups:write"));
        let path = format!("{USERS}/{root}");
        let changed = powerful.json("PATCH", &path, &patch(&json!({"op": "replace", "path": "password", "value": PASSWORD}))).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    }

    // SB-48
    async fn name_and_addresses_of_an_administrator_are_not_for_a_client_that_changes_users_alone(db: TestDb) {
        let (app, _auth, directory) = world(&db);
        let address = |value: &str| json!([{"value": value, "primary": true}]);
        let body = |name: &str, email: &str| json!({"schemas": [CORE_USER], "userName": name, "emails": address(email)});
        let made = directory.json("POST", USERS, &body("root1", "root1@example.com")).await;
        let root: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        make_administrator(&app, root).await;
        let path = format!("{USERS}/{root}");
        let before = stored(&db).await;
        let bulk = bulk::send(&directory, &[json!({
            "method": "PATCH", "path": format!("/Users/{root}"),
            "data": patch(&json!({"op": "add", "path": "emails", "value": address("mallory@example.com")})),
        })]).await;
        assert_eq!(bulk.body["Operations"][0]["status"], "403", "{bulk:?}");
        for (method, change) in [
            ("PUT", body("mallory", "root1@example.com")),
            ("PUT", body("root1", "mallory@example.com")),
            ("PUT", json!({"schemas": [CORE_USER], "userName": "root1"})),
            ("PATCH", patch(&json!({"op": "replace", "path": "userName", "value": "mallory"}))),
            ("PATCH", patch(&json!({"op": "replace", "path": "emails", "value": address("mallory@example.com")}))),
            ("PATCH", patch(&json!({"op": "add", "value": {"emails": [{"value": "mallory@example.com"}]}}))),
        ] {
            let refused = directory.json(method, &path, &change).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{change}: {refused:?}");
            assert!(refused.body["detail"].as_str().unwrap().contains("emails"));
        }
        assert_eq!(stored(&db).await, before);
        // The rest of an administrator is provisioned as that of everybody.
        let mut titled = body("root1", "root1@example.com");
        titled["title"] = json!("Chief");
        assert_eq!(directory.json("PUT", &path, &titled).await.status, StatusCode::OK);
        let powerful = Caller::with(&app, clients_token("a-directory", "users:read users:write groups:write"));
        let changed = powerful.json("PUT", &path, &body("root2", "root2@example.com")).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    }
}
