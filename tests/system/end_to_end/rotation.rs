//! Tests of the rotation of signing keys under load.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Stack, within};

/// The ids of the published keys.
async fn published_key_ids(stack: &Stack) -> BTreeSet<String> {
    let keys = stack
        .http()
        .get(stack.auth_url("/oauth2/jwks"))
        .send()
        .await
        .unwrap();
    let keys: Value = keys.json().await.unwrap();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

// SB-37: signing keys are kept as long as a token can live; rotation under load fails no request.
#[tokio::test]
async fn rotation_under_load_fails_no_request() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let old = stack.authenticate(&ann).await.access;
    let before = published_key_ids(&stack).await;
    let (requests, done) = (Cell::new(0), Cell::new(false));

    let caller = async || {
        while !done.get() {
            // A token of this moment's key, and one that the first key signed.
            let token = stack.operator_token().await;
            let list = stack
                .http()
                .get(stack.users_url("/scim/v2/Users"))
                .bearer_auth(&token);
            assert_eq!(list.send().await.unwrap().status(), StatusCode::OK);
            assert_eq!(stack.user(&old).await.0, StatusCode::OK);
            requests.set(requests.get() + 3);
        }
    };
    let rotations = async {
        for round in 1..=2 {
            let known = published_key_ids(&stack).await;
            let rotate = stack
                .http()
                .post(stack.auth_url("/admin/v1/keys/rotate"))
                .bearer_auth(stack.operator_token().await)
                .json(&json!({ "immediately": true }));
            assert_eq!(rotate.send().await.unwrap().status(), StatusCode::ACCEPTED);
            within(
                Duration::from_secs(30),
                "new keys are published and used",
                async || {
                    let fresh: BTreeSet<String> = published_key_ids(&stack)
                        .await
                        .difference(&known)
                        .cloned()
                        .collect();
                    fresh
                        .contains(&key_id(&stack.operator_token().await))
                        .then_some(())
                },
            )
            .await;
            let target = requests.get() + 30;
            within(
                Duration::from_secs(30),
                &format!("requests after rotation {round}"),
                async || (requests.get() > target).then_some(()),
            )
            .await;
        }
        done.set(true);
    };
    tokio::join!(rotations, caller(), caller());
    assert!(
        published_key_ids(&stack).await.is_superset(&before),
        "the first keys are still published"
    );
}

/// The `kid` in a token's header.
fn key_id(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(header)
        .unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}
