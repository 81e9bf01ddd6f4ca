//! Tests of the device grant (RFC 8628) with curl as the device, and a browser as the person's telephone.

use std::process::Stdio;

use serde_json::{Value, json};
use testkit::{Person, Stack};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::pages::{anonymous, fill_sign_in};
use crate::source::root;

/// Starts `tests/clients/device.sh`, answers at the page with a button, and returns what the device printed, and whether it failed.
async fn device(stack: &Stack, ann: &Person, answer: &str) -> (String, String, bool) {
    let client = stack
        .create_client(&json!({
            "client_name": "Film Box",
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
            "token_endpoint_auth_method": "none",
            "scope": "openid profile",
        }))
        .await;
    let mut child = Command::new(root().join("tests/clients/device.sh"))
        .env("ISSUER", stack.auth_url(""))
        .env("CLIENT_ID", client["client_id"].as_str().unwrap())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("bash and curl are installed");
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let typed = said.next_line().await.unwrap().unwrap();
    assert!(typed.contains("/device and type "), "{typed}");
    let address = said.next_line().await.unwrap().unwrap();

    let mut telephone = anonymous(stack);
    let form = telephone.open(&address).await;
    let question = fill_sign_in(&mut telephone, &form, ann).await;
    assert!(question.text().contains("Film Box"), "{}", question.text());
    let result = telephone.post(&question, "/device", &[("answer", answer)]).await;
    assert!(result.status.is_success(), "{}", result.text());

    let mut errors = String::new();
    while let Some(line) = said.next_line().await.unwrap() {
        errors.push_str(&line);
    }
    let output = child.wait_with_output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (printed, errors, output.status.success())
}

#[tokio::test]
async fn a_device_with_curl_is_signed_in_when_the_person_allows_it() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let (printed, errors, succeeded) = device(&stack, &ann, "allow").await;
    assert!(succeeded, "{errors}");
    let userinfo: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(userinfo["sub"], ann.id.as_str());
    assert_eq!(userinfo["preferred_username"], "ann");
}

#[tokio::test]
async fn a_device_with_curl_is_told_that_the_person_denied_it() {
    let stack = Stack::start().await;
    let ann = stack.register("ann").await;
    let (printed, errors, succeeded) = device(&stack, &ann, "deny").await;
    assert!(!succeeded && printed.is_empty());
    assert!(errors.contains("access_denied"), "{errors}");
}
