//! New users who refer to each other, whom a bulk request creates in two halves (RFC 7644 §3.7.1).

use super::*;
use crate::testing::app;

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// A creation of two users, each of whom is the manager of the other.
fn circle(one: &str, other: &str) -> Value {
    let creation = |name: &str, manager: &str| {
        let mut body = user(name);
        body[ENTERPRISE_USER] = json!({ "manager": { "value": format!("bulkId:{manager}") } });
        json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": body })
    };
    json!({ "schemas": [BULK], "Operations": [creation(one, other), creation(other, one)] })
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-35
    async fn users_who_refer_to_each_other_are_created_with_the_right_to_create(db: TestDb) {
        let world = World::new(app(&db)).await;
        // Half of a user, who has no manager yet, does not match.
        let filter = format!("userName sw \"c\" and {ENTERPRISE_USER}:manager.value pr");
        let create = async |names: [&str; 2]| {
            let response = world.ann().json("POST", "/scim/v2/Bulk", &circle(names[0], names[1])).await;
            assert_eq!(response.status, StatusCode::OK, "{}", response.body);
            let results = response.body["Operations"].as_array().unwrap();
            results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let created = async |name: &str| {
            let found = world.admin.get(&format!("{USERS}?filter=userName%20eq%20%22{name}%22")).await;
            found.body["Resources"].as_array().map_or(Value::Null, |all| all.first().cloned().unwrap_or_default())
        };
        let write = world.delegate(json!({ "to_user": world.ann, "users_matching": filter, "rights": ["write"] })).await;
        // The second one refers to the first.
        assert_eq!(create(["cas", "cid"]).await, ["403", "409"]);
        world.end(&write).await;
        world.delegate(json!({ "to_user": world.ann, "users_matching": filter, "rights": ["create"] })).await;
        assert_eq!(create(["cas", "cid"]).await, ["201", "201"]);
        let (cas, cid) = (created("cas").await, created("cid").await);
        assert_eq!((&cas[ENTERPRISE_USER]["manager"]["value"], &cid[ENTERPRISE_USER]["manager"]["value"]), (&cid["id"], &cas["id"]));
        // One who would be outside is not created, nor is the other, who refers to them.
        for (names, wanted) in [(["dan", "cem"], ["403", "409"]), (["cem", "dan"], ["409", "409"])] {
            assert_eq!(create(names).await, wanted, "{names:?}");
            assert_eq!((created("cem").await, created("dan").await), (Value::Null, Value::Null), "{names:?}");
        }
        // To complete them is no right to change them.
        let changed = world.ann().json("PATCH", &user_path(cas["id"].as_str().unwrap().parse().unwrap()), &retitle("Archer")).await;
        assert_eq!(changed.status, StatusCode::FORBIDDEN, "{}", changed.body);
    }
}
