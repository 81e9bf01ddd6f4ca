//! Tests of the feeds of both services, read as a third consumer reads them.

use http::StatusCode;
use serde_json::Value;
use testkit::{Stack, eventually};

async fn read(stack: &Stack, url: &str, after: u64) -> Vec<Value> {
    let answer = stack
        .http()
        .get(format!("{url}?after={after}&limit=100"))
        .bearer_auth(stack.operator_token().await)
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let body = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn of_type<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events
        .iter()
        .filter(|event| event["type"] == format!("vestibule.{name}.v1"))
        .collect()
}

#[tokio::test]
async fn a_registration_is_one_event_on_each_side_and_carries_no_secret() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let users = eventually("the user service publishes ann", async || {
        let events = read(&stack, &stack.users_url("/events"), 0).await;
        (!of_type(&events, "user.created").is_empty()).then_some(events)
    })
    .await;
    let created = of_type(&users, "user.created");
    assert_eq!(created.len(), 1);
    assert_eq!(created[0]["subject"], ann.id.as_str());
    assert_eq!(created[0]["partitionkey"], ann.id.as_str());
    assert_eq!(created[0]["specversion"], "1.0");
    assert_eq!(created[0]["data"]["user_name"], "ann");

    let auth = eventually("auth publishes the registration", async || {
        let events = read(&stack, &stack.auth_url("/events"), 0).await;
        (!of_type(&events, "registration.requested").is_empty()).then_some(events)
    })
    .await;
    assert_eq!(of_type(&auth, "registration.requested").len(), 1);
    for text in [Value::from(users).to_string(), Value::from(auth).to_string()] {
        assert!(
            !text.contains(&ann.password) && !text.contains("argon2"),
            "{text}"
        );
    }
}

// SB-38: services authenticate each other; a person's token is no service's token.
#[tokio::test]
async fn feeds_and_commands_are_for_services_only() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let token = stack.authenticate(&ann).await.access;
    for url in [
        stack.auth_url("/events"),
        stack.users_url("/events"),
        stack.users_url("/events/snapshot"),
        stack.users_url("/scim/v2/Users"),
    ] {
        let anonymous = stack.http().get(&url).send().await.unwrap();
        assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED, "{url}");
        assert!(
            anonymous.headers()["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer"),
            "{url}"
        );
        let person = stack.http().get(&url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(person.status(), StatusCode::FORBIDDEN, "{url}");
    }
    let command = stack
        .http()
        .post(stack.users_url("/registrations"))
        .bearer_auth(&token)
        .json(&Value::Null);
    assert_eq!(command.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}
