//! `groups` and `manager` of users, which the server keeps (RFC 7643 §4.1.2, §4.3).

use http::StatusCode;
use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, app, clients_token, desired_user};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const BASE: &str = "http://users.example/scim/v2";

fn directory(app: &SharedApp) -> Caller {
    Caller::with(
        app,
        clients_token("a-directory", "users:read users:write groups:read groups:write"),
    )
}

fn id_of(answer: &TestResponse) -> String {
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn group(directory: &Caller, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
    let made = directory.json("POST", "/scim/v2/Groups", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    id_of(&made)
}

/// The names that a filter finds, in order.
async fn found(directory: &Caller, filter: &str) -> Vec<String> {
    let query = filter.replace(' ', "%20").replace('"', "%22");
    let answer = directory.get(&format!("/scim/v2/Users?filter={query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{filter}: {answer:?}");
    let all = answer.body["Resources"].as_array().unwrap().iter();
    let mut names: Vec<String> = all
        .map(|it| it["userName"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_user_shows_direct_and_indirect_groups(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let mut users = Vec::new();
        for name in ["ann", "bob", "cas"] {
            users.push(app.users.create(desired_user(name)).await.unwrap().id.to_string());
        }
        let archers = group(&directory, "Archers", &[&users[0], &users[1]]).await;
        let club = group(&directory, "Club", &[&archers, &users[2]]).await;
        let all = group(&directory, "Everyone", &[&club, &users[0]]).await;
        let path = format!("/scim/v2/Users/{}", users[0]);
        let ann = directory.get(&path).await;
        let value = |id: &str, name: &str, kind: &str| json!({
            "value": id, "$ref": format!("{BASE}/Groups/{id}"), "display": name, "type": kind,
        });
        let mut direct = vec![value(&archers, "Archers", "direct"), value(&all, "Everyone", "direct")];
        direct.sort_by_key(|it| it["value"].to_string());
        direct.push(value(&club, "Club", "indirect"));
        assert_eq!(ann.body["groups"], json!(direct));
        for (filter, expected) in [
            (format!("groups.value eq \"{archers}\""), vec!["ann", "bob"]),
            (format!("groups eq \"{archers}\""), vec!["ann", "bob"]),
            (format!("groups[value eq \"{club}\"]"), vec!["ann", "bob", "cas"]),
            (format!("groups[value eq \"{club}\" and type eq \"direct\"]"), vec!["cas"]),
            (format!("groups.value eq \"{all}\" and userName eq \"bob\""), vec!["bob"]),
            ("groups.display eq \"club\"".to_owned(), vec!["ann", "bob", "cas"]),
            ("groups.value eq \"nobody\"".to_owned(), vec![]),
            ("not (groups pr)".to_owned(), vec![]),
        ] {
            assert_eq!(found(&directory, &filter).await, expected, "{filter}");
        }
        let list = directory.get("/scim/v2/Users?attributes=groups.display").await;
        assert_eq!(list.body["Resources"].as_array().unwrap().len(), 3);
        let without = directory.get(&format!("{path}?excludedAttributes=groups")).await;
        assert_eq!(without.body.get("groups"), None);
        // A client that sends back what it read changes nothing.
        let same = directory.json("PUT", &path, &ann.body).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, ann.header("etag")), "{same:?}");
        assert_eq!(same.body["groups"], ann.body["groups"]);
        let groups = directory.get(&format!("/scim/v2/Groups?filter=members%5Bvalue%20eq%20%22{}%22%5D", users[0])).await;
        assert_eq!(groups.body["totalResults"], 2);
        // A deleted group, and one that is renamed, at once.
        directory.send("DELETE", &format!("/scim/v2/Groups/{club}"), &[], axum::body::Body::empty()).await;
        directory.json("PUT", &format!("/scim/v2/Groups/{all}"), &json!({"schemas": [GROUP], "displayName": "All"})).await;
        let later = directory.get(&path).await;
        let mut names: Vec<&str> = later.body["groups"].as_array().unwrap().iter().map(|it| it["display"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["All", "Archers"]);
    }

    async fn a_manager_is_shown_by_the_name_of_today(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let boss = directory.json("POST", "/scim/v2/Users", &json!({"schemas": [USER], "userName": "boss"})).await;
        let id = id_of(&boss);
        let body = |manager: &str| json!({
            "schemas": [USER, ENTERPRISE], "userName": "ann",
            ENTERPRISE: {"manager": {"value": manager, "displayName": "a client's word", "$ref": "../Users/elsewhere"}},
        });
        let ann = directory.json("POST", "/scim/v2/Users", &body(&id)).await;
        let path = format!("/scim/v2/Users/{}", id_of(&ann));
        let manager = |name: &str| json!({"value": id, "$ref": format!("{BASE}/Users/{id}"), "displayName": name});
        assert_eq!(ann.body[ENTERPRISE]["manager"], manager("boss"));
        let named = json!({"schemas": [USER], "userName": "boss", "displayName": "The Boss"});
        directory.json("PUT", &format!("/scim/v2/Users/{id}"), &named).await;
        let later = directory.get(&path).await;
        assert_eq!(later.body[ENTERPRISE]["manager"], manager("The Boss"));
        let part = directory.get(&format!("{path}?attributes={ENTERPRISE}:manager.displayName")).await;
        assert_eq!(part.body[ENTERPRISE], json!({"manager": {"displayName": "The Boss"}}));
        let unknown = directory.json("PUT", &path, &body("hr-17")).await;
        assert_eq!((unknown.status, &unknown.body[ENTERPRISE]["manager"]["value"]), (StatusCode::OK, &json!("hr-17")));
        assert_eq!(unknown.body[ENTERPRISE]["manager"].get("displayName"), None);
    }
}
