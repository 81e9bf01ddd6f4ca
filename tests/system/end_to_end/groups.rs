//! Tests of groups: what a directory client does to them is in the claims of their members within 5 seconds.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Engine as DatabaseEngine, Person, Stack, StackOptions, within};
use uuid::Uuid;

/// A change of a group is in the next token within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn scim(stack: &Stack, method: Method, path: &str, body: Value) -> Value {
    directory(stack, method, &format!("/Groups{path}"), body).await
}

async fn directory(stack: &Stack, method: Method, path: &str, body: Value) -> Value {
    let answer = stack
        .http()
        .request(method, stack.users_url(&format!("/scim/v2{path}")))
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
    add_all(stack, group, &[member]).await;
}

async fn add_all(stack: &Stack, group: &str, members: &[&str]) {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let operation = json!({ "op": "add", "path": "members", "value": members });
    let body = json!({ "schemas": [PATCH], "Operations": [operation] });
    scim(stack, Method::PATCH, &format!("/{group}"), body).await;
}

/// The groups of a person in the access token, at userinfo and in the answer.
async fn groups_of(stack: &Stack, person: &Person) -> [Vec<String>; 3] {
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
    [
        in_token,
        names(&userinfo["groups"]),
        names(&tokens.answer["user"]["groups"]),
    ]
}

async fn soon(stack: &Stack, person: &Person, expected: &[&str]) {
    within(
        EFFECTIVE_WITHIN,
        &format!("{expected:?} in the claim"),
        async || {
            let everywhere = groups_of(stack, person).await;
            everywhere.iter().all(|groups| groups == expected).then_some(())
        },
    )
    .await;
}

/// Ids of as many new people as one bulk request creates.
async fn a_thousand_people(stack: &Stack) -> Vec<String> {
    let operations: Vec<Value> = (0..1000)
        .map(|number| {
            let data = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("member{number}"),
            });
            json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": data })
        })
        .collect();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    let made = directory(stack, Method::POST, "/Bulk", body).await;
    let made = made["Operations"].as_array().expect("operations");
    let ids = made.iter().map(|it| {
        let location = it["location"].as_str().unwrap_or_else(|| panic!("{it}"));
        location.rsplit('/').next().expect("an id").to_owned()
    });
    ids.collect()
}

#[tokio::test]
async fn a_thousand_members_who_are_added_at_once_have_the_group_in_their_claims() {
    let stack = Stack::with(StackOptions::on(DatabaseEngine::Postgres)).await;
    let first = stack.register("ann").await;
    let last = stack.register("bob").await;
    let others = a_thousand_people(&stack).await;
    assert_eq!(others.len(), 1000);
    // Nothing of the creations waits any more when the change begins.
    stack.quiescent().await;
    let staff = group(&stack, "Staff", &[]).await;
    let members: Vec<&str> = [first.id.as_str()]
        .into_iter()
        .chain(others.iter().map(String::as_str))
        .chain([last.id.as_str()])
        .collect();
    add_all(&stack, &staff, &members).await;
    let (one, other) = (soon(&stack, &first, &["Staff"]), soon(&stack, &last, &["Staff"]));
    tokio::join!(one, other);
    scim(&stack, Method::DELETE, &format!("/{staff}"), Value::Null).await;
    let (one, other) = (soon(&stack, &first, &[]), soon(&stack, &last, &[]));
    tokio::join!(one, other);
}

#[tokio::test]
async fn a_nested_membership_is_in_the_claims_of_the_member() {
    nested_membership(DatabaseEngine::Sqlite).await;
}

#[tokio::test]
async fn a_nested_membership_is_in_the_claims_of_the_member_on_postgres() {
    nested_membership(DatabaseEngine::Postgres).await;
}

async fn nested_membership(engine: DatabaseEngine) {
    let stack = Stack::with(StackOptions::on(engine)).await;
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
