//! Role that is defined with a client, and is given to groups and to people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role that is defined with a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleDefinition {
    /// The purpose of the role, for administrators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The names of the groups whose members have it, also by groups in groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}
