//! Names that somebody outside has: what a delegated administrator is told of them, and how often.

use std::time::Duration;

use super::*;
use crate::testing::{app, app_with_grace, day_long_token};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

fn numbered(name: &str) -> Value {
    let mut body = user(name);
    body[ENTERPRISE_USER] = json!({ "employeeNumber": "S-99" });
    body
}

fn rename(name: &str) -> Value {
    operations(json!([{ "op": "replace", "path": "userName", "value": name }]))
}

fn bulk(operations: &[Value]) -> Value {
    json!({ "schemas": [BULK], "Operations": operations })
}

fn creation(name: &str) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": numbered(name) })
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn the_name_of_a_group_is_refused_as_that_of_a_user(db: TestDb) {
        let world = World::new(app(&db)).await;
        world.delegate_numbers(&["write", "create"]).await;
        let of_sam = user_path(world.sam);
        // Of a user outside, of a group that is not seen, and of one that nobody can take.
        let mut refusals = Vec::new();
        for name in ["oto", "North", "vestibule-admins"] {
            let mut of_name = Vec::new();
            for (method, path, body) in [
                ("POST", USERS, numbered(name)),
                ("PATCH", &of_sam, rename(name)),
                ("PUT", &of_sam, numbered(name)),
            ] {
                let refused = world.ann().json(method, path, &body).await;
                assert_eq!(refused.status, StatusCode::CONFLICT, "{method} {name}: {}", refused.body);
                of_name.push(refused.body);
            }
            let body = bulk(&[creation(name)]);
            let mut response = world.ann().json("POST", "/scim/v2/Bulk", &body).await.body["Operations"][0].take();
            response["bulkId"] = json!(null);
            of_name.push(response);
            refusals.push(of_name);
        }
        assert_eq!((&refusals[0], &refusals[0]), (&refusals[1], &refusals[2]));
        // An administrator is told which it is.
        let told = world.admin.json("POST", USERS, &user("North")).await;
        assert_eq!(told.status, StatusCode::BAD_REQUEST, "{}", told.body);
    }

    // SB-35
    async fn names_that_are_taken_are_told_a_hundred_times_an_hour(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 0);
        let world = World::new(app).await;
        let filter = format!("{ENTERPRISE_USER}:employeeNumber sw \"S-\"");
        for holder in [world.ann, world.oto] {
            world.delegate(json!({ "to_user": holder, "users_matching": filter, "rights": ["write", "create"] })).await;
        }
        let ann = Caller::with(&world.app, day_long_token(world.ann, "openid directory:delegated"));
        let of_sam = user_path(world.sam);
        // What succeeds, and what is refused for another reason, does not count.
        for _ in 0..2 {
            assert_eq!(ann.json("POST", USERS, &user("cas")).await.status, StatusCode::FORBIDDEN);
        }
        assert_eq!(ann.json("POST", USERS, &numbered("cas")).await.status, StatusCode::CREATED);
        assert_eq!(ann.json("POST", USERS, &numbered("oto")).await.status, StatusCode::CONFLICT);
        assert_eq!(ann.json("PATCH", &of_sam, &rename("North")).await.status, StatusCode::CONFLICT);
        // The identifier that a client gave somebody outside.
        let number = operations(json!([{ "op": "replace", "path": "externalId", "value": "HR-7" }]));
        let payroll = Caller::with(&world.app, clients_token("payroll", "users:read users:write"));
        assert_eq!(payroll.json("PATCH", &user_path(world.oto), &number).await.status, StatusCode::OK);
        assert_eq!(ann.json("PATCH", &of_sam, &number).await.status, StatusCode::CONFLICT);
        let many: Vec<Value> = std::iter::repeat_n(creation("oto"), 97)
            .enumerate()
            .map(|(number, mut one)| {
                one["bulkId"] = json!(number.to_string());
                one
            })
            .chain([creation("dan")])
            .collect();
        let results = ann.json("POST", "/scim/v2/Bulk", &bulk(&many)).await;
        let statuses: Vec<&str> = results.body["Operations"].as_array().unwrap().iter().map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, [&["409"; 97][..], &["429"]].concat());
        for (method, path, body) in [("POST", USERS, numbered("dan")), ("PATCH", &of_sam, rename("sammy")), ("POST", USERS, numbered("oto"))] {
            let refused = ann.json(method, path, &body).await;
            assert_eq!((refused.status, refused.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "3600"), "{}", refused.body);
        }
        assert_eq!(ann.json("PATCH", &of_sam, &retitle("Archer")).await.status, StatusCode::OK);
        // Others are not concerned.
        let other = world.person(world.oto).json("POST", USERS, &numbered("eve")).await;
        assert_eq!(other.status, StatusCode::CREATED, "{}", other.body);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(ann.json("POST", USERS, &numbered("dan")).await.status, StatusCode::CREATED);
    }
}
