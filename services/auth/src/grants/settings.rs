//! `[tokens]` of the configuration: how long codes and tokens live.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The maximum lifetime of a code, whatever the settings say (SB-21).
pub(crate) const MAX_CODE_LIFETIME: Duration = Duration::from_secs(60);

/// `[tokens]`: how long what is given to applications is good.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSettings {
    /// Seconds that an access token is good for.
    pub access_seconds: u32,
    /// Seconds that an authorization code is good for; 60 at most (SB-21).
    pub code_seconds: u32,
    /// Days after which a family of refresh tokens ends, used or not.
    pub refresh_days: u32,
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_seconds: 300,
            code_seconds: 60,
            refresh_days: 30,
        }
    }
}
