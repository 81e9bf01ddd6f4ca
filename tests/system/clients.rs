//! Tests with OpenID Connect client libraries of other authors.

mod authlib;
mod chapters;
mod go_oidc;
mod nimbus;
mod oauth4webapi;
mod oidc_client_ts;
mod openidconnect;
mod versions;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::{Stack, StackOptions};

use crate::source::root;

const CALLBACK: &str = "https://app.example.org/callback";
const SIGNED_OUT: &str = "https://app.example.org/signed-out";

/// The command that runs a script of `tests/clients` with Node.js.
fn node_script(script: &str) -> Command {
    let folder = root().join("tests/clients");
    assert!(
        folder.join("node_modules").exists(),
        "tests/clients is not installed: run scripts/setup"
    );
    let mut command = Command::new("node");
    command.args(node_arguments()).arg(script).current_dir(&folder);
    command
}

/// Runs a script of `tests/clients` with Node.js and reads the JSON that it prints.
pub(crate) fn run_node_script(script: &str, environment: &BTreeMap<&str, String>) -> Value {
    let output = node_script(script)
        .envs(environment)
        .stdin(Stdio::null())
        .output()
        .expect("Node.js is installed: run scripts/setup");
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Web Crypto is behind a flag before Node.js 20.
fn node_arguments() -> Vec<OsString> {
    if node_major() < 20 {
        vec!["--experimental-global-webcrypto".into()]
    } else {
        Vec::new()
    }
}

fn node_major() -> u32 {
    let output = Command::new("node")
        .arg("--version")
        .output()
        .expect("Node.js is installed: run scripts/setup");
    let version = String::from_utf8(output.stdout).unwrap();
    version
        .trim_start_matches('v')
        .split('.')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

/// An application as openid-client sees it.
struct Application {
    auth_method: &'static str,
    algorithm: &'static str,
}

async fn story(application: Application) {
    let stack = Stack::with(StackOptions::default()).await;
    let ann = stack.register("ann").await;
    let client = stack
        .create_client(&json!({
            "client_name": "An application",
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [SIGNED_OUT],
            "token_endpoint_auth_method": application.auth_method,
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email offline_access",
            "id_token_signed_response_alg": application.algorithm,
        }))
        .await;
    let mut environment = BTreeMap::from([
        ("ISSUER", stack.auth_url("")),
        ("CLIENT_ID", client["client_id"].as_str().unwrap().to_owned()),
        ("AUTH_METHOD", application.auth_method.to_owned()),
        ("ID_TOKEN_ALG", application.algorithm.to_owned()),
        ("REDIRECT_URI", CALLBACK.to_owned()),
        ("POST_LOGOUT_URI", SIGNED_OUT.to_owned()),
        ("USER_NAME", ann.user_name.clone()),
        ("PASSWORD", ann.password.clone()),
    ]);
    if let Some(secret) = client["client_secret"].as_str() {
        environment.insert("CLIENT_SECRET", secret.to_owned());
    }
    let seen = run_node_script("openid-client.mjs", &environment);

    assert_eq!(seen["algorithm"], application.algorithm, "{seen}");
    assert_eq!(seen["claims"]["sub"], ann.id.as_str());
    assert_eq!(seen["userinfo"]["sub"], ann.id.as_str());
    assert_eq!(seen["userinfo"]["preferred_username"], "ann");
    assert_eq!(seen["userinfo"]["email"], "ann@example.com");
    // The authorization response names its issuer.
    assert_eq!(seen["iss_parameter"], stack.auth_url(""));
    assert_eq!(seen["asked_for_password"], true);
    assert_eq!(
        seen["asked_again_with_session"], false,
        "the session spares a second password"
    );
    // Refresh tokens rotate.
    assert_eq!(seen["rotated"], true);
    assert_eq!(seen["after_revocation"], "invalid_grant");
    // A valid hint signs out without a question.
    assert!(
        seen["signed_out_to"].as_str().unwrap().starts_with(SIGNED_OUT),
        "{seen}"
    );
    assert_eq!(seen["sign_out_state_kept"], true);
    assert_eq!(seen["asked_after_sign_out"], true, "the session is over");
}

#[tokio::test]
async fn openid_client_signs_in_refreshes_and_signs_out_with_a_secret() {
    // SB-24, SB-25, SB-30
    story(Application {
        auth_method: "client_secret_basic",
        algorithm: "RS256",
    })
    .await;
}

#[tokio::test]
async fn openid_client_signs_in_refreshes_and_signs_out_as_a_public_client() {
    // SB-24, SB-25, SB-30
    story(Application {
        auth_method: "none",
        algorithm: "ES256",
    })
    .await;
}

#[tokio::test]
async fn openid_client_pushes_its_request_and_gets_a_signed_response_and_bound_tokens() {
    let stack = Stack::with(StackOptions::default()).await;
    let ann = stack.register("ann").await;
    let client = stack
        .create_client(&json!({
            "client_name": "A careful application",
            "redirect_uris": [CALLBACK],
            "scope": "openid profile email offline_access",
            "authorization_signed_response_alg": "ES256",
            "dpop_bound_access_tokens": true,
            "require_pushed_authorization_requests": true,
        }))
        .await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let environment = BTreeMap::from([
        ("ISSUER", stack.auth_url("")),
        ("USERS_URL", stack.users_url("")),
        ("CLIENT_ID", text("client_id")),
        ("CLIENT_SECRET", text("client_secret")),
        ("RESPONSE_ALG", "ES256".to_owned()),
        ("REDIRECT_URI", CALLBACK.to_owned()),
        ("USER_NAME", ann.user_name.clone()),
        ("PASSWORD", ann.password.clone()),
    ]);
    let seen = run_node_script("pushed-and-bound.mjs", &environment);

    assert_eq!(seen["pushed"], json!(["client_id", "request_uri"]), "{seen}");
    assert_eq!(seen["response"], json!(["response"]));
    assert_eq!(seen["response_alg"], "ES256");
    assert_eq!(seen["token_type"], "dpop");
    assert!(seen["thumbprint"].is_string(), "{seen}");
    assert_eq!(seen["bound_to"], seen["thumbprint"]);
    assert_eq!(seen["refreshed_bound_to"], seen["thumbprint"]);
    assert_eq!(seen["claims"]["sub"], ann.id.as_str());
    assert_eq!(seen["userinfo"]["sub"], ann.id.as_str());
    assert_eq!(seen["user"]["user_name"], "ann");
    assert_eq!(seen["stolen"], 401, "the token alone is worth nothing");
    assert_eq!(seen["introspected"]["active"], true);
    assert_eq!(seen["introspected"]["cnf"]["jkt"], seen["thumbprint"]);
}

#[tokio::test]
async fn openid_client_decrypts_id_tokens_and_userinfo() {
    // RFC 7516, OpenID Connect Core §10.2
    let stack = Stack::with(StackOptions::default()).await;
    let ann = stack.register("ann").await;
    let environment = BTreeMap::from([
        ("ISSUER", stack.auth_url("")),
        ("ADMIN_TOKEN", stack.operator_token().await),
        ("REDIRECT_URI", CALLBACK.to_owned()),
        ("USER_NAME", ann.user_name.clone()),
        ("PASSWORD", ann.password.clone()),
    ]);
    let seen = run_node_script("encrypted.mjs", &environment);
    let algorithms: Vec<_> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["alg"].as_str().unwrap(), one["enc"].as_str().unwrap()))
        .collect();
    let expected = [
        ("RSA-OAEP-256", "A256GCM"),
        ("ECDH-ES", "A128GCM"),
        ("ECDH-ES+A256KW", "A256GCM"),
        ("ECDH-ES+A256KW", "A128GCM"),
    ];
    assert_eq!(algorithms, expected);
    for one in seen.as_array().unwrap() {
        assert_eq!((&one["parts"], &one["cty"]), (&json!(5), &json!("JWT")), "{one}");
        assert_eq!(one["claims"]["sub"], ann.id.as_str());
        assert_eq!(one["userinfo"]["sub"], ann.id.as_str());
    }
}
