//! The resources as JSON Schemas (draft 2020-12), made from the attribute tables, for descriptions of the API.

use serde_json::{Map, Value, json};

use super::{Attribute, AttributeType, CORE_USER, Mutability, Schema, USER, USER_EXTENSIONS};
use crate::error::ERROR_URN;
use crate::list::LIST_URN;

/// The body of a request that creates or replaces a `User` (RFC 7644 §3.3, §3.5.1).
pub fn user_request_schema() -> Value {
    let mut properties = properties_of(&USER, false);
    properties.insert(
        "schemas".to_owned(),
        json!({ "type": "array", "items": { "type": "string" } }),
    );
    json!({
        "description": "A `User` (RFC 7643 §4.1). `id`, `meta` and read-only attributes are ignored.",
        "type": "object",
        "required": ["schemas", "userName"],
        "properties": properties,
    })
}

/// A `User` in a response.
pub fn user_schema() -> Value {
    let mut properties = properties_of(&USER, true);
    properties.insert(
        "schemas".to_owned(),
        json!({ "type": "array", "contains": { "const": CORE_USER }, "items": { "type": "string" } }),
    );
    properties.insert("id".to_owned(), json!({ "type": "string", "format": "uuid" }));
    properties.insert("meta".to_owned(), meta_schema());
    json!({
        "description": "A `User` (RFC 7643 §4.1).",
        "type": "object",
        "required": ["schemas", "id", "userName", "active", "meta"],
        "properties": properties,
    })
}

/// A list response (RFC 7644 §3.4.2) with resources of the schema `item`.
pub fn list_schema(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "totalResults", "itemsPerPage", "startIndex"],
        "properties": {
            "schemas": { "const": [LIST_URN] },
            "totalResults": { "type": "integer", "minimum": 0 },
            "itemsPerPage": { "type": "integer", "minimum": 0 },
            "startIndex": { "type": "integer", "minimum": 1 },
            "Resources": { "type": "array", "items": item },
        },
    })
}

/// A resource that describes the server (RFC 7643 §5 to §7).
pub fn discovery_schema() -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "meta"],
        "properties": {
            "schemas": { "type": "array", "items": { "type": "string" } },
            "meta": { "type": "object", "required": ["resourceType", "location"] },
        },
    })
}

/// An error response (RFC 7644 §3.12).
pub fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "status"],
        "properties": {
            "schemas": { "const": [ERROR_URN] },
            "status": { "type": "string", "pattern": "^[45][0-9][0-9]$" },
            "scimType": { "type": "string" },
            "detail": { "type": "string" },
        },
    })
}

fn meta_schema() -> Value {
    json!({
        "type": "object",
        "required": ["resourceType", "created", "lastModified", "location", "version"],
        "properties": {
            "resourceType": { "const": "User" },
            "created": { "type": "string", "format": "date-time" },
            "lastModified": { "type": "string", "format": "date-time" },
            "location": { "type": "string", "format": "uri" },
            "version": { "type": "string" },
        },
    })
}

/// The attributes of a schema, and its extensions under their URNs.
fn properties_of(schema: &Schema, read_only: bool) -> Map<String, Value> {
    let mut properties = attributes(schema.attributes, read_only);
    for extension in USER_EXTENSIONS {
        let mut described = object(extension.attributes, read_only);
        if let Some(members) = described.as_object_mut() {
            members.insert("description".to_owned(), json!(extension.description));
        }
        properties.insert(extension.id.to_owned(), described);
    }
    properties
}

fn attributes(all: &[Attribute], read_only: bool) -> Map<String, Value> {
    all.iter()
        .filter(|attribute| read_only || attribute.mutability == Mutability::ReadWrite)
        .map(|attribute| (attribute.name.to_owned(), one(attribute, read_only)))
        .collect()
}

fn object(all: &[Attribute], read_only: bool) -> Value {
    json!({ "type": "object", "properties": attributes(all, read_only) })
}

fn one(attribute: &Attribute, read_only: bool) -> Value {
    let single = match attribute.data_type {
        AttributeType::String => json!({ "type": "string" }),
        AttributeType::Boolean => json!({ "type": "boolean" }),
        AttributeType::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        AttributeType::Reference => json!({ "type": "string", "format": "uri-reference" }),
        AttributeType::Complex => object(attribute.sub, read_only),
        AttributeType::Any => json!({ "type": "object" }),
    };
    let mut schema = match attribute.multi_valued {
        true => json!({ "type": "array", "items": single }),
        false => single,
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(attribute.description));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_every_attribute_that_a_client_may_change_and_no_other() {
        let request = user_request_schema();
        assert_eq!(
            request["properties"]["emails"]["items"]["properties"]["value"]["type"],
            "string"
        );
        assert!(request["properties"].get("groups").is_none(), "the server's own");
        assert!(user_schema()["properties"].get("groups").is_some());
        for extension in USER_EXTENSIONS {
            assert!(
                request["properties"].get(extension.id).is_some(),
                "{}",
                extension.id
            );
        }
    }
}
