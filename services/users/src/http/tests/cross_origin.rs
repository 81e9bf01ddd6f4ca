//! Tests of the requests of scripts of other origins (CORS): the person's own record is open to them, and nothing else is.

use std::collections::BTreeSet;

use axum::body::Body;
use contract::paths::users::{
    PROTECTED_RESOURCE, SCIM_CONFIG, SCIM_ME, SCIM_RESOURCE_TYPE, SCIM_RESOURCE_TYPES, SCIM_SCHEMA,
    SCIM_SCHEMAS, USER,
};
use http::StatusCode;
use serde_json::json;

use crate::routes;
use crate::testing::{Caller, TestResponse, app, desired_user, persons_token, token};

const ORIGIN: (&str, &str) = ("origin", "https://notes.example.org");

/// The paths that scripts may call.
const OPEN: [&str; 8] = [
    USER,
    SCIM_ME,
    PROTECTED_RESOURCE,
    SCIM_CONFIG,
    SCIM_RESOURCE_TYPES,
    SCIM_RESOURCE_TYPE,
    SCIM_SCHEMAS,
    SCIM_SCHEMA,
];
/// The descriptions of the service, which any script may read, and for which it sends no preflight request.
const DESCRIPTIONS: [&str; 2] = ["/openapi.json", "/asyncapi.json"];

/// Sends the preflight request for a `PATCH` with a token, a proof and a condition.
async fn preflight(caller: &Caller, path: &str) -> TestResponse {
    let headers = [
        ORIGIN,
        ("access-control-request-method", "PATCH"),
        (
            "access-control-request-headers",
            "authorization,content-type,dpop,if-match",
        ),
    ];
    caller.send("OPTIONS", path, &headers, Body::empty()).await
}

fn assert_readable(answer: &TestResponse) {
    assert_eq!(answer.header("access-control-allow-origin"), "*", "{answer:?}");
    let exposed: Vec<&str> = answer
        .header("access-control-expose-headers")
        .split(", ")
        .collect();
    for name in ["www-authenticate", "dpop-nonce", "etag", "retry-after"] {
        assert!(exposed.contains(&name), "{name}: {answer:?}");
    }
    // With credentials, a page of a stranger could act with the cookies of the person who looks at it.
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_script_may_send_a_token_a_proof_and_a_condition(db: TestDb) {
        let stranger = Caller::anonymous(&app(&db));
        for (path, methods) in [(USER, "GET, PATCH"), (SCIM_ME, "GET"), (PROTECTED_RESOURCE, "GET")] {
            let answer = preflight(&stranger, path).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
            assert_readable(&answer);
            assert_eq!(answer.header("access-control-allow-methods"), methods, "{path}");
            let allowed = answer.header("access-control-allow-headers");
            for name in ["authorization", "content-type", "dpop", "if-match"] {
                assert!(allowed.split(", ").any(|header| header == name), "{path} {name}");
            }
            assert_eq!(answer.header("access-control-max-age"), "7200");
        }
    }

    async fn a_script_can_read_every_response_errors_too(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let ann = Caller::with(&app, persons_token(id));
        let without_openid = Caller::with(&app, token(&id.to_string(), "app", "profile"));
        let stranger = Caller::anonymous(&app);
        for (caller, method, path, status) in [
            (&ann, "GET", USER, StatusCode::OK),
            (&ann, "GET", SCIM_ME, StatusCode::OK),
            (&stranger, "GET", SCIM_SCHEMAS, StatusCode::OK),
            (&stranger, "GET", PROTECTED_RESOURCE, StatusCode::OK),
            (&stranger, "GET", USER, StatusCode::UNAUTHORIZED),
            (&stranger, "GET", SCIM_ME, StatusCode::UNAUTHORIZED),
            (&without_openid, "GET", USER, StatusCode::FORBIDDEN),
            (&ann, "DELETE", USER, StatusCode::METHOD_NOT_ALLOWED),
            (&ann, "DELETE", SCIM_ME, StatusCode::METHOD_NOT_ALLOWED),
        ] {
            let answer = caller.send(method, path, &[ORIGIN], Body::empty()).await;
            assert_eq!(answer.status, status, "{method} {path}");
            assert_readable(&answer);
            if status == StatusCode::UNAUTHORIZED {
                assert!(answer.header("www-authenticate").contains("resource_metadata"), "{path}");
            }
        }
        let change = json!({ "locale": "fr" });
        let stale = ann.json_if("PATCH", USER, &change, "W/\"9\"").await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
        assert_readable(&stale);
    }

    async fn scripts_may_call_nothing_else(db: TestDb) {
        let stranger = Caller::anonymous(&app(&db));
        let paths: BTreeSet<&str> = routes::all().iter().map(|route| route.path).collect();
        assert!(OPEN.iter().chain(&DESCRIPTIONS).all(|path| paths.contains(path)));
        for path in paths {
            let concrete = path.replace(['{', '}'], "");
            let answer = preflight(&stranger, &concrete).await;
            assert_eq!(answer.status == StatusCode::NO_CONTENT, OPEN.contains(&path), "{path}: {}", answer.status);
            let read = stranger.send("GET", &concrete, &[ORIGIN], Body::empty()).await;
            let expected = if OPEN.contains(&path) || DESCRIPTIONS.contains(&path) { "*" } else { "" };
            assert_eq!(read.header("access-control-allow-origin"), expected, "{path}");
        }
    }
}
