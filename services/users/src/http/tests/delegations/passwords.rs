//! Passwords that delegated administrators set: with a right of their own, and of nobody who administers.

use super::*;
use crate::credentials::Credentials;
use crate::http::tests::passwords::{Auth, Call};
use crate::testing::app_with_credentials;

const PASSWORD: &str = "plover-quilt-anvil";

/// The passwords that reached the authentication service, by user.
fn handed_over(auth: &Auth) -> Vec<Uuid> {
    let put = |call: Call| match call {
        Call::Put(_, user, _, _) => Some(user),
        Call::Cancel(_) => None,
    };
    auth.calls().into_iter().filter_map(put).collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn a_password_needs_the_right_to_set_it(db: TestDb) {
        let auth = Auth::default();
        let world = World::new(app_with_credentials(&db, Credentials::to(auth.clone()))).await;
        let ann = world.ann();
        let set = operations(json!([{ "op": "replace", "path": "password", "value": PASSWORD }]));
        for (rights, of_sam) in [
            (&["write"][..], StatusCode::FORBIDDEN),
            (&["write", "delete", "manage_members"], StatusCode::FORBIDDEN),
            (&["write", "set_password"], StatusCode::OK),
        ] {
            let sales = world.delegate_sales(rights).await;
            for (who, id, wanted) in [
                ("sam", world.sam, of_sam),
                ("rita, who administers", world.root, StatusCode::FORBIDDEN),
                ("pia, to whom something is delegated", world.pia, StatusCode::FORBIDDEN),
                ("oto, who is outside", world.oto, StatusCode::NOT_FOUND),
            ] {
                let mut body = world.admin.get(&user_path(id)).await.body;
                body["password"] = PASSWORD.into();
                for (method, body) in [("PATCH", &set), ("PUT", &body)] {
                    let before = world.version(id).await;
                    let response = ann.json(method, &user_path(id), body).await;
                    assert_eq!(response.status, wanted, "{rights:?}: {method} {who}: {}", response.body);
                    let given: &[Uuid] = if wanted.is_success() { &[id] } else { &[] };
                    assert_eq!(handed_over(&auth), given, "{rights:?}: {method} {who}");
                    assert_eq!(world.version(id).await != before, wanted.is_success(), "{rights:?}: {method} {who}");
                }
            }
            world.end(&sales).await;
        }
    }

    // SB-35
    async fn so_does_that_of_a_new_user(db: TestDb) {
        let auth = Auth::default();
        let world = World::new(app_with_credentials(&db, Credentials::to(auth.clone()))).await;
        let mut cas = user("cas");
        cas[ENTERPRISE_USER] = json!({ "employeeNumber": "S-9" });
        cas["password"] = PASSWORD.into();
        let numbers = world.delegate_numbers(&["create"]).await;
        let refused = world.ann().json("POST", USERS, &cas).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains("password"), "{}", refused.body);
        assert_eq!(handed_over(&auth), Vec::<Uuid>::new());
        world.end(&numbers).await;
        world.delegate_numbers(&["create", "set_password"]).await;
        let mut outside = cas.clone();
        outside[ENTERPRISE_USER]["employeeNumber"] = "X-9".into();
        assert_eq!(world.ann().json("POST", USERS, &outside).await.status, StatusCode::FORBIDDEN);
        assert_eq!(handed_over(&auth), Vec::<Uuid>::new());
        let made = world.ann().json("POST", USERS, &cas).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(handed_over(&auth), [made.body["id"].as_str().unwrap().parse::<Uuid>().unwrap()]);
    }

    // SB-35
    async fn in_bulk_it_needs_the_same(db: TestDb) {
        let auth = Auth::default();
        let world = World::new(app_with_credentials(&db, Credentials::to(auth.clone()))).await;
        let set = operations(json!([{ "op": "replace", "path": "password", "value": PASSWORD }]));
        let mut cas = user("cas");
        cas[ENTERPRISE_USER] = json!({ "employeeNumber": "S-9" });
        cas["password"] = PASSWORD.into();
        let mut dan = cas.clone();
        (dan["userName"], dan[ENTERPRISE_USER]["employeeNumber"]) = (json!("dan"), json!("X-9"));
        let patch = |id: Uuid| json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": set });
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            patch(world.sam),
            patch(world.root),
            patch(world.oto),
            { "method": "POST", "path": "/Users", "bulkId": "cas", "data": cas },
            { "method": "POST", "path": "/Users", "bulkId": "dan", "data": dan },
        ] });
        for (rights, wanted, passwords) in [
            (&["write", "create"][..], ["403", "403", "404", "403", "403"], 0),
            (&["write", "create", "set_password"], ["200", "403", "404", "201", "403"], 2),
        ] {
            let numbers = world.delegate_numbers(rights).await;
            let response = world.ann().json("POST", "/scim/v2/Bulk", &body).await;
            assert_eq!(response.status, StatusCode::OK, "{}", response.body);
            let results = response.body["Operations"].as_array().unwrap();
            let statuses: Vec<&str> = results.iter().map(|result| result["status"].as_str().unwrap()).collect();
            assert_eq!(statuses, wanted, "{rights:?}: {}", response.body);
            assert_eq!(handed_over(&auth).len(), passwords, "{rights:?}");
            world.end(&numbers).await;
        }
    }
}
