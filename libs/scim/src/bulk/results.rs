//! The results of bulk operations, and the body of the response (RFC 7644 §3.7.3).

use serde_json::{Map, Value, json};

use super::{BULK_RESPONSE_URN, BulkMethod, BulkOperation};
use crate::Error;

/// The count of errors against `failOnErrors` (RFC 7644 §3.7.3).
#[derive(Clone, Copy, Debug)]
pub struct ErrorBudget {
    remaining: Option<u64>,
}

impl ErrorBudget {
    /// The budget of a request.
    pub const fn new(fail_on_errors: Option<u64>) -> Self {
        Self {
            remaining: fail_on_errors,
        }
    }

    /// Counts the status of an operation.
    pub fn record(&mut self, status: u16) {
        if status >= 400 {
            self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(1));
        }
    }

    /// True if no further operation may be run.
    pub fn is_spent(&self) -> bool {
        self.remaining == Some(0)
    }
}

/// The result of an operation (RFC 7644 §3.7.3).
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResult {
    /// `method`.
    pub method: BulkMethod,
    /// `bulkId`.
    pub bulk_id: Option<String>,
    /// `location`: the URL of the resource; `None` for a creation that failed.
    pub location: Option<String>,
    /// `version`: the entity tag of the resource.
    pub version: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// `response`: the body, which an error must have.
    pub response: Option<Value>,
}

impl BulkResult {
    /// The result of an operation that failed.
    pub fn failed(operation: &BulkOperation, location: Option<String>, error: &Error) -> Self {
        Self {
            method: operation.method,
            bulk_id: operation.bulk_id.clone(),
            location,
            version: None,
            status: error.status,
            response: Some(error.to_json()),
        }
    }

    fn to_json(&self) -> Value {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                shown.insert(name.to_owned(), value);
            }
        };
        put("location", self.location.as_deref().map(Value::from));
        put("method", Some(self.method.as_str().into()));
        put("bulkId", self.bulk_id.as_deref().map(Value::from));
        put("version", self.version.as_deref().map(Value::from));
        put("status", Some(self.status.to_string().into()));
        put("response", self.response.clone());
        Value::Object(shown)
    }
}

/// The JSON body of a bulk response.
pub fn response(results: &[BulkResult]) -> Value {
    let results: Vec<Value> = results.iter().map(BulkResult::to_json).collect();
    json!({"schemas": [BULK_RESPONSE_URN], "Operations": results})
}
