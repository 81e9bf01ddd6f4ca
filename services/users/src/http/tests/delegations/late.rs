//! Requests whose bodies arrive late: what was changed after their beginning counts.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::*;
use crate::testing::{app, app_with_grace};

/// Sends a request, and has something done after all of its body but the last byte.
async fn send_in_two(
    caller: &Caller,
    (method, path, body): (&str, &str, &Value),
    meanwhile: impl Future<Output = ()> + Send + 'static,
) -> TestResponse {
    let text = body.to_string();
    let (head, tail) = text.split_at(text.len() - 1);
    let (head, tail) = (head.to_owned(), tail.to_owned());
    let late = async move {
        meanwhile.await;
        Ok(tail)
    };
    let chunks = stream::once(async { Ok::<String, std::io::Error>(head) }).chain(stream::once(late));
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    caller
        .send(method, path, &headers, Body::from_stream(chunks))
        .await
}

/// Sends a request as ann, and another one as the administrator before the last byte.
async fn send_late(
    world: &World,
    request: (&str, &str, &Value),
    (method, path, body): (&'static str, String, Value),
) -> TestResponse {
    let admin = world.admin.clone();
    let meanwhile = async move {
        let done = admin.json(method, &path, &body).await;
        assert!(done.status.is_success(), "{}", done.body);
    };
    send_in_two(&world.ann(), request, meanwhile).await
}

fn numbered(name: &str) -> Value {
    let mut body = user(name);
    body[ENTERPRISE_USER] = json!({ "employeeNumber": "S-99" });
    body
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35, SB-47
    async fn a_delegation_that_ends_while_a_body_arrives_allows_nothing(db: TestDb) {
        let world = World::new(app(&db)).await;
        let own = group(&world.admin, "Own", &[]).await;
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{ "method": "PATCH", "path": format!("/Users/{}", world.sam), "data": retitle("Archer") }],
        });
        let (of_sam, of_own) = (user_path(world.sam), group_path(own));
        let before = world.version(world.sam).await;
        for (method, path, body) in [
            ("PATCH", of_sam.as_str(), retitle("Archer")),
            ("PUT", &of_sam, numbered("sam")),
            ("POST", USERS, numbered("cas")),
            ("PATCH", &of_own, add_member(world.sam)),
            ("PUT", &of_own, json!({ "schemas": [CORE_GROUP], "displayName": "Own", "members": [{ "value": world.sam }] })),
            ("POST", "/scim/v2/Bulk", bulk),
        ] {
            let first = world.delegate_numbers(&["write", "create", "set_password"]).await;
            let own = json!({ "to_user": world.ann, "members_of": own, "rights": ["write", "manage_members"] });
            let second = world.delegate(own).await;
            let (ended, left) = match path == of_own {
                true => (second, first),
                false => (first, second),
            };
            let refused = send_late(&world, (method, path, &body), ("DELETE", ended, json!(null))).await;
            match path.ends_with("/Bulk") {
                true => assert_eq!(refused.body["Operations"][0]["status"], "503", "{}", refused.body),
                false => assert!([StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&refused.status), "{method} {path}: {}", refused.body),
            }
            world.end(&left).await;
            assert_eq!(world.version(world.sam).await, before, "{method} {path}");
        }
        let made = world.admin.get(&format!("{USERS}?filter=userName%20eq%20%22cas%22")).await;
        assert_eq!(made.body["totalResults"], 0);
    }

    // SB-35, SB-48
    async fn a_user_who_is_protected_while_a_body_arrives_is_not_changed(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_numbers(&["write"]).await;
        let emails = json!([{ "op": "replace", "path": "emails", "value": [{ "value": "mallory@example.com" }] }]);
        let own = group(&world.admin, "Own", &[]).await;
        let given = json!({ "to_user": world.sam, "members_of": own });
        let body = operations(emails);
        let path = user_path(world.sam);
        let before = world.version(world.sam).await;
        let refused = send_late(&world, ("PATCH", &path, &body), ("POST", DELEGATIONS.to_owned(), given)).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert_eq!(world.version(world.sam).await, before);
    }

    // SB-35, SB-47
    async fn a_search_whose_body_arrives_late_has_nobody_of_a_delegation_that_ended(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let world = World::new(app).await;
        world.delegate_sales(&[]).await;
        let urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let search = json!({ "schemas": [urn], "filter": "userName pr" });
        for endpoint in ["/scim/v2/Users/.search", "/scim/v2/Groups/.search", "/scim/v2/.search"] {
            let other = json!({ "to_user": world.ann, "users_matching": "userName eq \"oto\"" });
            let other = world.delegate(other).await;
            let (admin, late) = (world.admin.clone(), clock.clone());
            let meanwhile = async move {
                let ended = admin.send("DELETE", &other, &[], Body::empty()).await;
                assert_eq!(ended.status, StatusCode::NO_CONTENT);
                late.advance(Duration::from_secs(2));
            };
            let refused = send_in_two(&world.ann(), ("POST", endpoint, &search), meanwhile).await;
            assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{endpoint}: {}", refused.body);
        }
        let found = world.ann().json("POST", "/scim/v2/Users/.search", &search).await;
        assert_eq!(names(&found), ["nora", "pia", "rita", "sam"]);
    }

    // SB-35
    async fn a_filter_is_not_over_what_the_server_changes(db: TestDb) {
        let world = World::new(app(&db)).await;
        for filter in ["meta.lastModified gt \"2026-01-01T00:00:00Z\"", "userName pr and meta.created lt \"2026-01-01T00:00:00Z\""] {
            let refused = world.admin.json("POST", DELEGATIONS, &json!({ "to_user": world.ann, "users_matching": filter })).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::UNPROCESSABLE_ENTITY, "users_matching"), "{}", refused.body);
        }
    }

    // SB-47
    async fn an_administrator_who_is_removed_while_a_body_arrives_changes_nothing(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let world = World::new(app).await;
        let own = group(&world.admin, "Own", &[]).await;
        let admins = world.admin.get(&format!("{GROUPS}?filter=displayName%20eq%20%22vestibule-admins%22")).await;
        let admins = group_path(admins.body["Resources"][0]["id"].as_str().unwrap().parse().unwrap());
        let root = Caller::with(&world.app, token(&world.root.to_string(), "an-application", ALL));
        let (of_sam, of_own, before) = (user_path(world.sam), group_path(own), world.version(world.sam).await);
        for (method, path, body) in [
            ("PATCH", of_sam.as_str(), retitle("Archer")),
            ("PUT", &of_sam, numbered("sam")),
            ("POST", USERS, numbered("cas")),
            ("PATCH", &of_own, add_member(world.sam)),
            ("POST", GROUPS, json!({ "schemas": [CORE_GROUP], "displayName": "Mine" })),
            ("POST", DELEGATIONS, json!({ "to_user": world.ann, "members_of": own })),
        ] {
            let (admin, admins, clock, member) = (world.admin.clone(), admins.clone(), clock.clone(), world.root);
            let meanwhile = async move {
                let removed = admin.json("PATCH", &admins, &remove_member(member)).await;
                assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.body);
                clock.advance(Duration::from_secs(2));
            };
            let refused = send_in_two(&root, (method, path, &body), meanwhile).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{method} {path}: {}", refused.body);
            assert_eq!(world.version(world.sam).await, before, "{method} {path}");
            make_administrator(&world.app, world.root).await;
        }
        assert_eq!(names(&world.admin.get(GROUPS).await), ["North", "Other", "Own", "Sales", "vestibule-admins"]);
        assert_eq!(world.admin.get(DELEGATIONS).await.body["delegations"].as_array().unwrap().len(), 1);
        // A slow body is no reason to refuse somebody who still administers.
        let slow = async move { clock.advance(Duration::from_secs(2)) };
        let changed = send_in_two(&root, ("PATCH", &of_sam, &retitle("Archer")), slow).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    }

    // SB-47
    async fn a_provisioning_client_that_is_deleted_while_a_body_arrives_changes_nothing(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let world = World::new(app).await;
        let request = json!({ "name": "Entra ID", "scopes": ["users:write"] });
        let made = world.admin.json("POST", "/admin/v1/provisioning-clients", &request).await;
        let client = Caller::with(&world.app, made.body["token"].as_str().unwrap().to_owned());
        let (admin, path, before) = (world.admin.clone(), made.header("location").to_owned(), world.version(world.sam).await);
        let meanwhile = async move {
            let deleted = admin.send("DELETE", &path, &[], Body::empty()).await;
            assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{}", deleted.body);
            clock.advance(Duration::from_secs(2));
        };
        let refused = send_in_two(&client, ("PATCH", &user_path(world.sam), &retitle("Archer")), meanwhile).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{}", refused.body);
        assert_eq!(world.version(world.sam).await, before);
    }
}
