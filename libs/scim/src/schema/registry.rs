//! [`Registry`]: the schemas and resource types of a server (RFC 7643 §6, §7).

use std::sync::LazyLock;

use super::attribute::find;
use super::config::{InvalidSchema, ResourceKind, SchemaConfig};
use super::{
    Attribute, CORE_GROUP, CORE_USER, CUSTOM_USER, ENTERPRISE_USER, PROFILE_USER, core_user, enterprise,
    group, profile,
};

/// A schema: a named table of attributes (RFC 7643 §7).
#[derive(Clone, Debug)]
pub struct Schema {
    /// The URN.
    pub id: String,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The attributes.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    pub(super) fn new(id: &str, name: &str, description: &str, attributes: Vec<Attribute>) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            attributes,
        }
    }

    /// The attribute of this name, without regard to case (RFC 7643 §2.1).
    pub fn find(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }
}

/// A resource type (RFC 7643 §6): a core schema and its extensions.
#[derive(Clone, Debug)]
pub struct ResourceType {
    /// The name, which is `meta.resourceType` too.
    pub name: String,
    /// The endpoint, relative to the base URL: `/Users`.
    pub endpoint: String,
    /// The attributes of every resource (RFC 7643 §3.1).
    pub common: Vec<Attribute>,
    /// The core schema.
    pub schema: Schema,
    /// The extensions.
    pub extensions: Vec<Schema>,
}

impl ResourceType {
    fn new(name: &str, endpoint: &str, schema: Schema, extensions: Vec<Schema>) -> Self {
        Self {
            name: name.to_owned(),
            endpoint: endpoint.to_owned(),
            common: group::common(),
            schema,
            extensions,
        }
    }

    /// The core schema and the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &Schema> {
        std::iter::once(&self.schema).chain(&self.extensions)
    }

    /// The extension of this URN, without regard to case (RFC 7644 §3.10).
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions
            .iter()
            .find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The attribute of the core schema, or the common one, of this name, without regard to case.
    pub fn find(&self, name: &str) -> Option<&Attribute> {
        self.schema.find(name).or_else(|| find(&self.common, name))
    }
}

/// The schemas and resource types of a server. It is built once and shared.
#[derive(Clone, Debug)]
pub struct Registry {
    users: ResourceType,
    groups: ResourceType,
}

impl Registry {
    /// The registry without a configuration.
    pub fn standard() -> &'static Self {
        static STANDARD: LazyLock<Registry> = LazyLock::new(Registry::without_configuration);
        &STANDARD
    }

    /// The registry with the extensions and attributes of `config`.
    ///
    /// # Errors
    /// The first key of the configuration that does not fit.
    pub fn new(config: &SchemaConfig) -> Result<Self, InvalidSchema> {
        let mut registry = Self::without_configuration();
        for (kind, schema) in config.schemas()? {
            let resource_type = match kind {
                ResourceKind::User => &mut registry.users,
                ResourceKind::Group => &mut registry.groups,
            };
            resource_type.extensions.push(schema);
        }
        Ok(registry)
    }

    fn without_configuration() -> Self {
        let user = Schema::new(CORE_USER, "User", "A person", core_user::attributes());
        let extensions = vec![
            Schema::new(
                ENTERPRISE_USER,
                "EnterpriseUser",
                "A person in an organisation",
                enterprise::attributes(),
            ),
            Schema::new(
                PROFILE_USER,
                "Profile",
                "What OpenID Connect says of a person beyond SCIM",
                profile::attributes(),
            ),
            Schema::new(
                CUSTOM_USER,
                "Attributes",
                "Attributes that the applications of this installation keep about a person",
                profile::free(),
            ),
        ];
        let group = Schema::new(CORE_GROUP, "Group", "A group of people", group::attributes());
        Self {
            users: ResourceType::new("User", "/Users", user, extensions),
            groups: ResourceType::new("Group", "/Groups", group, Vec::new()),
        }
    }

    /// The resource type `User`.
    pub fn users(&self) -> &ResourceType {
        &self.users
    }

    /// The resource type `Group`.
    pub fn groups(&self) -> &ResourceType {
        &self.groups
    }

    /// Every resource type.
    pub fn resource_types(&self) -> [&ResourceType; 2] {
        [&self.users, &self.groups]
    }

    /// The resource type with this endpoint, such as `/Users`, without regard to case.
    pub fn of_endpoint(&self, endpoint: &str) -> Option<&ResourceType> {
        let mut all = self.resource_types().into_iter();
        all.find(|it| it.endpoint.eq_ignore_ascii_case(endpoint))
    }
}
