//! Tests of an outage of one service: the other one goes on.

use http::StatusCode;
use testkit::{Engine, Person, Stack, StackOptions, eventually};

use crate::pages::{anonymous, is_signed_in, sign_in, sign_up};

#[tokio::test]
async fn while_users_is_killed_people_sign_in() {
    let mut stack = Stack::start().await;
    let ann = stack.register("ann").await;
    stack.users.kill();

    stack.authenticate(&ann).await;
    let mut visitor = anonymous(&stack);
    sign_in(&mut visitor, &ann).await;
    assert!(is_signed_in(&mut visitor).await);
    stack.operator_token().await;
}

#[tokio::test]
async fn a_registration_begun_while_users_is_killed_completes_after_it_returns() {
    let mut stack = Stack::start().await;
    stack.users.kill();
    let bob = Person::named("bob");
    let mut visitor = anonymous(&stack);

    let waiting = sign_up(&mut visitor, &bob).await;
    assert_eq!(waiting.url.path(), "/register/wait", "{}", waiting.text());
    assert!(
        waiting.body.contains("http-equiv=\"refresh\""),
        "the page looks again by itself"
    );
    let (status, _) = stack.try_authenticate(&bob, None).await;
    assert!(!status.is_success());

    stack.users.start_again();
    stack.users_ready().await;
    let tokens = eventually("bob can sign in", async || {
        let (status, answer) = stack.try_authenticate(&bob, None).await;
        (status == StatusCode::OK).then_some(answer)
    })
    .await;
    let (status, user) = stack.user(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    assert_eq!(user["user_name"], "bob");
    let done = visitor.open(waiting.url.as_str()).await;
    assert!(
        !done.body.contains("http-equiv=\"refresh\""),
        "the page has stopped waiting: {}",
        done.text()
    );
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_is_told_when_users_returns() {
    let mut stack = Stack::start().await;
    stack.register("bob").await;
    stack.users.kill();
    let mut visitor = anonymous(&stack);
    // auth knows bob already; so does nobody of a name that only users has.
    let waiting = sign_up(&mut visitor, &Person::named("BOB")).await;
    stack.users.start_again();
    stack.users_ready().await;
    eventually("the second bob is told", async || {
        let page = visitor.open(waiting.url.as_str()).await;
        (!page.body.contains("http-equiv=\"refresh\"")).then_some(())
    })
    .await;
    assert!(!is_signed_in(&mut visitor).await);
}

#[tokio::test]
async fn while_auth_is_killed_a_valid_token_is_honoured() {
    let mut stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let token = stack.authenticate(&ann).await.access;
    assert_eq!(stack.user(&token).await.0, StatusCode::OK);
    stack.auth.kill();

    let (status, user) = stack.user(&token).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    assert_eq!(user["id"], ann.id.as_str());
    assert_eq!(stack.user("not-a-token").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn users_starts_without_auth_and_is_ready() {
    let mut stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let token = stack.authenticate(&ann).await.access;
    stack.auth.kill();
    stack.users.kill();
    stack.users.start_again();
    stack.users_ready().await;
    // It has never seen a key in this life, so it cannot tell; it must not hang or fail for good.
    let (status, _) = stack.user(&token).await;
    assert!(
        matches!(status, StatusCode::UNAUTHORIZED | StatusCode::SERVICE_UNAVAILABLE),
        "{status}"
    );
    stack.auth.start_again();
    stack.auth_ready().await;
    eventually("the token is honoured once the keys are there", async || {
        (stack.user(&token).await.0 == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_user_service_that_hangs_delays_a_registration_and_loses_nothing() {
    let options = StackOptions {
        users_behind_proxy: true,
        ..StackOptions::on(Engine::Sqlite)
    };
    let stack = Stack::with(options).await;
    stack.register("ann").await;
    let line = stack.line.as_ref().unwrap();
    line.hold();

    let bob = Person::named("bob");
    let mut visitor = anonymous(&stack);
    let waiting = sign_up(&mut visitor, &bob).await;
    assert_eq!(waiting.url.path(), "/register/wait", "{}", waiting.text());

    line.restore();
    eventually("bob can sign in", async || {
        let (status, _) = stack.try_authenticate(&bob, None).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;
}
