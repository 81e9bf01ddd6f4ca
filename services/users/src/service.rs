//! The wiring of the service: its collaborators and background tasks. The shell `chassis::service` runs it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use brokers::{AnyTransport, follow};
use chassis::access::{ClientCredentials, RemoteKeys, ServiceTokens, Verifier};
use chassis::cipher::Cipher;
use chassis::config::ConfigError;
use chassis::db::{Db, Migrations};
use chassis::service::{self, Environment, RunError, Service, ShellSettings};
use chassis::shutdown::Shutdown;
use chassis::telemetry::{CallerFields, Vocabulary};
use contract::paths::auth::TOKEN;
use events::Followed;
use events::feed::{Feed, FeedSource, prune_on_schedule};
use events::operations::Operations;
use events::{Outbox, Relay, RelayOptions};
use scim::cursor::CursorKey;
use secrecy::ExposeSecret;
use webhooks::{Dispatcher, DispatcherOptions, Webhooks};

use crate::app::{App, ScimBase, SharedApp};
use crate::config::Settings;
use crate::directory::{DirectorySnapshot, Restore};
use crate::groups::Groups;
use crate::registrations::{AuthEventHandler, HeldOfAuth, Registrations};
use crate::revocations::{Follower, FollowerParts, Revocations};
use crate::token_checks::TokenChecks;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::{Rules, Users};

/// The name that the inbox keeps its notes under. Never to change.
const CONSUMER: &str = "users";

/// The migrations of the database.
pub static SCHEMA: [&Migrations; 2] = [&events::MIGRATIONS, &crate::MIGRATIONS];

/// The service, for the shell that runs it.
#[derive(Debug)]
pub struct UsersService;

impl Service for UsersService {
    const NAME: &'static str = "users";
    const VOCABULARY: Vocabulary = Vocabulary {
        declarations: &[
            events::TELEMETRY,
            brokers::TELEMETRY,
            webhooks::TELEMETRY,
            crate::TELEMETRY,
        ],
        caller: CallerFields {
            subject: "user.id",
            client: "actor.client.id",
        },
    };
    type Settings = Settings;

    fn schema() -> &'static [&'static Migrations] {
        &SCHEMA
    }

    async fn start(settings: Settings, environment: &Environment) -> Result<Router, RunError> {
        let shutdown = &environment.shutdown;
        let keys = RemoteKeys::reached_at(
            settings.auth.issuer(),
            settings.auth.reached_at().as_str(),
            environment.http.clone(),
            Arc::clone(&environment.clock),
        );
        shutdown.spawn("signing_keys", keys.clone().run(shutdown.clone()));
        let app = wire(&settings, environment, keys.clone())?;
        app.restore.after_restore().await?;
        app.users.note_indexed_attributes().await?;
        app.user_created_waiters.run(shutdown);
        publish(&settings, &app, shutdown)?;
        let tokens = tokens_for_auth(&settings, environment)?;
        let parts = FollowerParts {
            auth: settings.auth.reached_at().clone(),
            http: environment.http.clone(),
            tokens: tokens.clone(),
            keys,
            db: environment.db.clone(),
            clock: Arc::clone(&environment.clock),
        };
        follow_revocations(parts, &app, shutdown);
        follow_auth(&settings, environment, &app, tokens)?;
        Ok(crate::routes::router(app))
    }
}

impl service::Settings for Settings {
    fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let settings: Self = chassis::config::load(UsersService::NAME, file, std::env::vars())?;
        settings.check()?;
        Ok(settings)
    }

    fn shell(&self) -> ShellSettings {
        ShellSettings {
            public_url: self.url.clone(),
            listen: self.listen.clone(),
            limits: self.limits.clone(),
            log: self.log.clone(),
            traces: self.traces.clone(),
            database: self.database.clone(),
            drain: Duration::from_secs(self.drain_seconds),
        }
    }
}

fn wire(settings: &Settings, environment: &Environment, keys: RemoteKeys) -> Result<SharedApp, RunError> {
    let audience = settings.audience();
    let db = environment.db.clone();
    let clock = || Arc::clone(&environment.clock);
    let random = || Arc::clone(&environment.random);
    let outbox = Outbox::new(audience, clock(), random());
    let registry = Arc::new(settings.scim.registry()?);
    let (waiters, revocations) = (UserCreatedWaiters::default(), Revocations::default());
    let users = Users::new(
        db.clone(),
        (clock(), random()),
        outbox.clone(),
        Rules {
            reserved_names: settings.user_names.reserved()?,
            registry: Arc::clone(&registry),
        },
        waiters.clone(),
    );
    let groups = Groups::new(db.clone(), (clock(), random()), outbox.clone(), users.clone());
    let (snapshot, closing) = (Arc::new(DirectorySnapshot), environment.shutdown.clone());
    Ok(SharedApp::new(App {
        webhooks: webhooks(settings, db.clone(), outbox.clone())?,
        feed: Feed::new(db.clone(), outbox.clone(), snapshot, closing),
        operations: Operations::new(db.clone(), outbox.clone(), CONSUMER, settings.events.transport),
        verifier: Verifier::new(settings.auth.issuer(), audience, keys, clock()),
        registrations: Registrations::new(db.clone(), clock(), outbox.clone(), users.clone()),
        token_checks: TokenChecks::new(db.clone(), revocations.clone(), settings.auth.registrar.clone()),
        restore: Restore::new(db.clone(), users.clone(), groups.clone()),
        scim_base: ScimBase::of(audience),
        registry,
        // All replicas have this secret.
        cursor_key: CursorKey::derive(settings.auth.client_secret.expose_secret().as_bytes()),
        clock: clock(),
        user_created_waiters: waiters,
        db,
        outbox,
        users,
        groups,
        revocations,
    }))
}

/// The webhooks; without `[encryption]` they say what is missing.
fn webhooks(settings: &Settings, db: Db, outbox: Outbox) -> Result<Webhooks, RunError> {
    let cipher = settings.encryption.as_ref().map(Cipher::new).transpose();
    Ok(Webhooks::new(webhooks::Parts {
        db,
        outbox,
        service: "users",
        cipher: cipher.map_err(|error| ConfigError::invalid("encryption", error.to_string()))?,
        outbound: settings.webhooks.outbound().map_err(anyhow::Error::from)?,
        config: settings.webhooks.clone(),
        retention: settings.events.retention(),
    }))
}

/// Publishes what the outbox holds, sends it to webhooks, and deletes what was published long ago.
fn publish(settings: &Settings, app: &SharedApp, shutdown: &Shutdown) -> Result<(), RunError> {
    let retention = settings.events.retention();
    let (kept, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("old_events", move || {
        prune_on_schedule(kept.db.clone(), Arc::clone(&kept.clock), retention, until.clone())
    });
    let (hooks, until) = (app.webhooks.clone(), shutdown.clone());
    shutdown.supervise("webhooks", move || {
        Dispatcher::new(hooks.clone(), DispatcherOptions::default()).run(until.clone())
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

/// Tokens to ask the authentication service with.
fn tokens_for_auth(settings: &Settings, environment: &Environment) -> Result<ServiceTokens, RunError> {
    let at = settings.auth.reached_at();
    let credentials = ClientCredentials {
        token_endpoint: format!("{}{TOKEN}", at.as_str().trim_end_matches('/'))
            .parse()
            .map_err(anyhow::Error::from)?,
        client_id: settings.auth.client_id.clone(),
        client_secret: settings.auth.client_secret.clone(),
        resource: settings.auth.issuer().to_owned(),
        scope: "events:read".to_owned(),
    };
    let clock = Arc::clone(&environment.clock);
    Ok(ServiceTokens::client_credentials(
        credentials,
        environment.http.clone(),
        clock,
    ))
}

/// Keeps the list of what was revoked fresh.
fn follow_revocations(parts: FollowerParts, app: &SharedApp, shutdown: &Shutdown) {
    let (list, until) = (app.revocations.clone(), shutdown.clone());
    shutdown.supervise("revocations", move || {
        Follower::new(parts.clone(), list.clone()).run(until.clone())
    });
}

/// Follows the events of the authentication service.
fn follow_auth(
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
