//! Tests of `POST /authenticate`.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::world::{TestResponse, World};
use crate::testing::{PASSWORD, person_state};

impl World {
    pub(super) async fn authenticate(&self, body: &Value) -> TestResponse {
        self.app.bootstrap(&self.app.settings.clients).await.unwrap();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/authenticate")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }
}

fn run(story: impl AsyncFnOnce(World)) {
    testkit::block_on(async { story(World::new().await).await });
}

#[test]
fn the_right_pair_gets_tokens_and_the_person_and_nobody_stores_them() {
    // SB-18
    run(async |world: World| {
        let answer = world
            .authenticate(&json!({"username": "ANN", "password": PASSWORD, "scope": "openid admin"}))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
        let body = answer.json();
        assert_eq!(
            (&body["token_type"], &body["expires_in"]),
            (&json!("Bearer"), &json!(300))
        );
        assert_eq!(body["user"]["user_name"], "ann");
        assert_eq!(body["scope"], "openid", "Ann does not administer");
        assert!(body["refresh_token"].is_string());
        assert!(body.get("device_token").is_none());
    });
}

#[test]
fn an_administrator_gets_no_privilege_that_was_not_asked_for() {
    // SB-48
    run(async |world: World| {
        let mut boss = person_state(world.ann, "ann");
        (boss.groups, boss.version) = (vec!["vestibule-admins".to_owned()], 2);
        world.app.change(&boss).await;
        let scope = async |asked: Value| {
            let mut body = json!({"username": "ann", "password": PASSWORD});
            if !asked.is_null() {
                body["scope"] = asked;
            }
            let answer = world.authenticate(&body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            answer.json()["scope"].as_str().unwrap().to_owned()
        };
        for nothing in [Value::Null, json!(""), json!(" "), json!("  ")] {
            assert_eq!(
                scope(nothing.clone()).await,
                "openid profile email groups",
                "{nothing}"
            );
        }
        assert_eq!(scope(json!(" openid  admin ")).await, "openid admin");
    });
}

#[test]
fn wrong_unknown_and_disabled_get_the_same_answer() {
    // SB-8
    run(async |world: World| {
        let mut off = person_state(world.app.person("off").await, "off");
        (off.active, off.version) = (false, 2);
        world.app.change(&off).await;
        let mut answers = Vec::new();
        for (name, password) in [
            ("ann", "not the password"),
            ("nobody", PASSWORD),
            ("off", PASSWORD),
        ] {
            let answer = world
                .authenticate(&json!({"username": name, "password": password}))
                .await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            let mut names: Vec<_> = answer
                .headers
                .keys()
                .map(|name| name.as_str().to_owned())
                .collect();
            names.sort();
            answers.push((answer.body, names));
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    });
}

#[test]
fn too_many_failures_are_told_when_to_come_back() {
    // SB-7
    run(async |world: World| {
        for _ in 0..5 {
            world
                .authenticate(&json!({"username": "ann", "password": "not the password"}))
                .await;
        }
        let answer = world
            .authenticate(&json!({"username": "ann", "password": PASSWORD}))
            .await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers[RETRY_AFTER], "1");
    });
}

#[test]
fn a_remembered_device_is_counted_for_itself() {
    // SB-7
    run(async |world: World| {
        let body = json!({"username": "ann", "password": PASSWORD, "remember_device": true});
        let device = world.authenticate(&body).await.json()["device_token"].clone();
        for _ in 0..5 {
            world
                .authenticate(&json!({"username": "ann", "password": "not the password"}))
                .await;
        }
        let body =
            json!({"username": "ann", "password": PASSWORD, "device_token": device, "remember_device": true});
        let answer = world.authenticate(&body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(answer.json().get("device_token").is_none(), "it is known already");
    });
}

#[test]
fn what_is_no_request_is_refused_by_field_and_without_the_password() {
    run(async |world: World| {
        for (body, field) in [
            (json!({"username": "ann"}), "password"),
            (
                json!({"username": "ann", "password": "s3cret-s3cret", "more": 1}),
                "more",
            ),
            (json!({"username": 7, "password": "s3cret-s3cret"}), "username"),
            (
                json!({"username": "ann", "password": "s3cret-s3cret", "scope": "a\nb"}),
                "scope",
            ),
        ] {
            let answer = world.authenticate(&body).await;
            assert!(answer.status.is_client_error(), "{body}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.body);
            assert!(!answer.body.contains("s3cret"), "{}", answer.body);
        }
        assert!(
            world
                .app
                .events()
                .await
                .iter()
                .all(|kind| kind != "vestibule.login.failed.v1")
        );
    });
}

#[test]
fn a_right_password_with_a_scope_that_is_refused_is_no_guess() {
    // SB-46
    run(async |world: World| {
        let counted = "SELECT CAST(COALESCE(SUM(failures), 0) AS BIGINT) FROM throttles";
        for _ in 0..8 {
            let asked = json!({"username": "ann", "password": PASSWORD, "scope": "nonsense"});
            let refused = world.authenticate(&asked).await;
            assert_eq!(
                refused.status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{}",
                refused.body
            );
            assert_eq!(world.app.count(counted).await, 0);
        }
        let asked = json!({"username": "ann", "password": PASSWORD});
        assert_eq!(world.authenticate(&asked).await.status, StatusCode::OK);
    });
}
