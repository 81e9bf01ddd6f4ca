//! Tests of replicas that start at the same time on an empty database.

use serde_json::Value;
use testkit::{Process, Service, Stack};

use super::start_two_replicas;
use crate::pages::anonymous;

/// The set-up links that a process has shown.
fn links(process: &Process) -> Vec<String> {
    let log = process.log();
    log.split("/setup?token=")
        .skip(1)
        .map(|after| {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            format!("/setup?token={}", &after[..end.unwrap_or(after.len())])
        })
        .collect()
}

async fn get(stack: &Stack, replica: usize, path: &str) -> Value {
    let url = stack.replica_url(Service::Auth, replica, path);
    stack.http().get(url).send().await.unwrap().json().await.unwrap()
}

// SB-11: one set-up link is good.
#[tokio::test]
async fn replicas_that_start_at_once_agree_on_everything() {
    let mut stack = start_two_replicas().await;
    let keys = get(&stack, 0, "/oauth2/jwks").await;
    assert_eq!(keys, get(&stack, 1, "/oauth2/jwks").await);
    assert_eq!(
        keys["keys"].as_array().unwrap().len(),
        2,
        "one key of each kind: {keys}"
    );

    let mut shown = links(stack.replica(Service::Auth, 0));
    shown.extend(links(stack.replica(Service::Auth, 1)));
    let mut good = 0;
    for link in &shown {
        good += usize::from(anonymous(&stack).open(link).await.has_form("/setup"));
    }
    assert_eq!(good, 1, "of {} links", shown.len());

    // The clients of the configuration are there, each once: the service and the operator get tokens.
    stack.operator_token().await;
    stack.register("ann").await;
}
