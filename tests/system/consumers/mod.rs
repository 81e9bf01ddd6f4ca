//! Tests of the example consumers of `docs/guides/events.md` on real brokers: whatever happens to them, their tables
//! equal the directory in the end.

mod world;

use std::path::Path;

use serde_json::{Value, json};
use sqlx::Connection;
use testkit::{Process, Program, Stack, Transport};

use crate::source::root;
use world::{Table, start_world};

fn start_example(
    stack: &Stack,
    name: &'static str,
    path: &Path,
    script: &Path,
    environment: &[(&str, String)],
) -> Process {
    assert!(path.exists(), "{} is missing: run scripts/setup", path.display());
    Process::start(Program {
        name,
        path: path.to_owned(),
        arguments: vec![script.into()],
        environment: environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        folder: stack.folder().to_owned(),
        log: stack.folder().join(format!("{name}.log")),
    })
}

/// The environment variables of both examples.
async fn example_environment(stack: &Stack) -> Vec<(&'static str, String)> {
    let client = stack
        .create_client(&json!({
            "client_name": "User table", "grant_types": ["client_credentials"], "scope": "events:read",
        }))
        .await;
    let text = |name: &str| client[name].as_str().unwrap().to_owned();
    let configuration = std::fs::read_to_string(stack.folder().join("users.toml")).unwrap();
    let (_, after) = configuration.split_once("namespace = \"").unwrap();
    let (namespace, _) = after.split_once('"').unwrap();
    vec![
        ("CLIENT_ID", text("client_id")),
        ("CLIENT_SECRET", text("client_secret")),
        ("ISSUER", stack.auth_url("")),
        ("USERS_URL", stack.users_url("")),
        ("NAMESPACE", namespace.to_owned()),
        ("PATH", std::env::var("PATH").unwrap()),
    ]
}

/// `users.db` of the Python example.
fn sqlite_table(folder: &Path) -> Option<Table> {
    let url = format!("sqlite:{}?mode=ro", folder.join("user-table.db").display());
    let rows: Vec<(String, String, Option<String>, bool)> = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut db = sqlx::SqliteConnection::connect(&url).await.ok()?;
                    let all = "SELECT id, user_name, email, active FROM users WHERE user_name IS NOT NULL";
                    sqlx::query_as(all).fetch_all(&mut db).await.ok()
                })
            })
            .join()
            .unwrap()
    })?;
    Some(
        rows.into_iter()
            .map(|(id, name, email, active)| (id, (name, email, active)))
            .collect(),
    )
}

/// `users.json` of the Node.js example.
fn json_table(folder: &Path) -> Option<Table> {
    let text = std::fs::read_to_string(folder.join("users.json")).ok()?;
    let table: Value = serde_json::from_str(&text).expect("the file is whole at any moment");
    assert_eq!(table["unreadable"], json!([]));
    let users = table["users"].as_object().unwrap();
    let row = |user: &Value| {
        let name = user["user_name"].as_str()?.to_owned();
        Some((
            name,
            user["email"].as_str().map(str::to_owned),
            user["active"].as_bool()?,
        ))
    };
    Some(
        users
            .iter()
            .filter_map(|(id, user)| Some((id.clone(), row(user)?)))
            .collect(),
    )
}

#[tokio::test]
async fn the_python_table_on_kafka_equals_the_directory_whatever_happens() {
    let start = async |stack: &Stack| {
        let folder = root().join("examples/consumer-python-kafka");
        let mut environment = example_environment(stack).await;
        environment.push(("KAFKA", testkit::brokers::kafka()));
        environment.push(("GROUP", format!("{}-table", environment[4].1)));
        environment.push(("DATABASE", "user-table.db".to_owned()));
        start_example(
            stack,
            "consumer.py",
            &folder.join(".venv/bin/python"),
            &folder.join("consumer.py"),
            &environment,
        )
    };
    start_world(Transport::Kafka, start, sqlite_table)
        .await
        .story()
        .await;
}

#[tokio::test]
async fn the_node_table_on_rabbitmq_equals_the_directory_whatever_happens() {
    let start = async |stack: &Stack| {
        let folder = root().join("examples/consumer-node-rabbitmq");
        assert!(folder.join("node_modules").exists(), "run scripts/setup");
        let mut environment = example_environment(stack).await;
        environment.push(("RABBITMQ", testkit::brokers::rabbitmq()));
        environment.push(("QUEUE", format!("{}.table", environment[4].1)));
        start_example(
            stack,
            "consumer.mjs",
            &run_node_script(),
            &folder.join("consumer.mjs"),
            &environment,
        )
    };
    start_world(Transport::Rabbitmq, start, json_table)
        .await
        .story()
        .await;
}

/// The path of Node.js.
fn run_node_script() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("node"))
        .find(|file| file.exists());
    found.expect("Node.js is installed: run scripts/setup")
}
