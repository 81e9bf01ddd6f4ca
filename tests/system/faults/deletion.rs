//! Tests of a deletion during sign-ins: the person stays signed out, even when events are delivered again.

use std::cell::Cell;
use std::time::Duration;

use chassis::db::DbConfig;
use chassis::on_engine;
use http::{Method, StatusCode};
use serde_json::Value;
use testkit::{Engine, Person, Stack, StackOptions, Transport, eventually, within};

/// A deleted person is refused everywhere within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);

/// Signs in and refreshes repeatedly until both are refused, and returns the last tokens.
async fn sign_in_until_refused(
    stack: &Stack,
    ann: &Person,
    came: &Cell<u32>,
    refused: &Cell<u32>,
) -> Vec<Value> {
    let mut given = Vec::new();
    while refused.get() < 4 {
        let (status, tokens) = stack.try_authenticate(ann, None).await;
        if status != StatusCode::OK {
            refused.set(refused.get() + 1);
            continue;
        }
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default().to_owned();
        given.push(tokens);
        came.set(came.get() + 1);
        let (status, tokens) = refresh_tokens(stack, &refresh).await;
        if status == StatusCode::OK {
            given.push(tokens);
        }
    }
    given
}

async fn refresh_tokens(stack: &Stack, token: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "vestibule-direct"),
    ];
    let request = stack.http().post(stack.auth_url("/oauth2/token")).form(&form);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn delete(stack: &Stack, ann: &Person) {
    let url = stack.users_url(&format!("/scim/v2/Users/{}", ann.id));
    let token = stack.operator_token().await;
    let answer = stack
        .http()
        .request(Method::DELETE, url)
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

/// Asserts that all issued tokens are refused.
async fn assert_all_tokens_refused(stack: &Stack, ann: &Person, given: &[Value]) {
    let (status, _) = stack.try_authenticate(ann, None).await;
    assert!(
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS),
        "{status}"
    );
    for tokens in given {
        let refresh = tokens["refresh_token"].as_str().unwrap_or_default();
        assert_eq!(refresh_tokens(stack, refresh).await.0, StatusCode::BAD_REQUEST);
        let (status, user) = stack.user(tokens["access_token"].as_str().unwrap()).await;
        assert!(!status.is_success(), "{user}");
    }
}

/// Deletes the consumer positions of `auth`, so that all events of `users` are delivered again.
async fn reset_consumer_positions(stack: &mut Stack) {
    stack.auth.kill();
    let [auth, _] = stack.database_urls();
    let config: DbConfig = serde_json::from_value(serde_json::json!({ "url": auth })).unwrap();
    let db = config.open().await.unwrap();
    let mut tx = db.begin("test").await.unwrap();
    for statement in [
        "DELETE FROM inbox",
        "DELETE FROM inbox_aggregates",
        "DELETE FROM consumer_positions WHERE consumer <> 'auth'",
        "UPDATE consumer_positions SET position = 0",
    ] {
        on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.map(drop)).unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    stack.auth.start_again();
    stack.auth_ready().await;
}

async fn story(engine: Engine, transport: Transport) {
    let options = StackOptions {
        transport,
        ..StackOptions::on(engine)
    };
    let mut stack = Stack::following(options).await;
    let ann = stack.register("ann").await;
    let (came, refused) = (Cell::new(0), Cell::new(0));
    let (given, more, ()) = tokio::join!(
        sign_in_until_refused(&stack, &ann, &came, &refused),
        sign_in_until_refused(&stack, &ann, &came, &refused),
        async {
            eventually("she comes and goes", async || (came.get() > 1).then_some(())).await;
            delete(&stack, &ann).await;
            within(EFFECTIVE_WITHIN, "she is refused", async || {
                (refused.get() > 0).then_some(())
            })
            .await;
        }
    );
    let given: Vec<Value> = given.into_iter().chain(more).collect();
    assert!(!given.is_empty());
    assert_all_tokens_refused(&stack, &ann, &given).await;

    reset_consumer_positions(&mut stack).await;
    // By then it was all delivered again.
    stack.wait_until_following().await;
    assert_all_tokens_refused(&stack, &ann, &given).await;
    // Her name is free, and the person who takes it is somebody else.
    let other = stack.register("ann").await;
    assert_ne!(other.id, ann.id);
}

#[tokio::test]
async fn who_is_deleted_while_signing_in_stays_out_over_the_feed() {
    story(Engine::Sqlite, Transport::Feed).await;
}

#[tokio::test]
async fn who_is_deleted_while_signing_in_stays_out_over_kafka() {
    story(Engine::Postgres, Transport::Kafka).await;
}

#[tokio::test]
async fn who_is_deleted_while_signing_in_stays_out_over_rabbitmq() {
    story(Engine::Postgres, Transport::Rabbitmq).await;
}
