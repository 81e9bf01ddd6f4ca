//! Queries of all resource types (RFC 7644 §3.4.2.1, §3.4.3).

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, app, clients_token, desired_user};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const ROOT: &str = "/scim/v2/.search";

fn caller(app: &SharedApp, scopes: &str) -> Caller {
    Caller::with(app, clients_token("a-directory", scopes))
}

async fn search(caller: &Caller, mut parameters: Value) -> TestResponse {
    parameters["schemas"] = json!([SEARCH]);
    caller.json("POST", ROOT, &parameters).await
}

/// The names of the results.
fn names(answer: &TestResponse) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let name = |it: &Value| {
        it["userName"]
            .as_str()
            .or(it["displayName"].as_str())
            .unwrap()
            .to_owned()
    };
    answer.body["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(name)
        .collect()
}

/// The same users and groups, users first: those of one millisecond have no order.
fn assert_same(found: Vec<String>, expected: &[&str], what: &str) {
    let is_user = |name: &String| name.starts_with("user");
    assert!(found.is_sorted_by_key(|name| !is_user(name)), "{what}: {found:?}");
    let (mut found, mut expected) = (found, expected.to_vec());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{what}");
}

/// Five users and four groups, one of which is there from the start.
async fn directory(app: &SharedApp) -> Caller {
    let all = caller(app, "users:read groups:read groups:write");
    for number in 0..5 {
        app.users
            .create(desired_user(&format!("user{number}")))
            .await
            .unwrap();
    }
    for number in 0..3 {
        let group = json!({"schemas": [GROUP], "displayName": format!("Group {number}")});
        all.json("POST", "/scim/v2/Groups", &group).await;
    }
    all
}

const ALL: [&str; 9] = [
    "user0",
    "user1",
    "user2",
    "user3",
    "user4",
    "vestibule-admins",
    "Group 0",
    "Group 1",
    "Group 2",
];

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn pages_by_index_and_by_cursor_have_every_resource_once(db: TestDb) {
        // RFC 7644 §3.4.2.1 (1)
        let app = app(&db);
        let all = directory(&app).await;
        for count in [2, 5, 6, 9, 20] {
            let mut seen = Vec::new();
            for start in (1..=9).step_by(count) {
                let page = search(&all, json!({"startIndex": start, "count": count})).await;
                assert_eq!((&page.body["totalResults"], &page.body["startIndex"]), (&json!(9), &json!(start)));
                seen.extend(names(&page));
            }
            assert_same(seen, &ALL, &format!("{count} by index"));
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            for _ in 0..12 {
                let page = search(&all, json!({"cursor": cursor, "count": count})).await;
                seen.extend(names(&page));
                match page.body["nextCursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_same(seen, &ALL, &format!("{count} by cursor"));
        }
        let beyond = search(&all, json!({"startIndex": 20})).await;
        assert_eq!((names(&beyond).len(), &beyond.body["totalResults"]), (0, &json!(9)));
        let none = search(&all, json!({"count": 0})).await;
        assert_eq!((names(&none).len(), &none.body["totalResults"]), (0, &json!(9)));
    }

    async fn a_filter_is_about_the_types_that_can_match(db: TestDb) {
        // RFC 7644 §3.4.2.1 (3)
        let app = app(&db);
        let all = directory(&app).await;
        for (filter, expected) in [
            ("userName eq \"USER1\"", vec!["user1"]),
            ("displayName eq \"group 1\"", vec!["Group 1"]),
            ("userName eq \"user1\" or displayName eq \"group 1\"", vec!["user1", "Group 1"]),
            ("meta.resourceType eq \"Group\" and displayName sw \"Group\"", vec!["Group 0", "Group 1", "Group 2"]),
            ("meta.resourceType eq \"User\"", vec!["user0", "user1", "user2", "user3", "user4"]),
            ("userName pr and members pr", vec![]),
        ] {
            let found = search(&all, json!({"filter": filter})).await;
            assert_same(names(&found), &expected, filter);
            assert_eq!(found.body["totalResults"], expected.len(), "{filter}");
        }
        let by_get = all.get("/scim/v2?filter=displayName%20eq%20%22Group%201%22&attributes=displayName").await;
        assert_eq!(names(&by_get), ["Group 1"]);
        assert_eq!(by_get.body["Resources"][0].get("meta"), None);
        let sorted = search(&all, json!({"sortBy": "displayName"})).await;
        assert_eq!((sorted.status, &sorted.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")));
        let unknown = search(&all, json!({"filter": "color eq \"red\""})).await;
        assert_eq!(unknown.body["scimType"], "invalidFilter");
    }

    async fn a_caller_finds_what_its_scopes_allow(db: TestDb) {
        let app = app(&db);
        directory(&app).await;
        let of_users = caller(&app, "users:read");
        assert_same(names(&search(&of_users, json!({})).await), &ALL[..5], "users");
        let of_groups = caller(&app, "groups:read");
        assert_same(names(&search(&of_groups, json!({})).await), &ALL[5..], "groups");
        let hidden = search(&of_users, json!({"filter": "members pr"})).await;
        assert_eq!(hidden.body["scimType"], "invalidFilter");
        let nobody = search(&caller(&app, "users:write"), json!({})).await;
        assert_eq!(nobody.status, StatusCode::FORBIDDEN);
        // A cursor is of use to callers with the same scopes alone.
        let all = caller(&app, "users:read groups:read");
        let first = search(&all, json!({"cursor": "", "count": 2})).await;
        let foreign = search(&of_users, json!({"cursor": first.body["nextCursor"], "count": 2})).await;
        assert_eq!(foreign.body["scimType"], "invalidCursor", "{foreign:?}");
    }
}
