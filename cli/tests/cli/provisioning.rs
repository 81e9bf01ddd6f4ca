//! Tests of the provisioning commands, with an application.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chassis::shutdown::Shutdown;
use serde_json::{Value, json};
use testkit::eventually;

use crate::stack::Up;

/// An application that creates users and lists them, whatever the filter says; it knows no groups.
#[derive(Clone)]
struct Application {
    url: String,
    users: Arc<Mutex<Vec<Value>>>,
}

const TOKEN: &str = "the token of the application";

impl Application {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let application = Self {
            url: format!("http://{}/scim", listener.local_addr().expect("an address")),
            users: Arc::default(),
        };
        let me = application.clone();
        let app = Router::new().fallback(move |request: Request| {
            let me = me.clone();
            async move { me.answer(request).await }
        });
        Shutdown::new().spawn("application", async move {
            axum::serve(listener, app).await.expect("served");
        });
        application
    }

    async fn answer(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let authorization = head.headers.get("authorization");
        if authorization.and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {TOKEN}")) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let mut users = self.users.lock().expect("unlocked");
        match (head.method, head.uri.path()) {
            (Method::GET, "/scim/Users") => {
                Json(json!({ "totalResults": users.len(), "Resources": *users })).into_response()
            }
            (Method::POST, "/scim/Users") => {
                let mut user: Value = serde_json::from_slice(&body).expect("JSON");
                if user["userName"] == "bad" {
                    let refusal = json!({ "scimType": "invalidValue", "detail": "not this name" });
                    return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
                }
                user["id"] = json!(users.len().to_string());
                users.push(user.clone());
                (StatusCode::CREATED, Json(user)).into_response()
            }
            _ => StatusCode::NOT_FOUND.into_response(),
        }
    }

    fn names(&self) -> Vec<String> {
        let users = self.users.lock().expect("unlocked");
        let name = |user: &Value| user["userName"].as_str().expect("a name").to_owned();
        users.iter().map(name).collect()
    }
}

async fn up() -> Up {
    let up = Up::spawn_with(
        tempfile::tempdir().expect("a temporary directory"),
        &[],
        &[("VESTIBULE_USERS__PROVISIONING__ALLOW", "127.0.0.1/32")],
    );
    up.wait_for_output("is ready").await;
    up
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_added_watched_checked_changed_and_deleted() {
    let (up, application) = (up().await, Application::start().await);
    up.run(&["user", "add", "ann", "--email", "ann@example.org"]).ok();
    let add = [
        "provisioning",
        "add",
        "wiki",
        &application.url,
        "--paused",
        "--output",
        "json",
    ];
    assert!(up.run_with(&add, "\n").fails(2).contains("standard input"));
    let made = up.run_with(&add, &format!("{TOKEN}\n")).json();
    assert!(!made.to_string().contains(TOKEN), "{made}");
    let id = made["id"].as_str().expect("an id");
    let dry = up
        .run(&["provisioning", "dry-run", id, "--output", "json"])
        .json();
    assert!(
        dry.as_array()
            .expect("a list")
            .iter()
            .any(|push| push["action"] == "create"),
        "{dry}"
    );
    assert!(application.names().is_empty());

    let resumed = up.run(&["provisioning", "update", id, "--resume"]).ok();
    assert!(resumed.contains("enabled"), "{resumed}");
    eventually("ann is pushed", async || {
        application.names().iter().any(|name| name == "ann").then_some(())
    })
    .await;
    let listed = up.run(&["provisioning", "list"]).ok();
    assert!(listed.contains("wiki") && listed.contains("enabled"), "{listed}");
    eventually("everything is in step", async || {
        let status = up.run(&["provisioning", "status", id]).ok();
        (status.contains("waiting") && !status.contains("under way")).then_some(())
    })
    .await;
    application.users.lock().expect("unlocked")[0]["active"] = json!(false);
    let found = up.run(&["provisioning", "check", id]).fails(1);
    assert!(found.contains("differs"), "{found}");

    up.run(&["user", "add", "bad", "--email", "bad@example.org"]).ok();
    let refused = eventually("the refusal shows", async || {
        let waiting = up
            .run(&["provisioning", "resources", id, "--state", "waiting"])
            .ok();
        waiting.contains("not this name").then_some(waiting)
    })
    .await;
    assert!(refused.contains("400"), "{refused}");
    assert_eq!(
        up.run(&["provisioning", "retry", id]).ok(),
        "0 on the way again\n"
    );
    up.run(&["provisioning", "sync", id, "--verify"]).ok();

    let credentials = ["provisioning", "update", id, "--credentials"];
    up.run_with(&credentials, "wrong\n").ok();
    eventually("the target is paused", async || {
        let listed = up.run(&["provisioning", "list"]).ok();
        listed.contains("paused (unauthorized)").then_some(())
    })
    .await;
    up.run(&["provisioning", "check", id]).fails(4);
    up.run(&["provisioning", "delete", id]).ok();
    up.run(&["provisioning", "status", id]).fails(3);
}
