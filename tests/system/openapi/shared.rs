//! The examples that both services have.

use serde_json::{Value, json};
use testkit::{Stack, StackOptions, eventually};

use super::recorder::{Call, Recorder};

/// The operations on events, which both services have.
pub(super) async fn events(recorder: &mut Recorder<'_>, operator: &str, aggregate: &str) {
    let call = || Call::new().token(operator);
    recorder
        .call("readEvents", call().query("after", "0").query("limit", "1"))
        .await;
    recorder.call("readSnapshot", call().query("limit", "1")).await;
    recorder.call("readDigests", call()).await;
    recorder.call("readVersions", call()).await;
    recorder.call("readStates", call().query("ids", aggregate)).await;
    recorder.call("readEventStats", call()).await;
    // An event may be on its way, which the example would show.
    eventually("everything is published", async || {
        let verified = recorder.call("verifyEvents", call().query("older", "60")).await;
        let checks = verified["checks"].as_array().unwrap();
        let is_published = |check: &Value| check["detail"] == "everything is published";
        checks.iter().any(is_published).then_some(())
    })
    .await;
    recorder
        .call("listDeadLetters", call().query("limit", "10"))
        .await;
    recorder
        .call("replayEvents", call().json(json!({ "all": true })))
        .await;
    recorder.call("reconcile", call().query("dry", "true")).await;
    recorder.call("readAsyncApi", Call::new()).await;
}

/// A receiver that never answers. In the examples it is `https://hooks.example.com`.
pub(super) const RECEIVER: &str = "http://127.0.0.1:9/vestibule";

/// A stack that may call it.
pub(super) async fn stack() -> Stack {
    let options = StackOptions::default()
        .with("VESTIBULE_AUTH__REGISTRATION__CLIENTS", "token")
        .with("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_USERS__PROVISIONING__ALLOW", "127.0.0.1/32");
    Stack::with(options).await
}

/// The webhooks, which both services have. `kind` is a type of event that the service publishes.
pub(super) async fn webhooks(recorder: &mut Recorder<'_>, operator: &str, kind: &str) {
    let call = || Call::new().token(operator);
    let hook = json!({ "url": RECEIVER, "types": [kind], "description": "An example" });
    let made = recorder.call("createWebhook", call().json(hook)).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let of_hook = || call().path("id", &id);
    recorder.call("listWebhooks", call().query("limit", "10")).await;
    recorder.call("readWebhook", of_hook()).await;
    recorder
        .call(
            "changeWebhook",
            of_hook().json(json!({ "description": "Another" })),
        )
        .await;
    recorder
        .call("rotateWebhookSecret", of_hook().json(json!({})))
        .await;
    let sent = recorder.call("testWebhook", of_hook()).await;
    let event = sent["event_id"].as_str().unwrap().to_owned();
    // Nobody listens there, so the one attempt of a test fails.
    eventually("the test delivery has ended", async || {
        let delivery = of_hook().path("event", &event);
        let delivery = recorder.call("readDelivery", delivery).await;
        (delivery["state"] != "pending").then_some(())
    })
    .await;
    recorder
        .call("listDeliveries", of_hook().query("limit", "10"))
        .await;
    recorder
        .call("replayDelivery", of_hook().path("event", &event))
        .await;
    recorder.call("replayWebhook", of_hook()).await;
    recorder.call("deleteWebhook", of_hook()).await;
}

/// The descriptions of the service.
pub(super) async fn service(recorder: &mut Recorder<'_>) {
    for document in ["readOpenApi", "showDocs", "readDocsStyle"] {
        recorder.call(document, Call::new()).await;
    }
}
