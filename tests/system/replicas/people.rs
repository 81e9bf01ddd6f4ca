//! Tests of state across replicas: registrations, sessions, tokens, sign-outs and disabled people.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Person, Service, Stack, Tokens, eventually, within};

use super::{scim, start_two_replicas};
use crate::pages::{anonymous, fill_sign_in, is_signed_in, sign_in, sign_out};

/// A disabled person is refused everywhere within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);

/// `POST /authenticate` at one replica of `auth`.
async fn authenticate(stack: &Stack, replica: usize, person: &Person) -> (StatusCode, Value) {
    let answer = stack
        .http()
        .post(stack.replica_url(Service::Auth, replica, "/authenticate"))
        .json(&json!({ "username": person.user_name, "password": person.password, "scope": "openid profile offline_access" }))
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn refresh(stack: &Stack, replica: usize, token: &str) -> (StatusCode, Value) {
    let answer = stack
        .http()
        .post(stack.replica_url(Service::Auth, replica, "/oauth2/token"))
        .form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("client_id", "vestibule-direct"),
        ])
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// `GET /user` at one replica of the user service.
async fn user(stack: &Stack, replica: usize, token: &str) -> (StatusCode, Value) {
    let url = stack.replica_url(Service::Users, replica, "/user");
    let answer = stack.http().get(url).bearer_auth(token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[tokio::test]
async fn what_one_replica_gives_every_other_takes() {
    let stack = start_two_replicas().await;
    let ann = stack.register("ann").await;
    for (one, other) in [(0, 1), (1, 0)] {
        let (status, tokens) = authenticate(&stack, one, &ann).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        for replica in [0, 1] {
            let (status, record) = user(&stack, replica, text(&tokens, "access_token")).await;
            assert_eq!(
                (status, &record["user_name"]),
                (StatusCode::OK, &json!("ann")),
                "{record}"
            );
        }
        let (status, next) = refresh(&stack, other, text(&tokens, "refresh_token")).await;
        assert_eq!(status, StatusCode::OK, "{next}");
        // Used at the other, and its successor here: the first is worthless at both (SB-24).
        let (status, again) = refresh(&stack, one, text(&next, "refresh_token")).await;
        assert_eq!(status, StatusCode::OK, "{again}");
        for replica in [one, other] {
            let (status, reused) = refresh(&stack, replica, text(&tokens, "refresh_token")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{reused}");
        }
    }
}

#[tokio::test]
async fn a_session_is_good_at_every_replica_until_it_is_ended_at_one() {
    let stack = start_two_replicas().await;
    let ann = stack.register("ann").await;
    let (one, other) = (
        stack.replica_url(Service::Auth, 0, ""),
        stack.replica_url(Service::Auth, 1, ""),
    );
    let mut visitor = anonymous(&stack);
    // The form of one is taken by the other.
    visitor.switch_to_replica(&one);
    let form = visitor.open("/login").await;
    visitor.switch_to_replica(&other);
    fill_sign_in(&mut visitor, &form, &ann).await;
    for replica in [&one, &other] {
        visitor.switch_to_replica(replica);
        assert!(is_signed_in(&mut visitor).await, "{replica}");
    }
    let cookies = visitor.cookies().clone();
    visitor.switch_to_replica(&one);
    sign_out(&mut visitor).await;
    // Even for one who kept the cookie.
    for (name, value) in cookies {
        visitor.plant_cookie(&name, &value);
    }
    for replica in [&other, &one] {
        visitor.switch_to_replica(replica);
        assert!(!is_signed_in(&mut visitor).await, "{replica}");
    }
}

// SB-15: disabling a person ends every session.
#[tokio::test]
async fn a_disabled_person_is_refused_by_all_replicas() {
    let stack = start_two_replicas().await;
    let token = stack.operator_token().await;
    let ann = stack.register("ann").await;
    let mut visitors = Vec::new();
    let mut tokens = Vec::new();
    for replica in [0, 1] {
        let mut visitor = anonymous(&stack);
        visitor.switch_to_replica(&stack.replica_url(Service::Auth, replica, ""));
        sign_in(&mut visitor, &ann).await;
        assert!(is_signed_in(&mut visitor).await);
        visitors.push(visitor);
        tokens.push(authenticate(&stack, replica, &ann).await.1);
    }
    let disabled = json!({ "userName": "ann", "active": false });
    let (status, answer) = scim(
        &stack,
        0,
        &token,
        http::Method::PUT,
        &format!("/{}", ann.id),
        &disabled,
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    for replica in [0, 1] {
        within(EFFECTIVE_WITHIN, "the sign-in is refused", async || {
            (authenticate(&stack, replica, &ann).await.0 == StatusCode::UNAUTHORIZED).then_some(())
        })
        .await;
        for tokens in &tokens {
            let (status, answer) = refresh(&stack, replica, text(tokens, "refresh_token")).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
            let (status, answer) = user(&stack, replica, text(tokens, "access_token")).await;
            assert!(!status.is_success(), "{answer}");
        }
        for visitor in &mut visitors {
            visitor.switch_to_replica(&stack.replica_url(Service::Auth, replica, ""));
            assert!(!is_signed_in(visitor).await);
        }
    }
}

#[tokio::test]
async fn people_register_and_sign_in_while_a_replica_of_each_service_is_gone() {
    let mut stack = start_two_replicas().await;
    stack.replica(Service::Auth, 0).kill();
    stack.replica(Service::Users, 1).kill();
    let ann: Person = stack.register("ann").await;
    let tokens: Tokens = stack.authenticate(&ann).await;
    let (status, record) = user(&stack, 0, &tokens.access).await;
    assert_eq!(
        (status, &record["user_name"]),
        (StatusCode::OK, &json!("ann")),
        "{record}"
    );

    stack.replica(Service::Auth, 0).start_again();
    stack.replica(Service::Users, 1).start_again();
    stack.ready().await;
    let (status, again) = authenticate(&stack, 0, &ann).await;
    assert_eq!(status, StatusCode::OK, "{again}");
    eventually("the replica that returned takes its tokens", async || {
        user(&stack, 1, text(&again, "access_token"))
            .await
            .0
            .is_success()
            .then_some(())
    })
    .await;
}
