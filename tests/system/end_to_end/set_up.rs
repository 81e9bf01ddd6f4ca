//! Tests of the set-up link for the first administrator, and of the administrator's rights.

use http::StatusCode;
use serde_json::json;
use testkit::{Person, Stack, eventually};

use crate::pages::{anonymous, is_signed_in};

/// The set-up link that `auth` prints at its first start.
async fn set_up_link(stack: &Stack) -> String {
    eventually("auth prints a set-up link", async || {
        let log = stack.auth.log();
        let (_, after) = log.split_once("/setup?token=")?;
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')?;
        Some(format!("/setup?token={}", &after[..end]))
    })
    .await
}

async fn create_client(stack: &Stack, token: &str) -> StatusCode {
    let answer = stack
        .http()
        .post(stack.auth_url("/admin/v1/clients"))
        .bearer_auth(token)
        .json(&json!({ "client_name": "An application", "redirect_uris": ["http://localhost/cb"] }))
        .send()
        .await
        .unwrap();
    answer.status()
}

// SB-11: no default credentials; the set-up link works once.
#[tokio::test]
async fn the_set_up_link_makes_one_administrator() {
    let stack = Stack::start().await;
    let link = set_up_link(&stack).await;
    let root = Person::named("root");
    let email = root.email();
    let typed = [
        ("user_name", root.user_name.as_str()),
        ("email", &email),
        ("password", &root.password),
    ];

    let mut visitor = anonymous(&stack);
    let page = visitor.open(&link).await;
    let again = page.clone();
    visitor.submit(&page, "/setup", &typed).await;
    eventually("the administrator can sign in", async || {
        let (status, _) = stack.try_authenticate(&root, None).await;
        (status == StatusCode::OK).then_some(())
    })
    .await;

    let tokens = stack.authenticate_admin(&root).await;
    assert!(
        tokens.answer["scope"]
            .as_str()
            .unwrap()
            .split(' ')
            .any(|scope| scope == "admin"),
        "{}",
        tokens.answer
    );
    assert_eq!(create_client(&stack, &tokens.access).await, StatusCode::CREATED);

    let mallory = Person::named("mallory");
    let email = mallory.email();
    let typed = [
        ("user_name", mallory.user_name.as_str()),
        ("email", &email),
        ("password", &mallory.password),
    ];
    let mut thief = anonymous(&stack);
    let page = thief.open(&link).await;
    assert!(
        !page.has_form("/setup"),
        "a used link shows no form: {}",
        page.text()
    );
    // The form that was open while somebody else used the link is no good either.
    let answer = visitor.post(&again, "/setup", &typed).await;
    assert!(
        answer.status.is_client_error(),
        "{}: {}",
        answer.status,
        answer.text()
    );
    let (status, _) = stack.try_authenticate(&mallory, None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!is_signed_in(&mut thief).await);
}

#[tokio::test]
async fn a_restart_prints_no_second_link_once_there_is_an_administrator() {
    let mut stack = Stack::start().await;
    set_up_link(&stack).await;
    stack.register_admin("root").await;
    stack.auth.kill();
    let before = stack.auth.log().len();
    stack.auth.start_again();
    stack.auth_ready().await;
    assert!(!stack.auth.log()[before..].contains("/setup?token="));
}

#[tokio::test]
async fn nobody_else_administers() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    // Asking for the scope is no way to get it.
    let (status, answer) = stack.try_authenticate(&ann, Some("openid admin")).await;
    if status == StatusCode::OK {
        assert!(
            !answer["scope"].as_str().unwrap_or_default().contains("admin"),
            "{answer}"
        );
    } else {
        assert!(status.is_client_error(), "{answer}");
    }
    let token = stack.authenticate(&ann).await.access;
    assert_eq!(create_client(&stack, &token).await, StatusCode::FORBIDDEN);
    assert_eq!(create_client(&stack, "no-token").await, StatusCode::UNAUTHORIZED);
}
