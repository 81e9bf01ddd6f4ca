//! The places of bulk operations in which a reference to a resource may stand.

use serde_json::{Map, Value};

use super::BulkMethod;
use crate::Error;
use crate::path::Path;
use crate::schema::{Attribute, ResourceType};

/// A function that is called with each text in which a reference may stand. The second text is the name of its attribute.
pub(super) type Visitor<'v> = dyn FnMut(&mut String, &str) -> Result<(), Error> + 'v;

/// Visits the texts of `data` in which a reference may stand.
pub(super) fn visit(
    data: &mut Value,
    method: BulkMethod,
    resource_type: &ResourceType,
    each: &mut Visitor<'_>,
) -> Result<(), Error> {
    match (method, data) {
        (BulkMethod::Patch, Value::Object(body)) => {
            let operations = body
                .iter_mut()
                .find(|(name, _)| name.eq_ignore_ascii_case("Operations"));
            match operations {
                Some((_, operations)) => visit(operations, method, resource_type, each),
                None => Ok(()),
            }
        }
        (BulkMethod::Patch, Value::Array(operations)) => operations
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .try_for_each(|operation| visit_operation(operation, resource_type, each)),
        (_, Value::Object(members)) => visit_members(members, "", resource_type, each),
        _ => Ok(()),
    }
}

/// Visits an operation of PATCH: its path, and its value.
fn visit_operation(
    operation: &mut Map<String, Value>,
    resource_type: &ResourceType,
    each: &mut Visitor<'_>,
) -> Result<(), Error> {
    let mut taken = |name: &str| {
        let mut members = operation.iter_mut();
        let member = members.find(|(member, _)| member.eq_ignore_ascii_case(name));
        member.map(|(_, value)| value.take())
    };
    let (mut path, mut value) = (taken("path"), taken("value"));
    let outcome = match (&mut path, &mut value) {
        (Some(Value::String(path)), value) if !path.is_empty() => {
            visit_named(path, "", value.as_mut(), resource_type, each)
        }
        (_, Some(Value::Object(members))) => visit_members(members, "", resource_type, each),
        _ => Ok(()),
    };
    for (name, member) in operation.iter_mut() {
        if name.eq_ignore_ascii_case("path")
            && let Some(path) = path.take()
        {
            *member = path;
        } else if name.eq_ignore_ascii_case("value")
            && let Some(value) = value.take()
        {
            *member = value;
        }
    }
    outcome
}

/// Visits the members of a resource, of an extension, whose URN and colon `prefix` is, or of a value without a path. A name may be
/// a path.
fn visit_members(
    members: &mut Map<String, Value>,
    prefix: &str,
    resource_type: &ResourceType,
    each: &mut Visitor<'_>,
) -> Result<(), Error> {
    let mut visited = Map::with_capacity(members.len());
    for (mut name, mut value) in std::mem::take(members) {
        visit_named(&mut name, prefix, Some(&mut value), resource_type, each)?;
        visited.insert(name, value);
    }
    *members = visited;
    Ok(())
}

/// Visits a name, which may be a path, and the value of what it names.
fn visit_named(
    name: &mut String,
    prefix: &str,
    value: Option<&mut Value>,
    resource_type: &ResourceType,
    each: &mut Visitor<'_>,
) -> Result<(), Error> {
    let full = format!("{prefix}{name}");
    match (Path::parse(&full, resource_type), value) {
        (Ok(Path::Extension(schema)), Some(Value::Object(members))) => {
            visit_members(members, &format!("{}:", schema.id), resource_type, each)
        }
        (Ok(Path::Attribute(location)), Some(value)) => match location.sub {
            Some(sub) if is_place(sub, location.attribute) => {
                visit_texts(value, &location.attribute.name, each)
            }
            Some(_) => Ok(()),
            None => visit_value(value, location.attribute, each),
        },
        (Ok(Path::Values(values)), value) if refers(values.location.attribute) => {
            let attribute = values.location.attribute;
            each(name, &attribute.name)?;
            match (values.sub, value) {
                (None, Some(value)) => visit_value(value, attribute, each),
                (Some(sub), Some(value)) if is_place(sub, attribute) => {
                    visit_texts(value, &attribute.name, each)
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Visits the value of an attribute, if it refers to resources.
pub(super) fn visit_value(
    value: &mut Value,
    attribute: &Attribute,
    each: &mut Visitor<'_>,
) -> Result<(), Error> {
    match value {
        _ if !refers(attribute) => Ok(()),
        Value::String(text) => each(text, &attribute.name),
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| visit_value(item, attribute, each)),
        Value::Object(members) => {
            members
                .iter_mut()
                .try_for_each(|(name, value)| match attribute.find_sub(name) {
                    Some(sub) if is_place(sub, attribute) => visit_texts(value, &attribute.name, each),
                    _ => Ok(()),
                })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Visits a text, or each of a list.
fn visit_texts(value: &mut Value, name: &str, each: &mut Visitor<'_>) -> Result<(), Error> {
    match value {
        Value::String(text) => each(text, name),
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| visit_texts(item, name, each)),
        _ => Ok(()),
    }
}

/// True if the values of an attribute are resources: those of a reference, or of a complex attribute with one, whose `value` is an
/// id (RFC 7643 §2.4).
fn refers(attribute: &Attribute) -> bool {
    let is_resource = |name: &String| name == "User" || name == "Group";
    attribute.reference_types.iter().any(is_resource) || attribute.sub.iter().any(refers)
}

/// True if a sub-attribute has the id or the URL of a resource.
fn is_place(sub: &Attribute, of: &Attribute) -> bool {
    refers(sub) || (sub.name == "value" && refers(of))
}
