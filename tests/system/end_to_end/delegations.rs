//! Tests of delegated administrators: a person signs in to an application that has the scope for it, and administers there those users
//! alone who were delegated to them.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Person, Stack, eventually, pkce_challenge, within};
use url::Url;

use crate::pages::{anonymous, sign_in};

/// A delegation that was ended gives nothing after this time.
const EFFECTIVE_WITHIN: Duration = Duration::from_secs(5);
const CALLBACK: &str = "https://desk.example.org/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-in-all";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USERS: &str = "/scim/v2/Users";

async fn call(stack: &Stack, token: &str, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = stack
        .http()
        .request(method, stack.users_url(path))
        .bearer_auth(token)
        .json(body)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn get(stack: &Stack, token: &str, path: &str) -> (StatusCode, Value) {
    call(stack, token, Method::GET, path, &Value::Null).await
}

/// Registers an application; returns its id.
async fn application(stack: &Stack, name: &str, scope: &str) -> String {
    let client = stack
        .create_client(&json!({
            "client_name": name,
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code"],
            "scope": scope,
        }))
        .await;
    client["client_id"].as_str().unwrap().to_owned()
}

/// Signs a person in to an application, which asks for a scope; returns the response of the token endpoint.
async fn tokens(stack: &Stack, client: &str, person: &Person, scope: &str) -> Value {
    let mut visitor = anonymous(stack);
    sign_in(&mut visitor, person).await;
    let mut place = Url::parse(&stack.auth_url("/oauth2/authorize")).unwrap();
    place
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client)
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("scope", scope)
        .append_pair("state", "s")
        .append_pair("code_challenge", &pkce_challenge(VERIFIER))
        .append_pair("code_challenge_method", "S256");
    let target = visitor.open(place.as_str()).await.redirect().unwrap();
    let code = target.query_pairs().find(|(name, _)| name == "code");
    let (_, code) = code.unwrap_or_else(|| panic!("no code: {target}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("client_id", client),
        ("code_verifier", VERIFIER),
    ];
    let request = stack.http().post(stack.auth_url("/oauth2/token")).form(&form);
    request.send().await.unwrap().json().await.unwrap()
}

/// The names of the users in a list.
fn names(list: &Value) -> Vec<&str> {
    let users = list["Resources"].as_array().unwrap();
    users
        .iter()
        .map(|user| user["userName"].as_str().unwrap())
        .collect()
}

fn retitle() -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "Archer" }] })
}

// SB-35, SB-47, SB-48
#[tokio::test]
async fn a_delegated_administrator_administers_what_was_delegated_in_an_application_that_asks_for_it() {
    let stack = Stack::start().await;
    let operator = stack.operator_token().await;
    let ann = stack.register("ann").await;
    let mut ids = Vec::new();
    for name in ["guest-sam", "guest-oto", "bob"] {
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name });
        let (status, made) = call(&stack, &operator, Method::POST, USERS, &user).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        ids.push(format!("{USERS}/{}", made["id"].as_str().unwrap()));
    }
    let [sam, oto, bob] = &ids[..] else { unreachable!() };
    let delegation =
        json!({ "to_user": ann.id, "users_matching": "userName sw \"guest-\"", "rights": ["write"] });
    let mut made = Value::Null;
    eventually("ann has arrived at users", async || {
        let (status, body) = call(
            &stack,
            &operator,
            Method::POST,
            "/admin/v1/delegations",
            &delegation,
        )
        .await;
        made = body;
        (status == StatusCode::CREATED).then_some(())
    })
    .await;
    let desk = application(&stack, "Help desk", "openid profile directory:delegated").await;
    let shop = application(&stack, "Shop", "openid profile").await;

    // No other application, and no request that does not name the scope, has the power.
    for (client, scope) in [
        (&shop, "openid profile directory:delegated"),
        (&desk, "openid profile"),
        (&desk, ""),
    ] {
        let issued = tokens(&stack, client, &ann, scope).await;
        let granted = issued["scope"].as_str().unwrap_or_default();
        assert!(!granted.contains("delegated"), "{scope}: {granted}");
        let plain = issued["access_token"].as_str().unwrap();
        for path in [USERS, sam, "/scim/v2?count=5", "/admin/v1/users?search=guest"] {
            assert_eq!(
                get(&stack, plain, path).await.0,
                StatusCode::FORBIDDEN,
                "{scope}: {path}"
            );
        }
    }

    let issued = tokens(&stack, &desk, &ann, "openid directory:delegated").await;
    let token = issued["access_token"].as_str().unwrap();
    let (status, list) = get(&stack, token, USERS).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    assert_eq!(
        (names(&list), &list["totalResults"]),
        (vec!["guest-sam", "guest-oto"], &json!(2))
    );
    let (status, changed) = call(&stack, token, Method::PATCH, sam, &retitle()).await;
    assert_eq!(
        (status, &changed["title"]),
        (StatusCode::OK, &json!("Archer")),
        "{changed}"
    );
    assert_eq!(
        call(&stack, token, Method::PATCH, bob, &retitle()).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get(&stack, &operator, bob).await.1.get("title"), None);
    assert_eq!(
        call(&stack, token, Method::DELETE, oto, &Value::Null).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        get(&stack, token, "/admin/v1/delegations").await.0,
        StatusCode::FORBIDDEN
    );

    // Taken away, it is gone, though the token is valid.
    let path = format!("/admin/v1/delegations/{}", made["id"].as_str().unwrap());
    let (status, _) = call(&stack, &operator, Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    within(
        EFFECTIVE_WITHIN,
        "nothing is delegated to ann any more",
        async || (get(&stack, token, USERS).await.0 == StatusCode::FORBIDDEN).then_some(()),
    )
    .await;
    assert_eq!(
        stack.user(token).await.0,
        StatusCode::OK,
        "her own record is hers"
    );
}
