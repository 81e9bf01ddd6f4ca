//! The source: writers, a relay and a feed.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use brokers::AnyTransport;
use chassis::access::{HasVerifier, Verifier};
use events::feed::{Feed, HasFeed};
use events::{Outbox, Relay, RelayOptions};

use super::access::{self, AUDIENCE};
use super::all_people::AllPeople;
use super::hooks::CrashingTransport;
use super::{SOURCE, World, writers};

/// Short, so that a pause of a second is longer.
const LEASE: Duration = Duration::from_millis(900);

#[derive(Clone)]
struct ServedFeed {
    feed: Feed,
    verifier: Verifier,
}

impl HasFeed for ServedFeed {
    fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl HasVerifier for ServedFeed {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

/// Starts the background tasks and returns the routes.
pub(super) fn start(world: &World) -> anyhow::Result<Router> {
    let outbox = Outbox::new(AUDIENCE, Arc::clone(&world.clock), Arc::clone(&world.random));
    let served = ServedFeed {
        feed: Feed::new(
            world.db.clone(),
            outbox.clone(),
            Arc::new(AllPeople),
            world.shutdown.clone(),
        ),
        verifier: access::verifier(&world.settings.key, Arc::clone(&world.clock))?,
    };
    let (copy, relayed) = (world.clone(), outbox.clone());
    let inner = AnyTransport::new(&world.events, SOURCE)?;
    world.shutdown.supervise("relay", move || {
        let transport = CrashingTransport {
            inner: inner.clone(),
            control: copy.control.clone(),
            history: copy.history.clone(),
        };
        let options = RelayOptions {
            lease: LEASE,
            ..RelayOptions::default()
        };
        Relay::new(copy.db.clone(), relayed.clone(), transport, options).run(copy.shutdown.clone())
    });
    writers::start(world, &outbox);
    Ok(events::routes::<ServedFeed>()
        .into_router()
        .with_state(served)
        .merge(world.control.routes()))
}
