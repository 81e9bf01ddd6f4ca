//! Tests of the registration saga: after a crash of either service at any step, the person exists in both services
//! under one id, over every transport.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, Transport, within};
use tokio::task::JoinSet;

use super::holdings::{Account, account, directory};

/// Both parties have settled within this time after the last of them runs again.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A request that is on its way, until this is dropped.
type PendingRequest = JoinSet<reqwest::Result<reqwest::Response>>;

/// Sends a registration without waiting for the response.
async fn start_registration(stack: &Stack, user_name: &str) -> (Person, PendingRequest) {
    let person = Person::named(user_name);
    let body = json!({ "user_name": person.user_name, "email": person.email(), "password": person.password });
    let request = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(stack.operator_token().await)
        .json(&body);
    let mut under_way = JoinSet::new();
    under_way.spawn(request.send());
    (person, under_way)
}

/// Waits until `auth` has committed and published the registration.
async fn wait_until_requested(stack: &Stack, person: &Person) {
    let token = stack.operator_token().await;
    within(
        SETTLE_TIMEOUT,
        "auth has published the registration",
        async || {
            let url = stack.auth_url("/events?limit=1000");
            let events: Vec<Value> = stack
                .http()
                .get(url)
                .bearer_auth(&token)
                .send()
                .await
                .ok()?
                .json()
                .await
                .ok()?;
            events
                .iter()
                .any(|event| {
                    event["type"] == "vestibule.registration.requested.v1"
                        && event["data"]["user_name"] == person.user_name.as_str()
                })
                .then_some(())
        },
    )
    .await;
}

/// Waits until `users` has committed the person.
async fn wait_until_created(stack: &Stack, person: &Person) {
    within(SETTLE_TIMEOUT, "users has the person", async || {
        directory(stack)
            .await
            .contains_key(&person.user_name)
            .then_some(())
    })
    .await;
}

async fn wait_until_both_services_have(stack: &Stack, person: &Person) {
    within(
        SETTLE_TIMEOUT,
        "the person is on both sides under one id",
        async || {
            let ids = directory(stack).await.remove(&person.user_name)?;
            let [id] = ids.as_slice() else {
                panic!("{} exists more than once: {ids:?}", person.user_name);
            };
            (account(stack, &person.user_name).await == Account::Active(id.clone())).then_some(())
        },
    )
    .await;
}

/// `auth` has written the registration, and dies before `users` has heard of it.
async fn auth_dies_when_it_has_asked(stack: &mut Stack) {
    stack.users.signal(Signal::STOP);
    let (person, _request) = start_registration(stack, "a-asked").await;
    wait_until_requested(stack, &person).await;
    stack.auth.kill();
    stack.users.signal(Signal::CONT);
    stack.auth.start_again();
    stack.auth_ready().await;
    wait_until_both_services_have(stack, &person).await;
}

/// `users` is dead when it is asked, in both ways.
async fn users_is_dead_when_asked(stack: &mut Stack) {
    stack.users.kill();
    let (person, _request) = start_registration(stack, "u-asked").await;
    wait_until_requested(stack, &person).await;
    stack.users.start_again();
    stack.users_ready().await;
    wait_until_both_services_have(stack, &person).await;
}

/// `users` has decided, `auth` has not heard the answer, and dies.
async fn auth_dies_before_the_answer(stack: &mut Stack) {
    let (person, _request) = register_without_response(stack, "a-answer").await;
    stack.auth.kill();
    restore_responses(stack);
    stack.auth.start_again();
    stack.auth_ready().await;
    wait_until_both_services_have(stack, &person).await;
}

/// `users` has decided and dies, perhaps before it has published the answer.
async fn users_dies_with_the_answer(stack: &mut Stack) {
    let (person, _request) = register_without_response(stack, "u-answer").await;
    stack.users.kill();
    restore_responses(stack);
    stack.users.start_again();
    stack.users_ready().await;
    wait_until_both_services_have(stack, &person).await;
}

/// Both die when `users` has decided.
async fn both_die(stack: &mut Stack) {
    let (person, _request) = register_without_response(stack, "both").await;
    stack.users.kill();
    stack.auth.kill();
    restore_responses(stack);
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    wait_until_both_services_have(stack, &person).await;
}

/// Registers a person while the responses of `users` over HTTP do not reach `auth`. `users` has committed then.
async fn register_without_response(stack: &mut Stack, user_name: &str) -> (Person, PendingRequest) {
    stack.line.as_ref().unwrap().drop_responses();
    let (person, request) = start_registration(stack, user_name).await;
    wait_until_created(stack, &person).await;
    (person, request)
}

fn restore_responses(stack: &Stack) {
    stack.line.as_ref().unwrap().restore();
}

async fn every_step(engine: Engine, transport: Transport) {
    let options = StackOptions {
        transport,
        users_behind_proxy: true,
        ..StackOptions::on(engine)
    };
    // `users` is stopped at once, and an event needs the queue that it declares.
    let mut stack = Stack::following(options).await;
    auth_dies_when_it_has_asked(&mut stack).await;
    users_is_dead_when_asked(&mut stack).await;
    auth_dies_before_the_answer(&mut stack).await;
    users_dies_with_the_answer(&mut stack).await;
    both_die(&mut stack).await;
    assert_eq!(directory(&stack).await.len(), 5);
}

#[tokio::test]
async fn a_party_may_die_at_every_step_over_the_feed() {
    every_step(Engine::Sqlite, Transport::Feed).await;
}

#[tokio::test]
async fn a_party_may_die_at_every_step_over_the_feed_on_postgres() {
    every_step(Engine::Postgres, Transport::Feed).await;
}

#[tokio::test]
async fn a_party_may_die_at_every_step_over_kafka() {
    every_step(Engine::Postgres, Transport::Kafka).await;
}

#[tokio::test]
async fn a_party_may_die_at_every_step_over_rabbitmq() {
    every_step(Engine::Sqlite, Transport::Rabbitmq).await;
}
