//! The answers of the application: as much of SCIM as this crate asks for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::{Application, Resources};

impl Application {
    pub(super) fn answer(
        &self,
        method: &Method,
        path: &str,
        query: &BTreeMap<String, String>,
        mut body: Value,
    ) -> Response {
        if !*self.external_ids.lock().unwrap() {
            forget_external_id(&mut body);
        }
        if path == "ServiceProviderConfig" {
            let patch = *self.patch.lock().unwrap();
            return json_of(
                200,
                &json!({ "patch": { "supported": patch }, "etag": { "supported": false } }),
            );
        }
        let mut resources = self.resources.lock().unwrap();
        let (endpoint, id) = path.split_once('/').unwrap_or((path, ""));
        let key = (endpoint.to_owned(), id.to_owned());
        match (method.as_str(), id) {
            ("GET", "") => list(&resources, endpoint, query),
            ("POST", "") => {
                let new = body.as_object().unwrap().clone();
                let unique = if endpoint == "Users" {
                    "userName"
                } else {
                    "displayName"
                };
                if resources
                    .iter()
                    .any(|((of, _), there)| of == endpoint && there[unique] == new[unique])
                {
                    return json_of(409, &json!({ "scimType": "uniqueness", "detail": "taken" }));
                }
                let id = insert(&mut resources, endpoint, new);
                let created = &resources[&(endpoint.to_owned(), id)];
                json_of(201, &Value::Object(created.clone()))
            }
            (_, _) if !resources.contains_key(&key) => status(404).into_response(),
            ("GET", _) => json_of(200, &Value::Object(resources[&key].clone())),
            ("PUT", _) => {
                let mut new = body.as_object().unwrap().clone();
                new.insert("id".to_owned(), id.into());
                resources.insert(key, new);
                status(200).into_response()
            }
            ("PATCH", _) => {
                for operation in body["Operations"].as_array().unwrap() {
                    if let Err(code) = apply(&mut resources, &key, operation) {
                        return json_of(code, &json!({ "detail": "no such member" }));
                    }
                }
                status(204).into_response()
            }
            ("DELETE", _) => {
                resources.remove(&key);
                status(204).into_response()
            }
            _ => status(405).into_response(),
        }
    }
}

/// Leaves `externalId` out of a resource, and out of the operations of a PATCH.
fn forget_external_id(body: &mut Value) {
    if let Some(resource) = body.as_object_mut() {
        resource.remove("externalId");
    }
    if let Some(operations) = body["Operations"].as_array_mut() {
        operations.retain(|operation| operation["path"] != "externalId");
    }
}

pub(super) fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap()
}

fn json_of(code: u16, body: &Value) -> Response {
    (status(code), axum::Json(body.clone())).into_response()
}

pub(super) fn insert(resources: &mut Resources, endpoint: &str, mut resource: Map<String, Value>) -> String {
    // Ids that were given are never given to others.
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let id = format!("{endpoint}-{:06}", GIVEN.fetch_add(1, Ordering::Relaxed));
    resource.insert("id".to_owned(), id.as_str().into());
    resources.insert((endpoint.to_owned(), id.clone()), resource);
    id
}

fn list(resources: &Resources, endpoint: &str, query: &BTreeMap<String, String>) -> Response {
    let filter = query.get("filter").map(|filter| {
        let (attribute, value) = filter.split_once(" eq ").unwrap();
        (
            attribute.to_owned(),
            serde_json::from_str::<Value>(value).unwrap(),
        )
    });
    let all = resources.iter().filter(|((of, _), _)| of == endpoint);
    let found: Vec<Value> = all
        .filter(|(_, there)| {
            filter
                .as_ref()
                .is_none_or(|(attribute, value)| there.get(attribute) == Some(value))
        })
        .map(|(_, there)| Value::Object(there.clone()))
        .collect();
    let number = |name: &str, default: usize| query.get(name).map_or(default, |text| text.parse().unwrap());
    let (start, count) = (number("startIndex", 1), number("count", 1_000));
    let page: Vec<Value> = found.iter().skip(start - 1).take(count).cloned().collect();
    json_of(200, &json!({ "totalResults": found.len(), "Resources": page }))
}

/// Applies an operation of PATCH, as far as this crate sends any.
fn apply(resources: &mut Resources, key: &(String, String), operation: &Value) -> Result<(), u16> {
    let path = operation["path"].as_str().unwrap();
    let value = &operation["value"];
    if path == "members" {
        for member in value.as_array().unwrap() {
            let id = member["value"].as_str().unwrap().to_owned();
            let there = |endpoint: &str| resources.contains_key(&(endpoint.to_owned(), id.clone()));
            if !there("Users") && !there("Groups") {
                return Err(400);
            }
        }
    }
    let resource = resources.get_mut(key).unwrap();
    if path == "members" {
        let members = resource.entry("members").or_insert_with(|| json!([]));
        let members = members.as_array_mut().unwrap();
        for member in value.as_array().unwrap() {
            if !members.iter().any(|there| there["value"] == member["value"]) {
                members.push(member.clone());
            }
        }
        return Ok(());
    }
    if let Some(filter) = path.strip_prefix("members[value eq ") {
        let id: Value = serde_json::from_str(filter.trim_end_matches(']')).unwrap();
        if let Some(Value::Array(members)) = resource.get_mut("members") {
            members.retain(|member| member["value"] != id);
        }
        return Ok(());
    }
    let (holder, name) = match path.split_once('.') {
        Some((name, sub)) => (
            resource
                .entry(name)
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .unwrap(),
            sub,
        ),
        None => (resource, path),
    };
    match operation["op"].as_str().unwrap() {
        "remove" => holder.remove(name),
        _ => holder.insert(name.to_owned(), value.clone()),
    };
    Ok(())
}
