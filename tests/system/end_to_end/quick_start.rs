//! Test of the quick start: from a sign-up on the pages to an API call with a token.

use http::StatusCode;
use serde_json::json;
use testkit::{Person, Stack, eventually};

use crate::pages::{anonymous, is_signed_in, sign_in, sign_out, sign_up, sign_up_and_wait};

#[tokio::test]
async fn somebody_signs_up_on_the_pages_and_calls_the_api_with_a_token() {
    let stack = Stack::start().await;
    let ann = Person::named("ann");
    let mut visitor = anonymous(&stack);

    let home = sign_up_and_wait(&mut visitor, &ann).await;
    assert_eq!(
        (home.status, home.url.path()),
        (StatusCode::OK, "/"),
        "{}",
        home.text()
    );
    assert!(home.text().contains("ann"), "{}", home.text());

    let tokens = stack.authenticate(&ann).await;
    let (status, user) = stack.user(&tokens.access).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    assert_eq!(user["user_name"], "ann");
    assert_eq!(user["emails"][0]["value"], "ann@example.com");
    assert_eq!(user["id"], tokens.answer["user"]["id"]);
}

#[tokio::test]
async fn somebody_signs_out_and_in_again() {
    let stack = Stack::start().await;
    let ann = Person::named("ann");
    let mut visitor = anonymous(&stack);
    sign_up_and_wait(&mut visitor, &ann).await;
    assert!(is_signed_in(&mut visitor).await);

    sign_out(&mut visitor).await;
    assert!(!is_signed_in(&mut visitor).await);

    // Names are compared without regard to case.
    let shouting = Person {
        user_name: "ANN".to_owned(),
        ..ann
    };
    sign_in(&mut visitor, &shouting).await;
    assert!(is_signed_in(&mut visitor).await);
}

#[tokio::test]
async fn a_person_changes_their_own_name_and_nothing_that_others_decide() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let token = stack.authenticate(&ann).await.access;
    let patch = async |change: serde_json::Value| {
        let answer = stack
            .http()
            .patch(stack.users_url("/user"))
            .bearer_auth(&token)
            .header("content-type", "application/merge-patch+json")
            .body(change.to_string())
            .send()
            .await
            .unwrap();
        answer.status()
    };

    assert_eq!(
        patch(json!({ "name": { "given_name": "Ann" } })).await,
        StatusCode::OK
    );
    assert!(
        patch(json!({ "groups": ["vestibule-admins"] }))
            .await
            .is_client_error()
    );
    assert!(patch(json!({ "active": false })).await.is_client_error());

    let (_, user) = stack.user(&token).await;
    assert_eq!(user["name"]["given_name"], "Ann");
    assert_eq!(user["groups"], json!([]));
    assert_eq!(user["active"], true);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_both_services_were_killed() {
    let mut stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let before = stack.authenticate(&ann).await;

    stack.auth.kill();
    stack.users.kill();
    stack.auth.start_again();
    stack.users.start_again();
    stack.ready().await;

    let (status, user) = stack.user(&before.access).await;
    assert_eq!(
        status,
        StatusCode::OK,
        "a token signed before the crash is still good: {user}"
    );
    let after = stack.authenticate(&ann).await;
    assert_eq!(after.answer["user"]["id"], ann.id.as_str());
}

#[tokio::test]
async fn a_refused_name_is_told_beside_the_field_and_what_was_typed_is_kept() {
    let stack = Stack::start().await;
    stack.register("ann").await;
    let mut visitor = anonymous(&stack);

    let page = sign_up(&mut visitor, &Person::named("Ann")).await;
    assert_eq!(
        page.field("/register", "user_name").as_deref(),
        Some("Ann"),
        "what was typed is kept: {}",
        page.text()
    );
    assert_eq!(
        page.field("/register", "email").as_deref(),
        Some("Ann@example.com")
    );
    assert!(page.body.contains("aria-invalid=\"true\""), "{}", page.text());
    assert!(!page.body.contains("plum-tractor"), "a password never comes back");

    let page = sign_up(&mut visitor, &Person::named("bob")).await;
    assert_eq!(page.url.path(), "/", "{}", page.text());
}

#[tokio::test]
async fn the_user_service_waits_for_a_person_who_has_just_signed_up() {
    let stack = Stack::start().await;
    for name in ["ann", "bob", "cas", "dee", "eve"] {
        let person = Person::named(name);
        let mut visitor = anonymous(&stack);
        sign_up(&mut visitor, &person).await;
        let tokens = eventually("the account is active", async || {
            let (status, answer) = stack.try_authenticate(&person, None).await;
            (status == StatusCode::OK).then_some(answer)
        })
        .await;
        let (status, user) = stack.user(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{user}");
    }
}
