//! Queries of the directory.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_is_found_by_user_name_whatever_its_case(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        directory.json("POST", USERS, &user("Ann")).await;
        directory.json("POST", USERS, &user("bob")).await;
        for (filter, total) in [
            ("userName%20eq%20%22aNN%22", 1),
            ("USERNAME+Eq+%22ann%22", 1),
            ("userName%20eq%20%22nobody%22", 0),
            // What is no user name is nobody's, and no wildcard.
            ("userName%20eq%20%22%25%22", 0),
            ("userName%20eq%20%22a%20b%22", 0),
        ] {
            let list = directory.get(&format!("{USERS}?filter={filter}")).await;
            assert_eq!(list.status, StatusCode::OK, "{filter}: {list:?}");
            assert_eq!(list.body["totalResults"], total, "{filter}");
            assert_eq!(list.body["Resources"].as_array().unwrap().len(), total, "{filter}");
        }
    }

    async fn filters_that_are_too_deep_too_long_or_not_supported_are_refused(db: TestDb) {
        // SB-35
        let app = app(&db);
        let directory = directory(&app);
        let deep = format!("{}userName%20pr{}", "(".repeat(300), ")".repeat(300));
        let long = format!("userName%20eq%20%22{}%22", "a".repeat(scim::filter::MAX_BYTES));
        for filter in ["", "userName", "shoeSize%20co%20%22a%22", "password%20pr", deep.as_str(), long.as_str()] {
            let refused = directory.get(&format!("{USERS}?filter={filter}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{filter}");
            assert_eq!(refused.body["scimType"], "invalidFilter", "{filter}");
        }
        for query in ["sortBy=userName&sortOrder=up", "filter=a&filter=b", "count=many"] {
            let refused = directory.get(&format!("{USERS}?{query}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!(refused.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        }
    }

    async fn parameters_that_nobody_knows_are_ignored(db: TestDb) {
        // RFC 7644 §3.4.2
        let app = app(&db);
        let directory = directory(&app);
        let made = directory.json("POST", &format!("{USERS}?tenant=7"), &user("ann")).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let path = format!("{}?tenant=7&sortBy=userName", path_of(&made));
        assert_eq!(directory.get(&path).await.body["userName"], "ann");
        assert_eq!(directory.get(&format!("{USERS}?tenant=7&count=0")).await.body["totalResults"], 1);
        assert_eq!(directory.json("PUT", &path, &user("bob")).await.body["userName"], "bob");
        assert_eq!(directory.send("DELETE", &path, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    }

    async fn pages_hold_everybody_once(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        for number in 0..5 {
            directory.json("POST", USERS, &user(&format!("person{number}"))).await;
        }
        let mut names = Vec::new();
        for start in [1, 3, 5] {
            let page = directory.get(&format!("{USERS}?startIndex={start}&count=2")).await.body;
            assert_eq!((&page["totalResults"], &page["startIndex"]), (&json!(5), &json!(start)));
            let resources = page["Resources"].as_array().unwrap();
            assert_eq!(page["itemsPerPage"], resources.len());
            names.extend(resources.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        }
        names.sort();
        assert_eq!(names, ["person0", "person1", "person2", "person3", "person4"]);
        let count_only = directory.get(&format!("{USERS}?count=0")).await.body;
        assert_eq!((&count_only["totalResults"], &count_only["Resources"]), (&json!(5), &json!([])));
    }
}
