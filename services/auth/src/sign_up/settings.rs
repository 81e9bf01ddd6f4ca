//! `[registration]` of the configuration: whether and how many people may register.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[registration]`: whether people may make accounts by themselves.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSettings {
    /// Opens `/register` to everybody.
    pub open: bool,
    /// People who may register in an hour from one address (an IPv6 /48); 0 for no limit. Raise it when many people share
    /// an address.
    pub hourly_per_source: u32,
    /// People who may register in an hour in all; 0 for no limit.
    pub hourly: u32,
}

impl Default for RegistrationSettings {
    fn default() -> Self {
        Self {
            open: true,
            hourly_per_source: 30,
            hourly: 1000,
        }
    }
}
