//! Tests of passwords that come with people over SCIM: they take effect with the change, or not at all.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, eventually};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const FIRST: &str = "plover-quilt-anvil";
const SECOND: &str = "walnut-ferry-dusk";

struct Received {
    status: StatusCode,
    retry_after: bool,
    body: Value,
}

async fn send(stack: &Stack, method: Method, path: &str, body: &Value, token: &str) -> Received {
    let answer = stack
        .http()
        .request(method, stack.users_url(&format!("/scim/v2/Users{path}")))
        .bearer_auth(token)
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    Received {
        status: answer.status(),
        retry_after: answer.headers().contains_key("retry-after"),
        body: answer.json().await.unwrap_or_default(),
    }
}

/// As [`send`], again and again while the answer is 503 with `Retry-After`: on a busy machine a password may not be hashed in time, and
/// then nothing was done.
async fn send_again(stack: &Stack, method: Method, path: &str, body: &Value, token: &str) -> Received {
    eventually("a password is hashed in time", async || {
        let received = send(stack, method.clone(), path, body, token).await;
        let is_busy = received.status == StatusCode::SERVICE_UNAVAILABLE && received.retry_after;
        (!is_busy).then_some(received)
    })
    .await
}

fn with_password(name: &str, password: &str) -> Value {
    json!({ "schemas": [CORE], "userName": name, "password": password })
}

fn person(name: &str, password: &str) -> Person {
    Person {
        password: password.to_owned(),
        ..Person::named(name)
    }
}

async fn signs_in(stack: &Stack, name: &str, password: &str) -> Value {
    let who = person(name, password);
    eventually(&format!("{name} signs in"), async || {
        let (status, answer) = stack.try_authenticate(&who, None).await;
        (status == StatusCode::OK).then_some(answer)
    })
    .await
}

async fn is_refused(stack: &Stack, name: &str, password: &str) -> bool {
    let (status, _) = stack.try_authenticate(&person(name, password), None).await;
    status == StatusCode::UNAUTHORIZED
}

async fn a_password_comes_with_a_person_and_changes_with_them(engine: Engine) {
    let stack = Stack::with(StackOptions::on(engine)).await;
    let operator = stack.operator_token().await;
    let made = send_again(&stack, Method::POST, "", &with_password("ann", FIRST), &operator).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let tokens = signs_in(&stack, "ann", FIRST).await;

    let path = format!("/{}", made.body["id"].as_str().unwrap());
    let replaced = send_again(
        &stack,
        Method::PUT,
        &path,
        &with_password("ann", SECOND),
        &operator,
    )
    .await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.body);
    signs_in(&stack, "ann", SECOND).await;
    assert!(is_refused(&stack, "ann", FIRST).await);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", "vestibule-direct"),
    ];
    let refresh = stack.http().post(stack.auth_url("/oauth2/token")).form(&form);
    assert_eq!(
        refresh.send().await.unwrap().status(),
        StatusCode::BAD_REQUEST,
        "the old grant has ended"
    );

    for (weak, word) in [("short", "characters"), ("bob-bob-bob-bob-bob", "guess")] {
        let refused = send_again(&stack, Method::POST, "", &with_password("bob", weak), &operator).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.body["scimType"], "invalidValue");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("password: ") && detail.contains(word),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_password_comes_with_a_person_on_sqlite() {
    a_password_comes_with_a_person_and_changes_with_them(Engine::Sqlite).await;
}

#[tokio::test]
async fn a_password_comes_with_a_person_on_postgres() {
    a_password_comes_with_a_person_and_changes_with_them(Engine::Postgres).await;
}

#[tokio::test]
async fn while_auth_is_killed_nobody_is_created_with_a_password() {
    let mut stack = Stack::start().await;
    let operator = stack.operator_token().await;
    stack.auth.kill();
    let refused = send(&stack, Method::POST, "", &with_password("ann", FIRST), &operator).await;
    assert_eq!(
        (refused.status, refused.retry_after),
        (StatusCode::SERVICE_UNAVAILABLE, true),
        "{}",
        refused.body
    );
    stack.auth.start_again();
    stack.auth_ready().await;
    let operator = stack.operator_token().await;
    let list = send(
        &stack,
        Method::GET,
        "?filter=userName%20eq%20%22ann%22",
        &json!(null),
        &operator,
    )
    .await;
    assert_eq!(list.body["totalResults"], 0, "{}", list.body);
    let made = send_again(&stack, Method::POST, "", &with_password("ann", FIRST), &operator).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    signs_in(&stack, "ann", FIRST).await;
}

#[tokio::test]
async fn when_auth_is_killed_after_the_change_the_password_is_there_when_it_is_back() {
    let mut stack = Stack::start().await;
    let operator = stack.operator_token().await;
    for name in ["ann", "bob", "cas"] {
        let made = send_again(&stack, Method::POST, "", &with_password(name, FIRST), &operator).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        stack.auth.kill();
        stack.auth.start_again();
        stack.auth_ready().await;
        signs_in(&stack, name, FIRST).await;
    }
}
