//! `[throttle]` of the configuration.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[throttle]`: how failed sign-ins are slowed down.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleSettings {
    /// Failures in a row from one address that cost no delay. Raise it when many people share an address.
    pub source_failures: u32,
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self { source_failures: 100 }
    }
}
