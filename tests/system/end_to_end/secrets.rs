//! Tests that secrets do not appear in logs, responses, metrics or files.

use std::path::Path;

use serde_json::json;
use testkit::{Person, Stack, StackOptions};

use crate::pages::{anonymous, sign_in, sign_up, sign_up_and_wait};

/// The content of all files in `folder` except configurations, by path.
fn readable_outputs(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.to_string_lossy().contains(".toml") {
            let bytes = std::fs::read(&path).unwrap();
            texts.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
    }
    texts
}

/// The parts of a token that are secret: all of an opaque one, the signature of a JWT.
fn secret_part(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
}

#[tokio::test]
async fn no_log_metric_error_or_database_file_shows_a_secret() {
    let options = StackOptions::default()
        .with("VESTIBULE_AUTH__LOG__LEVEL", "debug")
        .with("VESTIBULE_USERS__LOG__LEVEL", "debug")
        // A network for documentation: nobody is there.
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "192.0.2.0/24");
    let stack = Stack::with(options).await;
    let mut planted = vec![stack.operator_secret().to_owned()];

    let ann = Person {
        password: "canary-of-the-right-password".to_owned(),
        ..Person::named("ann")
    };
    let mut visitor = anonymous(&stack);
    sign_up_and_wait(&mut visitor, &ann).await;
    let mistaken = Person {
        password: "canary-of-the-wrong-password".to_owned(),
        ..ann.clone()
    };
    sign_in(&mut anonymous(&stack), &mistaken).await;
    stack.try_authenticate(&mistaken, None).await;
    let weak = Person {
        password: "canary-short".to_owned(),
        ..Person::named("bob")
    };
    sign_up(&mut anonymous(&stack), &weak).await;
    planted.extend([ann.password.clone(), mistaken.password, weak.password]);

    let tokens = stack.authenticate(&ann).await;
    stack.user(&tokens.access).await;
    let operator = stack.operator_token().await;
    planted.extend(
        [&tokens.access, tokens.refresh.as_ref().unwrap(), &operator]
            .map(|token| secret_part(token).to_owned()),
    );
    let session = visitor.cookies().iter().filter(|(_, value)| value.len() > 20);
    planted.extend(session.map(|(_, value)| value.clone()));
    let client = stack
        .create_client(
            &json!({ "client_name": "An application", "redirect_uris": ["https://app.example/cb"] }),
        )
        .await;
    planted.extend(client["client_secret"].as_str().map(str::to_owned));
    planted.push(webhook_secret(&stack).await);
    planted.extend(provisioned_passwords(&stack).await);
    planted.extend(failing_requests(&stack).await);

    let mut texts = readable_outputs(stack.folder());
    for url in [
        stack.auth_management_url("/metrics"),
        stack.users_management_url("/metrics"),
    ] {
        texts.push((
            url.clone(),
            stack.http().get(&url).send().await.unwrap().text().await.unwrap(),
        ));
    }
    assert!(
        texts
            .iter()
            .any(|(name, text)| name.ends_with("auth.log") && text.contains("@timestamp"))
    );
    assert!(texts.iter().any(|(name, _)| name.ends_with("auth.db")));
    assert!(planted.len() > 9);
    for secret in &planted {
        for (name, text) in &texts {
            assert!(!text.contains(secret.as_str()), "{name} shows {secret}");
        }
    }
    for (name, text) in texts.iter().filter(|(name, _)| !name.contains("auth.db")) {
        assert!(!text.contains(IMPORTED_HASH), "{name} shows the imported hash");
    }
}

/// Passwords that came over SCIM: one that is taken, one that `auth` refuses, and one in a body that is refused.
async fn provisioned_passwords(stack: &Stack) -> Vec<String> {
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let passwords = [
        "canary-quilt-anvil-ferry",
        "canary-weak",
        "canary-lilac-march-dusk",
    ];
    for (name, password) in ["cas", "dan", "e v e"].into_iter().zip(passwords) {
        let body = json!({ "schemas": [core], "userName": name, "password": password });
        let request = stack.http().post(stack.users_url("/scim/v2/Users")).json(&body);
        let answer = request
            .bearer_auth(stack.operator_token().await)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().is_success(), name == "cas", "{name}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains(password), "{text}");
    }
    let mut planted: Vec<String> = passwords.map(str::to_owned).into();
    planted.extend(changed_passwords(stack).await);
    planted
}

/// A hash of bcrypt, which the database of `auth` keeps until the next sign-in, and nothing else shows.
const IMPORTED_HASH: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";

/// Changes the password of cas over each way that SCIM has, and imports a hash. The passwords.
async fn changed_passwords(stack: &Stack) -> Vec<String> {
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let messages = "urn:ietf:params:scim:api:messages:2.0";
    let operator = stack.operator_token().await;
    let call = async |method: http::Method, url: String, body: serde_json::Value| {
        let request = stack.http().request(method, url).json(&body);
        let answer = request.bearer_auth(&operator).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        assert!(!text.contains("canary-"), "{text}");
        text
    };
    let list = stack.users_url("/scim/v2/Users?filter=userName%20eq%20%22cas%22");
    let found: serde_json::Value = stack
        .http()
        .get(list)
        .bearer_auth(&operator)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = found["Resources"][0]["id"].as_str().unwrap();
    let one = stack.users_url(&format!("/scim/v2/Users/{id}"));
    let [put, patched, bulk] = [
        "canary-copper-river-moss",
        "canary-velvet-oak-tin",
        "canary-amber-slate-fern",
    ];
    let user = json!({ "schemas": [core], "userName": "cas", "password": put });
    call(http::Method::PUT, one.clone(), user).await;
    let operations = json!([{ "op": "replace", "path": "password", "value": patched }]);
    let patch = json!({ "schemas": [format!("{messages}:PatchOp")], "Operations": operations });
    call(http::Method::PATCH, one, patch).await;
    let dee = json!({ "schemas": [core], "userName": "dee", "password": bulk });
    let operations = json!([{ "method": "POST", "path": "/Users", "bulkId": "dee", "data": dee }]);
    let request = json!({ "schemas": [format!("{messages}:BulkRequest")], "Operations": operations });
    let answer = call(http::Method::POST, stack.users_url("/scim/v2/Bulk"), request).await;
    assert!(answer.contains("\"201\""), "{answer}");
    let credentials = stack.auth_url(&format!("/admin/v1/users/{id}/credentials"));
    let imported = json!({ "password_hash": IMPORTED_HASH });
    call(http::Method::PUT, credentials, imported).await;
    [put, patched, bulk].map(str::to_owned).into()
}

/// The secret of a webhook, which is to be sent a test.
async fn webhook_secret(stack: &Stack) -> String {
    let call = async |path: &str, body: &serde_json::Value| {
        let request = stack.http().post(stack.users_url(path)).json(body);
        let answer = request
            .bearer_auth(stack.operator_token().await)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json::<serde_json::Value>().await.unwrap()
    };
    let wish = json!({ "url": "https://192.0.2.1/hook", "types": ["*"] });
    let made = call("/admin/v1/webhooks", &wish).await;
    let id = made["id"].as_str().unwrap();
    call(&format!("/admin/v1/webhooks/{id}/test"), &json!({})).await;
    made["secret"]
        .as_str()
        .unwrap()
        .trim_start_matches("whsec_")
        .to_owned()
}

/// Requests that fail with a secret inside; gives the secrets back.
async fn failing_requests(stack: &Stack) -> Vec<String> {
    let secrets: Vec<String> = ["body", "field", "query", "header", "code"]
        .map(|place| format!("canary-in-a-{place}"))
        .into();
    let http = stack.http();
    let broken = format!(r#"{{"username":"ann","password":"{}"#, secrets[0]);
    let unknown = json!({ "username": "ann", "password": 7, "otp": secrets[1] });
    let requests = [
        http.post(stack.auth_url("/authenticate"))
            .header("content-type", "application/json")
            .body(broken),
        http.post(stack.auth_url("/authenticate")).json(&unknown),
        http.get(stack.users_url(&format!("/user?access_token={}", secrets[2]))),
        http.get(stack.users_url("/user")).bearer_auth(&secrets[3]),
        http.post(stack.auth_url("/oauth2/token"))
            .basic_auth("vestibule-cli", Some(&secrets[3]))
            .form(&[("grant_type", "authorization_code"), ("code", &secrets[4])]),
    ];
    for request in requests {
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.text().await.unwrap();
        assert!(status.is_client_error(), "{status}: {body}");
        assert!(secrets.iter().all(|secret| !body.contains(secret)), "{body}");
    }
    secrets
}

// SB-36: signing keys are encrypted at rest.
#[tokio::test]
async fn the_database_holds_no_key_or_password_in_clear() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    stack.authenticate(&ann).await;
    for (name, text) in readable_outputs(stack.folder()) {
        for sign in ["PRIVATE KEY", "\"d\":\"", "plum-tractor"] {
            assert!(!text.contains(sign), "{name} holds {sign}");
        }
    }
}
