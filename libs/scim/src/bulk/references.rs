//! References `bulkId:…` to resources that other operations create (RFC 7644 §3.7.2).
//!
//! A text is a reference as a whole (`"value": "bulkId:a"`), as the last segment of a URL (`"$ref": "../Users/bulkId:a"`), and in quotes
//! within the path of a PATCH (`members[value eq "bulkId:a"]`).

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::{BulkOperation, Target};
use crate::Error;

const PREFIX: &str = "bulkId:";

/// The ids of the resources that were created, by the `bulkId` of their operations.
#[derive(Clone, Debug, Default)]
pub struct Created(BTreeMap<String, String>);

impl Created {
    /// Records the resource that the operation `bulk_id` created.
    pub fn record(&mut self, bulk_id: &str, id: &str) {
        self.0.insert(bulk_id.to_owned(), id.to_owned());
    }

    /// Puts the ids of resources in place of all references in `data`.
    ///
    /// # Errors
    /// 409 for a reference to an operation that is not in the request, or that failed (RFC 7644 §3.7.1).
    pub fn resolve(&self, data: &mut Value) -> Result<(), Error> {
        match data {
            Value::String(text) => {
                if let Some(resolved) = self.resolved(text)? {
                    *text = resolved;
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.resolve(item)),
            Value::Object(members) => members.values_mut().try_for_each(|value| self.resolve(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// The target with the id of its resource.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_target(&self, target: &Target) -> Result<Target, Error> {
        let id = match &target.id {
            Some(id) => self.resolved(id)?.or_else(|| Some(id.clone())),
            None => None,
        };
        Ok(Target {
            endpoint: target.endpoint.clone(),
            id,
        })
    }

    fn resolved(&self, text: &str) -> Result<Option<String>, Error> {
        let references = references(text);
        if references.is_empty() {
            return Ok(None);
        }
        let (mut resolved, mut at) = (String::with_capacity(text.len()), 0);
        for reference in references {
            let name = text.get(reference.clone()).unwrap_or_default();
            let bulk_id = name.strip_prefix(PREFIX).unwrap_or(name);
            let id = self.0.get(bulk_id).ok_or_else(|| {
                let shown: String = name.chars().take(200).collect();
                Error::new(409, format!("{shown}: no operation has created this resource"))
            })?;
            resolved.push_str(text.get(at..reference.start).unwrap_or_default());
            resolved.push_str(id);
            at = reference.end;
        }
        resolved.push_str(text.get(at..).unwrap_or_default());
        Ok(Some(resolved))
    }
}

/// The references in a text, each with its prefix.
fn references(text: &str) -> Vec<Range<usize>> {
    if text.starts_with(PREFIX) {
        return std::iter::once(0..text.len()).collect();
    }
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    if last > 0
        && text
            .get(last..)
            .is_some_and(|segment| segment.starts_with(PREFIX))
    {
        return std::iter::once(last..text.len()).collect();
    }
    let mut found = Vec::new();
    for (quote, _) in text.match_indices("\"bulkId:") {
        let start = quote + 1;
        let length = text.get(start..).and_then(|rest| rest.find('"'));
        if let Some(length) = length {
            found.push(start..start + length);
        }
    }
    found
}

/// Calls `each` with every `bulkId` that `value` refers to.
pub(super) fn for_each<'a>(value: &'a Value, each: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => {
            for reference in references(text) {
                let name = text.get(reference).unwrap_or_default();
                each(name.strip_prefix(PREFIX).unwrap_or(name));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| for_each(item, each)),
        Value::Object(members) => members.values().for_each(|value| for_each(value, each)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every `bulkId` that an operation refers to, in its data and its path.
pub(super) fn of_operation(operation: &BulkOperation) -> Vec<&str> {
    let mut found = Vec::new();
    for_each(&operation.data, &mut |id| found.push(id));
    let id = operation
        .target
        .as_ref()
        .ok()
        .and_then(|target| target.id.as_deref());
    found.extend(id.and_then(|id| id.strip_prefix(PREFIX)));
    found
}
