//! `[events]`: how events travel and how long they are kept.

use std::num::NonZeroU16;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// `[events]`: how events travel and how long they are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// How events travel to the other services.
    pub transport: TransportKind,
    /// What the names of topics, exchanges and queues begin with; also of consumer groups. Installations that share a
    /// broker need different ones.
    pub namespace: String,
    /// Days for which published events can be read again, and the ids of applied ones are remembered.
    pub retention_days: NonZeroU16,
    /// Minutes between two comparisons of what this service holds with what the other one says; 0: only when asked.
    pub reconcile_minutes: u16,
}

/// How events travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TransportKind {
    /// Over HTTP; needs no broker.
    #[default]
    Feed,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            transport: TransportKind::Feed,
            namespace: "vestibule".to_owned(),
            retention_days: NonZeroU16::MIN.saturating_add(29),
            reconcile_minutes: 10,
        }
    }
}

impl EventsConfig {
    /// [`Self::reconcile_minutes`] as a duration; nothing when it is 0.
    pub fn reconcile_every(&self) -> Option<Duration> {
        (self.reconcile_minutes > 0).then(|| Duration::from_secs(u64::from(self.reconcile_minutes) * 60))
    }

    /// [`Self::retention_days`] as a duration.
    pub fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_days.get()) * 24 * 3600)
    }
}
