//! `[authorization]` of the configuration: how many authorization requests may wait.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[authorization]`: authorization requests that wait while a person signs in, for 10 minutes at most. One that finds
/// no room still works, unless it is large or asks for a new sign-in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationSettings {
    /// Requests from one address that may wait. Raise it when very many people share an address.
    pub waiting_per_source: u32,
    /// Requests that may wait in all. Each takes 12 KiB at most.
    pub waiting_in_all: u32,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self {
            waiting_per_source: 500,
            waiting_in_all: 20_000,
        }
    }
}
