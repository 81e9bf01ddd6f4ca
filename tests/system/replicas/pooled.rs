//! Tests of two replicas of each service that reach PostgreSQL only through PgBouncer in transaction mode.

use http::StatusCode;
use serde_json::json;
use testkit::{Engine, Service, Stack, StackOptions, eventually};

use super::{create, feed, scim};

async fn start_pooled_stack() -> Stack {
    let options = StackOptions {
        two_replicas: true,
        pooled: true,
        ..StackOptions::on(Engine::Postgres)
    };
    Stack::with(options).await
}

#[tokio::test]
async fn people_register_sign_in_and_are_followed_through_a_pooler() {
    let stack = start_pooled_stack().await;
    let ann = stack.register("ann").await;
    let operator = stack.operator_token().await;
    for round in 0..10 {
        let tokens = stack.authenticate(&ann).await;
        let (status, user) = stack.user(&tokens.access).await;
        assert_eq!(
            (status, &user["user_name"]),
            (StatusCode::OK, &json!("ann")),
            "{user}"
        );
        // Made at one replica of `users`, changed at the other.
        let id = create(&stack, round % 2, &operator, &format!("person{round}")).await;
        let change = json!({ "userName": format!("somebody{round}") });
        let path = format!("/{id}");
        let (status, user) = scim(
            &stack,
            (round + 1) % 2,
            &operator,
            http::Method::PUT,
            &path,
            &change,
        )
        .await;
        assert_eq!(status, StatusCode::OK, "{user}");
    }
    let events = eventually("every event is published", async || {
        let events = feed(&stack, 0, &operator).await;
        // Ann, and ten people who were made and changed.
        (events.len() >= 21).then_some(events)
    })
    .await;
    assert_eq!(feed(&stack, 1, &operator).await.len(), events.len());
    // `auth` follows: a person who is disabled by an event cannot sign in any more, at either replica.
    let found = stack
        .http()
        .get(stack.replica_url(
            Service::Users,
            0,
            "/scim/v2/Users?filter=userName%20eq%20%22ann%22",
        ))
        .bearer_auth(&operator)
        .send()
        .await
        .unwrap()
        .json::<serde_json::Value>()
        .await
        .unwrap();
    let id = found["Resources"][0]["id"].as_str().unwrap().to_owned();
    let disable = json!({ "userName": "ann", "active": false });
    let (status, user) = scim(
        &stack,
        1,
        &operator,
        http::Method::PUT,
        &format!("/{id}"),
        &disable,
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{user}");
    for replica in [0, 1] {
        eventually("ann cannot sign in any more", async || {
            let answer = stack
                .http()
                .post(stack.replica_url(Service::Auth, replica, "/authenticate"))
                .json(&json!({ "username": ann.user_name, "password": ann.password }))
                .send()
                .await
                .ok()?;
            (answer.status() == StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
    }
}
