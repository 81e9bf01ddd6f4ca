//! The resources as JSON Schemas (draft 2020-12), made from the attribute registry, for descriptions of the API.

use serde_json::{Map, Value, json};

use super::{Attribute, AttributeType, Mutability, ResourceType, Returned};
use crate::error::ERROR_URN;
use crate::list::LIST_URN;

/// The side that sees an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Request,
    Response,
}

impl View {
    fn has(self, attribute: &Attribute) -> bool {
        match self {
            Self::Request => attribute.mutability != Mutability::ReadOnly,
            Self::Response => attribute.returned != Returned::Never,
        }
    }
}

impl ResourceType {
    /// The JSON Schema of a body that creates or replaces a resource (RFC 7644 §3.3, §3.5.1).
    pub fn request_schema(&self) -> Value {
        let mut properties = self.properties(View::Request);
        properties.insert(
            "schemas".to_owned(),
            json!({ "type": "array", "items": { "type": "string" } }),
        );
        let mut required = vec!["schemas"];
        required.extend(self.required());
        json!({
            "description": format!("A `{}` (RFC 7643 §4). `id`, `meta` and read-only attributes are ignored.", self.name),
            "type": "object",
            "required": required,
            "properties": properties,
        })
    }

    /// The JSON Schema of a resource in a response. A request may choose the attributes; only what is always returned is required.
    pub fn response_schema(&self) -> Value {
        let mut properties = self.properties(View::Response);
        properties.insert(
            "schemas".to_owned(),
            json!({ "type": "array", "contains": { "const": self.schema.id }, "items": { "type": "string" } }),
        );
        properties.insert("id".to_owned(), json!({ "type": "string", "format": "uuid" }));
        properties.insert("meta".to_owned(), self.meta_schema());
        json!({
            "description": format!("A `{}` (RFC 7643 §4).", self.name),
            "type": "object",
            "required": ["schemas", "id"],
            "properties": properties,
        })
    }

    fn required(&self) -> impl Iterator<Item = &str> {
        let attributes = self.schema.attributes.iter();
        attributes
            .filter(|attribute| attribute.required)
            .map(|attribute| attribute.name.as_str())
    }

    /// The attributes of the resource type, and those of its extensions under their URNs.
    fn properties(&self, view: View) -> Map<String, Value> {
        let mut properties = attributes(&self.common, view);
        properties.append(&mut attributes(&self.schema.attributes, view));
        for extension in &self.extensions {
            let mut described = object(&extension.attributes, view);
            if let Some(members) = described.as_object_mut() {
                members.insert("description".to_owned(), json!(extension.description));
            }
            properties.insert(extension.id.clone(), described);
        }
        properties
    }

    fn meta_schema(&self) -> Value {
        json!({
            "type": "object",
            "required": ["resourceType", "created", "lastModified", "location", "version"],
            "properties": {
                "resourceType": { "const": self.name },
                "created": { "type": "string", "format": "date-time" },
                "lastModified": { "type": "string", "format": "date-time" },
                "location": { "type": "string", "format": "uri" },
                "version": { "type": "string" },
            },
        })
    }
}

/// A list response (RFC 7644 §3.4.2) with resources of the schema `item`.
pub fn list_schema(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "itemsPerPage"],
        "properties": {
            "schemas": { "const": [LIST_URN] },
            "totalResults": { "type": "integer", "minimum": 0 },
            "itemsPerPage": { "type": "integer", "minimum": 0 },
            "startIndex": { "type": "integer", "minimum": 1, "description": "Of a page by index." },
            "nextCursor": { "type": "string", "description": "Of a page by cursor that is not the last (RFC 9865 §2)." },
            "previousCursor": { "type": "string" },
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

fn attributes(all: &[Attribute], view: View) -> Map<String, Value> {
    all.iter()
        .filter(|attribute| view.has(attribute))
        .map(|attribute| (attribute.name.clone(), one(attribute, view)))
        .collect()
}

fn object(all: &[Attribute], view: View) -> Value {
    json!({ "type": "object", "properties": attributes(all, view) })
}

fn one(attribute: &Attribute, view: View) -> Value {
    let single = match attribute.data_type {
        AttributeType::String => json!({ "type": "string" }),
        AttributeType::Boolean => json!({ "type": "boolean" }),
        AttributeType::Decimal => json!({ "type": "number" }),
        AttributeType::Integer => json!({ "type": "integer", "format": "int64" }),
        AttributeType::DateTime => json!({ "type": "string", "format": "date-time" }),
        AttributeType::Binary => json!({ "type": "string", "contentEncoding": "base64" }),
        AttributeType::Reference => json!({ "type": "string", "format": "uri-reference" }),
        AttributeType::Complex => object(&attribute.sub, view),
        AttributeType::Any => json!({ "type": "object" }),
    };
    let mut schema = match attribute.multi_valued {
        true => json!({ "type": "array", "items": single }),
        false => single,
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(attribute.description));
        if attribute.mutability == Mutability::WriteOnly {
            members.insert("writeOnly".to_owned(), json!(true));
        }
    }
    schema
}
