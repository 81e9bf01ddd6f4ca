//! Extensions and attributes that the configuration of a server defines.

mod check;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::attribute::find;
use super::{Accessor, Attribute, AttributeType, CONFIGURED_USER, Mutability, Returned, Schema, Uniqueness};
use check::{check_group_attributes, check_urn};

/// The maximum number of attributes of the configuration, sub-attributes among them.
const MAX_ATTRIBUTES: usize = 200;

/// The schemas of a server beyond the standard's.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SchemaConfig {
    /// Attributes of a user, in the extension `urn:vestibule:params:scim:schemas:extension:configured:1.0:User`.
    pub attributes: Vec<AttributeConfig>,
    /// Extensions with URNs of their own.
    pub extensions: Vec<ExtensionConfig>,
}

/// An extension of a resource type (RFC 7643 §3.3).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionConfig {
    /// The URN, such as `urn:example:params:scim:schemas:extension:2.0:User`.
    pub schema: String,
    /// The name, for people to read.
    pub name: String,
    /// The description.
    #[serde(default)]
    pub description: String,
    /// The resource type that is extended.
    #[serde(default)]
    pub resource_type: ResourceKind,
    /// The attributes.
    pub attributes: Vec<AttributeConfig>,
}

/// A resource type of this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ResourceKind {
    /// `User`.
    #[default]
    User,
    /// `Group`.
    Group,
}

/// An attribute of the configuration (RFC 7643 §7).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeConfig {
    /// The name, such as `badgeNumber`.
    pub name: String,
    /// The description.
    #[serde(default)]
    pub description: String,
    /// The data type.
    #[serde(default, rename = "type")]
    pub data_type: AttributeType,
    /// True if it has several values.
    #[serde(default)]
    pub multi_valued: bool,
    /// True if each resource with the extension has it.
    #[serde(default)]
    pub required: bool,
    /// True if comparisons are case-sensitive. Those of references and binary values always are.
    #[serde(default)]
    pub case_exact: bool,
    /// The values that it may have; without any, every value of the type.
    #[serde(default)]
    pub canonical_values: Vec<String>,
    /// The things that a reference may refer to: resource types, `uri`, `external`.
    #[serde(default)]
    pub reference_types: Vec<String>,
    /// True if and when it can be written.
    #[serde(default)]
    pub mutability: Mutability,
    /// `returned`: `always`, `default`, `request` or `never`. Without it, `never` for what is written only.
    #[serde(default)]
    pub returned: Option<Returned>,
    /// Among which resources a value is unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// True if filters and orders of users are served from an index, in a directory of any size. A unique attribute has one in any
    /// case.
    #[serde(default)]
    pub indexed: bool,
    /// The callers that may read it; of a sub-attribute, those of its attribute.
    #[serde(default = "everyone")]
    pub read: BTreeSet<Accessor>,
    /// The callers that may write it; of a sub-attribute, those of its attribute.
    #[serde(default = "administrators")]
    pub write: BTreeSet<Accessor>,
    /// The sub-attributes of a complex attribute.
    #[serde(default)]
    pub sub_attributes: Vec<AttributeConfig>,
}

fn everyone() -> BTreeSet<Accessor> {
    Accessor::ALL.into()
}

fn administrators() -> BTreeSet<Accessor> {
    [Accessor::Administrator, Accessor::Client].into()
}

/// A key of the configuration that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct InvalidSchema {
    /// The key, such as `extensions[0].attributes[2].name`.
    pub key: String,
    /// The reason.
    pub reason: String,
}

impl InvalidSchema {
    pub(super) fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }
}

impl SchemaConfig {
    /// The schemas, each with the resource type that it extends.
    pub(super) fn schemas(&self) -> Result<Vec<(ResourceKind, Schema)>, InvalidSchema> {
        let mut schemas: Vec<(ResourceKind, Schema)> = Vec::new();
        let mut budget = MAX_ATTRIBUTES;
        if !self.attributes.is_empty() {
            let attributes = attributes(&self.attributes, "attributes", false, &mut budget)?;
            let description = "Attributes that the configuration of this server defines";
            let schema = Schema::new(CONFIGURED_USER, "Configured", description, attributes);
            schemas.push((ResourceKind::User, schema));
        }
        for (index, extension) in self.extensions.iter().enumerate() {
            let key = format!("extensions[{index}]");
            let earlier = schemas.iter().map(|(_, schema)| schema.id.as_str());
            check_urn(&extension.schema, earlier, &format!("{key}.schema"))?;
            let attributes = attributes(
                &extension.attributes,
                &format!("{key}.attributes"),
                false,
                &mut budget,
            )?;
            if extension.resource_type == ResourceKind::Group {
                check_group_attributes(&extension.attributes, &format!("{key}.attributes"))?;
            }
            let schema = Schema::new(
                &extension.schema,
                &extension.name,
                &extension.description,
                attributes,
            );
            schemas.push((extension.resource_type, schema));
        }
        Ok(schemas)
    }
}

fn attributes(
    configs: &[AttributeConfig],
    key: &str,
    sub: bool,
    budget: &mut usize,
) -> Result<Vec<Attribute>, InvalidSchema> {
    let mut read: Vec<Attribute> = Vec::with_capacity(configs.len());
    for (index, config) in configs.iter().enumerate() {
        let key = format!("{key}[{index}]");
        let Some(left) = budget.checked_sub(1) else {
            let reason = format!("more than {MAX_ATTRIBUTES} attributes");
            return Err(InvalidSchema::new(key, reason));
        };
        *budget = left;
        config.check(&key, sub)?;
        if find(&read, &config.name).is_some() {
            let reason = "is the name of another attribute; case does not count";
            return Err(InvalidSchema::new(format!("{key}.name"), reason));
        }
        let mut attribute = config.to_attribute();
        attribute.sub = attributes(
            &config.sub_attributes,
            &format!("{key}.sub_attributes"),
            true,
            budget,
        )?;
        read.push(attribute);
    }
    if read.is_empty() && !sub {
        return Err(InvalidSchema::new(key, "has no attribute"));
    }
    Ok(read)
}

impl AttributeConfig {
    fn to_attribute(&self) -> Attribute {
        let mut attribute = Attribute::new(&self.name, self.data_type, &self.description);
        attribute.multi_valued = self.multi_valued;
        attribute.required = self.required;
        attribute.case_exact |= self.case_exact;
        attribute.canonical_values.clone_from(&self.canonical_values);
        attribute.only_canonical = !self.canonical_values.is_empty();
        attribute.reference_types.clone_from(&self.reference_types);
        attribute.mutability = self.mutability;
        attribute.returned = self.returned.unwrap_or(match self.mutability {
            Mutability::WriteOnly => Returned::Never,
            _ => Returned::Default,
        });
        attribute.uniqueness = self.uniqueness;
        attribute.indexed = self.indexed;
        attribute.read.clone_from(&self.read);
        attribute.write.clone_from(&self.write);
        if self.mutability == Mutability::ReadOnly {
            attribute.write.clear();
        }
        attribute
    }
}
