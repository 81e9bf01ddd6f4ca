//! Tests of groups: what a directory client does to them is in the claims of their members within 5 seconds.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Person, Stack, within};
use uuid::Uuid;

/// A change of a group is in the next token within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn scim(stack: &Stack, method: Method, path: &str, body: Value) -> Value {
    let answer = stack
        .http()
        .request(method, stack.users_url(&format!("/scim/v2/Groups{path}")))
        .bearer_auth(stack.operator_token().await)
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A new group with these members.
async fn group(stack: &Stack, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [CORE], "displayName": name, "members": members });
    let made = scim(stack, Method::POST, "", body).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn add(stack: &Stack, group: &str, member: &str) {
    let operation = json!({ "op": "add", "path": "members", "value": [{ "value": member }] });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(stack, Method::PATCH, &format!("/{group}"), body).await;
}

/// The groups of a person in the access token, which are those of userinfo and of the answer.
async fn groups_of(stack: &Stack, person: &Person) -> Vec<String> {
    let tokens = stack.authenticate(person).await;
    let names = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap_or_default() };
    let payload = tokens.access.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let in_token = names(&claims["groups"]);
    let userinfo = stack
        .http()
        .get(stack.auth_url("/oauth2/userinfo"))
        .bearer_auth(&tokens.access)
        .send()
        .await
        .unwrap();
    assert_eq!(userinfo.status(), StatusCode::OK);
    let userinfo: Value = userinfo.json().await.unwrap();
    assert_eq!(names(&userinfo["groups"]), in_token);
    assert_eq!(names(&tokens.answer["user"]["groups"]), in_token);
    in_token
}

async fn soon(stack: &Stack, person: &Person, expected: &[&str]) {
    within(
        EFFECTIVE_WITHIN,
        &format!("{expected:?} in the claim"),
        async || (groups_of(stack, person).await == expected).then_some(()),
    )
    .await;
}

#[tokio::test]
async fn a_nested_membership_is_in_the_claims_of_the_member() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let night = group(&stack, "Night shift", &[&ann.id]).await;
    soon(&stack, &ann, &["Night shift"]).await;
    let staff = group(&stack, "Staff", &[]).await;
    add(&stack, &staff, &night).await;
    soon(&stack, &ann, &["Night shift", "Staff"]).await;
    let renamed = json!({ "schemas": [CORE], "displayName": "Everybody" });
    scim(&stack, Method::PUT, &format!("/{staff}"), renamed).await;
    soon(&stack, &ann, &["Everybody", "Night shift"]).await;
    // Members of a group in the group of the administrators administer.
    let admins = Uuid::from_u128(0x7000_8000_0000_0000_0001).to_string();
    add(&stack, &admins, &staff).await;
    soon(&stack, &ann, &["Everybody", "Night shift", "vestibule-admins"]).await;
    let admin = stack.authenticate_admin(&ann).await.access;
    let stats = |url| stack.http().get(url).bearer_auth(&admin).send();
    for url in [
        stack.auth_url("/admin/v1/keys"),
        stack.users_url("/admin/v1/events/stats"),
    ] {
        assert_eq!(
            stats(url.clone()).await.unwrap().status(),
            StatusCode::OK,
            "{url}"
        );
    }
    scim(&stack, Method::DELETE, &format!("/{staff}"), Value::Null).await;
    soon(&stack, &ann, &["Night shift"]).await;
    for url in [
        stack.auth_url("/admin/v1/keys"),
        stack.users_url("/admin/v1/events/stats"),
    ] {
        assert_eq!(
            stats(url.clone()).await.unwrap().status(),
            StatusCode::UNAUTHORIZED,
            "{url}"
        );
    }
}
