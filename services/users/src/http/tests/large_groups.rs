//! Directories with many groups, and groups with many members: pages, their costs, and what is refused.

use axum::body::Body;
use chassis::db::count_statements;
use chassis::{on_engine, sql};
use http::StatusCode;
use scim::cursor::{Cursor, CursorKey, Direction, QueryDigest};
use serde_json::{Value, json};
use testkit::TestDb;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, app, clients_token, desired_user};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const GROUPS: &str = "/scim/v2/Groups";
const ROOT: &str = "/scim/v2/.search";

fn directory(app: &SharedApp) -> Caller {
    Caller::with(
        app,
        clients_token("a-directory", "groups:read groups:write users:read users:write"),
    )
}

async fn add_group(directory: &Caller, name: &str, members: &[Uuid]) -> TestResponse {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"schemas": [CORE], "displayName": name, "members": members});
    directory.json("POST", GROUPS, &body).await
}

fn path_of(answer: &TestResponse) -> String {
    format!("{GROUPS}/{}", answer.body["id"].as_str().unwrap())
}

fn id_of(answer: &TestResponse) -> Uuid {
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

async fn delete(directory: &Caller, path: &str) {
    let gone = directory.send("DELETE", path, &[], Body::empty()).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{path}: {gone:?}");
}

/// The path of a resource in a list or among members.
fn path_in(entry: &Value) -> String {
    let (kind, id) = match entry.get("value") {
        Some(id) => (&entry["type"], id),
        None => (&entry["meta"]["resourceType"], &entry["id"]),
    };
    format!("/scim/v2/{}s/{}", kind.as_str().unwrap(), id.as_str().unwrap())
}

fn paths_in(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(path_in).collect()
}

async fn search(directory: &Caller, mut parameters: Value) -> TestResponse {
    parameters["schemas"] = json!([SEARCH]);
    directory.json("POST", ROOT, &parameters).await
}

/// The path of the page that a response links to.
fn next_page(answer: &TestResponse) -> Option<String> {
    let (url, relation) = answer.header("link").strip_prefix('<')?.split_once('>')?;
    assert_eq!(relation, "; rel=\"next\"");
    Some(url.strip_prefix("http://users.example")?.to_owned())
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_members_of_a_large_group_come_in_pages_alone(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let child = add_group(&directory, "child", &[]).await;
        let made = add_group(&directory, "all", &[id_of(&child)]).await;
        fill(&db, id_of(&made), 1..=1_500).await;
        let (path, plain) = (path_of(&made), directory.get(&path_of(&made)).await);
        assert!(plain.body.get("members").is_none(), "all or nothing");
        let found = directory.get(&format!("{GROUPS}?filter=displayName%20eq%20%22all%22")).await;
        assert_eq!(found.body["Resources"][0]["displayName"], "all");
        let (mut next, mut seen, mut pages) = (Some(format!("{path}?membersCount=700")), Vec::new(), 0);
        while let Some(url) = next {
            let page = directory.get(&url).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            let members = page.body["members"].as_array().unwrap();
            seen.extend(members.iter().map(|member| member["value"].as_str().unwrap().to_owned()));
            pages += 1;
            next = next_page(&page);
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
        // A cursor that anybody could make, as one under a key that is in the source.
        let forged = Cursor { direction: Direction::Next, key: vec![Some("User".to_owned()), Some(Uuid::nil().to_string())] };
        let query = QueryDigest::of(["members", &id_of(&made).to_string()]);
        for (key, status) in [(&b"ids of members"[..], StatusCode::BAD_REQUEST), (b"a test", StatusCode::OK)] {
            let cursor = forged.encode(&CursorKey::derive(key), &query, 0);
            assert_eq!(directory.get(&format!("{path}?membersCursor={cursor}")).await.status, status);
        }
    }

    async fn a_page_costs_the_same_number_of_statements_with_ten_times_as_many_members(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let child = add_group(&directory, "child", &[]).await;
        let made = add_group(&directory, "all", &[id_of(&child)]).await;
        let (path, mut costs) = (path_of(&made), Vec::new());
        for members in [1..=1_500, 1_501..=15_000] {
            fill(&db, id_of(&made), members).await;
            let mut of_size = Vec::new();
            for url in [
                format!("{path}?membersCount=100"),
                path.clone(),
                format!("{GROUPS}?count=10"),
                format!("{GROUPS}?filter=displayName%20eq%20%22all%22"),
            ] {
                let (page, statements) = count_statements(directory.get(&url)).await;
                assert_eq!(page.status, StatusCode::OK, "{page:?}");
                assert!(statements <= 10, "{url}: {statements}");
                of_size.push((url, statements));
            }
            // Further on in the group, behind the first users.
            let page = directory.get(&format!("{path}?membersCount=1000")).await;
            let next = next_page(&page).unwrap();
            let (page, statements) = count_statements(directory.get(&next)).await;
            assert!(page.body["members"].as_array().unwrap().len() >= 500 && statements <= 10, "{statements}");
            of_size.push(("the second page".to_owned(), statements));
            costs.push(of_size);
        }
        assert_eq!(costs[0], costs[1]);
    }

    async fn pages_of_groups_by_cursor_skip_nothing_while_others_are_deleted(db: TestDb) {
        // RFC 9865 §1
        let app = app(&db);
        let directory = directory(&app);
        for number in 0..11 {
            add_group(&directory, &format!("group{number}"), &[]).await;
        }
        for filter in ["", "&filter=displayName%20sw%20%22group%22"] {
            let list = format!("{GROUPS}?count=3{filter}&cursor=");
            let all = directory.get(&format!("{GROUPS}?{}", filter.trim_start_matches('&'))).await;
            let mut before = paths_in(&all.body["Resources"]);
            // Nobody deletes the group of the administrators.
            let kept = before.iter().filter(|path| !path.contains("-7000-8000-")).cloned().collect::<Vec<_>>();
            assert!(kept.len() >= before.len() - 1);
            let first = directory.get(&list).await;
            let shown = paths_in(&first.body["Resources"]);
            assert_eq!(shown, before[..3]);
            for gone in [&shown[0], &shown[2]] {
                if kept.contains(gone) {
                    delete(&directory, gone).await;
                }
            }
            let next = directory.get(&format!("{list}{}", first.body["nextCursor"].as_str().unwrap())).await;
            assert_eq!(paths_in(&next.body["Resources"]), before.drain(3..6).collect::<Vec<_>>(), "{filter}");
        }
    }

    async fn pages_of_all_resources_by_cursor_skip_nothing_while_others_are_deleted(db: TestDb) {
        // RFC 9865 §1
        let app = app(&db);
        let directory = directory(&app);
        for number in 0..5 {
            app.users.create(desired_user(&format!("user{number}"))).await.unwrap();
            add_group(&directory, &format!("group{number}"), &[]).await;
        }
        let filter = "userName sw \"user\" or displayName sw \"group\"";
        let all = search(&directory, json!({"filter": filter})).await;
        let mut left = paths_in(&all.body["Resources"]);
        assert_eq!(left.len(), 10);
        let mut cursor = String::new();
        // A page has users alone, the next one users and groups, the last ones groups alone.
        for _ in 0..3 {
            let page = search(&directory, json!({"filter": filter, "cursor": cursor, "count": 3})).await;
            let shown = paths_in(&page.body["Resources"]);
            assert_eq!(shown, left.drain(..3).collect::<Vec<_>>());
            delete(&directory, &shown[0]).await;
            delete(&directory, &shown[2]).await;
            page.body["nextCursor"].as_str().unwrap().clone_into(&mut cursor);
        }
        let last = search(&directory, json!({"filter": filter, "cursor": cursor, "count": 3})).await;
        assert_eq!(paths_in(&last.body["Resources"]), left);
    }

    async fn pages_of_members_skip_nobody_while_others_are_deleted(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let mut members = Vec::new();
        for number in 0..4 {
            members.push(id_of(&add_group(&directory, &format!("child{number}"), &[]).await));
            members.push(app.users.create(desired_user(&format!("user{number}"))).await.unwrap().id);
        }
        let made = add_group(&directory, "all", &members).await;
        let whole = directory.get(&path_of(&made)).await;
        let mut left = paths_in(&whole.body["members"]);
        assert_eq!(left.len(), 8);
        let mut next = Some(format!("{}?membersCount=3", path_of(&made)));
        while let Some(url) = next {
            let page = directory.get(&url).await;
            let shown = paths_in(&page.body["members"]);
            let expected: Vec<String> = left.drain(..left.len().min(3)).collect();
            assert_eq!(shown, expected);
            for gone in [&shown[0], shown.last().unwrap()] {
                delete(&directory, gone).await;
            }
            next = next_page(&page);
        }
        assert!(left.is_empty(), "{left:?}");
    }

    async fn what_no_index_serves_is_refused_among_many_groups(db: TestDb) {
        // RFC 7644 §3.4.2, §3.12
        let app = app(&db);
        let directory = directory(&app);
        let scanned = ["displayName co \"roup 17\"", "externalId pr and displayName sw \"Group 17\""];
        add_groups(&db, 1..=9_999).await;
        // 10,000 with that of the administrators are compared.
        for filter in scanned {
            let found = search(&directory, json!({"filter": filter, "count": 1, "attributes": ["displayName"]})).await;
            assert_eq!(found.status, StatusCode::OK, "{filter}: {found:?}");
        }
        add_groups(&db, 10_000..=10_000).await;
        let encoded = |filter: &str| filter.replace(' ', "%20").replace('"', "%22");
        for filter in scanned {
            let listed = directory.get(&format!("{GROUPS}?filter={}", encoded(filter))).await;
            let searched = search(&directory, json!({ "filter": filter })).await;
            for refused in [listed, searched] {
                assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{filter}: {refused:?}");
                assert_eq!(refused.body["scimType"], "tooMany", "{filter}");
                let hint = refused.body["detail"].as_str().unwrap();
                assert!(hint.contains("compare id, displayName, externalId or members.value with eq"), "{hint}");
            }
        }
        let sorted = directory.get(&format!("{GROUPS}?sortBy=displayName")).await;
        assert_eq!(sorted.body["scimType"], "tooMany", "{sorted:?}");
        // A part of the filter that is looked up is enough.
        let filter = "displayName eq \"GROUP 17\" and displayName co \"17\"";
        let listed = directory.get(&format!("{GROUPS}?filter={}", encoded(filter))).await;
        let searched = search(&directory, json!({ "filter": filter })).await;
        for found in [listed, searched] {
            assert_eq!((found.status, &found.body["totalResults"]), (StatusCode::OK, &json!(1)), "{found:?}");
        }
    }
}

/// Puts people into a group, as if they had been added one by one.
async fn fill(db: &TestDb, group: Uuid, numbers: std::ops::RangeInclusive<u128>) {
    let rows = numbers.map(|number| {
        json!([
            Uuid::from_u128(number).simple().to_string(),
            format!("member{number}")
        ])
    });
    let rows = Value::from_iter(rows).to_string();
    let mut tx = db.begin("test").await.unwrap();
    let people = sql!(&tx,
        sqlite: "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document)
                 SELECT unhex(value ->> 0), value ->> 1, TRUE, 1, 0, 0, json_object('user_name', value ->> 1) FROM json_each($1)",
        postgres: "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document)
                   SELECT (value ->> 0)::uuid, value ->> 1, TRUE, 1, 0, 0, jsonb_build_object('user_name', value ->> 1)
                   FROM jsonb_array_elements($1::jsonb) AS e(value)",
    );
    let members = sql!(&tx,
        sqlite: "INSERT INTO group_members (group_id, person_id) SELECT $2, unhex(value ->> 0) FROM json_each($1)",
        postgres: "INSERT INTO group_members (group_id, person_id)
                   SELECT $2, (value ->> 0)::uuid FROM jsonb_array_elements($1::jsonb) AS e(value)",
    );
    on_engine!(&mut tx, c => {
        sqlx::query(people).bind(&rows).execute(&mut *c).await.unwrap();
        sqlx::query(members).bind(&rows).bind(group).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

/// Adds groups without members, as if they had been created one by one.
async fn add_groups(db: &TestDb, numbers: std::ops::RangeInclusive<u128>) {
    let rows = numbers.map(|number| {
        json!([
            Uuid::from_u128(number).simple().to_string(),
            format!("Group {number}")
        ])
    });
    let rows = Value::from_iter(rows).to_string();
    let mut tx = db.begin("test").await.unwrap();
    let groups = sql!(&tx,
        sqlite: "INSERT INTO groups (id, name, name_key, external_ids, version, revision, created_at, updated_at, changed_at, attributes)
                 SELECT unhex(value ->> 0), value ->> 1, lower(value ->> 1), '{}', 1, 1, 0, 0, 0, '{}' FROM json_each($1)",
        postgres: "INSERT INTO groups (id, name, name_key, external_ids, version, revision, created_at, updated_at, changed_at, attributes)
                   SELECT (value ->> 0)::uuid, value ->> 1, lower(value ->> 1), '{}', 1, 1, 0, 0, 0, '{}'
                   FROM jsonb_array_elements($1::jsonb) AS e(value)",
    );
    on_engine!(&mut tx, c => {
        sqlx::query(groups).bind(&rows).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}
