//! Groups, as a provisioning client uses them.

use axum::body::Body;
use chassis::on_engine;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::TestDb;
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
            {"value": id_of(&child), "$ref": format!("{base}/Groups/{}", id_of(&child)), "type": "Group", "display": "child"},
            {"value": ann, "$ref": format!("{base}/Users/{ann}"), "type": "User", "display": "ann"},
        ]));
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

    async fn the_members_of_a_large_group_come_in_pages_alone(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let child = directory.json("POST", GROUPS, &group("child", &[])).await;
        let made = directory.json("POST", GROUPS, &group("all", &[id_of(&child)])).await;
        fill(&db, id_of(&made), 1_500).await;
        let (path, plain) = (path_of(&made), directory.get(&path_of(&made)).await);
        assert!(plain.body.get("members").is_none(), "all or nothing");
        assert_eq!(found(&directory, "displayName eq \"all\"").await, ["all"]);
        let (mut next, mut seen, mut pages) = (format!("{path}?membersCount=700"), Vec::new(), 0);
        loop {
            let page = directory.get(&next).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            let members = page.body["members"].as_array().unwrap();
            seen.extend(members.iter().map(|member| member["value"].as_str().unwrap().to_owned()));
            pages += 1;
            let link = page.header("link");
            let Some(url) = link.strip_prefix('<').and_then(|rest| rest.split_once('>')) else { break };
            assert_eq!(url.1, "; rel=\"next\"");
            next = url.0.strip_prefix("http://users.example").unwrap().to_owned();
        }
        assert_eq!((seen.len(), pages), (1_501, 3));
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1_501);
        // A client that sends back what it read removes nobody.
        let same = directory.json("PUT", &path, &plain.body).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "W/\"1\""));
        let wrong = directory.get(&format!("{}?membersCursor=AAAA", path_of(&child))).await;
        assert_eq!(wrong.body["scimType"], "invalidCursor");
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

/// Puts many people into a group, as if they had been added one by one.
async fn fill(db: &TestDb, group: Uuid, count: u128) {
    let mut tx = db.begin("test").await.unwrap();
    for number in 1..=count {
        let id = Uuid::from_u128(number);
        let document = json!({"user_name": format!("member{number}")}).to_string();
        on_engine!(&mut tx, c => {
            sqlx::query("INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document)
                         VALUES ($1, $2, TRUE, 1, 0, 0, $3)")
                .bind(id).bind(format!("member{number}")).bind(sqlx::types::Json(serde_json::from_str::<Value>(&document).unwrap()))
                .execute(&mut *c).await.unwrap();
            sqlx::query("INSERT INTO group_members (group_id, person_id) VALUES ($1, $2)")
                .bind(group).bind(id).execute(c).await.unwrap();
        });
    }
    tx.commit().await.unwrap();
}
