//! Tests of the search of users for administrators over HTTP: permission, parameters and pages.

use http::StatusCode;
use scim::schema::CORE_USER;
use serde_json::{Value, json};

use crate::testing::{Caller, app, clients_token};

const SEARCH: &str = "/admin/v1/users";

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_page_says_how_each_fits_and_where_the_next_one_begins(db: TestDb) {
        let app = app(&db);
        let directory = Caller::with(&app, clients_token("a-directory", "users:read users:write"));
        for (user_name, family_name) in [("ann", "Archer"), ("bob", "Archerson"), ("cas", "Acher")] {
            let body = json!({"schemas": [CORE_USER], "userName": user_name, "name": {"familyName": family_name}});
            assert_eq!(directory.json("POST", "/scim/v2/Users", &body).await.status, StatusCode::CREATED);
        }
        let page = directory.get(&format!("{SEARCH}?search=ARCHER&limit=2")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        let fits = |body: &Value| -> Vec<(String, String)> {
            let users = body["users"].as_array().unwrap().iter();
            users.map(|user| (user["user_name"].as_str().unwrap().to_owned(), user["match"].as_str().unwrap().to_owned())).collect()
        };
        assert_eq!(fits(&page.body), [("ann".to_owned(), "exact".to_owned()), ("bob".to_owned(), "prefix".to_owned())]);
        assert_eq!(page.body["users"][0]["name"]["family_name"], "Archer");
        assert_eq!(page.body["next"], 2);
        let page = directory.get(&format!("{SEARCH}?search=archer&limit=2&after=2")).await;
        assert_eq!((fits(&page.body), page.body.get("next")), (vec![("cas".to_owned(), "fuzzy".to_owned())], None));
    }

    async fn bad_parameters_are_named_and_the_scope_is_needed(db: TestDb) {
        let app = app(&db);
        let directory = Caller::with(&app, clients_token("a-directory", "users:read"));
        for (query, status) in [
            ("", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=%20", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=a+b+c+d+e+f", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=a%01b", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=ann&limit=0", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=ann&limit=101", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=ann&after=501", StatusCode::UNPROCESSABLE_ENTITY),
            ("search=ann&filter=x", StatusCode::UNPROCESSABLE_ENTITY),
        ] {
            let refused = directory.get(&format!("{SEARCH}?{query}")).await;
            assert_eq!(refused.status, status, "{query}: {refused:?}");
        }
        let named = directory.get(&format!("{SEARCH}?search=-")).await.body;
        assert_eq!(named["errors"][0]["field"], "search");
        let other = Caller::with(&app, clients_token("a-shop", "groups:read"));
        assert_eq!(other.get(&format!("{SEARCH}?search=ann")).await.status, StatusCode::FORBIDDEN);
    }
}
