//! The examples of the user service.

use serde_json::json;
use testkit::{Stack, StackOptions, eventually};

use super::Described;
use super::recorder::{Call, Recorder};

#[tokio::test]
async fn each_example_of_users_is_what_the_service_answers() {
    let stack = stack().await;
    let ann = stack.register("ann").await;
    let tokens = stack.authenticate(&ann).await;
    let operator = stack.operator_token().await;
    let mut recorder = Recorder::new(&stack, Described::Users).await;
    user(&mut recorder, &tokens.access, &operator).await;
    recorder
        .call("readScimMe", Call::new().token(&tokens.access))
        .await;
    scim(&mut recorder, &operator).await;
    events(&mut recorder, &operator, &ann.id).await;
    webhooks(&mut recorder, &operator, "vestibule.user.created.v1").await;
    service(&mut recorder).await;
    recorder.finish();
}

async fn user(recorder: &mut Recorder<'_>, ann: &str, operator: &str) {
    recorder.call("readUser", Call::new().token(ann)).await;
    let patch = json!({ "locale": "fr-CH", "attributes": { "theme": "dark" } });
    recorder
        .call("changeUser", Call::new().token(ann).json(patch))
        .await;
    // Refused: only the authentication service registers people.
    let registration = json!({
        "id": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d2",
        "user_name": "cas",
        "version": 1,
        "requested_at": "2026-11-29T12:00:00.000000Z",
    });
    recorder
        .call("register", Call::new().token(operator).json(registration))
        .await;
}

async fn scim(recorder: &mut Recorder<'_>, operator: &str) {
    let bob = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "bob",
        "name": { "givenName": "Bob", "familyName": "Example" },
        "emails": [{ "value": "bob@example.com", "primary": true }],
    });
    let scim = || Call::new().token(operator).media_type("application/scim+json");
    let made = recorder.call("createScimUser", scim().json(bob.clone())).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let named = Call::new().token(operator).query("filter", "userName eq \"bob\"");
    recorder.call("listScimUsers", named).await;
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "emails.value eq \"bob@example.com\"",
        "attributes": ["userName", "emails"],
    });
    recorder.call("searchScimUsers", scim().json(search)).await;
    recorder
        .call("readScimUser", Call::new().token(operator).path("id", &id))
        .await;
    recorder
        .call("replaceScimUser", scim().path("id", &id).json(bob))
        .await;
    let patch = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            { "op": "replace", "path": "name.familyName", "value": "Builder" },
            { "op": "add", "path": "emails[type eq \"home\"].value", "value": "bob@example.org" },
        ],
    });
    recorder
        .call("modifyScimUser", scim().path("id", &id).json(patch))
        .await;
    recorder
        .call("deleteScimUser", Call::new().token(operator).path("id", &id))
        .await;
    groups(recorder, operator).await;
    for document in ["readServiceProviderConfig", "listResourceTypes", "listSchemas"] {
        recorder.call(document, Call::new()).await;
    }
    recorder
        .call("readResourceType", Call::new().path("id", "User"))
        .await;
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    recorder.call("readSchema", Call::new().path("id", core)).await;
}

async fn groups(recorder: &mut Recorder<'_>, operator: &str) {
    let call = || Call::new().token(operator).media_type("application/scim+json");
    let core = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let archers = json!({ "schemas": [core], "displayName": "Archers", "externalId": "hr-17" });
    let made = recorder.call("createScimGroup", call().json(archers)).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let club = json!({ "schemas": [core], "displayName": "Club" });
    let parent = recorder.call("createScimGroup", call().json(club)).await;
    let parent = parent["id"].as_str().unwrap().to_owned();
    let nested = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id, "type": "Group" }] }],
    });
    recorder
        .call("patchScimGroup", call().path("id", &parent).json(nested))
        .await;
    let named = Call::new()
        .token(operator)
        .query("filter", "displayName eq \"club\"");
    recorder.call("listScimGroups", named).await;
    recorder
        .call("readScimGroup", Call::new().token(operator).path("id", &parent))
        .await;
    let renamed = json!({ "schemas": [core], "displayName": "The club", "members": [] });
    recorder
        .call("replaceScimGroup", call().path("id", &parent).json(renamed))
        .await;
    recorder
        .call("deleteScimGroup", Call::new().token(operator).path("id", &parent))
        .await;
}

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
    recorder.call("verifyEvents", call().query("older", "60")).await;
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
        .with("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32");
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
