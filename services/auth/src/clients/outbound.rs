//! The ways out to addresses that clients are registered with (SB-32).

use std::sync::Arc;
use std::time::Duration;

use chassis::outbound::{Outbound, Policy, SystemResolver};

use super::model::Origin;

/// One of a kind for addresses that the operator and administrators chose, and one for those that clients chose when they registered
/// themselves, so that strangers use up nothing of the others.
#[derive(Clone, Debug, Default)]
pub(super) struct ByOrigin<T> {
    pub(super) managed: T,
    pub(super) registered: T,
}

impl<T> ByOrigin<T> {
    /// The one for addresses that a party of this origin chose.
    pub(super) const fn of(&self, origin: Origin) -> &T {
        match origin {
            Origin::Registration => &self.registered,
            Origin::Configuration | Origin::Administrator => &self.managed,
        }
    }

    /// A pair of what `make` makes of each.
    pub(super) fn map<U>(&self, make: impl Fn(&T) -> U) -> ByOrigin<U> {
        ByOrigin {
            managed: make(&self.managed),
            registered: make(&self.registered),
        }
    }
}

/// The ways out to addresses of clients. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientOutbound(ByOrigin<Outbound>);

impl ClientOutbound {
    /// The ways out under `policy`. Its exceptions are the operator's, for addresses that administrators chose: they do not hold
    /// for those that clients chose when they registered themselves.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(policy: Policy, timeout: Duration) -> anyhow::Result<Self> {
        let public = Policy {
            allow: Vec::new(),
            ports: policy.ports.clone(),
        };
        let outbound = |policy| Outbound::new(policy, Arc::new(SystemResolver), timeout);
        Ok(Self(ByOrigin {
            managed: outbound(policy)?,
            registered: outbound(public)?,
        }))
    }

    /// The same way out for addresses of every origin, with which a test can serve what a client registered by itself.
    #[cfg(test)]
    pub(super) fn of_every_origin(policy: Policy, timeout: Duration) -> anyhow::Result<Self> {
        let outbound = Outbound::new(policy, Arc::new(SystemResolver), timeout)?;
        Ok(Self(ByOrigin {
            managed: outbound.clone(),
            registered: outbound,
        }))
    }

    /// The way out to addresses that a party of this origin chose: see [`Client::address_origin`](super::Client).
    pub fn of(&self, origin: Origin) -> &Outbound {
        self.0.of(origin)
    }
}
