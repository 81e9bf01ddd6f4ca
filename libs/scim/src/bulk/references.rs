//! References `bulkId:…` to resources that other operations create (RFC 7644 §3.7.2).
//!
//! A reference stands where the id of a resource does: in the path of an operation, in an attribute that refers to resources,
//! such as `members` and `manager`, and in a path of PATCH that selects by one. It is the whole text (`"value": "bulkId:a"`), the
//! last segment of a URL (`"$ref": "../Users/bulkId:a"`), or in quotes within a path (`members[value eq "bulkId:a"]`). Every other text,
//! such as a password, is data.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;

use super::visit::{visit, visit_value};
use super::{BulkMethod, BulkOperation, Target};
use crate::Error;
use crate::schema::{Attribute, ResourceType};

const PREFIX: &str = "bulkId:";

/// The ids of the resources that were created, by the `bulkId` of their operations.
#[derive(Clone, Debug, Default)]
pub struct Created(BTreeMap<String, String>);

impl Created {
    /// Records the resource that the operation `bulk_id` created.
    pub fn record(&mut self, bulk_id: &str, id: &str) {
        self.0.insert(bulk_id.to_owned(), id.to_owned());
    }

    /// Puts the ids of resources in place of all references in `data`, which is a resource of the type `resource_type`, or, of
    /// `PATCH`, the body of a modification or the list of its operations.
    ///
    /// # Errors
    /// 409 for a reference to an operation that is not in the request, or that failed (RFC 7644 §3.7.1). It names the attribute.
    pub fn resolve(
        &self,
        data: &mut Value,
        method: BulkMethod,
        resource_type: &ResourceType,
    ) -> Result<(), Error> {
        visit(data, method, resource_type, &mut |text, name| {
            if let Some(resolved) = self.resolved(text, name)? {
                *text = resolved;
            }
            Ok(())
        })
    }

    /// The target with the id of its resource.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn resolve_target(&self, target: &Target) -> Result<Target, Error> {
        let id = match &target.id {
            Some(id) => self.resolved(id, "path")?.or_else(|| Some(id.clone())),
            None => None,
        };
        Ok(Target {
            endpoint: target.endpoint.clone(),
            id,
        })
    }

    /// A text with the ids of resources in place of its references; `None` if it has none. `name` is that of its attribute.
    fn resolved(&self, text: &str, name: &str) -> Result<Option<String>, Error> {
        let references = references(text);
        if references.is_empty() {
            return Ok(None);
        }
        let (mut resolved, mut at) = (String::with_capacity(text.len()), 0);
        for reference in references {
            let bulk_id = text
                .get(reference.clone())
                .and_then(|name| name.strip_prefix(PREFIX));
            let id = bulk_id.and_then(|bulk_id| self.0.get(bulk_id)).ok_or_else(|| {
                Error::new(
                    409,
                    format!("{name}: a bulkId refers to a resource that no operation has created"),
                )
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

/// Every `bulkId` that an operation refers to, in its data and its path.
pub(super) fn of_operation(operation: &BulkOperation, resource_type: &ResourceType) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    // The data is visited in a copy, because a visit may change it.
    let mut data = operation.data.clone();
    let outcome = visit(&mut data, operation.method, resource_type, &mut |text, _| {
        found.extend(bulk_ids(text));
        Ok(())
    });
    debug_assert!(outcome.is_ok(), "nothing refuses");
    let target = operation.target.as_ref().ok();
    found.extend(
        target
            .and_then(|target| target.id.as_deref())
            .into_iter()
            .flat_map(bulk_ids),
    );
    found
}

/// Every `bulkId` that the value of an attribute refers to.
pub(super) fn of_value(value: &Value, attribute: &Attribute) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let outcome = visit_value(&mut value.clone(), attribute, &mut |text, _| {
        found.extend(bulk_ids(text));
        Ok(())
    });
    debug_assert!(outcome.is_ok(), "nothing refuses");
    found
}

fn bulk_ids(text: &str) -> impl Iterator<Item = String> {
    let names = references(text).into_iter().filter_map(|name| text.get(name));
    names.map(|name| name.strip_prefix(PREFIX).unwrap_or(name).to_owned())
}
