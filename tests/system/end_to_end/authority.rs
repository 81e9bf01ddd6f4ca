//! Tests of revocation across services: the user service refuses a token soon after `auth` has revoked its grant.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Process, Stack, StackOptions, eventually, within};

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
    last_line(&stack.users, action).await
}

/// The last line of a service's log with this action.
pub(super) async fn last_line(service: &Process, action: &str) -> Value {
    eventually(action, async || {
        let log = service.log();
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
async fn an_administrative_act_is_logged_with_who_did_it_and_from_where() {
    let stack = Stack::start().await;
    let (root, eve) = (stack.register_admin("root").await, stack.register("eve").await);
    let operator = stack.operator_token().await;
    let delegations = stack.users_url("/admin/v1/delegations");
    let desired =
        json!({ "to_user": eve.id, "users_matching": "userName sw \"guest-\"", "rights": ["write"] });
    let request = stack
        .http()
        .post(&delegations)
        .bearer_auth(&operator)
        .json(&desired);
    let made: Value = request.send().await.unwrap().json().await.unwrap();
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}"));
    let one = format!("{delegations}/{id}");
    let deleted = call(&stack, Method::DELETE, one, &operator, None).await;
    assert_eq!(deleted, StatusCode::NO_CONTENT);
    for action in ["delegation-created", "delegation-deleted"] {
        let said = log_line(&stack, action).await;
        assert_eq!(said["vestibule.delegation.id"], id, "{said}");
        assert_eq!(said["user.target.id"], eve.id.as_str(), "{said}");
        assert_eq!(said["vestibule.delegation.extent"], "users_matching", "{said}");
        assert_eq!(
            said["vestibule.delegation.rights"],
            made["rights"]
                .as_array()
                .unwrap()
                .iter()
                .map(|right| right.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
            "{said}"
        );
        assert!(!said.to_string().contains("guest-"), "{said}");
    }
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

/// A key of age-keygen 1.1.1.
const RECIPIENT: &str = "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3";

// SB-52
#[tokio::test]
async fn exports_of_people_and_of_hashes_are_logged_with_who_got_how_many() {
    let options = StackOptions::default().with("VESTIBULE_AUTH__PASSWORDS__EXPORT_RECIPIENTS", RECIPIENT);
    for (stack, allowed) in [(Stack::start().await, false), (Stack::with(options).await, true)] {
        let root = stack.register_admin("root").await;
        let token = stack.authenticate_admin(&root).await.access;
        let hashes = stack.auth_url("/admin/v1/users/credentials");
        let answered = call(&stack, Method::GET, hashes, &token, None).await;
        let said = last_line(&stack.auth, "credentials-exported").await;
        assert_eq!(said["user.id"], root.id.as_str(), "{said}");
        assert_eq!(said["vestibule.actor.client.id"], "vestibule-direct", "{said}");
        let from: std::net::IpAddr = said["client.ip"].as_str().unwrap().parse().unwrap();
        assert!(from.is_loopback());
        let expected = match allowed {
            true => (StatusCode::OK, json!("success"), json!(1)),
            false => (StatusCode::FORBIDDEN, json!("failure"), Value::Null),
        };
        let logged = (
            said["event.outcome"].clone(),
            said["vestibule.credential.count"].clone(),
        );
        assert_eq!((answered, logged.0, logged.1), expected, "{said}");

        // Two people and one group, so that the lines differ.
        stack.register("eve").await;
        for (path, count) in [
            (contract::paths::users::EXPORT_USERS, 2),
            (contract::paths::users::EXPORT_GROUPS, 1),
        ] {
            let answered = call(&stack, Method::GET, stack.users_url(path), &token, None).await;
            assert_eq!(answered, StatusCode::OK, "{path}");
            let said = eventually("the export is logged", async || {
                let said = log_line(&stack, "directory-exported").await;
                (said["vestibule.export.count"] == count).then_some(said)
            })
            .await;
            assert_eq!(said["user.id"], root.id.as_str(), "{said}");
            assert_eq!(said["event.outcome"], "success", "{said}");
        }
    }
}
