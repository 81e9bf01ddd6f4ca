//! The record of a directory: its resources, states and events.

use std::collections::BTreeMap;

use serde_json::Value;

use super::client::Client;
use super::content::Content;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The resources, states and events of a directory at one time.
pub(super) struct Record {
    /// Users and groups, by path.
    pub(super) resources: BTreeMap<String, Value>,
    /// The states in the snapshot, by id.
    pub(super) states: BTreeMap<String, Value>,
    /// The published events, in their order.
    pub(super) events: Vec<Value>,
}

impl Record {
    /// Reads the resources of `content`, and `ann`.
    pub(super) async fn read(client: &Client, content: &Content, ann: &str) -> Self {
        let mut resources = BTreeMap::new();
        let users = content.people.iter().map(String::as_str).chain([ann]);
        let users = users.map(|id| format!("/scim/v2/Users/{id}"));
        let groups = [&content.archers, &content.club].map(|id| format!("/scim/v2/Groups/{id}"));
        for path in users.chain(groups) {
            let resource = client.get(&path).await;
            resources.insert(path, resource);
        }
        Self {
            resources,
            states: states(client).await,
            events: events(client).await,
        }
    }
}

async fn states(client: &Client) -> BTreeMap<String, Value> {
    let mut states = BTreeMap::new();
    let mut next = String::new();
    loop {
        let page = client.get(&format!("/events/snapshot?limit=500{next}")).await;
        for event in page["events"].as_array().unwrap() {
            states.insert(
                event["subject"].as_str().unwrap().to_owned(),
                event["data"].clone(),
            );
        }
        match page["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => return states,
        }
    }
}

async fn events(client: &Client) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let page = client
            .get(&format!("/events?after={}&limit=500&wait=0", events.len()))
            .await;
        match page.as_array() {
            Some(page) if !page.is_empty() => events.extend(page.iter().cloned()),
            _ => return events,
        }
    }
}

/// A resource without what the two releases show differently of the same: this one says `"primary": false`, shows the groups of a user by
/// id and the name of the manager, and the names of members on request alone.
pub(super) fn as_stored(resource: &Value) -> Value {
    let mut resource = resource.clone();
    let members = resource.as_object_mut().unwrap();
    members.remove("groups");
    if let Some(manager) = members
        .get_mut(ENTERPRISE)
        .and_then(|it| it.get_mut("manager"))
        .and_then(Value::as_object_mut)
    {
        manager.retain(|name, _| name == "value");
    }
    for (name, value) in members {
        for item in value.as_array_mut().into_iter().flatten() {
            if let Value::Object(item) = item {
                item.retain(|key, value| (key, &*value) != (&"primary".to_owned(), &Value::Bool(false)));
                if name == "members" {
                    item.remove("display");
                }
            }
        }
    }
    resource
}
