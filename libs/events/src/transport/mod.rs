//! The ways that events travel between services: the HTTP feed, or a broker. All give the same guarantee and pass the
//! same tests; the configuration chooses.
//!
//! A broker carries what the relay publishes; the [feed](crate::feed) goes on serving the same events beside it, because
//! snapshots, the reconciler and followers without a broker need it.

mod binary;
mod config;
mod follow;
pub(crate) mod subscription;
mod waves;

use crate::contract::Envelope;
use crate::feed::FeedTransport;
use crate::relay::{PublishError, Transport};

pub use config::{EventsConfig, TransportKind};
pub use follow::{Followed, follow};

/// The transport that the configuration chose.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnyTransport {
    /// No broker.
    Feed(FeedTransport),
}

impl AnyTransport {
    /// The transport that `config` chooses, for the events of `service` (`auth`, `users`). Nothing is connected yet, so
    /// that a service starts while its broker is away.
    pub fn new(config: &EventsConfig, service: &'static str) -> Self {
        let _ = service;
        match config.transport {
            TransportKind::Feed => Self::Feed(FeedTransport),
        }
    }
}

impl Transport for AnyTransport {
    fn name(&self) -> &'static str {
        match self {
            Self::Feed(transport) => transport.name(),
        }
    }

    async fn publish(&self, events: &[Envelope]) -> Vec<Result<(), PublishError>> {
        match self {
            Self::Feed(transport) => transport.publish(events).await,
        }
    }
}
