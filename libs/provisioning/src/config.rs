//! `[provisioning]`: which targets may be called, and how many at a time.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use chassis::network::Network;
use chassis::outbound::{Outbound, Policy, SystemResolver};
use schemars::JsonSchema;
use serde::Deserialize;

/// The longest that a target may take to answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// `[provisioning]`: which targets may be called, and how many at a time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProvisioningConfig {
    /// Networks that are called though they are not on the public internet, over http too and at any port: for
    /// development, and for applications of one's own.
    pub allow: Vec<Network>,
    /// The ports that are called on the public internet.
    pub ports: Vec<NonZeroU16>,
    /// Pushes under way at a time, to all targets together, of each replica.
    pub pushes: NonZeroU16,
    /// Pushes under way at a time to one target.
    pub pushes_per_target: NonZeroU16,
}

impl Default for ProvisioningConfig {
    fn default() -> Self {
        let number = |number: u16| NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN);
        Self {
            allow: Vec::new(),
            ports: vec![number(443), number(8443)],
            pushes: number(32),
            pushes_per_target: number(8),
        }
    }
}

impl ProvisioningConfig {
    /// The policy for outbound requests: the networks and ports that may be called.
    pub fn policy(&self) -> Policy {
        Policy {
            allow: self.allow.clone(),
            ports: self.ports.iter().map(|port| port.get()).collect(),
        }
    }

    /// The client that follows this table.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn outbound(&self) -> Result<Outbound, reqwest::Error> {
        Outbound::new(self.policy(), Arc::new(SystemResolver), TIMEOUT)
    }
}
