//! The import of users and groups with their ids.

use std::collections::BTreeSet;

use http::StatusCode;
use scim::schema::CONFIGURED_USER;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::testing::{
    Caller, TestResponse, app, app_with_attributes, app_with_grace, clients_token, events_of,
};

const USERS: &str = "/admin/v1/import/users";
const GROUPS: &str = "/admin/v1/import/groups";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const CREATED: &str = "2020-02-03T04:05:06.000007Z";

fn importer(app: &SharedApp) -> Caller {
    Caller::with(
        app,
        clients_token(
            "an-import",
            "admin users:read users:write groups:read groups:write",
        ),
    )
}

fn user(id: u128, name: &str) -> Value {
    json!({"schemas": [USER], "id": Uuid::from_u128(id), "userName": name, "meta": {"created": CREATED}})
}

fn group(id: u128, name: &str, members: &[u128]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|id| json!({"value": Uuid::from_u128(*id)}))
        .collect();
    json!({"schemas": [GROUP], "id": Uuid::from_u128(id), "displayName": name, "meta": {"created": CREATED}, "members": members})
}

async fn import_users(caller: &Caller, users: Vec<Value>) -> TestResponse {
    caller.json("POST", USERS, &json!({ "users": users })).await
}

async fn import_groups(caller: &Caller, groups: Vec<Value>) -> TestResponse {
    caller.json("POST", GROUPS, &json!({ "groups": groups })).await
}

fn statuses(answer: &TestResponse) -> Vec<(&str, &str)> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let rows = answer.body["results"].as_array().expect("results");
    rows.iter()
        .map(|row| {
            let detail = row["detail"].as_str().unwrap_or_default();
            (row["status"].as_str().expect("a status"), detail)
        })
        .collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &provisioning::MIGRATIONS, &crate::MIGRATIONS];

    async fn users_keep_their_ids_and_the_times_of_their_creation(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        let mut ann = user(1, "Ann");
        ann["emails"] = json!([{"value": "ann@example.org"}]);
        let mut bob = user(2, "bob");
        bob.as_object_mut().unwrap().remove("id");
        bob.as_object_mut().unwrap().remove("meta");
        let answer = import_users(&importer, vec![ann, bob]).await;
        assert_eq!(statuses(&answer), [("created", ""), ("created", "")]);
        let read = importer.get(&format!("/scim/v2/Users/{}", Uuid::from_u128(1))).await;
        assert_eq!(read.body["meta"]["created"], CREATED);
        assert_eq!(read.body["userName"], "Ann");
        assert_eq!(events_of(&db, Uuid::from_u128(1)).await, [("vestibule.user.created.v1".to_owned(), 1)]);
        // The indexed values are there.
        let found = importer.get("/scim/v2/Users?filter=emails.value%20eq%20%22ANN@example.org%22").await;
        assert_eq!(found.body["totalResults"], 1, "{found:?}");
        let all = importer.get("/scim/v2/Users").await;
        assert_eq!(all.body["totalResults"], 2);
    }

    async fn an_import_that_is_sent_again_changes_nothing(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        let batch = || vec![user(1, "ann"), user(2, "bob")];
        import_users(&importer, batch()).await;
        let answer = import_users(&importer, batch()).await;
        assert_eq!(statuses(&answer), [("existing", ""), ("existing", "")]);
        assert_eq!(answer.body["results"][1]["id"], json!(Uuid::from_u128(2)));
        assert_eq!(events_of(&db, Uuid::from_u128(1)).await.len(), 1);
    }

    async fn a_user_who_is_refused_does_not_affect_the_others(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        import_users(&importer, vec![user(1, "ann"), user(2, "gone")]).await;
        let gone = format!("/scim/v2/Users/{}", Uuid::from_u128(2));
        importer.send("DELETE", &gone, &[], axum::body::Body::empty()).await;
        import_groups(&importer, vec![group(3, "Archers", &[])]).await;
        let mut future = user(14, "marty");
        future["meta"]["created"] = json!("2999-01-01T00:00:00Z");
        let mut wrong_time = user(15, "dan");
        wrong_time["meta"]["created"] = json!("yesterday");
        let mut wrong_id = user(16, "eve");
        wrong_id["id"] = json!("7");
        let answer = import_users(&importer, vec![
            user(9, "ann"), user(1, "other"), user(2, "new"), user(3, "fay"), user(0, "nil"),
            user(10, "archers"), user(11, "a<b"), user(12, "cas"), user(13, "CAS"), user(12, "twice"),
            future, wrong_time, wrong_id, json!({"userName": "no schemas"}), user(17, "gus"),
        ]).await;
        assert_eq!(statuses(&answer), [
            ("conflict", "userName: another resource has this value"),
            ("refused", "id: belongs to another user"),
            ("refused", "id: belongs to a user who was deleted"),
            ("refused", "id: belongs to a group"),
            ("refused", "id: expected a UUID other than nil and max"),
            ("refused", "userName: this user name is that of a group"),
            ("refused", statuses(&answer)[6].1),
            ("created", ""),
            ("conflict", "userName: another resource has this value"),
            ("refused", "id: an earlier user of the import has it"),
            ("refused", "meta.created: is in the future"),
            ("refused", "meta.created: expected a date and time as in RFC 3339"),
            ("refused", "id: expected a UUID"),
            ("refused", statuses(&answer)[13].1),
            ("created", ""),
        ]);
        assert_eq!(importer.get("/scim/v2/Users").await.body["totalResults"], 3);
    }

    async fn values_that_are_unique_stay_so(db: TestDb) {
        let config = json!({"attributes": [{"name": "code", "uniqueness": "server"}]});
        let scim: ScimConfig = serde_json::from_value(config).unwrap();
        let app = app_with_attributes(&db, &scim);
        let importer = importer(&app);
        let with_code = |id, name: &str, code: &str| {
            let mut user = user(id, name);
            user["schemas"] = json!([USER, CONFIGURED_USER]);
            user[CONFIGURED_USER] = json!({ "code": code });
            user
        };
        import_users(&importer, vec![with_code(1, "ann", "x1")]).await;
        let answer = import_users(&importer, vec![with_code(2, "bob", "x1"), with_code(3, "cas", "x2")]).await;
        assert_eq!(statuses(&answer).iter().map(|row| row.0).collect::<Vec<_>>(), ["conflict", "created"]);
    }

    async fn of_two_imports_at_once_one_has_each_name(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        let batch = |from: u128, reversed: bool| {
            let mut users: Vec<Value> = (0..40).map(|number| user(from + number, &format!("user{number}"))).collect();
            if reversed {
                users.reverse();
            }
            users
        };
        let (one, other) = tokio::join!(
            import_users(&importer, batch(100, false)),
            import_users(&importer, batch(200, true)),
        );
        let created = statuses(&one).iter().chain(&statuses(&other)).filter(|row| row.0 == "created").count();
        assert_eq!(created, 40, "{one:?} {other:?}");
        assert_eq!(importer.get("/scim/v2/Users").await.body["totalResults"], 40);
    }

    async fn groups_come_with_the_members_that_exist(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        import_users(&importer, vec![user(1, "ann"), user(2, "bob")]).await;
        let answer = import_groups(&importer, vec![
            group(10, "child", &[1, 7]),
            group(11, "parent", &[10, 2, 11]),
            group(10, "Child", &[2, 11]),
        ]).await;
        assert_eq!(statuses(&answer), [("created", ""), ("created", ""), ("existing", "")]);
        let results = &answer.body["results"];
        assert_eq!(results[0]["members_added"], 1);
        assert_eq!(results[0]["members_refused"], json!([{"id": Uuid::from_u128(7), "detail": "no such user or group"}]));
        assert_eq!(results[1]["members_added"], 2);
        assert_eq!(results[2]["members_added"], 1, "{answer:?}");
        assert_eq!(results[2]["members_refused"][0]["detail"], "the group would be a member of itself");
        let read = importer.get(&format!("/scim/v2/Groups/{}", Uuid::from_u128(10))).await;
        assert_eq!((&read.body["displayName"], &read.body["meta"]["created"]), (&json!("child"), &json!(CREATED)));
        let named = importer.get(&format!("/scim/v2/Groups/{}?attributes=members.display", Uuid::from_u128(10))).await;
        let members: BTreeSet<&str> = named.body["members"].as_array().unwrap().iter().filter_map(|it| it["display"].as_str()).collect();
        assert_eq!(members, BTreeSet::from(["ann", "bob"]));
        let kinds: Vec<String> = events_of(&db, Uuid::from_u128(2)).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, ["vestibule.user.created.v1", "vestibule.user.updated.v1", "vestibule.user.updated.v1"]);
        // Again: nobody is added, and no entity tag changes.
        let again = import_groups(&importer, vec![group(10, "child", &[1, 2])]).await;
        assert_eq!(again.body["results"][0]["members_added"], 0);
        assert_eq!(importer.get(&format!("/scim/v2/Groups/{}", Uuid::from_u128(10))).await.header("etag"), read.header("etag"));
    }

    async fn a_group_that_exists_by_name_is_that_group(db: TestDb) {
        let app = app(&db);
        let importer = importer(&app);
        import_users(&importer, vec![user(1, "ann")]).await;
        let answer = import_groups(&importer, vec![group(10, "Archers", &[]), group(11, "ARCHERS", &[1])]).await;
        assert_eq!(answer.body["results"][1]["id"], json!(Uuid::from_u128(10)));
        let refused = import_groups(&importer, vec![
            group(10, "others", &[]), group(1, "third", &[]), group(12, "ann", &[]), group(0, "nil", &[]),
        ]).await;
        assert_eq!(statuses(&refused), [
            ("refused", "id: belongs to another group"),
            ("refused", "id: belongs to a user"),
            ("conflict", "displayName: another resource has this value"),
            ("refused", "id: expected a UUID other than nil and max"),
        ]);
    }

    async fn an_import_needs_the_scope_admin(db: TestDb) {
        let app = app(&db);
        let writer = Caller::with(&app, clients_token("a-directory", "users:write groups:write"));
        for (path, body) in [(USERS, json!({"users": []})), (GROUPS, json!({"groups": []}))] {
            assert_eq!(writer.json("POST", path, &body).await.status, StatusCode::FORBIDDEN);
        }
        let many: Vec<Value> = (0..1001).map(|_| json!({})).collect();
        let large = import_users(&importer(&app), many).await;
        assert_eq!((large.status, large.field()), (StatusCode::UNPROCESSABLE_ENTITY, "users"));
    }

    async fn a_person_gets_what_is_known_of_them(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let importer = importer(&app);
        import_users(&importer, vec![user(1, "ann")]).await;
        import_groups(&importer, vec![group(10, "Archers", &[1])]).await;
        let path = format!("/admin/v1/users/{}/data", Uuid::from_u128(1));
        let data = importer.get(&path).await;
        assert_eq!(data.header("cache-control"), "no-store");
        assert_eq!(data.body["user"]["user_name"], "ann");
        assert_eq!(data.body["groups"], json!([{"id": Uuid::from_u128(10), "display_name": "Archers"}]));
        importer.send("DELETE", &format!("/scim/v2/Users/{}", Uuid::from_u128(1)), &[], axum::body::Body::empty()).await;
        let gone = importer.get(&path).await;
        assert!(gone.body["deletion"]["deleted_at"].is_string(), "{gone:?}");
        assert_eq!(gone.body["user"]["user_name"], "ann", "until the grace period ends");
        let nobody = importer.get(&format!("/admin/v1/users/{}/data", Uuid::from_u128(9))).await;
        assert_eq!(nobody.status, StatusCode::NOT_FOUND);
        let writer = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
        assert_eq!(writer.get(&path).await.status, StatusCode::FORBIDDEN);
    }
}
