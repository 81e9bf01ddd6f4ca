//! Discovery and errors (RFC 7643 §5 to §7, RFC 7644 §2, §3.12, §3.13, §4).

use axum::body::Body;
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::*;
use crate::testing::{app, persons_token};

const DISCOVERY: [&str; 3] = ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"];

/// Checks a definition of an attribute, and of its sub-attributes.
fn check_attribute(attribute: &Value, of: Option<&Value>) {
    let name = attribute["name"].as_str().unwrap();
    let mut letters = name.chars();
    let first = letters.next().unwrap();
    assert!(
        first.is_ascii_alphabetic() || (of.is_some() && name == "$ref"),
        "{name}"
    );
    assert!(
        letters.all(|c| c.is_ascii_alphanumeric() || "$-_".contains(c)),
        "{name}"
    );
    for characteristic in [
        "type",
        "multiValued",
        "description",
        "required",
        "mutability",
        "returned",
    ] {
        assert!(
            attribute.get(characteristic).is_some(),
            "{name}: {characteristic}"
        );
    }
    let subs = attribute["subAttributes"].as_array();
    match attribute["type"].as_str().unwrap() {
        "complex" => assert!(of.is_none(), "{name} is complex inside another"),
        "string" | "reference" => {
            assert!(
                attribute["caseExact"].is_boolean() && attribute["uniqueness"].is_string(),
                "{name}"
            );
            assert!(subs.is_none(), "{name}");
        }
        _ => assert!(subs.is_none(), "{name}"),
    }
    for sub in subs.into_iter().flatten() {
        check_attribute(sub, Some(attribute));
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_documents_describe_the_server(db: TestDb) {
        // RFC 7643 §5 (1), RFC 7643 §6 (1) (2), RFC 7643 §7 (1), RFC 7643 §1.2 (1), RFC 7643 §2.1 (2), RFC 7643 §2.3.8 (2)
        // RFC 7644 §4 (1) (2), RFC 7644 §3.1 (2), RFC 9865 §4 (1), RFC 7644 §3.7.4 (1)
        let stranger = Caller::anonymous(&app(&db));
        let config = stranger.get("/scim/v2/ServiceProviderConfig").await.body;
        assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
        for feature in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
            assert!(config[feature]["supported"].is_boolean(), "{feature}");
        }
        for (feature, number) in [("bulk", "maxOperations"), ("bulk", "maxPayloadSize"), ("filter", "maxResults")] {
            assert!(config[feature][number].is_u64(), "{feature}.{number}");
        }
        let schemes = config["authenticationSchemes"].as_array().unwrap();
        assert!(!schemes.is_empty());
        for scheme in schemes {
            assert!(["type", "name", "description"].iter().all(|name| scheme[*name].is_string()), "{scheme}");
        }
        assert_eq!((&config["pagination"]["cursor"], &config["pagination"]["index"]), (&json!(true), &json!(true)));

        let schemas = stranger.get("/scim/v2/Schemas").await.body;
        assert_eq!(schemas["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        let mut known = BTreeSet::new();
        for schema in schemas["Resources"].as_array().unwrap() {
            let id = schema["id"].as_str().unwrap();
            assert!(!id.starts_with("urn:ietf:params:scim:api:") && known.insert(id.to_owned()), "{id}");
            assert!(schema["name"].is_string() && schema["description"].is_string(), "{id}");
            schema["attributes"].as_array().unwrap().iter().for_each(|attribute| check_attribute(attribute, None));
            assert_eq!(&stranger.get(&format!("/scim/v2/Schemas/{id}")).await.body, schema);
        }
        for kind in stranger.get("/scim/v2/ResourceTypes").await.body["Resources"].as_array().unwrap() {
            let name = kind["name"].as_str().unwrap();
            assert!(kind["endpoint"].is_string() && known.contains(kind["schema"].as_str().unwrap()), "{name}");
            for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
                assert!(extension["required"].is_boolean() && known.contains(extension["schema"].as_str().unwrap()), "{name}");
            }
            assert_eq!(&stranger.get(&format!("/scim/v2/ResourceTypes/{name}")).await.body, kind);
        }
    }

    async fn the_documents_take_no_parameters_of_a_query(db: TestDb) {
        // RFC 7644 §4 (3), RFC 7644 §1.3 (1)
        let stranger = Caller::anonymous(&app(&db));
        for document in DISCOVERY {
            let path = format!("/scim/v2{document}");
            let plain = stranger.get(&path).await;
            let paged = stranger.get(&format!("{path}?startIndex=2&count=0&sortBy=id")).await;
            assert_eq!((plain.status, &paged.body), (StatusCode::OK, &plain.body), "{document}");
            // A list of documents has no place of its own; each document in it has.
            let documents = plain.body["Resources"].as_array();
            for one in documents.map_or(std::slice::from_ref(&plain.body), Vec::as_slice) {
                let location = one["meta"]["location"].as_str().unwrap_or_else(|| panic!("{document}: {one}"));
                assert!(location.starts_with("http://users.example/scim/v2/") && !location.contains('?'), "{location}");
            }
            assert_eq!(stranger.get(&format!("{path}?filter=id%20pr")).await.status, StatusCode::FORBIDDEN);
        }
    }

    async fn a_refusal_is_an_error_of_scim(db: TestDb) {
        // RFC 7644 §2 (1) (2), RFC 7644 §3.12 (1), RFC 7644 §3.13 (1) (2)
        let app = app(&db);
        let (stranger, directory) = (Caller::anonymous(&app), directory(&app));
        let reader = Caller::with(&app, clients_token("a-reader", "users:read"));
        let unauthorized = stranger.get(USERS).await;
        assert!(unauthorized.header("www-authenticate").starts_with("Bearer"), "{unauthorized:?}");
        let bad = directory.send("POST", USERS, &[("content-type", "application/scim+json")], Body::from("{")).await;
        for (refused, status) in [
            (unauthorized, 401),
            (reader.json("POST", USERS, &user("ann")).await, 403),
            (directory.get("/scim/v2/Nothing").await, 404),
            (directory.json("PUT", USERS, &user("ann")).await, 405),
            (bad, 400),
        ] {
            assert_eq!(refused.status.as_u16(), status, "{refused:?}");
            assert_eq!((&refused.body["schemas"], &refused.body["status"]), (&json!([ERROR]), &json!(status.to_string())), "{refused:?}");
        }
        // Another version of the protocol, which has the same endpoint, is no path of ours.
        assert_eq!(directory.get("/scim/v3/Users").await.status, StatusCode::NOT_FOUND);
    }

    async fn the_place_of_me_is_that_of_the_user(db: TestDb) {
        // RFC 7644 §3.11 (1)
        let app = app(&db);
        let ann = directory(&app).json("POST", USERS, &user("ann")).await;
        let me = Caller::with(&app, persons_token(ann.body["id"].as_str().unwrap().parse().unwrap())).get("/scim/v2/Me").await;
        assert_eq!((me.status, me.header("location")), (StatusCode::OK, ann.header("location")));
    }
}
