//! The follower: the real inbox with a handler that applies every event.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use brokers::follow;
use chassis::db::Tx;
use chassis::http_client::{ClientOptions, HttpClient};
use contract::Envelope;
use events::Followed;
use events::feed::FeedSource;
use events::reconcile::ReconcilerHandle;
use events::{Applied, Handler, HandlerError};

use super::control::Control;
use super::hooks::{CrashPoint, crash_after_commit};
use super::{FOLLOWER, SOURCE, World, access, all_people, people};
use crate::history::HistoryWriter;

#[derive(Clone)]
struct PeopleHandler {
    control: Control,
    history: HistoryWriter,
    poison: PathBuf,
}

impl Handler for PeopleHandler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        let Some((change, marked)) = people::read(event)? else {
            return Ok(Applied::Ignored);
        };
        people::apply(tx, event, change).await?;
        // After it wrote: of a refused event nothing may stay.
        if marked && self.poison.exists() {
            return Err(HandlerError::other("this event is marked"));
        }
        if self.control.is_armed(CrashPoint::AfterCommit) {
            crash_after_commit(tx, &self.history);
        }
        Ok(Applied::Yes)
    }
}

/// Starts the background tasks and returns the routes.
pub(super) fn start(world: &World) -> anyhow::Result<Router> {
    let http = HttpClient::new(ClientOptions::default())?;
    let tokens = access::tokens(&world.settings.key, &world.clock)?;
    let feed = FeedSource::new(&world.settings.source, http, tokens)?;
    let copy = world.clone();
    world.shutdown.supervise("source_events", move || {
        let followed = Followed {
            consumer: FOLLOWER,
            service: SOURCE,
            feed: feed.clone(),
            db: copy.db.clone(),
            clock: Arc::clone(&copy.clock),
            holdings: Arc::new(all_people::NoHoldings),
            reconciliation: ReconcilerHandle::default(),
        };
        let handler = PeopleHandler {
            control: copy.control.clone(),
            history: copy.history.clone(),
            poison: copy.settings.poison.clone(),
        };
        let (config, until) = (copy.events.clone(), copy.shutdown.clone());
        async move { follow(&config, followed, handler, until).await }
    });
    Ok(world.control.routes())
}
