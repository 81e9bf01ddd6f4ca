//! Tests of claims: attributes that a directory client writes over SCIM are told at userinfo within 5 seconds.

use std::collections::BTreeSet;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, within};

/// A change of an attribute is in the answer of userinfo within this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const PROFILE: &str = "urn:vestibule:params:scim:schemas:extension:profile:1.0:User";
const CONFIGURED: &str = "urn:vestibule:params:scim:schemas:extension:configured:1.0:User";
const HR: &str = "urn:example:params:scim:schemas:extension:hr:1.0:User";

/// The claims of OpenID Connect Core §5.1, table 1.
const STANDARD: [&str; 20] = [
    "sub",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

/// Two attributes of the configuration, one in the extension for single ones and one in an extension of its own.
fn options(engine: Engine) -> StackOptions {
    StackOptions {
        users_toml: format!(
            r#"[[scim.attributes]]
name = "badgeNumber"
[[scim.extensions]]
schema = "{HR}"
name = "HR"
[[scim.extensions.attributes]]
name = "grade"
type = "integer"
"#
        ),
        auth_toml: format!(
            r#"[scopes.profile]
claims = {{ badge_number = "badgeNumber", grade = "{HR}:grade" }}
"#
        ),
        ..StackOptions::on(engine)
    }
}

async fn patch(stack: &Stack, person: &Person, value: Value) {
    let body = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "value": value }] });
    let answer = stack
        .http()
        .patch(stack.users_url(&format!("/scim/v2/Users/{}", person.id)))
        .bearer_auth(stack.operator_token().await)
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{status} {text}");
}

async fn userinfo(stack: &Stack, token: &str) -> Value {
    let answer = stack
        .http()
        .get(stack.auth_url("/oauth2/userinfo"))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn attributes_of_scim_are_claims_at_userinfo() {
    attributes_are_claims(Engine::Sqlite).await;
}

#[tokio::test]
async fn attributes_of_scim_are_claims_at_userinfo_on_postgres() {
    attributes_are_claims(Engine::Postgres).await;
}

async fn attributes_are_claims(engine: Engine) {
    let stack = Stack::with(options(engine)).await;
    let ann = stack.register("ann").await;
    let scope = "openid profile email address phone";
    let (status, tokens) = stack.try_authenticate(&ann, Some(scope)).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let token = tokens["access_token"].as_str().unwrap();
    patch(
        &stack,
        &ann,
        json!({
            "name": { "formatted": "Dr. Ann Q. Archer", "givenName": "Ann", "middleName": "Q.", "familyName": "Archer" },
            "nickName": "Annie",
            "profileUrl": "https://people.example/ann",
            "photos": [{ "value": "https://people.example/ann.jpg" }],
            "timezone": "Europe/Zurich",
            "locale": "de-CH",
            "phoneNumbers": [{ "value": "+41 44 000 00 00", "primary": true }],
            "addresses": [{ "streetAddress": "Seestr. 1", "postalCode": "8000", "locality": "Zurich" }],
            PROFILE: { "website": "https://ann.example/", "gender": "female", "birthdate": "1984-02-29" },
            CONFIGURED: { "badgeNumber": "B-1" },
            HR: { "grade": 7 },
        }),
    )
    .await;
    let seen = within(EFFECTIVE_WITHIN, "the claims are at userinfo", async || {
        let seen = userinfo(&stack, token).await;
        (seen["badge_number"] == "B-1").then_some(seen)
    })
    .await;
    let names: BTreeSet<&str> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    let configured = ["badge_number", "grade"];
    assert_eq!(names, STANDARD.into_iter().chain(configured).collect(), "{seen}");
    for (name, value) in [
        ("sub", json!(ann.id)),
        ("name", json!("Dr. Ann Q. Archer")),
        ("middle_name", json!("Q.")),
        ("nickname", json!("Annie")),
        ("picture", json!("https://people.example/ann.jpg")),
        ("birthdate", json!("1984-02-29")),
        ("zoneinfo", json!("Europe/Zurich")),
        ("locale", json!("de-CH")),
        ("phone_number", json!("+41 44 000 00 00")),
        ("phone_number_verified", json!(false)),
        (
            "address",
            json!({ "street_address": "Seestr. 1", "postal_code": "8000", "locality": "Zurich" }),
        ),
        ("grade", json!(7)),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    patch(&stack, &ann, json!({ CONFIGURED: { "badgeNumber": "B-2" } })).await;
    within(EFFECTIVE_WITHIN, "the new value is at userinfo", async || {
        (userinfo(&stack, token).await["badge_number"] == "B-2").then_some(())
    })
    .await;
}
