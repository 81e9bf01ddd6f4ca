//! The discovery documents `/ResourceTypes` and `/Schemas` (RFC 7644 §4).

use serde_json::{Map, Value, json};

use super::{Attribute, AttributeType, Registry, ResourceType, Schema};

impl ResourceType {
    /// The resource type as a resource (RFC 7643 §6). `base` is the URL of `/scim/v2`.
    pub fn to_json(&self, base: &str) -> Value {
        let extensions: Vec<Value> = self
            .extensions
            .iter()
            .map(|extension| json!({"schema": extension.id, "required": false}))
            .collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.schema.description,
            "schema": self.schema.id,
            "schemaExtensions": extensions,
            "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", self.name)},
        })
    }
}

impl Schema {
    /// The schema as a resource (RFC 7643 §7). `base` is the URL of `/scim/v2`.
    pub fn to_json(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": self.attributes.iter().map(Attribute::to_json).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

impl Attribute {
    /// The attribute as an element of `attributes` or `subAttributes` (RFC 7643 §7). A characteristic without a meaning for
    /// the type is left out.
    pub fn to_json(&self) -> Value {
        let complex = matches!(self.data_type, AttributeType::Complex | AttributeType::Any);
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        put("name", self.name.as_str().into());
        put("type", self.data_type.as_str().into());
        put("description", self.description.as_str().into());
        put("multiValued", self.multi_valued.into());
        put("required", self.required.into());
        put("caseExact", self.case_exact.into());
        put("mutability", self.mutability.as_str().into());
        put("returned", self.returned.as_str().into());
        put("uniqueness", self.uniqueness.as_str().into());
        if !self.canonical_values.is_empty() {
            put("canonicalValues", json!(self.canonical_values));
        }
        if !self.reference_types.is_empty() {
            put("referenceTypes", json!(self.reference_types));
        }
        if complex && !self.sub.is_empty() {
            put(
                "subAttributes",
                self.sub.iter().map(|sub| sub.to_json()).collect(),
            );
        }
        Value::Object(shown)
    }
}

impl Registry {
    /// `/ResourceTypes`: the resource types `of` this server, each as a resource.
    pub fn resource_type_documents<'a>(
        of: impl IntoIterator<Item = &'a ResourceType>,
        base: &str,
    ) -> Vec<Value> {
        of.into_iter()
            .map(|resource_type| resource_type.to_json(base))
            .collect()
    }

    /// `/Schemas`: the schemas of the resource types `of` this server, each as a resource.
    pub fn schema_documents<'a>(of: impl IntoIterator<Item = &'a ResourceType>, base: &str) -> Vec<Value> {
        of.into_iter()
            .flat_map(ResourceType::schemas)
            .map(|schema| schema.to_json(base))
            .collect()
    }
}
