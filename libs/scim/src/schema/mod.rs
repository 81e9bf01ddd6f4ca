//! The attribute registry: the schemas and resource types of a server (RFC 7643), built once from the standard's attributes and
//! those of the configuration.
//!
//! `/Schemas` shows exactly what is accepted, because bodies, filters, paths and projections are read with the same
//! tables.

mod access;
mod attribute;
mod characteristics;
mod config;
mod core_user;
mod date_time;
mod documents;
mod enterprise;
mod group;
mod json_schema;
mod primary;
mod profile;
mod reference;
mod registry;
mod replacement;
mod resource;
mod text;
mod validate;

#[cfg(test)]
mod tests;

pub use attribute::{Attribute, MAX_STRING_CHARS, MAX_VALUES};
pub use characteristics::{Accessor, AttributeType, Mutability, Returned, TextForm, Uniqueness};
pub use config::{AttributeConfig, ExtensionConfig, InvalidSchema, ResourceKind, SchemaConfig};
pub use date_time::Instant;
pub use group::MAX_MEMBERS;
pub use json_schema::{discovery_schema, error_schema, list_schema};
pub use reference::{AttributeLocation, AttributeRef, Referent};
pub use registry::{Registry, ResourceType, Schema};
pub use replacement::check_replacement;
pub use resource::{IGNORED_SCHEMAS, read};
pub(crate) use text::fold;
pub use validate::canonicalize;
pub(crate) use validate::{Validation, attribute_value, boolean, join};

/// The core `User` (RFC 7643 §4.1).
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core `Group` (RFC 7643 §4.2).
pub const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Vestibule's extension for the claims of OpenID Connect Core §5.1 that SCIM has no attribute for.
pub const PROFILE_USER: &str = "urn:vestibule:params:scim:schemas:extension:profile:1.0:User";
/// Vestibule's extension for the single attributes of the configuration, [`SchemaConfig::attributes`].
pub const CONFIGURED_USER: &str = "urn:vestibule:params:scim:schemas:extension:configured:1.0:User";
/// Vestibule's own extension: a free object of a user that applications define.
pub const CUSTOM_USER: &str = "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";
