//! The document (OpenAPI 3.1 §4.8.1).

use std::collections::BTreeSet;

use ::http::Method;
use serde_json::{Map, Value, json};

use super::described::describe;
use super::errors;
use super::operation::Operation;
use super::schemas::Schemas;
use super::security::{self, SecurityVocabulary};
use super::shared::share_responses;
use crate::routes::{Permission, Routes};

/// The description of an API: its operations, and what the document says beside them.
#[derive(Clone, Debug)]
pub struct Api {
    /// The title of the document.
    pub title: &'static str,
    /// An introduction, in Markdown.
    pub description: &'static str,
    /// The groups of operations, in order, with what is in each.
    pub tags: &'static [(&'static str, &'static str)],
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// The scopes and the cookie that the security schemes name.
    pub security: SecurityVocabulary,
    /// JSON with an example of each operation, by its id: what a test has sent, and the answer.
    pub examples: &'static str,
}

impl Api {
    /// The routes that have no description, and the descriptions that have no route or are there twice. There are none when
    /// the description is complete.
    pub fn differences<S: Clone + Send + Sync + 'static>(&self, routes: &Routes<S>) -> Vec<String> {
        let name = |method: &Method, path: &str| format!("{method} {path}");
        let listed: BTreeSet<String> = routes
            .iter()
            .map(|route| name(&route.method, route.path))
            .collect();
        let mut described = BTreeSet::new();
        let mut differences = Vec::new();
        for operation in &self.operations {
            let name = name(&operation.method, operation.path);
            if !described.insert(name.clone()) {
                differences.push(format!("{name} is described twice"));
            }
        }
        differences.extend(listed.symmetric_difference(&described).cloned());
        differences
    }

    /// The document of a service that is reached at `server`, with tokens of `authorization_server`.
    pub fn document<S: Clone + Send + Sync + 'static>(
        &self,
        routes: &Routes<S>,
        server: &str,
        authorization_server: &str,
    ) -> Value {
        let examples: Value = serde_json::from_str(self.examples).unwrap_or_default();
        let mut schemas = Schemas::new();
        let mut paths = Map::new();
        for operation in &self.operations {
            let permission = permission_of(routes, operation);
            let example = examples.get(operation.id).unwrap_or(&Value::Null);
            let described = describe(operation, permission, example, &mut schemas);
            let item = paths.entry(operation.path).or_insert_with(|| json!({}));
            if let Some(item) = item.as_object_mut() {
                item.insert(operation.method.as_str().to_ascii_lowercase(), described);
            }
        }
        let tags: Vec<Value> = self
            .tags
            .iter()
            .map(|(name, description)| json!({ "name": name, "description": description }))
            .collect();
        let mut document = schemas.finish(json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": self.description,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            },
            "servers": [{ "url": server }],
            "tags": tags,
            "paths": paths,
            "components": {
                "schemas": errors::components(),
                "securitySchemes": security::schemes(&self.security, authorization_server),
            },
        }));
        share_responses(&mut document);
        document
    }
}

/// The permission that the list of routes has for an operation.
fn permission_of<S: Clone + Send + Sync + 'static>(routes: &Routes<S>, operation: &Operation) -> Permission {
    routes
        .iter()
        .find(|route| route.method == operation.method && route.path == operation.path)
        .map_or(Permission::Public("it is not listed"), |route| route.permission)
}
