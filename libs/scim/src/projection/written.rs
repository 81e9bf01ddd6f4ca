//! The attributes that a write names, which its response has though others have to request them (RFC 7643 §7, `request`).

use serde_json::{Map, Value};

use super::Selected;
use crate::patch::Operation;
use crate::path::Path;
use crate::schema::{Attribute, Mutability, ResourceType, Returned, Schema};

/// The attributes that a POST, PUT or PATCH names, as far as they are returned on request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written(pub(super) Vec<Selected>);

impl Written {
    /// The attributes that a resource names, as a POST or a PUT sends it.
    pub fn of_resource(resource: &Map<String, Value>, resource_type: &ResourceType) -> Self {
        let mut written = Self::default();
        written.add_all(resource, resource_type);
        written
    }

    /// The attributes that the operations of a PATCH name, which were applied without an error.
    pub fn of_patch(operations: &[Operation], resource_type: &ResourceType) -> Self {
        let mut written = Self::default();
        for operation in operations {
            match (&operation.path, &operation.value) {
                (Some(path), value) => written.add(path, value.as_ref(), resource_type),
                (None, Some(Value::Object(members))) => written.add_all(members, resource_type),
                (None, _) => {}
            }
        }
        written
    }

    fn add_all(&mut self, members: &Map<String, Value>, resource_type: &ResourceType) {
        for (path, value) in members {
            self.add(path, Some(value), resource_type);
        }
    }

    fn add(&mut self, path: &str, value: Option<&Value>, resource_type: &ResourceType) {
        match Path::parse(path, resource_type) {
            Ok(Path::Extension(schema)) => {
                for (name, value) in value.and_then(Value::as_object).into_iter().flatten() {
                    if let Some(attribute) = schema.find(name) {
                        self.add_attribute(Some(schema), (attribute, None), Some(value));
                    }
                }
            }
            Ok(Path::Attribute(at)) => self.add_attribute(at.extension, (at.attribute, at.sub), value),
            Ok(Path::Values(values)) => {
                let at = values.location;
                self.add_attribute(at.extension, (at.attribute, values.sub), value);
            }
            // It named nothing, and was ignored.
            Err(_) => {}
        }
    }

    fn add_attribute(
        &mut self,
        extension: Option<&Schema>,
        (attribute, sub): (&Attribute, Option<&Attribute>),
        value: Option<&Value>,
    ) {
        let selected = |sub: Option<&Attribute>| Selected {
            schema: extension.map(|schema| schema.id.clone()),
            name: Some(attribute.name.clone()),
            sub: sub.map(|sub| sub.name.clone()),
        };
        if is_on_request(attribute) {
            self.push(selected(None));
        }
        for candidate in attribute.sub.iter().filter(|sub| is_on_request(sub)) {
            let is_named = match sub {
                Some(sub) => sub.name == candidate.name,
                None => value.is_some_and(|value| has_member(value, &candidate.name)),
            };
            if is_named {
                self.push(selected(Some(candidate)));
            }
        }
    }

    fn push(&mut self, selected: Selected) {
        if !self.0.contains(&selected) {
            self.0.push(selected);
        }
    }
}

/// True if a client can write an attribute that is returned on request.
fn is_on_request(attribute: &Attribute) -> bool {
    attribute.returned == Returned::Request && attribute.mutability != Mutability::ReadOnly
}

/// True if an object, or one of a list of objects, has a member.
fn has_member(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(members) => members.keys().any(|member| member.eq_ignore_ascii_case(name)),
        Value::Array(items) => items
            .iter()
            .any(|item| item.is_object() && has_member(item, name)),
        _ => false,
    }
}
