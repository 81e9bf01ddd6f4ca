//! Tests of the webhook commands, with a receiver.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use chassis::shutdown::Shutdown;
use serde_json::{Value, json};
use testkit::eventually;

use crate::stack::Up;

/// A webhook receiver: it answers with a status that the test sets, and records the events.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    events: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (status, events) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<_>>>::default());
        let (answer, keep) = (Arc::clone(&status), Arc::clone(&events));
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let event = serde_json::from_slice(&body).expect("JSON");
            keep.lock().expect("unlocked").push((headers, event));
            let status = StatusCode::from_u16(answer.load(Ordering::SeqCst)).expect("a status");
            async move { status }
        });
        Shutdown::new().spawn("receiver", async move {
            axum::serve(listener, app).await.expect("served");
        });
        Self { url, status, events }
    }

    fn types(&self) -> Vec<String> {
        let events = self.events.lock().expect("unlocked");
        let kind = |(_, event): &(HeaderMap, Value)| event["type"].as_str().expect("a type").to_owned();
        events.iter().map(kind).collect()
    }

    async fn wait_for_event(&self, kind: &str) {
        eventually(&format!("{kind} is received"), async || {
            self.types().iter().any(|got| got == kind).then_some(())
        })
        .await;
    }
}

async fn up() -> Up {
    let up = Up::spawn_with(
        tempfile::tempdir().expect("a temporary directory"),
        &[],
        &[
            ("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32"),
            ("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32"),
        ],
    );
    up.wait_for_output("is ready").await;
    up
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_added_tested_watched_changed_and_removed() {
    let (up, receiver) = (up().await, Receiver::start().await);
    let add = [
        "webhook",
        "add",
        &receiver.url,
        "--type",
        "user.*",
        "--output",
        "json",
    ];
    let made = up.run(&add).json();
    assert_eq!(made[0]["service"], "users");
    assert_eq!(made[0]["types"], json!(["vestibule.user.*"]));
    assert!(
        made[0]["secret"]
            .as_str()
            .expect("a secret")
            .starts_with("whsec_")
    );
    let id = made[0]["id"].as_str().expect("an id");

    assert_eq!(
        up.run(&["webhook", "test", id]).ok(),
        "the receiver took it: 204\n"
    );
    up.run(&["user", "add", "ann", "--email", "ann@example.org"]).ok();
    receiver.wait_for_event("vestibule.user.created.v1").await;

    let list = up.run(&["webhook", "list"]);
    assert!(list.out.contains(id) && list.out.contains("users"), "{list:?}");
    let shown = up.run(&["webhook", "show", id]).ok();
    assert!(
        shown.contains(&receiver.url) && shown.contains("enabled"),
        "{shown}"
    );
    for text in [&list.out, &shown] {
        assert!(!text.contains("whsec_"), "{text}");
    }
    let delivered = eventually("both are written down", async || {
        let log = up
            .run(&[
                "webhook",
                "deliveries",
                id,
                "--state",
                "delivered",
                "--output",
                "json",
            ])
            .json();
        (log.as_array().expect("a list").len() == 2).then_some(log)
    })
    .await;
    let event = delivered[0]["event_id"].as_str().expect("an id");
    up.run(&["webhook", "replay", id, "--event", event]).ok();
    eventually("it comes again", async || {
        (receiver.types().len() == 3).then_some(())
    })
    .await;

    receiver.status.store(500, Ordering::SeqCst);
    let failed = up.run(&["webhook", "test", id]).fails(1);
    assert!(failed.contains("500"), "{failed}");
    assert_eq!(up.run(&["webhook", "replay", id]).ok(), "0 on the way again\n");
    let rotated = up.run(&["webhook", "rotate", id, "--output", "json"]).json();
    assert_ne!(rotated["secret"], made[0]["secret"]);
    let refused = up.run(&["webhook", "rotate", id]).fails(4);
    assert!(refused.contains("force"), "{refused}");
    up.run(&["webhook", "rotate", id, "--force"]).ok();

    let disabled = up.run(&["webhook", "update", id, "--disable"]).ok();
    assert!(disabled.contains("disabled (operator)"), "{disabled}");
    up.run(&["webhook", "test", id]).fails(4);
    let changed = up.run(&[
        "webhook",
        "update",
        id,
        "--enable",
        "--type",
        "user.deleted",
        "--output",
        "json",
    ]);
    assert_eq!(changed.json()["types"], json!(["vestibule.user.deleted.v1"]));
    up.run(&["webhook", "delete", id]).ok();
    up.run(&["webhook", "show", id]).fails(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn types_choose_the_service_and_one_secret_serves_both() {
    let (up, receiver) = (up().await, Receiver::start().await);
    let made = up
        .run(&["webhook", "add", &receiver.url, "--type", "*", "--output", "json"])
        .json();
    assert_eq!(
        (&made[0]["service"], &made[1]["service"]),
        (&json!("auth"), &json!("users"))
    );
    assert_eq!(made[0]["secret"], made[1]["secret"]);
    up.run(&["user", "add", "ann", "--email", "ann@example.org"]).ok();
    receiver
        .wait_for_event("vestibule.registration.requested.v1")
        .await;
    receiver.wait_for_event("vestibule.user.created.v1").await;

    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let add = [
        "webhook",
        "add",
        &receiver.url,
        "--type",
        "login.failed",
        "--secret-stdin",
        "--output",
        "json",
    ];
    let given = up.run_with(&add, secret).json();
    assert_eq!(
        (&given[0]["service"], &given[0]["secret"]),
        (&json!("auth"), &json!(secret))
    );
    assert_eq!(given.as_array().expect("a list").len(), 1);

    let unknown = up
        .run(&["webhook", "add", &receiver.url, "--type", "user.crated"])
        .fails(2);
    assert!(
        unknown.contains("user.created"),
        "the known ones are named: {unknown}"
    );
    let inside = up
        .run(&["webhook", "add", "https://10.0.0.1/", "--type", "user.*"])
        .fails(2);
    assert!(inside.contains("url: "), "{inside}");
}
