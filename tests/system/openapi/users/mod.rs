//! The examples of the user service.

mod scim;

use serde_json::json;
use testkit::{Stack, eventually};

use super::Described;
use super::recorder::{Call, Recorder};
use super::shared::{RECEIVER, events, service, stack, webhooks};
use scim::{bulk, deleted_users, scim};

// SB-52
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
    deleted_users(&mut recorder, &operator).await;
    scim(&mut recorder, &operator).await;
    events(&mut recorder, &operator, &ann.id).await;
    webhooks(&mut recorder, &operator, "vestibule.user.created.v1").await;
    provisioning(&stack, &mut recorder, &operator, &ann.id).await;
    service(&mut recorder).await;
    bulk(&mut recorder, &operator).await;
    imports(&mut recorder, &operator).await;
    personal_data(&mut recorder, &operator).await;
    provisioning_clients(&mut recorder, &operator).await;
    delegations(&mut recorder, &operator, &ann.id).await;
    recorder.finish().await;
}

async fn user(recorder: &mut Recorder<'_>, ann: &str, operator: &str) {
    recorder.call("readProtectedResource", Call::new()).await;
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

async fn imports(recorder: &mut Recorder<'_>, operator: &str) {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3",
        "userName": "dan",
        "meta": { "created": "2020-02-03T04:05:06.000000Z" },
    });
    let users = json!({ "users": [user, { "userName": "eve" }] });
    recorder
        .call("importUsers", Call::new().token(operator).json(users))
        .await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d4",
        "displayName": "Bakers",
        "members": [
            { "value": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3" },
            { "value": "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d5" },
        ],
    });
    let groups = json!({ "groups": [group] });
    recorder
        .call("importGroups", Call::new().token(operator).json(groups))
        .await;
    recorder
        .call("exportUsers", Call::new().token(operator).query("limit", "1"))
        .await;
    recorder
        .call("exportGroups", Call::new().token(operator).query("limit", "1"))
        .await;
}

/// Asks for the data of a person who was just imported.
async fn personal_data(recorder: &mut Recorder<'_>, operator: &str) {
    let id = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d3";
    recorder
        .call("exportPersonalData", Call::new().token(operator).path("id", id))
        .await;
}

async fn provisioning_clients(recorder: &mut Recorder<'_>, operator: &str) {
    let call = || Call::new().token(operator);
    let client =
        json!({ "name": "Entra ID", "scopes": ["users:read", "users:write"], "expires_in_days": 180 });
    let made = recorder
        .call("createProvisioningClient", call().json(client))
        .await;
    let id = made["id"].as_str().unwrap().to_owned();
    let first = made["tokens"][0]["id"].as_str().unwrap().to_owned();
    let of_client = || call().path("id", &id);
    recorder
        .call("listProvisioningClients", call().query("limit", "10"))
        .await;
    recorder.call("readProvisioningClient", of_client()).await;
    let change = json!({ "networks": ["203.0.113.0/24"] });
    recorder
        .call("changeProvisioningClient", of_client().json(change))
        .await;
    let life = json!({ "expires_in_days": 180 });
    recorder
        .call("issueProvisioningToken", of_client().json(life))
        .await;
    recorder
        .call("revokeProvisioningToken", of_client().path("token", &first))
        .await;
    recorder.call("deleteProvisioningClient", of_client()).await;
}

async fn delegations(recorder: &mut Recorder<'_>, operator: &str, ann: &str) {
    let call = || Call::new().token(operator);
    let delegation = json!({
        "to_user": ann,
        "users_matching": "emails.value sw \"guest-\"",
        "rights": ["write", "create"],
    });
    let made = recorder.call("createDelegation", call().json(delegation)).await;
    let id = made["id"].as_str().unwrap().to_owned();
    recorder
        .call("listDelegations", call().query("limit", "10"))
        .await;
    recorder.call("readDelegation", call().path("id", &id)).await;
    recorder.call("deleteDelegation", call().path("id", &id)).await;
}

/// Outbound provisioning: ann is pushed to an application that never answers.
async fn provisioning(stack: &Stack, recorder: &mut Recorder<'_>, operator: &str, ann: &str) {
    let call = || Call::new().token(operator);
    let target = json!({
        "name": "wiki",
        "base_url": RECEIVER,
        "credentials": { "type": "bearer", "token": "the token of the application" },
        "rules": {
            "people": { "filter": "everybody" },
            "mapping": [
                { "attribute": "userName", "from": "userName" },
                { "attribute": "displayName", "template": "{name.givenName} {name.familyName}" },
            ],
        },
    });
    let made = recorder
        .call("createProvisioningTarget", call().json(target))
        .await;
    let id = made["id"].as_str().unwrap().to_owned();
    eventually("ann is followed at the target", async || {
        let path = format!("/admin/v1/provisioning-targets/{id}/resources/{ann}");
        let request = stack.http().get(stack.users_url(&path)).bearer_auth(operator);
        request.send().await.unwrap().status().is_success().then_some(())
    })
    .await;
    let of_target = || call().path("id", &id);
    let paused = of_target().json(json!({ "enabled": false }));
    recorder.call("changeProvisioningTarget", paused).await;
    recorder
        .call("listProvisioningTargets", call().query("limit", "10"))
        .await;
    recorder.call("readProvisioningTarget", of_target()).await;
    let listed = of_target().query("state", "waiting").query("limit", "1");
    recorder.call("listProvisionedResources", listed).await;
    let resource = || of_target().path("resource", ann);
    recorder.call("readProvisionedResource", resource()).await;
    recorder.call("retryProvisionedResource", resource()).await;
    recorder.call("retryProvisioningTarget", of_target()).await;
    // Nobody answers there.
    recorder
        .call("dryRunProvisioning", of_target().json(json!({ "limit": 10 })))
        .await;
    recorder.call("beginDriftCheck", of_target()).await;
    recorder.call("readDriftCheck", of_target()).await;
    let verified = of_target().json(json!({ "verify": true }));
    recorder.call("syncProvisioningTarget", verified).await;
    recorder.call("deleteProvisioningTarget", of_target()).await;
}
