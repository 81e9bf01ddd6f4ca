//! Bulk requests (RFC 7644 §3.7): parsing, references between operations, their order, and the response.
//!
//! A server parses the request, makes a [`Plan`], and runs its steps. Each operation that creates a resource reports its id to
//! [`Created`], with which the references of later steps are resolved.

mod plan;
mod references;
mod results;
mod visit;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use crate::Error;
use crate::patch::json_member;
use crate::schema::{Registry, ResourceType};

pub use plan::{Plan, Step};
pub use references::Created;
pub use results::{BulkResult, ErrorBudget, response};

/// The schema URN of a bulk request.
pub const BULK_REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The schema URN of a bulk response.
pub const BULK_RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The maximum number of characters of a `bulkId`.
const MAX_BULK_ID: usize = 255;

/// The limits of a bulk request, which `/ServiceProviderConfig` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// `maxOperations`.
    pub max_operations: usize,
    /// `maxPayloadSize`, in bytes.
    pub max_payload_size: usize,
}

impl BulkLimits {
    /// Checks the size of a body, before it is parsed.
    ///
    /// # Errors
    /// 413, naming the limit (RFC 7644 §3.7.4).
    pub fn check_payload(&self, bytes: usize) -> Result<(), Error> {
        match bytes > self.max_payload_size {
            true => Err(Error::payload_too_large(format!(
                "the size of the bulk request exceeds maxPayloadSize ({})",
                self.max_payload_size
            ))),
            false => Ok(()),
        }
    }
}

/// A bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// `failOnErrors`: the number of errors after which no further operation is run; `None` runs all.
    pub fail_on_errors: Option<u64>,
    /// `Operations`, in the order of the request.
    pub operations: Vec<BulkOperation>,
}

/// `method` of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkMethod {
    /// Creation.
    Post,
    /// Replacement.
    Put,
    /// Modification.
    Patch,
    /// Deletion.
    Delete,
}

impl BulkMethod {
    /// The method as in HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// An operation of a bulk request. Its `Debug` output lacks the data, which may have a password.
#[derive(Clone, PartialEq)]
pub struct BulkOperation {
    /// `method`.
    pub method: BulkMethod,
    /// `bulkId`: the name by which other operations refer to the resource that this one creates.
    pub bulk_id: Option<String>,
    /// `version`: the entity tag that the resource must have.
    pub version: Option<String>,
    /// The resource type and the id of `path`. An error is that of the operation alone: the others are run.
    pub target: Result<Target, Error>,
    /// `data`; `null` without it.
    pub data: Value,
}

impl fmt::Debug for BulkOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkOperation")
            .field("method", &self.method)
            .field("bulk_id", &self.bulk_id)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// The resource that an operation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The endpoint of the resource type, such as `/Users`.
    pub endpoint: String,
    /// The id, which may be a reference `bulkId:…`; `None` for a creation.
    pub id: Option<String>,
}

impl BulkRequest {
    /// Parses the body of a bulk request.
    ///
    /// # Errors
    /// 413 for too many operations (RFC 7644 §3.7.4), `invalidSyntax` and `invalidValue` for a malformed request, naming the operation.
    pub fn parse(body: &Value, limits: &BulkLimits, registry: &Registry) -> Result<Self, Error> {
        let body = body
            .as_object()
            .ok_or_else(|| Error::invalid_syntax("the body must be a JSON object"))?;
        let schemas = json_member(body, "schemas")?.and_then(Value::as_array);
        let mut urns = schemas.into_iter().flatten().filter_map(Value::as_str);
        if !urns.any(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST_URN)) {
            return Err(Error::invalid_syntax(format!(
                "schemas: must name {BULK_REQUEST_URN}"
            )));
        }
        let fail_on_errors = match json_member(body, "failOnErrors")? {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .filter(|number| *number > 0)
                    .ok_or_else(|| Error::invalid_value("failOnErrors", "expected a whole number from 1"))?,
            ),
        };
        let Some(Value::Array(operations)) = json_member(body, "Operations")? else {
            return Err(Error::invalid_syntax("Operations: expected a list"));
        };
        if operations.len() > limits.max_operations {
            return Err(Error::payload_too_large(format!(
                "the number of operations exceeds maxOperations ({})",
                limits.max_operations
            )));
        }
        let mut read: Vec<BulkOperation> = Vec::with_capacity(operations.len());
        let mut seen = std::collections::BTreeSet::new();
        for (index, operation) in operations.iter().enumerate() {
            let named = |mut error: Error| {
                error.detail = format!("Operations[{index}]: {}", error.detail);
                error
            };
            let operation = operation_of(operation, registry).map_err(named)?;
            if let Some(id) = &operation.bulk_id
                && operation.method == BulkMethod::Post
                && !seen.insert(id.clone())
            {
                return Err(named(Error::invalid_value(
                    "bulkId",
                    "is that of another operation",
                )));
            }
            read.push(operation);
        }
        Ok(Self {
            fail_on_errors,
            operations: read,
        })
    }
}

fn operation_of(operation: &Value, registry: &Registry) -> Result<BulkOperation, Error> {
    let operation = operation
        .as_object()
        .ok_or_else(|| Error::invalid_syntax("expected an object"))?;
    let method = text(operation, "method")?.unwrap_or_default();
    let method = [
        BulkMethod::Post,
        BulkMethod::Put,
        BulkMethod::Patch,
        BulkMethod::Delete,
    ]
    .into_iter()
    .find(|known| known.as_str().eq_ignore_ascii_case(method))
    .ok_or_else(|| Error::invalid_syntax("method: expected POST, PUT, PATCH or DELETE"))?;
    let bulk_id = text(operation, "bulkId")?.map(str::to_owned);
    match &bulk_id {
        None if method == BulkMethod::Post => {
            return Err(Error::invalid_syntax("bulkId: is required to create a resource"));
        }
        Some(id) if id.is_empty() || id.chars().count() > MAX_BULK_ID || id.contains('"') => {
            return Err(Error::invalid_value(
                "bulkId",
                "expected a short text without quotes",
            ));
        }
        _ => {}
    }
    let Some(path) = text(operation, "path")? else {
        return Err(Error::invalid_syntax("path: is required"));
    };
    let data = json_member(operation, "data")?.cloned().unwrap_or(Value::Null);
    let target = target(method, path, registry).and_then(|target| match (method, &data) {
        (BulkMethod::Delete, _) | (_, Value::Object(_)) => Ok(target),
        _ => Err(Error::invalid_syntax("data: expected an object")),
    });
    Ok(BulkOperation {
        method,
        bulk_id,
        version: text(operation, "version")?.map(str::to_owned),
        target,
        data,
    })
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Error> {
    match json_member(object, name)? {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid_syntax(format!("{name}: expected text"))),
    }
}

/// The resource of a path: `/Users` to create one, `/Users/ID` for the rest (RFC 7644 §3.7).
fn target(method: BulkMethod, path: &str, registry: &Registry) -> Result<Target, Error> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (endpoint, id) = match path.split_once('/') {
        Some((endpoint, id)) => (endpoint, Some(id)),
        None => (path, None),
    };
    let resource_type: &ResourceType = registry
        .of_endpoint(&format!("/{endpoint}"))
        .ok_or_else(Error::no_such_endpoint)?;
    let id = match (method, id.filter(|id| !id.is_empty())) {
        (BulkMethod::Post, None) => None,
        (BulkMethod::Post, Some(_)) | (_, None) => return Err(Error::method_not_allowed()),
        (_, Some(id)) if id.contains('/') => return Err(Error::no_such_endpoint()),
        (_, Some(id)) => Some(id.to_owned()),
    };
    Ok(Target {
        endpoint: resource_type.endpoint.clone(),
        id,
    })
}
