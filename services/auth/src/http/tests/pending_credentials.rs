//! Tests of `/pending-credentials/{id}`, which the user service alone may call.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, stories};

const PATH: &str = "/pending-credentials/01990000-0000-7000-8000-000000000001";

fn body(user: Uuid, password: &str) -> Option<Value> {
    Some(json!({ "user_id": user, "password": password, "user_name": "ann" }))
}

stories! {
    async fn the_user_service_sends_and_cancels_a_password(world) {
        let users = world.service("vestibule-users", "events:read").await;
        let answer = world.call(Method::PUT, PATH, &users, body(world.ann, "plover-quilt-anvil")).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        let weak = world.call(Method::PUT, PATH, &users, body(world.ann, "plover")).await;
        assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(weak.json()["errors"], json!([{
            "field": "password",
            "detail": "use at least 15 characters: a few words that only you would put together work well",
        }]));
        assert!(!weak.body.contains("plover"), "{}", weak.body);
        let other = world.call(Method::PUT, PATH, &users, body(Uuid::nil(), "plover-quilt-anvil")).await;
        assert_eq!(other.status, StatusCode::CONFLICT);
        for _ in 0..2 {
            let answer = world.call(Method::DELETE, PATH, &users, None).await;
            assert_eq!(answer.status, StatusCode::NO_CONTENT);
        }
        assert_eq!(world.app.count("SELECT count(*) FROM pending_credentials").await, 0);
    }

    async fn nobody_else_sends_passwords(world) {
        let administrator = world.admin("admin events:read").await;
        let another = world.service("reporting", "events:read").await;
        for caller in [&administrator, &another] {
            for (method, body) in [(Method::PUT, body(world.ann, "plover-quilt-anvil")), (Method::DELETE, None)] {
                let answer = world.call(method, PATH, caller, body).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
            }
        }
    }
}
