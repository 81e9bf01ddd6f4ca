//! Tests that run the rendered manifests: migration Jobs, services, probes and the chart test.

use std::process::Command;

use testkit::{Process, postgres, program};

use super::chart::{Objects, PRODUCTION, SMALL, SQLITE, TRIAL, render};
use super::kubelet::{Node, Secrets};
use crate::tools::run_successfully;

/// Any 32 bytes.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The Secrets that the guide makes.
pub(super) fn secrets(databases: [&str; 2]) -> Secrets {
    let [auth, users] = databases;
    let own = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let between = ("client-vestibule-users", "the-secret-between-auth-and-users-1");
    Secrets::from([
        (
            "vestibule-auth".to_owned(),
            own(&[
                ("database-url", auth),
                ("encryption-k1", KEY),
                ("client-vestibule-auth", "the-secret-of-auth-itself-0123456789"),
                between,
                ("client-vestibule-cli", "the-secret-of-the-operator-0123456789"),
            ]),
        ),
        (
            "vestibule-users".to_owned(),
            own(&[("database-url", users), ("encryption-k1", KEY), between]),
        ),
    ])
}

/// Starts both services and waits for the probes, in the order of the kubelet.
async fn serve(node: &Node) -> [Process; 2] {
    let names = ["vestibule-auth", "vestibule-users"];
    let processes = names.map(|name| node.start("Deployment", name));
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        for name in names {
            node.probe(name, probe).await;
        }
    }
    processes
}

async fn sign_in(node: &Node) {
    let (status, said) = node.run("Pod", "vestibule-test").await;
    assert!(status.success() && said.contains("signed in"), "{said}");
}

#[tokio::test]
async fn the_small_installation_migrates_starts_and_signs_a_person_in() {
    let databases = [postgres(&[]).await, postgres(&[]).await];
    let [auth, users] = databases.each_ref().map(|database| database.url());
    let sets = ["auth.drainSeconds=0", "users.drainSeconds=0"];
    let node = Node::new(render(SMALL, &sets), secrets([auth, users]));
    for job in ["vestibule-auth-migrate", "vestibule-users-migrate"] {
        let (status, said) = node.run("Job", job).await;
        assert!(status.success(), "{job}: {said}");
    }
    let [mut auth, mut users] = serve(&node).await;
    sign_in(&node).await;
    // Tokens carry the public name of the issuer, though the services reach each other inside.
    let discovery = reqwest::get(node.url(8000) + "/.well-known/openid-configuration").await;
    let discovery = discovery.expect("answered").text().await.expect("text");
    assert!(
        discovery.contains("\"issuer\":\"https://login.example.org\""),
        "{discovery}"
    );
    first_administrator(&node);
    assert!(auth.terminate().await.success());
    assert!(users.terminate().await.success());
}

/// Creates the first administrator through a forwarded port, as the guide says.
fn first_administrator(node: &Node) {
    let commands = super::guide::commands();
    let command = commands
        .iter()
        .find_map(|command| command.strip_prefix("vestibule user add "));
    let command = command.expect("the guide makes an administrator");
    let secret = node.secret("vestibule-auth", "client-vestibule-cli");
    let mut vestibule = Command::new(program("vestibule"));
    vestibule.args(["user", "add"]);
    for word in command.split_whitespace() {
        match word {
            "http://localhost:8000" => vestibule.arg(node.url(8000)),
            "vestibule-secrets/client-vestibule-cli" => vestibule.arg(&secret),
            _ => vestibule.arg(word),
        };
    }
    let said = String::from_utf8(run_successfully(&mut vestibule).stdout).expect("UTF-8");
    assert!(said.contains("https://login.example.org/"), "{said}");
}

#[tokio::test]
async fn the_trial_on_sqlite_makes_its_secrets_and_keeps_people_when_pods_go() {
    let sets = ["auth.drainSeconds=0", "users.drainSeconds=0"];
    let node = Node::new(render(TRIAL, &sets), Secrets::new());
    let [mut auth, mut users] = serve(&node).await;
    sign_in(&node).await;
    assert!(auth.terminate().await.success());
    assert!(users.terminate().await.success());
    // New pods on the same volumes.
    let _services = serve(&node).await;
    sign_in(&node).await;
}

#[tokio::test]
async fn every_configuration_is_one_that_the_services_accept() {
    let more: [(&str, &[&str]); 5] = [
        (SMALL, &[]),
        (PRODUCTION, &[]),
        (SQLITE, &[]),
        (
            SMALL,
            &[
                "events.transport=rabbitmq",
                "events.rabbitmq.existingSecret=mq",
                "events.rabbitmq.tls.enabled=true",
                "auth.config.webhooks.ports={443,8443}",
                "auth.config.brand.name=Example \"quoted\"",
                "auth.clients.shop\\.web.grant_types={authorization_code,refresh_token}",
                "auth.clients.shop\\.web.redirect_uris={https://shop.example.org/cb}",
                "auth.clients.shop\\.web.scope=openid",
            ],
        ),
        (
            SMALL,
            &[
                "events.transport=kafka",
                "events.kafka.brokers={kafka-0:9092,kafka-1:9092}",
                "events.kafka.partitions=16",
                "traces.otlpEndpoint=http://collector:4318",
                "traces.sampleRatio=1",
                "auth.tls.existingSecret=auth-tls",
            ],
        ),
    ];
    for (values, sets) in more {
        check(values, render(values, sets), sets);
    }
}

fn check(values: &str, objects: Objects, sets: &[&str]) {
    let one = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let mut known = secrets(["postgres://a@h/auth", "postgres://a@h/users"]);
    known.insert("auth-db-app".to_owned(), one("uri", "postgres://a@h/auth"));
    known.insert("users-db-app".to_owned(), one("uri", "postgres://a@h/users"));
    known.insert("kafka-vestibule".to_owned(), one("password", "p"));
    known.insert("kafka-ca".to_owned(), one("ca.crt", "a certificate"));
    known.insert("auth-tls".to_owned(), one("tls.crt", "a certificate"));
    known.insert("mq".to_owned(), one("url", "amqps://u:p@mq:5671/%2f"));
    let node = Node::new(objects, known);
    for service in ["auth", "users"] {
        let file = node
            .configuration(&format!("vestibule-{service}"))
            .join(format!("{service}.toml"));
        let mut command = Command::new(program("vestibule"));
        command.args(["config", "check", "--service", service]).arg(&file);
        let said = run_successfully(&mut command);
        assert!(!said.stdout.is_empty(), "{values} {sets:?}");
    }
}
