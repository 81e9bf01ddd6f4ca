//! Tests of disabled and deleted people: the change reaches `auth` from `users` and is effective within 5 seconds.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, Tokens, Visitor, within};

use crate::pages::{anonymous, is_signed_in, sign_in};

/// A disabled person is refused everywhere within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);

async fn refresh(stack: &Stack, tokens: &Tokens) -> StatusCode {
    let client = tokens.answer["client_id"].as_str().unwrap_or("vestibule-direct");
    let answer = stack
        .http()
        .post(stack.auth_url("/oauth2/token"))
        .form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_deref().unwrap()),
            ("client_id", client),
        ])
        .send()
        .await
        .unwrap();
    answer.status()
}

async fn scim(
    stack: &Stack,
    method: http::Method,
    person: &Person,
    body: Option<&Value>,
) -> (StatusCode, Value) {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", person.id));
    let mut request = stack
        .http()
        .request(method, url)
        .bearer_auth(stack.operator_token().await);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/scim+json")
            .body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

async fn set_active(stack: &Stack, person: &Person, active: bool) {
    let (status, mut user) = scim(stack, http::Method::GET, person, None).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    user["active"] = json!(active);
    let (status, user) = scim(stack, http::Method::PUT, person, Some(&user)).await;
    assert_eq!(status, StatusCode::OK, "{user}");
}

/// Asserts that `/authenticate`, the refresh token and the pages refuse the person, and that the session has ended.
async fn assert_refused_everywhere(stack: &Stack, person: &Person, tokens: &Tokens, visitor: &mut Visitor) {
    within(EFFECTIVE_WITHIN, "the sign-in is refused", async || {
        let (status, _) = stack.try_authenticate(person, None).await;
        (status == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    within(EFFECTIVE_WITHIN, "the session is over", async || {
        (!is_signed_in(visitor).await).then_some(())
    })
    .await;
    assert_eq!(
        refresh(stack, tokens).await,
        StatusCode::BAD_REQUEST,
        "the refresh token is revoked"
    );
    let mut other = anonymous(stack);
    sign_in(&mut other, person).await;
    assert!(!is_signed_in(&mut other).await);
}

// SB-15: disabling a person ends every session.
#[tokio::test]
async fn a_disabled_person_is_refused_everywhere_and_comes_back_when_enabled() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let bob = stack.register("bob").await;
    let mut visitor = anonymous(&stack);
    sign_in(&mut visitor, &ann).await;
    assert!(is_signed_in(&mut visitor).await);
    let tokens = stack.authenticate(&ann).await;

    set_active(&stack, &ann, false).await;
    assert_refused_everywhere(&stack, &ann, &tokens, &mut visitor).await;
    assert!(
        !stack.user(&tokens.access).await.0.is_success(),
        "users refuses at once"
    );
    stack.authenticate(&bob).await;

    set_active(&stack, &ann, true).await;
    within(EFFECTIVE_WITHIN, "she may sign in again", async || {
        let (status, _) = stack.try_authenticate(&ann, None).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    assert!(!is_signed_in(&mut visitor).await, "an ended session stays ended");
}

// SB-15: deleting a person ends every session.
#[tokio::test]
async fn a_deleted_person_is_gone_and_the_name_may_be_taken_by_another() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let mut visitor = anonymous(&stack);
    sign_in(&mut visitor, &ann).await;
    let tokens = stack.authenticate(&ann).await;

    let (status, _) = scim(&stack, http::Method::DELETE, &ann, None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_refused_everywhere(&stack, &ann, &tokens, &mut visitor).await;
    let (status, _) = scim(&stack, http::Method::GET, &ann, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // Another person of the same name is another person: the old token opens nothing of theirs.
    let other = stack.register("ann").await;
    assert_ne!(other.id, ann.id);
    assert!(!stack.user(&tokens.access).await.0.is_success());
}

async fn administer(
    stack: &Stack,
    method: http::Method,
    person: &Person,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let url = stack.users_url(&format!("/admin/v1/deleted-users/{}{path}", person.id));
    let request = stack.http().request(method, url).json(body);
    let answer = request
        .bearer_auth(stack.operator_token().await)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn a_deleted_person_comes_back(engine: Engine) {
    let stack = Stack::with(StackOptions::on(engine)).await;
    let ann = stack.register("ann").await;
    let mut visitor = anonymous(&stack);
    sign_in(&mut visitor, &ann).await;
    let tokens = stack.authenticate(&ann).await;
    scim(&stack, http::Method::DELETE, &ann, None).await;
    assert_refused_everywhere(&stack, &ann, &tokens, &mut visitor).await;

    let (status, restored) = administer(&stack, http::Method::POST, &ann, "/restore", &json!({})).await;
    assert_eq!(
        (status, &restored["user_name"]),
        (StatusCode::OK, &json!("ann")),
        "{restored}"
    );
    within(EFFECTIVE_WITHIN, "she may sign in again", async || {
        let (status, _) = stack.try_authenticate(&ann, None).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
    let tokens = stack.authenticate(&ann).await;
    assert!(stack.user(&tokens.access).await.0.is_success());
    assert!(!is_signed_in(&mut visitor).await, "an ended session stays ended");

    scim(&stack, http::Method::DELETE, &ann, None).await;
    let (status, _) = administer(&stack, http::Method::DELETE, &ann, "", &json!({})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = administer(&stack, http::Method::POST, &ann, "/restore", &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    within(EFFECTIVE_WITHIN, "auth has erased her", async || {
        let url = stack.auth_url(&format!("/admin/v1/users/{}/sessions", ann.id));
        let request = stack.http().delete(url).bearer_auth(stack.operator_token().await);
        (request.send().await.unwrap().status() == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_deleted_person_comes_back_when_restored_on_sqlite() {
    a_deleted_person_comes_back(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_deleted_person_comes_back_when_restored_on_postgres() {
    a_deleted_person_comes_back(Engine::Postgres).await;
}
