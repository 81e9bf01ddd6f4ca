//! Groups, as a provisioning client uses them.

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, app, clients_token, desired_user};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const GROUPS: &str = "/scim/v2/Groups";

fn directory(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("a-directory", "groups:read groups:write"))
}

fn group(name: &str, members: &[Uuid]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [CORE], "displayName": name, "members": members})
}

fn path_of(answer: &TestResponse) -> String {
    format!("{GROUPS}/{}", answer.body["id"].as_str().unwrap())
}

fn id_of(answer: &TestResponse) -> Uuid {
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

fn operations(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

async fn ann(app: &SharedApp) -> Uuid {
    app.users.create(desired_user("ann")).await.unwrap().id
}

/// The names that a filter finds.
async fn found(directory: &Caller, filter: &str) -> Vec<String> {
    let query = filter.replace(' ', "%20").replace('"', "%22");
    let answer = directory.get(&format!("{GROUPS}?filter={query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{filter}: {answer:?}");
    let resources = answer.body["Resources"].as_array().unwrap();
    assert_eq!(answer.body["totalResults"], resources.len());
    let mut names: Vec<String> = resources
        .iter()
        .map(|it| it["displayName"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable_by_key(|name| name.to_lowercase());
    names
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_group_is_made_read_replaced_and_deleted(db: TestDb) {
        // RFC 7643 §4.2 (1)
        let app = app(&db);
        let (directory, ann) = (directory(&app), ann(&app).await);
        let child = directory.json("POST", GROUPS, &group("child", &[])).await;
        let mut body = group("Archers", &[ann, id_of(&child)]);
        body["externalId"] = json!("hr-17");
        let made = directory.json("POST", GROUPS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let place = format!("http://users.example{}", path_of(&made));
        assert_eq!((made.header("etag"), made.header("location")), ("W/\"1\"", place.as_str()));
        let base = "http://users.example/scim/v2";
        assert_eq!(made.body["members"], json!([
            {"value": id_of(&child), "$ref": format!("{base}/Groups/{}", id_of(&child)), "type": "Group"},
            {"value": ann, "$ref": format!("{base}/Users/{ann}"), "type": "User"},
        ]));
        let named = directory.get(&format!("{}?attributes=members,members.display", path_of(&made))).await;
        assert_eq!((&named.body["members"][0]["display"], &named.body["members"][1]["display"]), (&json!("child"), &json!("ann")));
        assert_eq!(named.body["members"][1]["type"], "User");
        assert_eq!((&made.body["externalId"], &made.body["meta"]["resourceType"]), (&json!("hr-17"), &json!("Group")));
        assert_eq!(directory.get(&path_of(&made)).await.body, made.body);

        // Without members nothing is said of them, so a client may send back what it read of a large group.
        let silent = json!({"schemas": [CORE], "displayName": "Bowmen"});
        let replaced = directory.json_if("PUT", &path_of(&made), &silent, "W/\"1\"").await;
        assert_eq!((replaced.status, replaced.header("etag")), (StatusCode::OK, "W/\"2\""));
        assert_eq!(replaced.body["members"], made.body["members"]);
        assert!(replaced.body.get("externalId").is_none());
        let outdated = directory.json_if("PUT", &path_of(&made), &silent, "W/\"1\"").await;
        assert_eq!(outdated.status, StatusCode::PRECONDITION_FAILED);
        let emptied = directory.json("PUT", &path_of(&made), &group("Bowmen", &[])).await;
        assert!(emptied.body.get("members").is_none());

        let deleted = directory.send("DELETE", &path_of(&made), &[], Body::empty()).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
        assert_eq!(directory.get(&path_of(&made)).await.status, StatusCode::NOT_FOUND);
    }

    async fn members_are_patched_as_entra_id_and_okta_do_it(db: TestDb) {
        let app = app(&db);
        let (directory, ann) = (directory(&app), ann(&app).await);
        let bob = app.users.create(desired_user("bob")).await.unwrap().id;
        let path = path_of(&directory.json("POST", GROUPS, &group("Archers", &[])).await);
        let cases = [
            (json!([{"op": "Add", "path": "members", "value": [{"value": ann}, {"value": bob, "type": "User"}]}]), 2),
            (json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]), 2),
            (json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]), 1),
            (json!([{"op": "Remove", "path": "members", "value": [{"value": bob}]}]), 0),
            (json!([{"op": "remove", "path": "members", "value": [{"value": bob}]}]), 0),
            (json!([{"op": "replace", "path": "members", "value": [{"value": bob}]}]), 1),
            (json!([{"op": "replace", "value": {"displayName": "Bowmen", "externalId": "x"}}]), 1),
            (json!([{"op": "remove", "path": "members"}]), 0),
        ];
        for (body, expected) in cases {
            let answer = directory.json("PATCH", &path, &operations(body.clone())).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{body}: {answer:?}");
            let now = directory.get(&path).await;
            assert_eq!(now.header("etag"), answer.header("etag"));
            assert_eq!(now.body["members"].as_array().map_or(0, Vec::len), expected, "{body}");
        }
        let now = directory.get(&path).await;
        assert_eq!((&now.body["displayName"], now.header("etag")), (&json!("Bowmen"), "W/\"7\""));
        let shown = format!("{path}?attributes=displayName");
        let answer = directory.json("PATCH", &shown, &operations(json!([{"op": "add", "path": "members", "value": [{"value": ann}]}]))).await;
        assert_eq!((answer.status, answer.body.get("members")), (StatusCode::OK, None));
    }

    async fn a_bad_change_is_answered_with_the_scim_type_and_changes_nothing(db: TestDb) {
        let app = app(&db);
        let (directory, ann) = (directory(&app), ann(&app).await);
        let made = directory.json("POST", GROUPS, &group("Archers", &[ann])).await;
        let add = |value: Value| json!([{"op": "add", "path": "members", "value": value}]);
        for (body, scim_type) in [
            (add(json!([{"value": "nobody"}])), "invalidValue"),
            (add(json!([{"value": Uuid::from_u128(9)}])), "invalidValue"),
            (add(json!([{"value": ann, "type": "Group"}])), "invalidValue"),
            (add(json!([{"value": id_of(&made)}])), "invalidValue"),
            (json!([{"op": "remove", "path": "displayName"}]), "mutability"),
            (json!([{"op": "add", "path": "nickname", "value": "x"}]), "invalidPath"),
            (json!([{"op": "replace", "path": "displayName", "value": "ANN"}]), "uniqueness"),
        ] {
            let answer = directory.json("PATCH", &path_of(&made), &operations(body.clone())).await;
            assert_eq!(answer.body["scimType"], scim_type, "{body}: {answer:?}");
        }
        assert_eq!(directory.get(&path_of(&made)).await.body, made.body);
        let admins = directory.get(&format!("{GROUPS}?filter=displayName%20eq%20%22vestibule-admins%22")).await;
        let admins = format!("{GROUPS}/{}", admins.body["Resources"][0]["id"].as_str().unwrap());
        let kept = directory.send("DELETE", &admins, &[], Body::empty()).await;
        assert_eq!(kept.body["scimType"], "mutability");
        let many: Vec<Value> = (0..10_001).map(|number| json!({"value": Uuid::from_u128(number)})).collect();
        let large = directory.json("PATCH", &path_of(&made), &operations(add(many.into()))).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE, "{large:?}");
    }

    async fn groups_are_found_by_name_identifier_and_member(db: TestDb) {
        let app = app(&db);
        let (directory, ann) = (directory(&app), ann(&app).await);
        let child = directory.json("POST", GROUPS, &group("child", &[ann])).await;
        let mut parent = group("Parent", &[id_of(&child)]);
        parent["externalId"] = json!("hr-1");
        let parent = directory.json("POST", GROUPS, &parent).await;
        let (child, parent) = (id_of(&child), id_of(&parent));
        for (filter, expected) in [
            ("displayName eq \"PARENT\"".to_owned(), vec!["Parent"]),
            ("externalId eq \"hr-1\"".to_owned(), vec!["Parent"]),
            (format!("id eq \"{child}\""), vec!["child"]),
            ("id eq \"nothing\"".to_owned(), vec![]),
            (format!("members.value eq \"{ann}\""), vec!["child"]),
            (format!("members[value eq \"{child}\"]"), vec!["Parent"]),
            (format!("id eq \"{child}\" and members eq \"{ann}\""), vec!["child"]),
            (format!("id eq \"{parent}\" and members eq \"{ann}\""), vec![]),
            ("displayName sw \"c\"".to_owned(), vec!["child"]),
            ("externalId pr or displayName eq \"child\"".to_owned(), vec!["child", "Parent"]),
        ] {
            assert_eq!(found(&directory, &filter).await, expected, "{filter}");
        }
        for (query, scim_type) in [
            ("filter=members.display%20eq%20%22ann%22", "invalidFilter"),
            ("filter=color%20eq%20%22red%22", "invalidFilter"),
            ("cursor=AAAA", "invalidCursor"),
        ] {
            let refused = directory.get(&format!("{GROUPS}?{query}")).await;
            assert_eq!(refused.body["scimType"], scim_type, "{query}: {refused:?}");
        }
    }

    async fn pages_by_index_and_by_cursor_have_every_group_once(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        for number in 0..5 {
            directory.json("POST", GROUPS, &group(&format!("group{number}"), &[])).await;
        }
        let page = directory.get(&format!("{GROUPS}?startIndex=2&count=3&excludedAttributes=members")).await;
        assert_eq!((&page.body["totalResults"], &page.body["itemsPerPage"], &page.body["startIndex"]), (&json!(6), &json!(3), &json!(2)));
        let (mut cursor, mut seen) = (String::new(), Vec::new());
        loop {
            let page = directory.get(&format!("{GROUPS}?count=2&cursor={cursor}")).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            seen.extend(page.body["Resources"].as_array().unwrap().iter().map(|it| it["id"].clone()));
            match page.body["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        let all = directory.get(GROUPS).await;
        let all: Vec<Value> = all.body["Resources"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
        assert_eq!(seen, all);
    }

    async fn groups_are_searched_by_post_and_sorted(db: TestDb) {
        // RFC 7644 §3.4.3, §3.4.2.3
        let app = app(&db);
        let directory = directory(&app);
        for (name, external_id) in [("Bowmen", Some("hr-1")), ("archers", Some("hr-2")), ("Club", None)] {
            let mut body = group(name, &[]);
            if let Some(id) = external_id {
                body["externalId"] = json!(id);
            }
            directory.json("POST", GROUPS, &body).await;
        }
        let urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let names = |answer: &TestResponse| {
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            let resources = answer.body["Resources"].as_array().unwrap().iter();
            resources.map(|it| it["displayName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let search = format!("{GROUPS}/.search");
        for (query, expected) in [
            (json!({"filter": "externalId eq \"hr-2\"", "attributes": ["displayName"]}), vec!["archers"]),
            (json!({"filter": "externalId pr", "sortBy": "displayName"}), vec!["archers", "Bowmen"]),
            (json!({"sortBy": "displayName", "sortOrder": "descending"}), vec!["vestibule-admins", "Club", "Bowmen", "archers"]),
            (json!({"sortBy": "displayName", "startIndex": 2, "count": 2}), vec!["Bowmen", "Club"]),
            // What has no value is last.
            (json!({"sortBy": "externalId", "filter": "not (displayName sw \"v\")"}), vec!["Bowmen", "archers", "Club"]),
        ] {
            let mut body = query.clone();
            body["schemas"] = json!([urn]);
            assert_eq!(names(&directory.json("POST", &search, &body).await), expected, "{query}");
        }
        let listed = directory.get(&format!("{GROUPS}?sortBy=displayName&count=1")).await;
        assert_eq!(names(&listed), ["archers"]);
        let refused = directory.get(&format!("{GROUPS}?sortBy=displayName&cursor=")).await;
        assert_eq!(refused.body["scimType"], "invalidValue");
        let users = Caller::with(&app, clients_token("a-directory", "users:read groups:write"));
        let body = json!({"schemas": [urn]});
        assert_eq!(users.json("POST", &search, &body).await.status, StatusCode::FORBIDDEN);
    }

    async fn parameters_that_nobody_knows_are_ignored(db: TestDb) {
        // RFC 7644 §3.4.2
        let app = app(&db);
        let directory = directory(&app);
        let made = directory.json("POST", &format!("{GROUPS}?aadOptscim062020"), &group("Archers", &[])).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let path = path_of(&made);
        for path in [format!("{GROUPS}?aadOptscim062020&count=1"), format!("{path}?aadOptscim062020=")] {
            assert_eq!(directory.get(&path).await.status, StatusCode::OK, "{path}");
        }
        let deleted = directory.send("DELETE", &format!("{path}?aadOptscim062020"), &[], Body::empty()).await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    }

    async fn other_scopes_are_of_no_use(db: TestDb) {
        let app = app(&db);
        let users = Caller::with(&app, clients_token("a-directory", "users:read users:write groups:read"));
        assert_eq!(users.get(GROUPS).await.status, StatusCode::OK);
        let refused = users.json("POST", GROUPS, &group("Archers", &[])).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(refused.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    }
}
