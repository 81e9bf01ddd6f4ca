//! Replacements and modifications (RFC 7644 §3.5).

use http::StatusCode;
use serde_json::json;

use super::*;
use crate::testing::app;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_replacement_writes_what_may_be_written_and_creates_nothing(db: TestDb) {
        // RFC 7644 §3.2 (1), RFC 7644 §3.5 (1), RFC 7644 §3.5.1 (1) (2) (4), RFC 7643 §2.5 (1), RFC 7643 §7 (3)
        let app = app(&db);
        let directory = directory(&app);
        let nothing = directory.json("PUT", &format!("{USERS}/{NOBODY}"), &user("ann")).await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND);
        assert_eq!(directory.get(&format!("{USERS}?count=0")).await.body["totalResults"], 0);
        let mut body = user("ann");
        body["nickName"] = json!("Annie");
        body["title"] = json!("Archer");
        body["roles"] = json!([{"value": "archer"}]);
        let made = directory.json("POST", USERS, &body).await;
        body["nickName"] = json!("Anna");
        body["title"] = json!(null);
        body["roles"] = json!([]);
        body["meta"] = json!({"created": "2001-01-01T00:00:00Z"});
        body["groups"] = json!([{"value": NOBODY}]);
        let replaced = directory.json("PUT", &path_of(&made), &body).await;
        assert_eq!((replaced.status, &replaced.body["nickName"]), (StatusCode::OK, &json!("Anna")));
        for cleared in ["title", "roles", "groups"] {
            assert!(replaced.body.get(cleared).is_none(), "{cleared}");
        }
        assert_eq!(replaced.body["meta"]["created"], made.body["meta"]["created"]);
    }

    async fn a_modification_is_whole_and_leaves_what_is_as_it_was(db: TestDb) {
        // RFC 7644 §3.5.2 (3) (5) (6), RFC 7644 §3.5.2.1 (3), RFC 7644 §3.5.2.2 (1) (3), RFC 7644 §3.5.2.3 (5)
        let app = app(&db);
        let directory = directory(&app);
        let mut body = user("ann");
        body["emails"] = json!([{"value": "ann@example.com", "type": "work", "primary": true}]);
        let made = directory.json("POST", USERS, &body).await;
        let path = path_of(&made);
        let good = json!({"op": "replace", "path": "displayName", "value": "Ann"});
        for (bad, scim_type) in [
            (json!({"op": "remove"}), "noTarget"),
            (json!({"op": "remove", "path": "userName"}), "mutability"),
            (json!({"op": "replace", "path": "id", "value": "7"}), "mutability"),
            (json!({"op": "replace", "path": "emails[type eq \"home\"]", "value": {"value": "a@example.com"}}), "noTarget"),
            (json!({"op": "replace", "path": "active", "value": "perhaps"}), "invalidValue"),
            (json!({"op": "replace", "path": "nothing", "value": "x"}), "invalidPath"),
        ] {
            let refused = directory.json("PATCH", &path, &operations(json!([good, bad]))).await;
            let told = (refused.status, &refused.body["schemas"], &refused.body["scimType"]);
            assert_eq!(told, (StatusCode::BAD_REQUEST, &json!([ERROR]), &json!(scim_type)), "{bad}");
        }
        // Nothing of the good operation before the bad one stays.
        assert_eq!(directory.get(&path).await.body, made.body);
        let same = operations(json!([{"op": "add", "path": "emails", "value": body["emails"]}]));
        let unchanged = directory.json("PATCH", &path, &same).await;
        assert_eq!((unchanged.status, &unchanged.body), (StatusCode::OK, &made.body));
        let whole = directory.json("PATCH", &path, &operations(json!([good]))).await;
        assert_eq!((whole.status, &whole.body["displayName"], &whole.body["userName"]), (StatusCode::OK, &json!("Ann"), &json!("ann")));
    }

    async fn a_modification_of_a_group_is_answered_with_its_attributes_when_they_are_named(db: TestDb) {
        // RFC 7644 §3.5.2 (6)
        let app = app(&db);
        let directory = directory(&app);
        let path = path_of(&directory.json("POST", GROUPS, &group("Archers")).await);
        let rename = |name: &str| operations(json!([{"op": "replace", "path": "displayName", "value": name}]));
        let silent = directory.json("PATCH", &path, &rename("Bowmen")).await;
        assert_eq!((silent.status, &silent.body), (StatusCode::NO_CONTENT, &json!(null)));
        let told = directory.json("PATCH", &format!("{path}?attributes=displayName"), &rename("Club")).await;
        assert_eq!((told.status, &told.body["displayName"]), (StatusCode::OK, &json!("Club")));
    }

    async fn membership_is_changed_at_the_group_alone(db: TestDb) {
        // RFC 7643 §4.1.2 (3)
        let app = app(&db);
        let directory = directory(&app);
        let ann = directory.json("POST", USERS, &user("ann")).await;
        let archers = directory.json("POST", GROUPS, &group("Archers")).await;
        let join = operations(json!([{"op": "add", "path": "groups", "value": [{"value": archers.body["id"]}]}]));
        assert_eq!(directory.json("PATCH", &path_of(&ann), &join).await.body["scimType"], "mutability");
        let add = operations(json!([{"op": "add", "path": "members", "value": [{"value": ann.body["id"]}]}]));
        assert_eq!(directory.json("PATCH", &path_of(&archers), &add).await.status, StatusCode::NO_CONTENT);
        let groups = &directory.get(&path_of(&ann)).await.body["groups"];
        assert_eq!(groups.as_array().map(Vec::len), Some(1));
    }
}
