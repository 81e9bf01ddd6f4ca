//! Tests of revocation across services: the user service refuses a token soon after `auth` has revoked its grant.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Stack, eventually, within};

/// Twice the time of the security bar, for a busy machine. The services poll each other every second.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(10);

async fn call(stack: &Stack, method: Method, url: String, token: &str, body: Option<Value>) -> StatusCode {
    let mut request = stack.http().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    request.send().await.unwrap().status()
}

// SB-47
#[tokio::test]
async fn an_administrators_token_opens_nothing_after_all_sessions_were_ended() {
    let stack = Stack::start().await;
    let root = stack.register_admin("root").await;
    let token = stack.authenticate_admin(&root).await.access;
    let hooks = stack.users_url("/admin/v1/webhooks");
    assert_eq!(
        call(&stack, Method::GET, hooks.clone(), &token, None).await,
        StatusCode::OK
    );
    assert_eq!(stack.user(&token).await.0, StatusCode::OK);
    let sessions = stack.auth_url(&format!("/admin/v1/users/{}/sessions", root.id));
    let operator = stack.operator_token().await;
    assert_eq!(
        call(&stack, Method::DELETE, sessions, &operator, None).await,
        StatusCode::NO_CONTENT
    );
    within(EFFECTIVE_WITHIN, "the token is refused", async || {
        (stack.user(&token).await.0 == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    let hook = json!({ "url": "https://receiver.example.org/", "types": ["*"] });
    let made = call(&stack, Method::POST, hooks, &token, Some(hook)).await;
    assert_eq!(made, StatusCode::UNAUTHORIZED);
}

// SB-47
#[tokio::test]
async fn without_auth_people_have_their_own_data_and_nobody_administers() {
    let mut stack = Stack::start().await;
    let root = stack.register_admin("root").await;
    let token = stack.authenticate_admin(&root).await.access;
    assert_eq!(stack.user(&token).await.0, StatusCode::OK);
    let people = stack.users_url("/scim/v2/Users");
    let operator = stack.operator_token().await;
    let list = async || call(&stack, Method::GET, people.clone(), &operator, None).await;
    assert_eq!(list().await, StatusCode::OK);
    stack.auth.kill();
    let list = async || call(&stack, Method::GET, people.clone(), &operator, None).await;
    eventually("nobody can tell what was revoked", async || {
        (list().await == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    assert_eq!(stack.user(&token).await.0, StatusCode::OK);
    stack.auth.start_again();
    stack.auth_ready().await;
    eventually("auth is heard again", async || {
        (call(&stack, Method::GET, people.clone(), &operator, None).await == StatusCode::OK).then_some(())
    })
    .await;
}

/// The line of the user service's log about an action.
async fn log_line(stack: &Stack, action: &str) -> Value {
    eventually(action, async || {
        let log = stack.users.log();
        let mut lines = log
            .lines()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.find(|line| line["event.action"] == action)
    })
    .await
}

// SB-52
#[tokio::test]
async fn every_administrative_act_names_who_did_it_and_from_where() {
    let stack = Stack::start().await;
    let (root, eve) = (stack.register_admin("root").await, stack.register("eve").await);
    let operator = stack.operator_token().await;
    let person = stack.users_url(&format!("/scim/v2/Users/{}", eve.id));
    eventually("eve is deleted", async || {
        (call(&stack, Method::DELETE, person.clone(), &operator, None).await == StatusCode::NO_CONTENT)
            .then_some(())
    })
    .await;
    let said = log_line(&stack, "user-deleted").await;
    assert_eq!(said["user.target.id"], eve.id.as_str(), "{said}");
    assert_eq!(
        said["user.id"], said["vestibule.actor.client.id"],
        "an application: {said}"
    );
    let from: std::net::IpAddr = said["client.ip"].as_str().unwrap().parse().unwrap();
    assert!(from.is_loopback());
    let token = stack.authenticate_admin(&root).await.access;
    let compare = stack.users_url("/admin/v1/events/reconcile");
    assert_eq!(
        call(&stack, Method::POST, compare, &token, None).await,
        StatusCode::OK
    );
    let said = log_line(&stack, "reconciliation-requested").await;
    assert_eq!(said["user.id"], root.id.as_str(), "a person: {said}");
    assert_eq!(said["vestibule.actor.client.id"], "vestibule-direct", "{said}");
}
