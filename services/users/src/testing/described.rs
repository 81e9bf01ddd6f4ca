//! The comparison of each SCIM error that a test receives with the description of its operation.

use std::sync::LazyLock;

use http::StatusCode;
use scim::bulk::BULK_RESPONSE_URN;
use serde_json::Value;

use crate::{openapi, routes};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| openapi::api().document(&routes::all(), "http://users.example", "http://auth.example"));

/// Asserts that the description of an operation names a SCIM error: its status, and its `scimType` if it has one. The errors in
/// the response to a bulk request are those of the operations that it is made of.
pub(super) fn assert_described((method, uri): (&str, &str), status: StatusCode, body: &Value) {
    let path = uri.split('?').next().unwrap_or_default();
    if has_schema(body, scim::error::ERROR_URN) {
        assert_error(method, path, status.as_str(), body);
    }
    if !has_schema(body, BULK_RESPONSE_URN) {
        return;
    }
    for result in body["Operations"].as_array().into_iter().flatten() {
        // A failed creation has no location; its endpoint is not in the response.
        let path = result["location"]
            .as_str()
            .and_then(|url| url.split_once("/scim/v2"));
        if let (Some((_, rest)), true) = (path, has_schema(&result["response"], scim::error::ERROR_URN)) {
            let path = format!("/scim/v2{rest}");
            let status = result["status"].as_str().unwrap_or_default();
            assert_error(
                result["method"].as_str().unwrap_or_default(),
                &path,
                status,
                &result["response"],
            );
        }
    }
}

fn has_schema(body: &Value, urn: &str) -> bool {
    body["schemas"]
        .as_array()
        .is_some_and(|schemas| schemas.iter().any(|schema| schema == urn))
}

fn assert_error(method: &str, path: &str, status: &str, error: &Value) {
    // What has no operation has no description: 404 and 405.
    let Some(operation) = operation(method, path) else {
        return;
    };
    let response = resolved(&operation["responses"][status]);
    let schema = &response["content"][scim::MEDIA_TYPE]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path}: {status} is not described: {error}"
    );
    let Some(scim_type) = error.get("scimType") else {
        return;
    };
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut names = parts.flat_map(|part| {
        part["properties"]["scimType"]["enum"]
            .as_array()
            .into_iter()
            .flatten()
    });
    assert!(
        names.any(|name| name == scim_type),
        "{method} {path}: {status} {scim_type} is not described: {error}"
    );
}

/// The operation with a path that has parameters in it.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let matches = |template: &str| {
        let (mut names, mut parts) = (template.split('/'), path.split('/'));
        loop {
            match (names.next(), parts.next()) {
                (None, None) => return true,
                (Some(name), Some(part)) if name == part || name.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // A fixed part comes before a parameter.
    let found = paths.get(path).or_else(|| {
        paths
            .iter()
            .find(|(template, _)| matches(template))
            .map(|(_, item)| item)
    });
    found?.get(method.to_ascii_lowercase())
}

/// A response, which may stand in the components.
fn resolved(response: &'static Value) -> &'static Value {
    match response["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => response,
    }
}
