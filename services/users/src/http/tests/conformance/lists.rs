//! Queries: lists, filters, orders and pages (RFC 7644 §3.4, RFC 9865).

use http::StatusCode;
use serde_json::json;

use super::*;
use crate::testing::app;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

async fn filled(directory: &Caller) {
    for (name, title, external_id) in [
        ("ann", Some("Archer"), "A"),
        ("Bob", None, "a"),
        ("cas", Some("archer"), "b"),
        ("Dee", Some("Bowyer"), "B"),
    ] {
        let mut body = user(name);
        body["externalId"] = json!(external_id);
        body["emails"] = json!([{"value": format!("{name}@work.example"), "type": "work"}, {"value": format!("{name}@home.example"), "type": "home"}]);
        if let Some(title) = title {
            body["title"] = json!(title);
        }
        assert_eq!(
            directory.json("POST", USERS, &body).await.status,
            StatusCode::CREATED
        );
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_list_has_its_form_and_its_bounds(db: TestDb) {
        // RFC 7644 §3.1 (1), RFC 7644 §3.4.2 (1) (2), RFC 7644 §3.4.2.4 (1) (2), RFC 9865 §2.2 (1)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        let all = directory.get(USERS).await;
        assert_eq!((all.status, &all.body["schemas"]), (StatusCode::OK, &json!([LIST])));
        assert_eq!((&all.body["totalResults"], &all.body["startIndex"]), (&json!(4), &json!(1)), "pages are by index");
        let nothing = directory.get(&filtered(USERS, "userName eq \"nobody\"")).await;
        assert_eq!((nothing.status, &nothing.body["totalResults"]), (StatusCode::OK, &json!(0)));
        for (query, expected, start) in [
            ("sortBy=userName&startIndex=-3&count=2", vec!["ann", "Bob"], 1),
            ("sortBy=userName&startIndex=0&count=1", vec!["ann"], 1),
            ("sortBy=userName&startIndex=3&count=9", vec!["cas", "Dee"], 3),
            ("count=-5", vec![], 1),
            ("count=0", vec![], 1),
        ] {
            let page = directory.get(&format!("{USERS}?{query}")).await;
            assert_eq!(names(&page), expected, "{query}");
            let told = (&page.body["totalResults"], &page.body["startIndex"], &page.body["itemsPerPage"]);
            assert_eq!(told, (&json!(4), &json!(start), &json!(expected.len())), "{query}");
        }
    }

    async fn a_filter_finds_what_it_says_and_nothing_else(db: TestDb) {
        // RFC 7644 §3.4.2.2 (1) (2) (3) (4) (5) (6) (7) (8) (9), RFC 7643 §7 (2)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        for (filter, expected) in [
            ("userName eq \"BOB\"", vec!["Bob"]),
            ("externalId eq \"a\"", vec!["Bob"]),
            ("title eq \"ARCHER\"", vec!["ann", "cas"]),
            // `and` binds closer than `or`, and `not` closer than `and`.
            ("userName eq \"ann\" or userName eq \"bob\" and title pr", vec!["ann"]),
            ("(userName eq \"ann\" or userName eq \"bob\") and title pr", vec!["ann"]),
            ("not (title pr) and userName sw \"b\"", vec!["Bob"]),
            // One and the same value.
            ("emails[type eq \"work\" and value sw \"ann@\"]", vec!["ann"]),
            ("emails[type eq \"work\" and value ew \"@home.example\"]", vec![]),
            ("emails.type eq \"work\" and emails.value eq \"cas@home.example\"", vec!["cas"]),
            // Nobody said `active`: it is what was returned.
            ("active eq true and userName eq \"Dee\"", vec!["Dee"]),
            ("userName gt \"bob\"", vec!["cas", "Dee"]),
        ] {
            let path = format!("{}&sortBy=userName", filtered(USERS, filter));
            assert_eq!(names(&directory.get(&path).await), expected, "{filter}");
        }
        for filter in ["userName regex \"a\"", "userName", "", "active gt true", "x509Certificates.value le \"AA\"", "userName eq", "(userName pr"] {
            let refused = directory.get(&filtered(USERS, filter)).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidFilter")), "{filter}");
            assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{filter}");
        }
    }

    async fn an_order_is_that_of_the_attribute(db: TestDb) {
        // RFC 7644 §3.4.2.3 (1) (2)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        for (query, expected) in [
            ("sortBy=userName", ["ann", "Bob", "cas", "Dee"]),
            ("sortBy=userName&sortOrder=descending", ["Dee", "cas", "Bob", "ann"]),
            // Case counts, so capitals come first.
            ("sortBy=externalId", ["ann", "Dee", "Bob", "cas"]),
        ] {
            assert_eq!(names(&directory.get(&format!("{USERS}?{query}")).await), expected, "{query}");
        }
    }

    async fn attributes_are_chosen_and_what_is_always_there_stays(db: TestDb) {
        // RFC 7644 §3.4.2.5 (1) (2), RFC 7644 §3.9 (1) (2), RFC 7643 §7 (4)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        let one = directory.get(&filtered(USERS, "userName eq \"ann\"")).await;
        let path = path_of(&TestResponse { body: one.body["Resources"][0].clone(), ..one });
        for (query, there, gone) in [
            ("attributes=emails.value", vec!["id", "schemas", "emails"], vec!["userName", "meta", "title"]),
            ("attributes=urn:ietf:params:scim:schemas:core:2.0:User:TITLE", vec!["id", "title"], vec!["userName"]),
            ("excludedAttributes=emails,id,schemas", vec!["id", "schemas", "userName", "meta"], vec!["emails"]),
        ] {
            let found = directory.get(&format!("{path}?{query}")).await.body;
            assert!(there.iter().all(|name| found.get(name).is_some()), "{query}: {found}");
            assert!(gone.iter().all(|name| found.get(name).is_none()), "{query}: {found}");
        }
        let sub = directory.get(&format!("{path}?attributes=emails.value")).await.body;
        assert_eq!(sub["emails"][0], json!({"value": "ann@work.example"}));
    }

    async fn a_query_may_be_in_the_body(db: TestDb) {
        // RFC 7644 §3.4.3 (1) (2)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        let urn = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
        let search = json!({"schemas": [urn], "filter": "title pr", "sortBy": "userName", "startIndex": 2, "count": 1, "attributes": ["userName"]});
        let found = directory.json("POST", &format!("{USERS}/.search"), &search).await;
        assert_eq!((found.status, names(&found), &found.body["totalResults"]), (StatusCode::OK, vec!["cas"], &json!(3)));
        let refused = directory.json("POST", &format!("{USERS}/.search"), &json!({"schemas": [CORE]})).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidSyntax")));
    }

    async fn pages_by_cursor_have_everybody_once(db: TestDb) {
        // RFC 9865 §2 (1) (2) (3) (4) (5), RFC 9865 §5 (2) (3)
        let app = app(&db);
        let directory = directory(&app);
        filled(&directory).await;
        let (mut seen, mut cursor, mut first) = (Vec::new(), String::new(), String::new());
        loop {
            let page = directory.get(&format!("{USERS}?sortBy=userName&count=3&cursor={cursor}")).await;
            assert!(page.body.get("previousCursor").is_none() && names(&page).len() <= 3, "{page:?}");
            seen.extend(names(&page).into_iter().map(str::to_owned));
            let Some(next) = page.body["nextCursor"].as_str() else { break };
            assert!(next.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)), "{next}");
            cursor = next.to_owned();
            if first.is_empty() {
                first.clone_from(&cursor);
            }
        }
        assert_eq!(seen, ["ann", "Bob", "cas", "Dee"]);
        let empty = directory.get(&format!("{USERS}?cursor=&count=-1")).await;
        assert_eq!((empty.status, names(&empty).len()), (StatusCode::OK, 0));
        // Of another query, forged, or in the hands of somebody who may not read: each gets one and the same answer.
        let mut told = Vec::new();
        for query in [format!("sortBy=userName&sortOrder=descending&cursor={first}"), format!("filter=title%20pr&cursor={first}"), "cursor=AAAA".to_owned()] {
            let refused = directory.get(&format!("{USERS}?{query}")).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidCursor")), "{query}");
            told.push(refused.body["detail"].clone());
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
        let other = Caller::with(&app, clients_token("groups-alone", "groups:read"));
        let refused = other.get(&format!("{USERS}?sortBy=userName&count=3&cursor={first}")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
}
