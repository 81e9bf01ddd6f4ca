//! `[webhooks]`: what may be called, and how.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use chassis::network::Network;
use chassis::outbound::{Outbound, Policy, SystemResolver};
use schemars::JsonSchema;
use serde::Deserialize;

/// The longest that a receiver may take to answer. Standard Webhooks asks for 15 to 30 s.
const TIMEOUT: Duration = Duration::from_secs(15);

/// `[webhooks]`: what may be called, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Networks that are called though they are not on the public internet, over http too and at any port: for
    /// development, and for receivers of one's own.
    pub allow: Vec<Network>,
    /// The ports that are called on the public internet.
    pub ports: Vec<NonZeroU16>,
    /// Hours for which the old secret signs beside the new one after a rotation.
    pub rotation_hours: u16,
    /// Deliveries under way at a time, to all receivers together, of each replica.
    pub deliveries: NonZeroU16,
    /// Deliveries under way at a time to one receiver.
    pub deliveries_per_webhook: NonZeroU16,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        let number = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
        Self {
            allow: Vec::new(),
            ports: vec![number(443), number(8443)],
            rotation_hours: 24,
            deliveries: number(64),
            deliveries_per_webhook: number(8),
        }
    }
}

impl WebhooksConfig {
    /// The time for which the old secret still signs.
    pub(super) fn rotation(&self) -> Duration {
        Duration::from_secs(u64::from(self.rotation_hours) * 3600)
    }

    /// The policy for outbound requests: the networks and ports that may be called.
    pub fn policy(&self) -> Policy {
        Policy {
            allow: self.allow.clone(),
            ports: self.ports.iter().map(|port| port.get()).collect(),
        }
    }

    /// The way out that keeps to this table.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn outbound(&self) -> Result<Outbound, reqwest::Error> {
        Outbound::new(self.policy(), Arc::new(SystemResolver), TIMEOUT)
    }
}
