//! The body of a PATCH (RFC 7644 §3.5.2).

use std::fmt;

use serde_json::{Map, Value};

use crate::Error;

/// The schema URN of a PATCH.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The maximum number of operations.
pub const MAX_OPERATIONS: usize = 1000;

/// `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// `add` (§3.5.2.1).
    Add,
    /// `remove` (§3.5.2.2).
    Remove,
    /// `replace` (§3.5.2.3).
    Replace,
}

/// One operation. Its `Debug` output lacks the value, which may be a password.
#[derive(Clone, PartialEq)]
pub struct Operation {
    /// `op`.
    pub kind: OperationKind,
    /// `path`.
    pub path: Option<String>,
    /// `value`; `null` is a value.
    pub value: Option<Value>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("kind", &self.kind)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Operation {
    /// True if the operation may set the password: its path, or a name in its value, ends with `password`. Whether it does is known
    /// after [`apply`](super::apply).
    pub fn may_set_password(&self) -> bool {
        const NAME: &str = "password";
        let ends = |text: &str| {
            let start = text.len().checked_sub(NAME.len());
            start
                .and_then(|start| text.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(NAME))
        };
        let named = |value: &Value| match value {
            Value::Object(members) => members.iter().any(|(name, value)| {
                let below = value.as_object();
                ends(name) || below.is_some_and(|below| below.keys().any(|name| ends(name)))
            }),
            _ => false,
        };
        match &self.path {
            Some(path) => ends(path.trim()) || self.value.as_ref().is_some_and(named),
            None => self.value.as_ref().is_some_and(named),
        }
    }
}

/// Parses the body of a PATCH. Names and `op` are compared without regard to case.
///
/// # Errors
/// `invalidSyntax`, naming the operation; 413 for more than [`MAX_OPERATIONS`].
pub fn parse(body: &Value) -> Result<Vec<Operation>, Error> {
    let body = body
        .as_object()
        .ok_or_else(|| Error::invalid_syntax("the body must be a JSON object"))?;
    let schemas = json_member(body, "schemas")?;
    let has_urn = schemas.and_then(Value::as_array).is_some_and(|urns| {
        let mut urns = urns.iter().filter_map(Value::as_str);
        urns.any(|urn| urn.eq_ignore_ascii_case(PATCH_URN))
    });
    if !has_urn {
        return Err(Error::invalid_syntax(format!("schemas: must name {PATCH_URN}")));
    }
    operations_of(body)
}

/// Parses the `data` of a PATCH in a bulk request (RFC 7644 §3.7). Its examples name no schema, and clients leave it out.
///
/// # Errors
/// As [`parse`].
pub fn parse_of_bulk(data: &Value) -> Result<Vec<Operation>, Error> {
    match data.as_object() {
        Some(body) if json_member(body, "schemas")?.is_none() => operations_of(body),
        _ => parse(data),
    }
}

fn operations_of(body: &Map<String, Value>) -> Result<Vec<Operation>, Error> {
    let Some(Value::Array(operations)) = json_member(body, "Operations")? else {
        return Err(Error::invalid_syntax("Operations: expected a list"));
    };
    if operations.is_empty() {
        return Err(Error::invalid_syntax("Operations: expected at least one"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::payload_too_large(format!(
            "Operations: more than {MAX_OPERATIONS}"
        )));
    }
    let numbered = operations.iter().enumerate();
    numbered
        .map(|(index, operation)| {
            operation_of(operation).map_err(|mut error| {
                error.detail = format!("Operations[{index}]: {}", error.detail);
                error
            })
        })
        .collect()
}

fn operation_of(operation: &Value) -> Result<Operation, Error> {
    let operation = operation
        .as_object()
        .ok_or_else(|| Error::invalid_syntax("expected an object"))?;
    let op = json_member(operation, "op")?.and_then(Value::as_str);
    let kind = [
        ("add", OperationKind::Add),
        ("remove", OperationKind::Remove),
        ("replace", OperationKind::Replace),
    ]
    .into_iter()
    .find(|(name, _)| op.is_some_and(|op| op.eq_ignore_ascii_case(name)))
    .map(|(_, kind)| kind)
    .ok_or_else(|| Error::invalid_syntax("op: expected add, remove or replace"))?;
    let path = match json_member(operation, "path")? {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.is_empty() => None,
        Some(Value::String(path)) => Some(path.clone()),
        Some(_) => return Err(Error::invalid_path("path: expected text")),
    };
    Ok(Operation {
        kind,
        path,
        value: json_member(operation, "value")?.cloned(),
    })
}

/// The member of this name, without regard to case (RFC 7643 §2.1).
pub(crate) fn json_member<'a>(
    object: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Value>, Error> {
    let mut found = object
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Error::invalid_syntax(format!("{name}: occurs twice"))),
        (found, _) => Ok(found.map(|(_, value)| value)),
    }
}
