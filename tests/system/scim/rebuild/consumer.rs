//! The consumer: it has the events alone, and writes the directory as SCIM has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{CONFIGURED, CORE, CUSTOM, ENTERPRISE, GROUP};
use crate::scim::Directory;

/// The last state of each aggregate, by id.
#[derive(Debug, Default)]
pub(super) struct Consumer {
    position: u64,
    users: BTreeMap<String, Value>,
    groups: BTreeMap<String, Value>,
}

impl Consumer {
    /// Begins with a snapshot, page by page.
    pub(super) async fn begin(directory: &Directory) -> Self {
        let mut consumer = Self::default();
        let mut next: Option<String> = None;
        loop {
            let mut query = vec![("limit", "3".to_owned())];
            query.extend(next.map(|next| ("after", next)));
            let page = get(directory, "/events/snapshot", &query).await;
            if consumer.position == 0 {
                consumer.position = page["position"].as_u64().unwrap();
            }
            for event in page["events"].as_array().unwrap() {
                consumer.apply(event);
            }
            next = page["next"].as_str().map(str::to_owned);
            if next.is_none() {
                return consumer;
            }
        }
    }

    /// Reads the feed to its end.
    pub(super) async fn follow(&mut self, directory: &Directory) {
        loop {
            let query = [
                ("after", self.position.to_string()),
                ("limit", "7".to_owned()),
                ("wait", "0".to_owned()),
            ];
            let events = get(directory, "/events", &query).await;
            let events = events.as_array().unwrap();
            for event in events {
                self.position = event["position"].as_str().unwrap().parse().unwrap();
                self.apply(event);
            }
            if events.is_empty() {
                return;
            }
        }
    }

    fn apply(&mut self, event: &Value) {
        let id = event["subject"].as_str().unwrap().to_owned();
        let kind = event["type"].as_str().unwrap();
        let table = match kind {
            kind if kind.starts_with("vestibule.user.") => &mut self.users,
            kind if kind.starts_with("vestibule.group.") => &mut self.groups,
            _ => return,
        };
        let data = &event["data"];
        if kind.contains(".deleted.") {
            table.remove(&id);
        } else if table
            .get(&id)
            .is_none_or(|known| known["version"].as_i64() < data["version"].as_i64())
        {
            table.insert(id, data.clone());
        }
    }

    /// The directory as SCIM has it, a line for each resource.
    pub(super) fn write(&self, base: &str) -> String {
        let users = self.shown().map(|state| self.user(state, base));
        let groups = self.groups.values().map(|state| self.group(state, base));
        users.chain(groups).map(|resource| line(&resource)).collect()
    }

    /// The users and the groups without members as an administrator exports them, a line for each.
    pub(super) fn write_export(&self) -> String {
        let exported = |mut resource: Map<String, Value>, state: &Value| {
            resource.insert("meta".to_owned(), json!({ "created": state["created_at"] }));
            if state["external_ids"]
                .as_object()
                .is_some_and(|ids| !ids.is_empty())
            {
                resource.insert("external_ids".to_owned(), state["external_ids"].clone());
            }
            line(&Value::Object(resource))
        };
        let users = self.shown().map(|state| exported(user_attributes(state), state));
        let groups = self.groups.values();
        let groups = groups.map(|state| exported(group_attributes(state), state));
        users.chain(groups).collect()
    }

    /// The users without those who were deleted: they are hidden until the grace period ends.
    fn shown(&self) -> impl Iterator<Item = &Value> {
        self.users.values().filter(|state| state["deleted_at"].is_null())
    }

    fn user(&self, state: &Value, base: &str) -> Value {
        let mut resource = user_attributes(state);
        for (name, value) in &mut resource {
            let is_list = name != "emails"
                && value
                    .as_array()
                    .is_some_and(|items| items.iter().all(Value::is_object));
            for item in value
                .as_array_mut()
                .into_iter()
                .flatten()
                .filter(|_| is_list || name == "emails")
            {
                item.as_object_mut()
                    .unwrap()
                    .entry("primary")
                    .or_insert(false.into());
            }
        }
        // It is never returned.
        if let Some(configured) = resource.get_mut(CONFIGURED) {
            configured.as_object_mut().unwrap().remove("secret");
        }
        let manager = resource.get_mut(ENTERPRISE).and_then(|it| it.get_mut("manager"));
        if let Some(manager) = manager {
            let id = manager["value"].as_str().unwrap().to_owned();
            if let Some(known) = self.shown().find(|known| known["id"] == id.as_str()) {
                let name = [
                    &known["attributes"]["displayName"],
                    &known["name"]["formatted"],
                    &known["user_name"],
                ];
                manager["displayName"] = (*name.iter().find(|name| !name.is_null()).unwrap()).clone();
                manager["$ref"] = format!("{base}/Users/{id}").into();
            }
        }
        let groups = self.groups_of(state, base);
        if !groups.is_empty() {
            resource.insert("groups".to_owned(), groups.into());
        }
        show_own_external_id(&mut resource, state);
        let id = state["id"].as_str().unwrap();
        let meta = json!({
            "resourceType": "User", "created": state["created_at"], "lastModified": state["updated_at"],
            "location": format!("{base}/Users/{id}"), "version": format!("W/\"{}\"", state["version"]),
        });
        resource.insert("meta".to_owned(), meta);
        Value::Object(resource)
    }

    /// The groups of a user: the direct ones, then those that these are in, level by level and each by id.
    fn groups_of(&self, state: &Value, base: &str) -> Vec<Value> {
        let ids = |member: &Value, name: &str| -> BTreeSet<String> {
            serde_json::from_value(member[name].clone()).unwrap_or_default()
        };
        let direct = ids(state, "group_ids");
        let (mut level, mut seen) = (direct.clone(), BTreeSet::new());
        let mut in_order = Vec::new();
        while !level.is_empty() {
            in_order.extend(level.clone());
            seen.append(&mut level.clone());
            let groups = level.iter().filter_map(|id| self.groups.get(id));
            let parents: BTreeSet<String> = groups.flat_map(|group| ids(group, "parents")).collect();
            level = parents.difference(&seen).cloned().collect();
        }
        let shown = |id: &String, kind: &str| {
            let group = self.groups.get(id)?;
            Some(json!({
                "value": id, "$ref": format!("{base}/Groups/{id}"), "display": group["display_name"], "type": kind,
            }))
        };
        let kind = |id: &String| if direct.contains(id) { "direct" } else { "indirect" };
        in_order.iter().filter_map(|id| shown(id, kind(id))).collect()
    }

    fn group(&self, state: &Value, base: &str) -> Value {
        let is_in = |member: &Value, name: &str| {
            member[name]
                .as_array()
                .is_some_and(|ids| ids.contains(&state["id"]))
        };
        let kinds = [
            ("Group", "Groups", "parents", &self.groups),
            ("User", "Users", "group_ids", &self.users),
        ];
        let mut members = Vec::new();
        for (kind, endpoint, name, table) in kinds {
            let of_kind = table
                .iter()
                .filter(|(_, member)| member["deleted_at"].is_null() && is_in(member, name));
            members.extend(of_kind.map(
                |(id, _)| json!({"value": id, "$ref": format!("{base}/{endpoint}/{id}"), "type": kind}),
            ));
        }
        let id = state["id"].as_str().unwrap();
        let mut resource = group_attributes(state);
        show_own_external_id(&mut resource, state);
        let meta = json!({"resourceType": "Group", "created": state["created_at"], "location": format!("{base}/Groups/{id}")});
        resource.insert("meta".to_owned(), meta);
        if !members.is_empty() {
            resource.insert("members".to_owned(), members.into());
        }
        Value::Object(resource)
    }
}

/// Each client has an identifier of its own, or sees that of everybody.
fn show_own_external_id(resource: &mut Map<String, Value>, state: &Value) {
    if let Some(own) = state["external_ids"].get("vestibule-cli") {
        resource.insert("externalId".to_owned(), own.clone());
    }
}

/// The attributes of a group, without what SCIM adds.
fn group_attributes(state: &Value) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut schemas = vec![json!(GROUP)];
    for (urn, value) in state["attributes"].as_object().into_iter().flatten() {
        schemas.push(json!(urn));
        resource.insert(urn.clone(), value.clone());
    }
    for (ours, theirs) in [
        ("id", "id"),
        ("display_name", "displayName"),
        ("external_id", "externalId"),
    ] {
        if let Some(value) = state.get(ours).filter(|value| !value.is_null()) {
            resource.insert(theirs.to_owned(), value.clone());
        }
    }
    resource.insert("schemas".to_owned(), schemas.into());
    resource
}

/// The attributes of a user, without what SCIM adds.
fn user_attributes(state: &Value) -> Map<String, Value> {
    let mut resource = Map::new();
    let mut schemas = vec![json!(CORE)];
    let mut custom = Map::new();
    for (name, value) in state["attributes"].as_object().unwrap() {
        match name.as_str() {
            name if name.starts_with("urn:") => {
                schemas.push(json!(name));
                resource.insert(name.to_owned(), value.clone());
            }
            "theme" => drop(custom.insert(name.clone(), value.clone())),
            _ => drop(resource.insert(name.clone(), value.clone())),
        }
    }
    if !custom.is_empty() {
        schemas.push(json!(CUSTOM));
        resource.insert(CUSTOM.to_owned(), json!({ "values": custom }));
    }
    let name: Map<String, Value> = [
        ("given_name", "givenName"),
        ("family_name", "familyName"),
        ("formatted", "formatted"),
    ]
    .iter()
    .filter_map(|(ours, theirs)| Some(((*theirs).to_owned(), state["name"].get(ours)?.clone())))
    .collect();
    if !name.is_empty() {
        resource.insert("name".to_owned(), name.into());
    }
    for (ours, theirs) in [
        ("user_name", "userName"),
        ("locale", "locale"),
        ("zoneinfo", "timezone"),
        ("active", "active"),
        ("id", "id"),
    ] {
        if let Some(value) = state.get(ours) {
            resource.insert(theirs.to_owned(), value.clone());
        }
    }
    let emails: Vec<Value> = state["emails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|email| {
            let mut email = email.clone();
            let members = email.as_object_mut().unwrap();
            members.remove("verified");
            // What is not the primary address is not said to be one.
            members.retain(|name, value| name != "primary" || *value == true);
            email
        })
        .collect();
    if !emails.is_empty() {
        resource.insert("emails".to_owned(), emails.into());
    }
    resource.insert("schemas".to_owned(), schemas.into());
    resource
}

/// A resource as a line, its members sorted by name, and its schemas, which have no order (RFC 7643 §3).
pub(super) fn line(resource: &Value) -> String {
    fn sort(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let sorted: BTreeMap<&String, Value> =
                    members.iter().map(|(name, value)| (name, sort(value))).collect();
                json!(sorted)
            }
            Value::Array(items) => items.iter().map(sort).collect(),
            other => other.clone(),
        }
    }
    let mut resource = sort(resource);
    if let Some(schemas) = resource["schemas"].as_array_mut() {
        schemas.sort_unstable_by_key(Value::to_string);
    }
    format!("{resource}\n")
}

async fn get(directory: &Directory, path: &str, query: &[(&str, String)]) -> Value {
    let request = directory
        .stack
        .http()
        .get(directory.stack.users_url(path))
        .query(query);
    let answer = request.bearer_auth(&directory.token).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    answer.json().await.unwrap()
}
