//! The directory, as a program of an administrator uses it.

mod names;
mod queries;

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};

use tokio::task::JoinSet;
use uuid::Uuid;

use crate::testing::{Caller, TestResponse, app, clients_token, events_of};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CUSTOM: &str = "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const USERS: &str = "/scim/v2/Users";

fn directory(app: &crate::app::SharedApp) -> Caller {
    Caller::with(app, clients_token("a-directory", "users:read users:write"))
}

fn user(name: &str) -> Value {
    json!({"schemas": [CORE], "userName": name})
}

fn path_of(answer: &TestResponse) -> String {
    format!("{USERS}/{}", answer.body["id"].as_str().unwrap())
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_is_made_read_replaced_and_deleted(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let body = json!({
            "schemas": [CORE, ENTERPRISE, CUSTOM],
            "userName": "Ann",
            "externalId": "hr-7",
            "name": {"givenName": "Ann", "familyName": "Example", "formatted": "Ann Example"},
            "displayName": "Ann",
            "emails": [{"value": "ann@example.com", "type": "work", "primary": true}],
            "timezone": "Europe/Paris",
            ENTERPRISE: {"department": "Sales"},
            CUSTOM: {"values": {"theme": "dark"}},
        });
        let scim = [("content-type", "application/scim+json; charset=utf-8")];
        let made = directory.send("POST", USERS, &scim, Body::from(body.to_string())).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!(made.header("content-type"), "application/scim+json");
        assert_eq!(made.header("location"), format!("http://users.example{}", path_of(&made)));
        assert_eq!(made.header("etag"), "W/\"1\"");
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&made.body[name], value, "{name}");
        }
        assert_eq!(made.body["active"], true);
        assert_eq!(made.body["meta"]["location"], made.header("location"));

        let path = path_of(&made);
        assert_eq!(directory.get(&path).await.body, made.body);
        let unchanged = directory.send("GET", &path, &[("if-none-match", "W/\"1\"")], Body::empty()).await;
        assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);

        // A client sends back what it read, with one change.
        let mut wanted = made.body.clone();
        wanted["active"] = json!(false);
        let replaced = directory.json_if("PUT", &path, &wanted, "W/\"1\"").await;
        assert_eq!(replaced.status, StatusCode::OK, "{replaced:?}");
        assert_eq!((replaced.header("etag"), &replaced.body["active"]), ("W/\"2\"", &json!(false)));
        let stale = directory.json_if("PUT", &path, &wanted, "W/\"1\"").await;
        assert_eq!((stale.status, &stale.body["status"]), (StatusCode::PRECONDITION_FAILED, &json!("412")));
        assert_eq!(directory.json_if("DELETE", &path, &json!({}), "W/\"1\"").await.status, StatusCode::PRECONDITION_FAILED);
        assert_eq!(directory.json_if("DELETE", &path, &json!({}), "W/\"2\"").await.status, StatusCode::NO_CONTENT);
        assert_eq!(directory.get(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(directory.json("PUT", &path, &user("ann")).await.status, StatusCode::NOT_FOUND);

        let id: Uuid = made.body["id"].as_str().unwrap().parse().unwrap();
        let types: Vec<String> = events_of(&db, id).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(types, ["vestibule.user.created.v1", "vestibule.user.deactivated.v1", "vestibule.user.deleted.v1"]);
    }

    async fn a_full_user_with_an_address_of_several_lines_is_kept(db: TestDb) {
        // RFC 7643 §8.2: every kind of attribute of a full user that this server has.
        let app = app(&db);
        let directory = directory(&app);
        let address = json!([{
            "type": "work", "primary": true,
            "formatted": "12 Harbour Street\nPort Ann, 90210\r\nNowhere",
            "streetAddress": "12 Harbour Street\nThird floor",
            "locality": "Port Ann", "region": "NW", "postalCode": "90210", "country": "US",
        }]);
        let body = json!({
            "schemas": [CORE], "externalId": "701984", "userName": "bjarne@example.com",
            "name": {
                "formatted": "Mr. Bjarne J Example, III", "familyName": "Example", "givenName": "Bjarne",
                "middleName": "J", "honorificPrefix": "Mr.", "honorificSuffix": "III",
            },
            "displayName": "Bjarne Example", "nickName": "Bj", "profileUrl": "https://login.example.com/bjarne",
            "emails": [
                {"value": "bjarne@example.com", "type": "work", "primary": true},
                {"value": "bj@example.org", "type": "home", "primary": false},
            ],
            "addresses": address,
            "phoneNumbers": [{"value": "555-555-5555", "type": "work", "primary": false}, {"value": "555-555-4444", "type": "mobile", "primary": true}],
            "ims": [{"value": "someaimhandle", "type": "aim", "primary": false}],
            "photos": [{"value": "https://photos.example.com/F", "type": "photo", "primary": false}],
            "userType": "Employee", "title": "Tour Guide", "preferredLanguage": "en-US", "locale": "en-US",
            "timezone": "America/Los_Angeles", "active": true,
            "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAw", "primary": true}],
        });
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        for (name, value) in body.as_object().unwrap() {
            assert_eq!(&made.body[name], value, "{name}");
        }
        let again = directory.json("PUT", &path_of(&made), &made.body).await;
        assert_eq!((again.status, &again.body["addresses"]), (StatusCode::OK, &address));
        // SB-34: line ends stay out of everything else, and other control characters out of addresses too.
        for (name, value) in [
            ("displayName", json!("Bj\nBcc: all@example.com")),
            ("phoneNumbers", json!([{"value": "5\n5"}])),
            ("addresses", json!([{"locality": "Port\nAnn"}])),
            ("addresses", json!([{"formatted": "12 Harbour\u{0}Street"}])),
        ] {
            let mut bad = body.clone();
            bad["userName"] = json!("other");
            bad[name] = value;
            let refused = directory.json("POST", USERS, &bad).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")), "{name}");
        }
    }

    async fn a_client_sets_what_the_schema_has_and_nothing_else(db: TestDb) {
        // SB-35: mass assignment.
        let app = app(&db);
        let directory = directory(&app);
        let mut body = user("mallory");
        body["id"] = json!(Uuid::nil());
        body["groups"] = json!([{"value": "vestibule-admins"}]);
        body["meta"] = json!({"version": "W/\"99\""});
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED);
        assert_ne!(made.body["id"], json!(Uuid::nil()));
        assert_eq!((made.body.get("groups"), made.header("etag")), (None, "W/\"1\""));
        for (name, value) in [
            ("password", json!("secret")),
            ("version", json!(9)),
            ("is_admin", json!(true)),
            ("name", json!({"nick": "m"})),
            ("userName", json!("a b")),
            ("userName", json!("x".repeat(65))),
            ("emails", json!([{"value": "nowhere"}])),
            ("emails", json!([{"value": "a@b.example", "verified": true}])),
            ("locale", json!("x".repeat(65))),
            ("displayName", json!("a\r\nb")),
            (CUSTOM, json!({"values": {"entitlements": ["all"]}})),
            (CUSTOM, json!({"values": {"big": "x".repeat(2000), "more": vec!["x".repeat(2000); 10]}})),
        ] {
            let mut body = user("eve");
            body[name] = value;
            let refused = directory.json("POST", USERS, &body).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
            let detail = refused.body["detail"].as_str().unwrap();
            let named = if name == CUSTOM { "" } else { name };
            assert!(detail.contains(named), "{body}: {detail}");
        }
        let eve = directory.get(&format!("{USERS}?filter=userName%20eq%20%22eve%22")).await;
        assert_eq!(eve.body["totalResults"], 0, "nothing of it was stored");
    }

    async fn a_body_that_cannot_be_read_is_refused_in_scim(db: TestDb) {
        // SB-42
        let app = app(&db);
        let directory = directory(&app);
        let scim = [("content-type", "application/scim+json")];
        let body = user("eve").to_string();
        let twice = body.replacen('{', r#"{"userName":"mallory","#, 1);
        let huge = body.replace("eve", &"x".repeat(300_000));
        let not_text = [body.as_bytes(), b"\xff"].concat();
        for (headers, body, status, named) in [
            (&scim[..], twice.into_bytes(), StatusCode::BAD_REQUEST, "userName"),
            (&scim[..], b"{".to_vec(), StatusCode::BAD_REQUEST, ""),
            (&scim[..], not_text, StatusCode::BAD_REQUEST, "UTF-8"),
            (&scim[..], b"[]".to_vec(), StatusCode::BAD_REQUEST, "object"),
            (&[("content-type", "text/plain")][..], body.clone().into_bytes(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "Content-Type"),
        ] {
            let refused = directory.send("POST", USERS, headers, Body::from(body)).await;
            assert_eq!((refused.status, refused.header("content-type")), (status, "application/scim+json"));
            assert!(refused.body["detail"].as_str().unwrap().contains(named), "{refused:?}");
        }
        let refused = directory.send("POST", USERS, &scim, Body::from(huge)).await;
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{refused:?}");
        assert_eq!(refused.body["schemas"][0], ERROR);
        assert_eq!(refused.body["status"], "413");
        // SB-43: who has no right to write sends no more than anybody.
        let long = Body::from(user(&"x".repeat(17_000)).to_string());
        let reader = Caller::with(&app, clients_token("a-directory", "users:read"));
        let refused = reader.send("POST", USERS, &scim, long).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
        for (method, path) in [("PATCH", USERS), ("DELETE", "/scim/v2/Schemas"), ("PUT", "/scim/v2/Users"), ("BREW", USERS)] {
            let refused = directory.send(method, path, &[], Body::empty()).await;
            assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!((&refused.body["schemas"][0], refused.header("content-type")), (&json!(ERROR), "application/scim+json"));
            assert!(refused.header("allow").contains("GET"), "{refused:?}");
        }
        for path in ["/scim/v2/nowhere", "/scim/v2/Things", "/scim/v2/Users/a/b"] {
            let refused = directory.get(path).await;
            assert_eq!((refused.status, &refused.body["schemas"][0]), (StatusCode::NOT_FOUND, &json!(ERROR)), "{path}");
        }
        assert_eq!(directory.get(USERS).await.body["totalResults"], 0, "nothing was stored");
    }

    async fn a_put_without_a_word_on_active_wakes_nobody(db: TestDb) {
        let app = app(&db);
        let directory = directory(&app);
        let mut off = user("ann");
        off["active"] = json!(false);
        let made = directory.json("POST", USERS, &off).await;
        let replaced = directory.json("PUT", &path_of(&made), &user("anna")).await;
        assert_eq!((&replaced.body["userName"], &replaced.body["active"]), (&json!("anna"), &json!(false)));
    }

    async fn scopes_are_asked_for(db: TestDb) {
        let app = app(&db);
        let made = directory(&app).json("POST", USERS, &user("ann")).await;
        let reader = Caller::with(&app, clients_token("a-reader", "users:read"));
        let writer = Caller::with(&app, clients_token("a-writer", "users:write"));
        let path = path_of(&made);
        assert_eq!(reader.get(&path).await.status, StatusCode::OK);
        for (method, path) in [("POST", USERS), ("PUT", &path), ("DELETE", &path)] {
            let refused = reader.json(method, path, &user("bob")).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{method}");
            assert!(refused.header("www-authenticate").contains("users:write"));
        }
        assert_eq!(writer.get(&path).await.status, StatusCode::FORBIDDEN);
        let anonymous = Caller::anonymous(&app).get(USERS).await;
        assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
        assert_eq!(anonymous.body["status"], "401");
    }

    async fn the_documents_are_public_and_name_what_there_is(db: TestDb) {
        let app = app(&db);
        let anyone = Caller::anonymous(&app);
        let config = anyone.get("/scim/v2/ServiceProviderConfig").await;
        assert_eq!(config.status, StatusCode::OK);
        assert_eq!((&config.body["patch"]["supported"], &config.body["etag"]["supported"]), (&json!(true), &json!(true)));
        let types = anyone.get("/scim/v2/ResourceTypes").await.body;
        assert_eq!(types["Resources"][0]["endpoint"], "/Users");
        let schemas = anyone.get("/scim/v2/Schemas").await.body;
        assert_eq!(schemas["totalResults"], 5);
        for schema in schemas["Resources"].as_array().unwrap() {
            let path = schema["meta"]["location"].as_str().unwrap().strip_prefix("http://users.example").unwrap();
            assert_eq!(&anyone.get(path).await.body, schema);
        }
        assert_eq!(anyone.get("/scim/v2/Schemas?filter=x").await.status, StatusCode::FORBIDDEN);
        assert_eq!(anyone.get("/scim/v2/Schemas/urn:none").await.status, StatusCode::NOT_FOUND);
        let post = directory(&app).json("POST", &format!("{USERS}/{}", Uuid::nil()), &json!({})).await;
        assert_eq!((post.status, &post.body["status"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("405")));
        assert_eq!(post.header("allow"), "GET,HEAD,PUT,PATCH,DELETE", "RFC 9110 §15.5.6");
        let nowhere = anyone.get("/scim/v2/Things").await;
        assert_eq!((nowhere.status, &nowhere.body["status"]), (StatusCode::NOT_FOUND, &json!("404")));
    }
}
