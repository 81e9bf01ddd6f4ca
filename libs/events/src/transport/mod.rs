//! The traits of a transport: [`Transport`] for the relay that publishes, [`Broker`] and [`Subscription`] for the
//! consumer that follows. All transports give the same guarantee and pass the same tests.
//!
//! A broker carries what the relay publishes; the [feed](crate::feed) goes on serving the same events beside it, because
//! snapshots, the reconciler and followers without a broker need it.

mod kind;
mod publish;
mod subscription;

pub use kind::TransportKind;
pub use publish::{PATIENCE, PublishError, Transport};
pub use subscription::{Broker, Message, Subscription, SubscriptionError, UnreadableMessage};
