//! Tests of a directory that is killed, and of an application that is away.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, eventually, within};

use super::{Pair, add_user, ok, patch};

/// The number of users of the application whose names begin with `user-`.
async fn pushed(pair: &Pair) -> usize {
    let path = "/scim/v2/Users?count=200";
    let list = ok(&pair.application, Method::GET, path, &Value::Null).await;
    let users = list["Resources"].as_array().unwrap().iter();
    users
        .filter(|user| user["userName"].as_str().unwrap().starts_with("user-"))
        .count()
}

/// Kills the directory at several moments of the pushes.
#[tokio::test]
async fn kills_lose_and_double_nothing() {
    const USERS: usize = 40;
    let mut pair = Pair::start(Engine::Sqlite, json!({})).await;
    for number in 0..USERS {
        add_user(&pair.directory, &format!("user-{number:02}")).await;
        if number % 13 == 12 {
            pair.directory.users.kill();
            pair.directory.users.start_again();
            pair.directory.users_ready().await;
        }
    }
    eventually("some are pushed", async || {
        (pushed(&pair).await > 0).then_some(())
    })
    .await;
    pair.directory.users.kill();
    let before = pushed(&pair).await;
    pair.directory.users.start_again();
    pair.directory.users_ready().await;
    assert!(before <= USERS);
    within(Duration::from_secs(60), "all are pushed", async || {
        (pushed(&pair).await == USERS).then_some(())
    })
    .await;
    pair.wait_until_in_step(i64::try_from(USERS).unwrap()).await;
    assert_eq!(pushed(&pair).await, USERS, "each once");
}

#[tokio::test]
async fn an_application_that_is_away_gets_everything_when_it_is_back() {
    let mut pair = Pair::start(Engine::Sqlite, json!({})).await;
    let ann = add_user(&pair.directory, "ann").await;
    pair.wait_for_user("ann", |_| true).await;
    pair.application.users.kill();
    let title = json!([{ "op": "add", "path": "title", "value": "Archer" }]);
    patch(&pair.directory, &format!("Users/{ann}"), title).await;
    add_user(&pair.directory, "bob").await;
    let failing = eventually("the failure shows", async || {
        let status = pair.status().await;
        status["failing"].is_object().then_some(status)
    })
    .await;
    assert_eq!(failing["enabled"], true, "{failing}");
    pair.application.users.start_again();
    pair.application.users_ready().await;
    pair.wait_for_user("ann", |user| user["title"] == "Archer").await;
    pair.wait_for_user("bob", |_| true).await;
    pair.wait_until_in_step(2).await;
}

#[tokio::test]
async fn an_application_that_refuses_the_credentials_is_paused() {
    let pair = Pair::start(Engine::Sqlite, json!({})).await;
    let wrong = json!({ "credentials": { "type": "bearer", "token": "wrong" } });
    ok(&pair.directory, Method::PATCH, &pair.target, &wrong).await;
    add_user(&pair.directory, "ann").await;
    let paused = eventually("the target is paused", async || {
        let status = pair.status().await;
        status["paused"].is_object().then_some(status)
    })
    .await;
    assert_eq!(paused["paused"]["reason"], "unauthorized", "{paused}");
    eventually("the metric shows it", async || {
        let url = pair.directory.users_management_url("/metrics");
        let text = pair
            .directory
            .http()
            .get(url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        text.contains("vestibule_provisioning_targets_unauthorized 1")
            .then_some(())
    })
    .await;
}
