//! Tests of queries of users over HTTP: parameters, cursors, `/.search` and `/Me`.

use http::StatusCode;
use scim::schema::{CONFIGURED_USER, CORE_USER};
use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::testing::{
    Caller, TestResponse, app, app_with_attributes, clients_token, make_administrator, persons_token, token,
};

const USERS: &str = "/scim/v2/Users";
const SEARCH: &str = "/scim/v2/Users/.search";
const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn directory(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("a-directory", "users:read users:write"))
}

async fn made(directory: &Caller, body: Value) -> TestResponse {
    let mut body = body;
    body["schemas"] = json!([CORE_USER]);
    let made = directory.json("POST", USERS, &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made
}

async fn five(directory: &Caller) {
    for number in 0..5 {
        made(
            directory,
            json!({"userName": format!("person{number}"), "title": "Guide"}),
        )
        .await;
    }
}

fn names(body: &Value) -> Vec<&str> {
    let resources = body["Resources"].as_array().unwrap();
    resources
        .iter()
        .map(|user| user["userName"].as_str().unwrap())
        .collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn pages_by_cursor_hold_everybody_once(db: TestDb) {
        // RFC 9865 §2
        let app = app(&db);
        let directory = directory(&app);
        five(&directory).await;
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = directory.get(&format!("{USERS}?sortBy=userName&count=2&cursor={cursor}")).await;
            assert_eq!(page.status, StatusCode::OK, "{page:?}");
            assert_eq!((page.body.get("startIndex"), page.body.get("previousCursor")), (None, None));
            found.extend(names(&page.body).into_iter().map(str::to_owned));
            match page.body["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(found, ["person0", "person1", "person2", "person3", "person4"]);
        for (query, kind) in [
            // The cursor of another query.
            (format!("sortBy=userName&sortOrder=descending&cursor={cursor}"), "invalidCursor"),
            (format!("cursor={cursor}"), "invalidCursor"),
            ("cursor=nonsense".to_owned(), "invalidCursor"),
            ("cursor=&count=x".to_owned(), "invalidCount"),
            ("cursor=&startIndex=1".to_owned(), "invalidValue"),
        ] {
            let refused = directory.get(&format!("{USERS}?{query}")).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!(kind)), "{query}");
        }
        let config = directory.get("/scim/v2/ServiceProviderConfig").await.body;
        assert_eq!((&config["pagination"]["cursor"], &config["sort"]["supported"]), (&json!(true), &json!(true)));
    }

    async fn a_search_by_post_finds_what_the_list_finds(db: TestDb) {
        // RFC 7644 §3.4.3
        let app = app(&db);
        let directory = directory(&app);
        five(&directory).await;
        let query = json!({
            "schemas": [SEARCH_URN], "filter": "userName sw \"person\" and not (userName eq \"person0\")",
            "sortBy": "userName", "sortOrder": "descending", "startIndex": 2, "count": 2, "attributes": ["userName"],
        });
        let found = directory.json("POST", SEARCH, &query).await;
        assert_eq!(found.status, StatusCode::OK, "{found:?}");
        assert_eq!((names(&found.body), &found.body["totalResults"]), (vec!["person3", "person2"], &json!(4)));
        assert_eq!(found.body["Resources"][0].get("title"), None);
        let by_cursor = json!({"schemas": [SEARCH_URN], "cursor": "", "count": 2});
        let next = directory.json("POST", SEARCH, &by_cursor).await.body["nextCursor"].clone();
        assert!(next.is_string());
        let refused = directory.json("POST", SEARCH, &json!({"filter": "userName pr"})).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidSyntax")));
        let writer = Caller::with(&app, clients_token("a-writer", "users:write"));
        assert_eq!(writer.json("POST", SEARCH, &query).await.status, StatusCode::FORBIDDEN);
    }

    async fn a_search_tells_nothing_of_what_the_caller_may_not_read(db: TestDb) {
        // SB-35
        let config: ScimConfig = serde_json::from_value(json!({"attributes": [{"name": "riskScore", "type": "integer", "read": ["client"]}]})).unwrap();
        let app = app_with_attributes(&db, &config);
        let client = directory(&app);
        let ann = made(&client, json!({"userName": "ann", CONFIGURED_USER: {"riskScore": 7}})).await.body["id"].clone();
        let ann: uuid::Uuid = ann.as_str().unwrap().parse().unwrap();
        make_administrator(&app, ann).await;
        let administrator = Caller::with(&app, token(&ann.to_string(), "cli", "users:read"));
        let filter = format!("{USERS}?filter={CONFIGURED_USER}:riskScore%20gt%206");
        assert_eq!(client.get(&filter).await.body["totalResults"], 1);
        for query in [filter, format!("{USERS}?sortBy={CONFIGURED_USER}:riskScore")] {
            let refused = administrator.get(&query).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidFilter")), "{query}");
        }
    }

    async fn a_unique_attribute_is_given_once(db: TestDb) {
        // RFC 7643 §7
        let config: ScimConfig = serde_json::from_value(json!({"attributes": [{"name": "badge", "uniqueness": "server"}]})).unwrap();
        let app = app_with_attributes(&db, &config);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..4 {
            let directory = directory(&app);
            let badge = if number % 2 == 0 { "A7" } else { "a7" };
            let body = json!({"schemas": [CORE_USER], "userName": format!("person{number}"), CONFIGURED_USER: {"badge": badge}});
            tasks.spawn(async move { directory.json("POST", USERS, &body).await });
        }
        let (given, refused): (Vec<_>, Vec<_>) =
            tasks.join_all().await.into_iter().partition(|response| response.status == StatusCode::CREATED);
        assert_eq!((given.len(), refused.len()), (1, 3));
        for refused in refused {
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")));
        }
        // Who has it keeps it through other changes, and it is free when they are gone.
        let path = format!("{USERS}/{}", given[0].body["id"].as_str().unwrap());
        let mut same = given[0].body.clone();
        same["title"] = json!("Guide");
        let directory = directory(&app);
        assert_eq!(directory.json("PUT", &path, &same).await.status, StatusCode::OK);
        let found = directory.get(&format!("{USERS}?filter=badge%20eq%20%22A7%22")).await;
        assert_eq!(found.body["totalResults"], 1);
        assert_eq!(directory.json("DELETE", &path, &json!({})).await.status, StatusCode::NO_CONTENT);
        made(&directory, json!({"userName": "bob", CONFIGURED_USER: {"badge": "A7"}})).await;
    }

    async fn me_is_the_person_whose_token_it_is(db: TestDb) {
        // RFC 7644 §3.11
        let app = app(&db);
        let ann = made(&directory(&app), json!({"userName": "ann", "title": "Guide"})).await;
        let id: uuid::Uuid = ann.body["id"].as_str().unwrap().parse().unwrap();
        let me = Caller::with(&app, persons_token(id)).get("/scim/v2/Me").await;
        assert_eq!((me.status, &me.body), (StatusCode::OK, &ann.body));
        assert_eq!(me.header("location"), ann.header("location"));
        let part = Caller::with(&app, persons_token(id)).get("/scim/v2/Me?attributes=title").await;
        assert_eq!((&part.body["title"], part.body.get("userName")), (&json!("Guide"), None));
        let client = directory(&app).get("/scim/v2/Me").await;
        assert_eq!((client.status, &client.body["status"]), (StatusCode::FORBIDDEN, &json!("403")));
    }
}
