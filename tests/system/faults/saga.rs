//! A registration is a saga of two parties. Whichever dies at whichever step: once both run again, the person is on
//! both sides under one id, over every transport.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, Transport, within};
use tokio::task::JoinSet;

use super::both_sides::{Account, account, directory};

/// Both parties have settled within this time after the last of them runs again.
const SETTLED: Duration = Duration::from_secs(60);

/// A request that is on its way, until this is dropped.
type UnderWay = JoinSet<reqwest::Result<reqwest::Response>>;

/// Sends a registration. Whether an answer comes is not what is looked at.
async fn begin(stack: &Stack, user_name: &str) -> (Person, UnderWay) {
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
async fn asked(stack: &Stack, person: &Person) {
    let token = stack.operator_token().await;
    within(SETTLED, "auth has published the registration", async || {
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
    })
    .await;
}

/// Waits until `users` has committed the person.
async fn decided(stack: &Stack, person: &Person) {
    within(SETTLED, "users has the person", async || {
        directory(stack)
            .await
            .contains_key(&person.user_name)
            .then_some(())
    })
    .await;
}

async fn both_sides_have(stack: &Stack, person: &Person) {
    within(SETTLED, "the person is on both sides under one id", async || {
        let ids = directory(stack).await.remove(&person.user_name)?;
        let [id] = ids.as_slice() else {
            panic!("{} exists more than once: {ids:?}", person.user_name);
        };
        (account(stack, &person.user_name).await == Account::Active(id.clone())).then_some(())
    })
    .await;
}

/// `auth` has written the registration, and dies before `users` has heard of it.
async fn auth_dies_when_it_has_asked(stack: &mut Stack) {
    stack.users.signal(Signal::STOP);
    let (person, _request) = begin(stack, "a-asked").await;
    asked(stack, &person).await;
    stack.auth.kill();
    stack.users.signal(Signal::CONT);
    stack.auth.start_again();
    stack.auth_ready().await;
    both_sides_have(stack, &person).await;
}

/// `users` is dead when it is asked, in both ways.
async fn users_is_dead_when_asked(stack: &mut Stack) {
    stack.users.kill();
    let (person, _request) = begin(stack, "u-asked").await;
    asked(stack, &person).await;
    stack.users.start_again();
    stack.users_ready().await;
    both_sides_have(stack, &person).await;
}

/// `users` has decided, `auth` has not heard the answer, and dies.
async fn auth_dies_before_the_answer(stack: &mut Stack) {
    let (person, _request) = unanswered(stack, "a-answer").await;
    stack.auth.kill();
    hear_again(stack);
    stack.auth.start_again();
    stack.auth_ready().await;
    both_sides_have(stack, &person).await;
}

/// `users` has decided and dies, perhaps before it has published the answer.
async fn users_dies_with_the_answer(stack: &mut Stack) {
    let (person, _request) = unanswered(stack, "u-answer").await;
    stack.users.kill();
    hear_again(stack);
    stack.users.start_again();
    stack.users_ready().await;
    both_sides_have(stack, &person).await;
}

/// Both die when `users` has decided.
async fn both_die(stack: &mut Stack) {
    let (person, _request) = unanswered(stack, "both").await;
    stack.users.kill();
    stack.auth.kill();
    hear_again(stack);
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;
    both_sides_have(stack, &person).await;
}

/// A registration that `users` has committed while nothing that it says over HTTP reaches `auth`.
async fn unanswered(stack: &mut Stack, user_name: &str) -> (Person, UnderWay) {
    stack.line.as_ref().unwrap().drop_responses();
    let (person, request) = begin(stack, user_name).await;
    decided(stack, &person).await;
    (person, request)
}

fn hear_again(stack: &Stack) {
    stack.line.as_ref().unwrap().restore();
}

async fn every_step(engine: Engine, transport: Transport) {
    let options = StackOptions {
        transport,
        users_behind_proxy: true,
        ..StackOptions::on(engine)
    };
    let mut stack = Stack::with(options).await;
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
