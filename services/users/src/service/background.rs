//! The background tasks of the service.

use std::sync::Arc;

use brokers::{AnyTransport, follow};
use chassis::access::ServiceTokens;
use chassis::service::{Environment, RunError};
use chassis::shutdown::Shutdown;
use events::Followed;
use events::feed::{FeedSource, prune_on_schedule};
use events::{Relay, RelayOptions};
use webhooks::{Dispatcher, DispatcherOptions};

use crate::app::SharedApp;
use crate::config::Settings;
use crate::registrations::{AuthEventHandler, HeldOfAuth};
use crate::revocations::{Follower, FollowerParts};

/// The name that the inbox keeps its notes under. Never to change.
pub(super) const CONSUMER: &str = "users";

/// Publishes what the outbox holds, sends it to webhooks, pushes it to applications, and deletes what was published long ago.
pub(super) fn publish(settings: &Settings, app: &SharedApp, shutdown: &Shutdown) -> Result<(), RunError> {
    let retention = settings.events.retention();
    let (kept, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("old_events", move || {
        prune_on_schedule(kept.db.clone(), Arc::clone(&kept.clock), retention, until.clone())
    });
    let (hooks, until) = (app.webhooks.clone(), shutdown.clone());
    shutdown.supervise("webhooks", move || {
        Dispatcher::new(hooks.clone(), DispatcherOptions::default()).run(until.clone())
    });
    let (pushed, until) = (app.provisioning.clone(), shutdown.clone());
    shutdown.supervise("provisioning", move || {
        provisioning::Dispatcher::new(pushed.clone(), provisioning::DispatcherOptions::default())
            .run(until.clone())
    });
    let (users, until) = (app.users.clone(), shutdown.clone());
    shutdown.supervise("user_name_skeletons", move || {
        users.clone().fill_skeletons_on_schedule(until.clone())
    });
    let (users, until) = (app.users.clone(), shutdown.clone());
    shutdown.supervise("user_values", move || {
        users.clone().fill_values_on_schedule(until.clone())
    });
    let (users, until) = (app.users.clone(), shutdown.clone());
    shutdown.supervise("user_total", move || {
        users.clone().fold_total_on_schedule(until.clone())
    });
    let (users, until) = (app.users.clone(), shutdown.clone());
    shutdown.supervise("erasure", move || users.clone().erase_on_schedule(until.clone()));
    let (kept, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("deleted_provisioning_clients", move || {
        let (users, groups) = (kept.users.clone(), kept.groups.clone());
        kept.provisioning_clients
            .clone()
            .remove_on_schedule(users, groups, until.clone())
    });
    let (groups, until) = (app.groups.clone(), shutdown.clone());
    shutdown.supervise("group_refreshes", move || {
        groups.clone().refresh_on_schedule(until.clone())
    });
    let (app, until) = (app.clone(), shutdown.clone());
    let transport = AnyTransport::new(&settings.events, "users")?;
    shutdown.supervise("relay", move || {
        Relay::new(
            app.db.clone(),
            app.outbox.clone(),
            transport.clone(),
            RelayOptions::default(),
        )
        .run(until.clone())
    });
    Ok(())
}

/// Keeps the list of what was revoked fresh.
pub(super) fn follow_revocations(parts: FollowerParts, app: &SharedApp, shutdown: &Shutdown) {
    let (list, until) = (app.revocations.clone(), shutdown.clone());
    shutdown.supervise("revocations", move || {
        Follower::new(parts.clone(), list.clone()).run(until.clone())
    });
}

/// Follows the events of the authentication service.
pub(super) fn follow_auth(
    settings: &Settings,
    environment: &Environment,
    app: &SharedApp,
    tokens: ServiceTokens,
) -> Result<(), RunError> {
    let shutdown = &environment.shutdown;
    let at = settings.auth.reached_at();
    let feed = FeedSource::new(at, environment.http.clone(), tokens).map_err(anyhow::Error::from)?;
    let (app, until) = (app.clone(), shutdown.clone());
    let config = settings.events.clone();
    let handler = AuthEventHandler {
        registrations: app.registrations.clone(),
        users: app.users.clone(),
    };
    shutdown.supervise("auth_events", move || {
        let followed = Followed {
            consumer: CONSUMER,
            service: "auth",
            feed: feed.clone(),
            db: app.db.clone(),
            clock: Arc::clone(&app.clock),
            holdings: Arc::new(HeldOfAuth),
            reconciliation: app.operations.reconciliation().clone(),
        };
        let (config, handler, until) = (config.clone(), handler.clone(), until.clone());
        async move { follow(&config, followed, handler, until).await }
    });
    Ok(())
}
