//! The examples of SCIM.

use serde_json::json;

use crate::openapi::recorder::{Call, Recorder};

pub(super) async fn deleted_users(recorder: &mut Recorder<'_>, operator: &str) {
    let call = || Call::new().token(operator);
    let dan = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "dan",
        "name": { "givenName": "Dan", "familyName": "Example" },
        "emails": [{ "value": "dan@example.com", "primary": true }],
    });
    let made = recorder.call("createScimUser", call().json(dan)).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let of_dan = || call().path("id", &id);
    recorder.call("deleteScimUser", of_dan()).await;
    recorder
        .call("listDeletedUsers", call().query("limit", "10"))
        .await;
    recorder.call("readDeletedUser", of_dan()).await;
    recorder
        .call("restoreUser", of_dan().json(json!({ "user_name": "daniel" })))
        .await;
    recorder.call("deleteScimUser", of_dan()).await;
    recorder.call("eraseUser", of_dan()).await;
}

pub(super) async fn scim(recorder: &mut Recorder<'_>, operator: &str) {
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
    recorder
        .call(
            "searchUsers",
            Call::new().token(operator).query("search", "bob exmaple"),
        )
        .await;
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "emails.value eq \"bob@example.com\"",
        "attributes": ["userName", "emails"],
    });
    recorder.call("searchScimUsers", scim().json(search)).await;
    recorder
        .call("readScimUser", Call::new().token(operator).path("id", &id))
        .await;
    let mut other = bob;
    other["nickName"] = json!("Bobby");
    recorder
        .call("replaceScimUser", scim().path("id", &id).json(other))
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

pub(super) async fn bulk(recorder: &mut Recorder<'_>, operator: &str) {
    let request = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "cas", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "cas",
            } },
            { "method": "POST", "path": "/Groups", "bulkId": "bowmen", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": "Bowmen",
                "members": [{ "value": "bulkId:cas" }],
            } },
        ],
    });
    let call = Call::new().token(operator).media_type("application/scim+json");
    recorder.call("runScimBulk", call.json(request)).await;
    let filter = "displayName eq \"Bowmen\" or userName eq \"cas\"";
    let found = Call::new().token(operator).query("filter", filter);
    recorder.call("listScim", found.query("attributes", "id")).await;
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": filter,
        "attributes": ["displayName", "userName"],
    });
    let call = Call::new().token(operator).media_type("application/scim+json");
    recorder.call("searchScim", call.json(search)).await;
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
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "externalId eq \"hr-17\"",
        "attributes": ["displayName"],
    });
    recorder.call("searchScimGroups", call().json(search)).await;
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
