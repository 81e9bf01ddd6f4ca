//! Tests of `/admin/v1/managed`: what declarative files manage.

use axum::body::Body;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderName, Method, Request, StatusCode};
use serde_json::{Value, json};

use super::world::{TestResponse, World, stories};

const CLIENT: &str = "/admin/v1/managed/clients/shop";
const HOST: &str = "/admin/v1/managed/protected-hosts/wiki.example.org";

async fn send(
    world: &World,
    admin: &str,
    (method, path): (Method, &str),
    condition: Option<(HeaderName, &str)>,
    body: &Value,
) -> TestResponse {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(AUTHORIZATION, admin)
        .header(CONTENT_TYPE, "application/json");
    if let Some((name, value)) = condition {
        request = request.header(name, value);
    }
    world
        .send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

fn client(name: &str) -> Value {
    json!({ "managed_by": "default", "expected_managed_by": "default", "metadata": { "client_name": name, "redirect_uris": ["https://shop.example/cb"] } })
}

fn host(name: &str) -> Value {
    json!({ "managed_by": "default", "expected_managed_by": "default", "host": "wiki.example.org", "name": name, "rules": { "everybody": true } })
}

stories! {
    async fn a_change_names_the_state_that_it_expects(world) {
        let admin = world.admin("admin").await;
        for (path, body) in [(CLIENT, client as fn(&str) -> Value), (HOST, host)] {
            let put = async |condition, name| send(&world, &admin, (Method::PUT, path), condition, &body(name)).await;
            assert_eq!(put(None, "A").await.status, StatusCode::PRECONDITION_REQUIRED);
            assert_eq!(put(Some((IF_MATCH, "*")), "A").await.status, StatusCode::PRECONDITION_REQUIRED);
            assert_eq!(put(Some((IF_NONE_MATCH, "\"1\"")), "A").await.status, StatusCode::BAD_REQUEST);
            assert_eq!(put(Some((IF_MATCH, "\"1\"")), "A").await.status, StatusCode::PRECONDITION_FAILED, "it is not there");
            let made = put(Some((IF_NONE_MATCH, "*")), "A").await;
            assert_eq!((made.status, made.header(ETAG)), (StatusCode::CREATED, "\"1\""), "{}", made.body);
            assert_eq!(put(Some((IF_NONE_MATCH, "*")), "A").await.status, StatusCode::PRECONDITION_FAILED);
            let changed = put(Some((IF_MATCH, "\"1\"")), "B").await;
            assert_eq!((changed.status, changed.header(ETAG)), (StatusCode::OK, "\"2\""), "{}", changed.body);
            let delete = async |condition, query: &str| send(&world, &admin, (Method::DELETE, &format!("{path}{query}")), condition, &json!({})).await.status;
            assert_eq!(delete(None, "?managed_by=default").await, StatusCode::PRECONDITION_REQUIRED);
            assert_eq!(delete(Some((IF_MATCH, "\"1\"")), "?managed_by=default").await, StatusCode::PRECONDITION_FAILED);
            assert_eq!(delete(Some((IF_MATCH, "\"2\"")), "?managed_by=other").await, StatusCode::NOT_FOUND);
            assert_eq!(delete(Some((IF_MATCH, "\"2\"")), "?managed_by=default").await, StatusCode::NO_CONTENT);
            // What is taken over is released, and never deleted.
            assert_eq!(put(Some((IF_NONE_MATCH, "*")), "A").await.status, StatusCode::CREATED);
            let mut taken = body("A");
            taken["managed_by"] = json!("team");
            let taken = send(&world, &admin, (Method::PUT, path), Some((IF_MATCH, "\"1\"")), &taken).await;
            assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
            assert_eq!(put(Some((IF_MATCH, "\"1\"")), "C").await.status, StatusCode::PRECONDITION_FAILED, "another file manages it");
            assert_eq!(delete(Some((IF_MATCH, "\"1\"")), "?managed_by=team").await, StatusCode::NOT_FOUND);
            assert_eq!(delete(Some((IF_MATCH, "\"1\"")), "?managed_by=team&release=true").await, StatusCode::NO_CONTENT);
            assert_eq!(delete(Some((IF_MATCH, "\"1\"")), "?managed_by=team&release=true").await, StatusCode::NOT_FOUND);
        }
    }

    async fn a_secret_is_in_the_answer_that_made_it_and_in_no_other(world) {
        // SB-28
        let admin = world.admin("admin").await;
        let put = async |condition, body: &Value| send(&world, &admin, (Method::PUT, CLIENT), Some(condition), body).await;
        let made = put((IF_NONE_MATCH, "*"), &client("Shop")).await;
        assert!(made.json()["client_secret"].is_string(), "{}", made.body);
        assert_eq!(made.header(CACHE_CONTROL), "no-store");
        let given = "somebody made this secret elsewhere";
        let mut with_secret = client("Shop");
        with_secret["client_secret"] = json!(given);
        let changed = put((IF_MATCH, "\"1\""), &with_secret).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert!(!changed.body.contains(given) && changed.json().get("client_secret").is_none(), "{}", changed.body);
        let listed = world.call(Method::GET, "/admin/v1/managed/clients", &admin, None).await;
        assert!(!listed.body.contains(given), "{}", listed.body);
        assert_eq!((&listed.json()["managed"][0]["id"], &listed.json()["managed"][0]["settings"]["client_name"]), (&json!("shop"), &json!("Shop")));
        let secrets = world.call(Method::GET, "/admin/v1/clients/shop/secrets", &admin, None).await;
        assert_eq!(secrets.json()["secrets"].as_array().unwrap().len(), 2);
    }

    async fn what_cannot_be_used_is_named(world) {
        let admin = world.admin("admin").await;
        let with = |mut body: Value, pointer: &str, value: Value| {
            *body.pointer_mut(pointer).unwrap() = value;
            body
        };
        let mut short = client("Shop");
        short["client_secret"] = json!("short");
        for (path, body, field) in [
            (CLIENT, with(client("Shop"), "/managed_by", json!("Not a name")), "managed_by"),
            (CLIENT, with(client("Shop"), "/metadata/redirect_uris", json!([])), "metadata.redirect_uris"),
            (CLIENT, short, "client_secret"),
            ("/admin/v1/managed/clients/a%20b", client("Shop"), "client_id"),
            ("/admin/v1/managed/clients/%2E%2E", client("Shop"), "client_id"),
            (HOST, with(host("Wiki"), "/name", json!("")), "name"),
            (HOST, with(host("Wiki"), "/host", json!("other.example.org")), "host"),
            (HOST, with(host("Wiki"), "/rules", json!({})), "rules.groups"),
        ] {
            let refused = send(&world, &admin, (Method::PUT, path), Some((IF_NONE_MATCH, "*")), &body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.body);
            assert_eq!(refused.json()["errors"][0]["field"], field, "{body}: {}", refused.body);
        }
    }
}
