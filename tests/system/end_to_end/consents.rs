//! Tests of consent across services: a person allows an application access, withdraws it on a page, and both services refuse it
//! within 5 seconds.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Stack, eventually, pkce_challenge};
use url::Url;

use crate::pages::{anonymous, sign_in};

const CALLBACK: &str = "https://shop.example.org/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The address of an authorization request.
fn request(stack: &Stack, client: &str) -> String {
    let mut place = Url::parse(&stack.auth_url("/oauth2/authorize")).unwrap();
    place
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client)
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("scope", "openid profile offline_access")
        .append_pair("code_challenge", &pkce_challenge(VERIFIER))
        .append_pair("code_challenge_method", "S256");
    place.into()
}

async fn token(stack: &Stack, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let request = stack.http().post(stack.auth_url("/oauth2/token")).form(form);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// The status of the user's own record with an access token.
async fn own_record(stack: &Stack, access: &str) -> StatusCode {
    let request = stack.http().get(stack.users_url("/user")).bearer_auth(access);
    request.send().await.unwrap().status()
}

// SB-29, SB-47
#[tokio::test]
async fn what_ann_allowed_ends_within_five_seconds_of_her_withdrawal() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let client = stack
        .create_client(&json!({
            "client_name": "Shop",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "require_consent": true,
        }))
        .await;
    let client = client["client_id"].as_str().unwrap();
    let mut browser = anonymous(&stack);
    sign_in(&mut browser, &ann).await;
    let page = browser.open(&request(&stack, client)).await;
    assert!(page.text().contains("Shop"), "{}", page.text());
    let back = browser.submit(&page, "/consent", &[("answer", "allow")]).await;
    let back = back.redirect().unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1;
    let (status, tokens) = token(
        &stack,
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ],
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let access = tokens["access_token"].as_str().unwrap();
    eventually("users knows ann", async || {
        (own_record(&stack, access).await == StatusCode::OK).then_some(())
    })
    .await;

    let security = browser.open("/security").await;
    browser.submit(&security, "/security/applications", &[]).await;
    let withdrawn = Instant::now();
    eventually("users refuses the token", async || {
        (own_record(&stack, access).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert!(
        withdrawn.elapsed() < Duration::from_secs(5),
        "{:?}",
        withdrawn.elapsed()
    );
    let (status, error) = token(
        &stack,
        &[
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
            ("client_id", client),
        ],
    )
    .await;
    assert_eq!(
        (status, &error["error"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_grant"))
    );
    let page = browser.open(&request(&stack, client)).await;
    assert!(page.has_form("/consent"), "she is asked again");
}
