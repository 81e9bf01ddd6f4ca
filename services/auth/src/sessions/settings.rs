//! `[sessions]` of the configuration: how long sessions live.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[sessions]`: how long a sign-in lasts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SessionSettings {
    /// Minutes without use after which a session ends.
    pub idle_minutes: u32,
    /// Hours after which a session ends, used or not.
    pub absolute_hours: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            idle_minutes: 8 * 60,
            absolute_hours: 24 * 7,
        }
    }
}

impl SessionSettings {
    /// [`Self::idle_minutes`] as a duration.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.idle_minutes) * 60)
    }

    /// [`Self::absolute_hours`] as a duration.
    pub fn absolute(&self) -> Duration {
        Duration::from_secs(u64::from(self.absolute_hours) * 3600)
    }
}
