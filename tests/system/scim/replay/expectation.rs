//! The expectation of a provider about a response.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::filled;

/// A status, and what is at JSON pointers of the body: a value, `null` for nothing, or `"*"` for anything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    status: u16,
    #[serde(default)]
    body: BTreeMap<String, Value>,
}

impl Expectation {
    /// Checks a response, and returns its body.
    pub(super) async fn check(
        &self,
        response: reqwest::Response,
        kept: &BTreeMap<String, String>,
        at: &str,
    ) -> Value {
        let status = response.status().as_u16();
        let media_type = response.headers().get("content-type").cloned();
        let text = response.text().await.unwrap();
        assert_eq!(status, self.status, "{at}: {text}");
        if status == 204 {
            assert!(
                text.is_empty() && media_type.is_none(),
                "{at}: a 204 has no body: {text}"
            );
            return Value::Null;
        }
        // Every response of both providers' documentation is of this type, errors too.
        assert_eq!(media_type.unwrap(), "application/scim+json", "{at}");
        let body: Value = serde_json::from_str(&text).unwrap();
        for (pointer, expected) in &self.body {
            let expected: Value = serde_json::from_str(&filled(&expected.to_string(), kept)).unwrap();
            let found = body.pointer(pointer);
            match expected {
                Value::Null => assert_eq!(found, None, "{at}: {pointer}: {text}"),
                Value::String(any) if any == "*" => assert!(found.is_some(), "{at}: {pointer}: {text}"),
                expected => assert_eq!(found, Some(&expected), "{at}: {pointer}: {text}"),
            }
        }
        check_form(&body, at);
        body
    }
}

/// Checks what holds for every response: no member is null, every resource has an id, and the numbers of a list are numbers.
fn check_form(body: &Value, at: &str) {
    assert!(!has_null(body), "{at}: a null: {body}");
    let schemas = body["schemas"]
        .as_array()
        .unwrap_or_else(|| panic!("{at}: no schemas: {body}"));
    let is = |name: &str| schemas.iter().any(|urn| urn.as_str().unwrap().ends_with(name));
    if is(":ListResponse") {
        for name in ["totalResults", "startIndex", "itemsPerPage"] {
            assert!(body[name].is_u64(), "{at}: {name}: {body}");
        }
        for resource in body["Resources"].as_array().unwrap() {
            assert!(resource["id"].is_string(), "{at}: {resource}");
        }
    } else if is(":Error") {
        assert!(
            body["status"].is_string() && body["detail"].is_string(),
            "{at}: {body}"
        );
    } else if !is(":ServiceProviderConfig") {
        assert!(
            body["id"].is_string() && body["meta"]["location"].is_string(),
            "{at}: {body}"
        );
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.values().any(has_null),
        _ => false,
    }
}
