//! Schemathesis makes requests from the description of a service, good and bad ones, and compares each answer with it: no
//! answer may be 5xx or other than described.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use testkit::{Engine, Stack, StackOptions};

use super::Described;
use crate::source::root;

/// The checks that must hold for every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance";
/// Requests of each operation, at most, beside those that its description has.
const EXAMPLES: &str = "15";
const SEED: &str = "20261129";
/// This one ends the token that the others need, so it comes last.
const LAST: &str = "rotateKeys";

/// The caller of an operation.
#[derive(Clone, Copy, Debug)]
enum Caller {
    Stranger,
    Operator,
    /// A person who administers.
    Root,
}

/// The program, which `scripts/setup` installs.
fn program() -> PathBuf {
    let versions = std::fs::read_to_string(root().join("tests/system/requirements.txt")).unwrap();
    let pinned = versions
        .lines()
        .find_map(|line| line.strip_prefix("schemathesis=="));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let folder = format!(
        "vestibule/tools/schemathesis-{}",
        pinned.expect("a pinned version")
    );
    let program = cache.join(folder).join("bin/schemathesis");
    assert!(
        program.exists(),
        "{} is missing: run scripts/setup",
        program.display()
    );
    program
}

/// The options of Schemathesis. A long poll would only cost time.
const CONFIGURATION: &str = "[[operations]]\ninclude-path = \"/events\"\nparameters = { wait = 0 }\n";

fn run(stack: &Stack, service: Described, token: Option<&str>, selection: [&str; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION).unwrap();
    let mut command = Command::new(program());
    command
        .arg("--config-file")
        .arg(&configuration)
        .args(["run", &service.url(stack, contract::paths::OPENAPI), "--no-color"])
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", SEED])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--generation-deterministic",
        ])
        .args([
            "--max-redirects",
            "0",
            "--request-timeout",
            "30",
            "--suppress-health-check",
            "all",
        ])
        .args(["--no-shrink", "--continue-on-failure", "--warnings", "off"])
        .args(selection)
        .current_dir(folder.path())
        .stdin(Stdio::null());
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.output().expect("Schemathesis starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{} with {}a token: {said}{}",
        service.name(),
        if token.is_some() { "" } else { "out " },
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("passed"), "Schemathesis has tested nothing: {said}");
}

async fn answers_as_described(service: Described, engine: Engine, caller: Caller) {
    let options = StackOptions::on(engine)
        .with("VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS", "3600")
        // Nothing leaves this machine: webhooks to hosts that Schemathesis makes up are not delivered.
        // Nobody outside gets a delivery: the port is one that no URL has by itself.
        .with("VESTIBULE_AUTH__WEBHOOKS__PORTS", "9")
        .with("VESTIBULE_USERS__WEBHOOKS__PORTS", "9")
        .with("VESTIBULE_USERS__PROVISIONING__PORTS", "9");
    let stack = Stack::with(options).await;
    let token = match caller {
        Caller::Stranger => None,
        Caller::Operator => Some(stack.operator_token().await),
        Caller::Root => {
            let root = stack.register_admin("root").await;
            let scope = "openid profile email groups admin";
            let (_, tokens) = stack.try_authenticate(&root, Some(scope)).await;
            Some(tokens["access_token"].as_str().unwrap().to_owned())
        }
    };
    run(
        &stack,
        service,
        token.as_deref(),
        ["--exclude-operation-id", LAST],
    );
    if service == Described::Auth {
        run(
            &stack,
            service,
            token.as_deref(),
            ["--include-operation-id", LAST],
        );
    }
}

#[tokio::test]
async fn users_answers_strangers_as_described() {
    answers_as_described(Described::Users, Engine::Sqlite, Caller::Stranger).await;
}

#[tokio::test]
async fn users_answers_the_operator_as_described() {
    answers_as_described(Described::Users, Engine::Sqlite, Caller::Operator).await;
}

#[tokio::test]
async fn users_answers_a_person_as_described() {
    answers_as_described(Described::Users, Engine::Sqlite, Caller::Root).await;
}

#[tokio::test]
async fn users_answers_as_described_on_postgres() {
    answers_as_described(Described::Users, Engine::Postgres, Caller::Operator).await;
}

#[tokio::test]
async fn auth_answers_strangers_as_described() {
    answers_as_described(Described::Auth, Engine::Sqlite, Caller::Stranger).await;
}

#[tokio::test]
async fn auth_answers_the_operator_as_described() {
    answers_as_described(Described::Auth, Engine::Sqlite, Caller::Operator).await;
}

#[tokio::test]
async fn auth_answers_a_person_as_described() {
    answers_as_described(Described::Auth, Engine::Sqlite, Caller::Root).await;
}

#[tokio::test]
async fn auth_answers_as_described_on_postgres() {
    answers_as_described(Described::Auth, Engine::Postgres, Caller::Operator).await;
}
