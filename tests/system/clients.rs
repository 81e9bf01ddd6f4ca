//! Tests with OpenID Connect client libraries of other authors.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::{Process, Program, Stack, StackOptions, Visitor, eventually, free_port};

use crate::pages::{anonymous, fill_sign_in, is_signed_in};
use crate::source::root;

const CALLBACK: &str = "http://localhost:3999/callback";
const SIGNED_OUT: &str = "http://localhost:3999/signed-out";

/// Runs a script of `tests/clients` with Node.js and reads the JSON that it prints.
pub(crate) fn run_node_script(script: &str, environment: &BTreeMap<&str, String>) -> Value {
    let folder = root().join("tests/clients");
    assert!(
        folder.join("node_modules").exists(),
        "tests/clients is not installed: run scripts/setup"
    );
    let output = Command::new("node")
        .args(node_arguments())
        .arg(script)
        .current_dir(&folder)
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

#[tokio::test]
async fn the_example_application_signs_in_refreshes_and_signs_out() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let port = free_port();
    let here = format!("http://localhost:{port}");
    let client = stack
        .create_client(&json!({
            "client_name": "Web example",
            "redirect_uris": [format!("{here}/callback")],
            "post_logout_redirect_uris": [format!("{here}/")],
        }))
        .await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let example = start_example(&stack, port, &text("client_id"), &text("client_secret"));
    let mut application = Visitor::at(&here);
    eventually("the example listens", async || {
        example.log().contains("The application is at").then_some(())
    })
    .await;

    // The application and Vestibule are two sites; the person's browser goes back and forth between them.
    let mut vestibule = anonymous(&stack);
    let away = application.open("/login").await.redirect().unwrap();
    let form = vestibule.open(away.as_str()).await;
    let back = fill_sign_in(&mut vestibule, &form, &ann)
        .await
        .redirect()
        .unwrap();
    let home = application.open(back.as_str()).await;
    assert!(home.text().contains("Hello, ann"), "{}", home.text());

    let home = application.submit(&home, "/refresh", &[]).await;
    assert!(home.text().contains("Hello, ann"), "{}", home.text());

    let away = application
        .submit(&home, "/logout", &[])
        .await
        .redirect()
        .unwrap();
    let back = vestibule.open(away.as_str()).await.redirect().unwrap();
    assert_eq!(back.as_str(), format!("{here}/"));
    assert!(application.open("/").await.text().contains("Nobody is signed in"));
    assert!(!is_signed_in(&mut vestibule).await);
}

fn start_example(stack: &Stack, port: u16, id: &str, secret: &str) -> Process {
    let folder = root().join("examples/web-node");
    assert!(
        folder.join("node_modules").exists(),
        "the example is not installed: run scripts/setup"
    );
    let variables = [
        ("CLIENT_ID", id.to_owned()),
        ("CLIENT_SECRET", secret.to_owned()),
        ("ISSUER", stack.auth_url("")),
        ("USERS_URL", stack.users_url("")),
        ("PORT", port.to_string()),
    ];
    let mut arguments = node_arguments();
    arguments.push("app.mjs".into());
    Process::start(Program {
        name: "web-node",
        path: "node".into(),
        arguments,
        environment: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        folder,
        log: stack.folder().join("web-node.log"),
    })
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
