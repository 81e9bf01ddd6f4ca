//! Tests of webhooks with the receivers of the guide, which are written in other languages.

use std::os::unix::fs::symlink;
use std::path::Path;

use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Process, Program, Stack, StackOptions, eventually, free_port};

use crate::source::root;

/// A receiver of the guide, with the secret that it verifies by.
struct Receiver {
    process: Process,
    url: String,
}

/// The block of the guide in `language`.
fn snippet(language: &str) -> String {
    let guide = std::fs::read_to_string(root().join("docs/guides/webhooks.md")).unwrap();
    let begin = format!("\n```{language}\n");
    let (_, rest) = guide.split_once(&begin).expect("the guide has such a block");
    rest.split_once("\n```\n").unwrap().0.to_owned()
}

impl Receiver {
    /// Starts the receiver of the guide in `language`.
    async fn start(stack: &Stack, language: &str, secret: &str) -> Self {
        let (file, program) = match language {
            "js" => ("receiver.mjs", "node"),
            _ => ("receiver.py", "python3"),
        };
        let port = free_port();
        let folder = stack.folder().join(format!("receiver-{port}"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(file), snippet(language)).unwrap();
        link_packages(&folder);
        let process = Process::start(Program {
            name: "receiver",
            path: program.into(),
            arguments: vec![file.into()],
            environment: vec![
                ("WEBHOOK_SECRET".to_owned(), secret.to_owned()),
                ("PORT".to_owned(), port.to_string()),
            ],
            log: folder.join("log"),
            folder,
        });
        let receiver = Self {
            process,
            url: format!("http://127.0.0.1:{port}/hook"),
        };
        receiver.wait_for_line("listening").await;
        receiver
    }

    /// Waits until it has printed `line`.
    async fn wait_for_line(&self, line: &str) {
        eventually(&format!("the receiver says {line:?}"), async || {
            self.process.log().lines().any(|said| said == line).then_some(())
        })
        .await;
    }
}

/// The packages of `tests/clients`, where a program in `folder` finds them.
fn link_packages(folder: &Path) {
    let installed = root().join("tests/clients/node_modules");
    assert!(
        installed.join("standardwebhooks").exists(),
        "tests/clients is not installed: run scripts/setup"
    );
    symlink(installed, folder.join("node_modules")).unwrap();
}

async fn call(stack: &Stack, method: &str, url: String, body: Value) -> (StatusCode, Value) {
    let request = stack.http().request(method.parse().unwrap(), url);
    let request = request.bearer_auth(stack.operator_token().await);
    let answer = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let answer = answer.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// A secret for webhooks, as anybody can make one.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn options() -> StackOptions {
    StackOptions::default()
        .with("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32")
}

async fn subscribe(stack: &Stack, at: &str, url: &str, types: &[&str]) -> String {
    let wish = json!({ "url": url, "types": types, "secret": SECRET });
    let (status, made) = call(stack, "POST", at.to_owned(), wish).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_receivers_of_the_guide_hear_of_a_person_who_registers() {
    let stack = Stack::with(options()).await;
    let users = stack.users_url("/admin/v1/webhooks");
    let auth = stack.auth_url("/admin/v1/webhooks");
    let node = Receiver::start(&stack, "js", SECRET).await;
    let python = Receiver::start(&stack, "python", SECRET).await;
    for receiver in [&node, &python] {
        subscribe(&stack, &users, &receiver.url, &["vestibule.user.*"]).await;
        subscribe(&stack, &auth, &receiver.url, &["vestibule.session.started.v1"]).await;
    }
    let ann = stack.register("ann").await;
    stack.authenticate(&ann).await;
    for receiver in [&node, &python] {
        receiver
            .wait_for_line(&format!("vestibule.user.created.v1 {}", ann.id))
            .await;
    }

    // The secret is changed under them: they know the old one only, and go on.
    let (_, listed) = call(&stack, "GET", users.clone(), Value::Null).await;
    for webhook in listed["webhooks"].as_array().unwrap() {
        let id = webhook["id"].as_str().unwrap();
        let (status, _) = call(&stack, "POST", format!("{users}/{id}/rotate-secret"), Value::Null).await;
        assert_eq!(status, StatusCode::OK);
    }
    let bob = stack.register("bob").await;
    for receiver in [&node, &python] {
        receiver
            .wait_for_line(&format!("vestibule.user.created.v1 {}", bob.id))
            .await;
        let heard = receiver.process.log();
        assert_eq!(heard.matches("user.created").count(), 2, "once each: {heard}");
    }
}

#[tokio::test]
async fn a_receiver_with_another_secret_believes_nothing() {
    let stack = Stack::with(options()).await;
    let users = stack.users_url("/admin/v1/webhooks");
    let other = SECRET.replace("AAEC", "BBEC");
    for language in ["js", "python"] {
        let receiver = Receiver::start(&stack, language, &other).await;
        let id = subscribe(&stack, &users, &receiver.url, &["*"]).await;
        let (status, sent) = call(&stack, "POST", format!("{users}/{id}/test"), Value::Null).await;
        assert_eq!(status, StatusCode::ACCEPTED);
        let url = format!("{users}/{id}/deliveries/{}", sent["event_id"].as_str().unwrap());
        let delivery = eventually("the test was tried", async || {
            let (_, delivery) = call(&stack, "GET", url.clone(), Value::Null).await;
            (delivery["attempts"] == 1).then_some(delivery)
        })
        .await;
        assert_eq!(
            (&delivery["state"], &delivery["last_status"]),
            (&json!("dead"), &json!(400)),
            "{language}"
        );
    }
}

// SB-32
#[tokio::test]
async fn a_service_calls_nothing_inside_unless_it_is_allowed() {
    let stack = Stack::start().await;
    for base in [stack.users_url(""), stack.auth_url("")] {
        let inside = [
            base.clone(),
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "https://localhost/".to_owned(),
            "https://10.0.0.1/".to_owned(),
            "https://[::ffff:127.0.0.1]/".to_owned(),
        ];
        for url in inside {
            let wish = json!({ "url": url, "types": ["*"] });
            let (status, problem) = call(&stack, "POST", format!("{base}/admin/v1/webhooks"), wish).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {problem}");
            assert_eq!(problem["errors"][0]["field"], "url");
        }
    }
}

/// A data directory from before there were webhooks has no key for `users`.
#[tokio::test]
async fn a_user_service_without_a_key_works_and_says_what_webhooks_need() {
    let mut stack = Stack::start().await;
    let file = stack.folder().join("users.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("[encryption]").unwrap();
    let (_, after) = rest.split_once("[auth]").unwrap();
    std::fs::write(&file, format!("{before}[auth]{after}")).unwrap();
    stack.users.terminate().await;
    stack.users.start_again();
    stack.users_ready().await;
    stack.register("ann").await;
    let wish = json!({ "url": "https://8.8.8.8/", "types": ["*"] });
    let (status, problem) = call(&stack, "POST", stack.users_url("/admin/v1/webhooks"), wish).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        problem["detail"].as_str().unwrap().contains("[encryption]"),
        "{problem}"
    );
}
