//! Resources: their identifiers, schemas, times, addresses and versions (RFC 7643 §3, RFC 7644 §3.3, §3.6).

use std::collections::BTreeSet;

use axum::body::Body;
use http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::app::SharedApp;
use crate::testing::{app, app_with_grace};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_resource_has_what_the_server_gives_it(db: TestDb) {
        // RFC 7643 §2.1 (1), RFC 7643 §3.1 (1) (2) (5) (6) (7) (8), RFC 7643 §3.3 (1), RFC 7644 §3.3 (2) (3)
        // RFC 7644 §3.3.1 (1), RFC 7644 §3.1 (3), RFC 7644 §3.14 (1), RFC 7644 §3.8 (1) (2)
        let app = app(&db);
        let directory = directory(&app);
        let mut ids = BTreeSet::new();
        for (endpoint, kind, mut body) in [(USERS, "User", user("ann")), (GROUPS, "Group", group("Archers"))] {
            body["meta"] = json!({"resourceType": "Other", "created": "2001-01-01T00:00:00Z", "version": "W/\"9\"", "location": "x"});
            let headers = [("content-type", "application/scim+json"), ("accept", "application/scim+json")];
            let made = directory.send("POST", endpoint, &headers, Body::from(body.to_string())).await;
            assert_eq!((made.status, made.header("content-type")), (StatusCode::CREATED, "application/scim+json"));
            let meta = &made.body["meta"];
            assert_eq!((&meta["resourceType"], &meta["created"]), (&json!(kind), &meta["lastModified"]));
            assert!(!meta["created"].as_str().unwrap().starts_with("2001"));
            assert_eq!((made.header("location"), made.header("etag")), (meta["location"].as_str().unwrap(), meta["version"].as_str().unwrap()));
            assert!(made.header("etag").starts_with("W/\"") && made.header("content-location").is_empty());
            assert!(made.header("location").starts_with("http://users.example/scim/v2/"));
            assert!(ids.insert(made.body["id"].as_str().unwrap().to_owned()), "no two resources share an id");
            let schemas = made.body["schemas"].as_array().unwrap();
            assert_eq!((schemas.len(), &schemas[0]), (1, &body["schemas"][0]));
            assert_eq!(directory.get(&path_of(&made)).await.body, made.body);
        }
    }

    async fn an_identifier_is_the_servers_and_an_external_one_the_clients(db: TestDb) {
        // RFC 7643 §3.1 (3) (4), RFC 7644 §3.3 (1)
        let app = app(&db);
        let directory = directory(&app);
        let mut body = user("ann");
        body["id"] = json!(NOBODY);
        body["groups"] = json!([{"value": NOBODY}]);
        let made = directory.json("POST", USERS, &body).await;
        let id = made.body["id"].as_str().unwrap();
        assert!(id.parse::<Uuid>().is_ok() && id != NOBODY && !id.contains("bulkId"));
        assert_eq!((made.body.get("externalId"), made.body.get("groups")), (None, None));
        body["externalId"] = json!("HR-7");
        let replaced = directory.json("PUT", &path_of(&made), &body).await;
        assert_eq!((&replaced.body["id"], &replaced.body["externalId"]), (&json!(id), &json!("HR-7")));
        // A reference leads to its resource, or to a status that says why not.
        let location = replaced.body["meta"]["location"].as_str().unwrap();
        let path = location.strip_prefix("http://users.example").unwrap();
        assert_eq!(directory.get(path).await.status, StatusCode::OK);
        assert_eq!(directory.get(&format!("{USERS}/{NOBODY}")).await.status, StatusCode::NOT_FOUND);
    }

    async fn schemas_name_the_schema_and_the_extensions_in_use(db: TestDb) {
        // RFC 7643 §3 (1) (2) (3) (4), RFC 7643 §3.3 (2), RFC 7643 §2.3.8 (1), RFC 7643 §6 (3), RFC 7644 §3.5.2 (7)
        let app = app(&db);
        let directory = directory(&app);
        let mut body = json!({
            ENTERPRISE: {"department": "Archery"}, "userName": "ann", "schemas": [ENTERPRISE, CORE], "externalId": "hr-1",
        });
        let made = directory.json("POST", USERS, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        assert_eq!((&made.body["schemas"], &made.body["externalId"]), (&json!([CORE, ENTERPRISE]), &json!("hr-1")));
        assert_eq!((&made.body[ENTERPRISE], made.body.get("department")), (&json!({"department": "Archery"}), None));
        // No extension is required, so a user may be without one.
        body.as_object_mut().unwrap().remove(ENTERPRISE);
        let without = directory.json("PUT", &path_of(&made), &body).await;
        assert_eq!(without.body["schemas"], json!([CORE]));
        let patch = operations(json!([{"op": "add", "path": format!("{ENTERPRISE}:employeeNumber"), "value": "7"}]));
        assert_eq!(directory.json("PATCH", &path_of(&made), &patch).await.body["schemas"], json!([CORE, ENTERPRISE]));
        for schemas in [json!([]), json!([GROUP]), json!(null), json!([ENTERPRISE]), json!([CORE, "urn:example:other"])] {
            let refused = directory.json("POST", USERS, &json!({"schemas": schemas, "userName": "bob"})).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{schemas}");
        }
    }

    async fn a_name_is_there_once_and_compared_as_it_is_prepared(db: TestDb) {
        // RFC 7643 §4.1.1 (1), RFC 7643 §4.2 (1), RFC 7644 §3.3 (4), RFC 7644 §3.5.1 (5), RFC 7644 §5 (1), RFC 7644 §7.8 (1)
        let app = app(&db);
        let directory = directory(&app);
        assert_eq!(directory.json("POST", USERS, &user("Jose\u{301}")).await.status, StatusCode::CREATED);
        // Composed, in capitals, and in full width: the same name as it is prepared (RFC 8265 §3.3).
        for same in ["jos\u{e9}", "JOS\u{c9}", "\u{ff2a}os\u{e9}"] {
            let taken = directory.json("POST", USERS, &user(same)).await;
            assert_eq!((taken.status, &taken.body["scimType"]), (StatusCode::CONFLICT, &json!("uniqueness")), "{same}");
        }
        let found = directory.get(&format!("{USERS}?filter=userName%20eq%20%22JOS%C3%89%22")).await;
        assert_eq!(found.body["totalResults"], 1);
        for nameless in [json!({"schemas": [CORE]}), user(""), json!({"schemas": [CORE], "userName": null})] {
            let refused = directory.json("POST", USERS, &nameless).await;
            assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")));
        }
        let refused = directory.json("POST", GROUPS, &json!({"schemas": [GROUP]})).await;
        assert_eq!((refused.status, &refused.body["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")));
    }

    async fn references_are_absolute_and_lead_to_their_resources(db: TestDb) {
        // RFC 7643 §2.3.7 (1) (3)
        let app = app(&db);
        let directory = directory(&app);
        let boss = directory.json("POST", USERS, &user("boss")).await.body["id"].take();
        let mut body = user("ann");
        body["schemas"] = json!([CORE, ENTERPRISE]);
        body[ENTERPRISE] = json!({"manager": {"value": boss}});
        let ann = directory.json("POST", USERS, &body).await;
        let archers = json!({"schemas": [GROUP], "displayName": "Archers", "members": [{"value": ann.body["id"]}]});
        let archers = directory.json("POST", GROUPS, &archers).await;
        let ann = directory.get(&path_of(&ann)).await.body;
        for (reference, id) in [
            (&ann["meta"]["location"], &ann["id"]),
            (&ann["groups"][0]["$ref"], &archers.body["id"]),
            (&ann[ENTERPRISE]["manager"]["$ref"], &boss),
            (&archers.body["members"][0]["$ref"], &ann["id"]),
        ] {
            let path = reference.as_str().and_then(|reference| reference.strip_prefix("http://users.example"));
            let path = path.unwrap_or_else(|| panic!("{reference} is absolute"));
            let found = directory.get(path).await;
            assert_eq!((found.status, &found.body["id"]), (StatusCode::OK, id), "{reference}");
        }
        // A resource has the schemas of what is in it (RFC 7643 §3).
        assert_eq!(ann["schemas"], json!([CORE, ENTERPRISE]));
    }

    async fn what_is_deleted_is_gone_everywhere(db: TestDb) {
        // RFC 7644 §3.6 (1) (2) (3), RFC 7643 §3.1 (2)
        is_gone_when_deleted(&app(&db)).await;
    }

    async fn what_is_deleted_and_kept_for_a_while_is_gone_everywhere(db: TestDb) {
        // RFC 7644 §3.6 (1) (2) (3)
        is_gone_when_deleted(&app_with_grace(&db, 30).0).await;
    }
}

/// Deletes a user and a group, and finds them nowhere: by no method, in no list, as no member and in no bulk request.
async fn is_gone_when_deleted(app: &SharedApp) {
    let directory = directory(app);
    let rest = directory.json("POST", GROUPS, &group("Rest")).await;
    for (endpoint, kind, body, filter) in [
        (USERS, "User", user("ann"), "userName eq \"ann\""),
        (GROUPS, "Group", group("Archers"), "displayName eq \"Archers\""),
    ] {
        let made = directory.json("POST", endpoint, &body).await;
        let (path, id) = (path_of(&made), made.body["id"].as_str().unwrap().to_owned());
        let member =
            operations(json!([{"op": "add", "path": "members", "value": [{"value": id, "type": kind}]}]));
        let added = directory.json("PATCH", &path_of(&rest), &member).await;
        assert_eq!(added.status, StatusCode::NO_CONTENT, "{added:?}");
        let deleted = directory.send("DELETE", &path, &[], Body::empty()).await;
        assert_eq!(
            (deleted.status, &deleted.body),
            (StatusCode::NO_CONTENT, &json!(null))
        );

        let patch = operations(json!([{"op": "replace", "path": "displayName", "value": "x"}]));
        for gone in [
            directory.get(&path).await,
            directory.json("PUT", &path, &body).await,
            directory.json("PATCH", &path, &patch).await,
            directory.send("DELETE", &path, &[], Body::empty()).await,
        ] {
            assert_eq!(
                (gone.status, &gone.body["schemas"]),
                (StatusCode::NOT_FOUND, &json!([ERROR]))
            );
        }
        let inner = path.strip_prefix("/scim/v2").unwrap();
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [
                {"method": "PATCH", "path": inner, "data": patch},
                {"method": "PUT", "path": inner, "data": body},
                {"method": "DELETE", "path": inner},
            ],
        });
        let answer = directory.json("POST", "/scim/v2/Bulk", &bulk).await;
        let answers = answer.body["Operations"].as_array().unwrap();
        assert!(
            answers.len() == 3 && answers.iter().all(|one| one["status"] == "404"),
            "{answer:?}"
        );
        assert_eq!(
            directory.json("PATCH", &path_of(&rest), &member).await.status,
            StatusCode::BAD_REQUEST
        );
        assert_eq!(directory.get(&path_of(&rest)).await.body.get("members"), None);

        let search =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter});
        for list in [
            directory.get(&filtered(endpoint, filter)).await,
            directory
                .json("POST", &format!("{endpoint}/.search"), &search)
                .await,
            directory.json("POST", "/scim/v2/.search", &search).await,
        ] {
            assert_eq!(
                (list.status, &list.body["totalResults"]),
                (StatusCode::OK, &json!(0)),
                "{list:?}"
            );
        }
        let all = directory.get(endpoint).await;
        assert!(!all.body.to_string().contains(&id), "{all:?}");
        let again = directory.json("POST", endpoint, &body).await;
        assert_eq!(again.status, StatusCode::CREATED, "the name is free");
        assert_ne!(again.body["id"], made.body["id"], "the id is not given again");
    }
}
