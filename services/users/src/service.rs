//! The service as a process: what is started, in which order, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use brokers::{AnyTransport, follow};
use chassis::access::{ClientCredentials, RemoteKeys, ServiceTokens, Verifier};
use chassis::cipher::Cipher;
use chassis::clock::{SharedClock, SystemClock};
use chassis::config::ConfigError;
use chassis::db::{Db, DbError, Migrations};
use chassis::health::Health;
use chassis::http::{PublicScheme, serve_under, standard_layers};
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::random::{SharedRandom, SystemRandom};
use chassis::server::{self, ServeError, Server};
use chassis::shutdown::Shutdown;
use chassis::telemetry::catalogue::declare;
use chassis::{startup, telemetry};
use events::Followed;
use events::feed::{Feed, FeedSource, prune_on_schedule};
use events::operations::Operations;
use events::{Outbox, Relay, RelayOptions};
use webhooks::{Dispatcher, DispatcherOptions, Webhooks};

use crate::app::{App, SharedApp};
use crate::config::Settings;
use crate::registrations::{AuthEventHandler, HeldOfAuth};
use crate::revocations::{Follower, FollowerParts, Revocations};
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::{PeopleSnapshot, fill_on_schedule};

/// The name that the inbox keeps its notes under. Never to change.
const CONSUMER: &str = "users";

/// What the database has to have.
pub static SCHEMA: [&Migrations; 2] = [&events::MIGRATIONS, &crate::MIGRATIONS];

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration cannot be used. Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened or brought up to date. Exit code 3.
    #[error("{}", at(location, source))]
    Database {
        /// The file, or the server without user name and password.
        location: String,
        /// What is wrong with it.
        source: DbError,
    },
    /// A port cannot be listened on, or its certificate cannot be used. Exit code 4.
    #[error(transparent)]
    Bind(#[from] ServeError),
    /// Everything else. Exit code 1.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Names the place, where the error itself does not.
fn at(location: &str, error: &DbError) -> String {
    match error {
        DbError::At { .. } | DbError::Open { .. } | DbError::Newer { .. } | DbError::Migrate { .. } => {
            error.to_string()
        }
        _ => format!("{location}: {error}"),
    }
}

impl RunError {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Database { .. } => 3,
            Self::Bind(_) => 4,
            Self::Other(_) => 1,
        }
    }
}

/// Runs the service until it is told to stop (SIGTERM, SIGINT).
///
/// `config` is the TOML file; without one, everything comes from `VESTIBULE_USERS__…` variables.
///
/// # Errors
/// See [`RunError`].
pub async fn run(config: Option<PathBuf>) -> Result<(), RunError> {
    run_with(Settings::load(config.as_deref())?).await
}

/// Brings the schema of the database up to date, and ends. For a role that may change tables, when the service's own may
/// not (`database.migrate = false`).
///
/// # Errors
/// See [`RunError`].
pub async fn migrate(config: Option<PathBuf>) -> Result<(), RunError> {
    let settings = Settings::load(config.as_deref())?;
    let _telemetry =
        telemetry::init("users", &settings.log, &settings.traces).map_err(anyhow::Error::from)?;
    let location = settings.database.location();
    let migrated = async {
        let db = settings.database.open().await?;
        db.migrate(&location, &SCHEMA).await?;
        db.close().await;
        Ok(())
    };
    migrated.await.map_err(|source| RunError::Database {
        location: location.clone(),
        source,
    })?;
    tracing::info!("the schema of the database at {location} is up to date");
    Ok(())
}

/// Like [`run`], with settings that were read already.
///
/// # Errors
/// See [`RunError`].
pub async fn run_with(settings: Settings) -> Result<(), RunError> {
    let _telemetry =
        telemetry::init("users", &settings.log, &settings.traces).map_err(anyhow::Error::from)?;
    declare(events::METRICS);
    declare(brokers::METRICS);
    declare(webhooks::METRICS);
    declare(crate::METRICS);
    // The ports first: that one is taken should be known before anything is written.
    let mut server = Server::bind(&settings.listen, &settings.limits).await?;
    let (health, shutdown) = (Health::new(), Shutdown::new());
    shutdown.on_signals().map_err(anyhow::Error::from)?;
    server.serve_management(&health, &shutdown);
    let Some(db) = open(&settings, &health, &shutdown).await? else {
        server::stop_background_tasks(&shutdown).await;
        return Ok(());
    };
    db.record_metrics_before_scrape();
    let world = World {
        http: HttpClient::new(ClientOptions::default()).map_err(anyhow::Error::from)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::default()),
    };
    let keys = RemoteKeys::reached_at(
        settings.auth.issuer(),
        settings.auth.reached_at().as_str(),
        world.http.clone(),
        Arc::clone(&world.clock),
    );
    shutdown.spawn("signing_keys", keys.clone().run(shutdown.clone()));
    let app = wire(&settings, &world, db.clone(), keys.clone(), &shutdown)?;
    restored(&app, &settings).await?;
    app.user_created_waiters.run(&shutdown);
    publish(&settings, &app, &shutdown)?;
    let tokens = tokens_for_auth(&settings, &world)?;
    let parts = FollowerParts {
        auth: settings.auth.reached_at().clone(),
        http: world.http.clone(),
        tokens: tokens.clone(),
        keys,
        db: db.clone(),
        clock: Arc::clone(&world.clock),
    };
    follow_revocations(parts, &app, &shutdown);
    follow_auth(&settings, &world, &app, tokens, &shutdown)?;

    health.mark_started();
    tracing::info!(server.address = %settings.listen.address, "users answers on {}", settings.listen.address);
    let scheme = PublicScheme::of(settings.audience());
    let routes = standard_layers(crate::http::routes(app), &settings.limits, scheme);
    let routes = serve_under(routes, &settings.url);
    server
        .run(
            routes,
            health,
            Duration::from_secs(settings.drain_seconds),
            &shutdown,
        )
        .await;
    db.close().await;
    Ok(())
}

/// The database, up to date; nothing when the end was asked for meanwhile.
async fn open(settings: &Settings, health: &Health, shutdown: &Shutdown) -> Result<Option<Db>, RunError> {
    let opened = async {
        let db = settings.database.open().await?;
        let there = startup::wait_for_schema(&db, &settings.database, &SCHEMA, health, shutdown).await?;
        Ok(there.then_some(db))
    };
    opened.await.map_err(|source| RunError::Database {
        location: settings.database.location(),
        source,
    })
}

/// Draws the consequences of a restoration, if there was one.
async fn restored(app: &SharedApp, settings: &Settings) -> Result<(), RunError> {
    crate::users::after_restore(app)
        .await
        .map_err(|source| RunError::Database {
            location: settings.database.location(),
            source,
        })
}

/// What the service has from the machine.
struct World {
    http: HttpClient,
    clock: SharedClock,
    random: SharedRandom,
}

fn wire(
    settings: &Settings,
    world: &World,
    db: Db,
    keys: RemoteKeys,
    shutdown: &Shutdown,
) -> Result<SharedApp, RunError> {
    let audience = settings.audience();
    let clock = || Arc::clone(&world.clock);
    let outbox = Outbox::new(audience, clock(), Arc::clone(&world.random));
    Ok(Arc::new(App {
        webhooks: webhooks(settings, db.clone(), outbox.clone())?,
        feed: Feed::new(
            db.clone(),
            outbox.clone(),
            Arc::new(PeopleSnapshot),
            shutdown.clone(),
        ),
        operations: Operations::new(db.clone(), outbox.clone(), CONSUMER, settings.events.transport),
        db,
        outbox,
        verifier: Verifier::new(settings.auth.issuer(), audience, keys, clock()),
        clock: clock(),
        random: Arc::clone(&world.random),
        user_created_waiters: UserCreatedWaiters::default(),
        reserved_names: settings.user_names.reserved()?,
        revocations: Revocations::default(),
        scim_base: format!("{audience}/scim/v2"),
        registrar: settings.auth.registrar.clone(),
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
    let (kept, until) = (Arc::clone(app), shutdown.clone());
    shutdown.supervise("old_events", move || {
        prune_on_schedule(kept.db.clone(), Arc::clone(&kept.clock), retention, until.clone())
    });
    let (hooks, until) = (app.webhooks.clone(), shutdown.clone());
    shutdown.supervise("webhooks", move || {
        Dispatcher::new(hooks.clone(), DispatcherOptions::default()).run(until.clone())
    });
    let (named, until) = (Arc::clone(app), shutdown.clone());
    shutdown.supervise("user_name_skeletons", move || {
        let (app, until) = (Arc::clone(&named), until.clone());
        async move { fill_on_schedule(&app, until).await }
    });
    let (app, until) = (Arc::clone(app), shutdown.clone());
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
fn tokens_for_auth(settings: &Settings, world: &World) -> Result<ServiceTokens, RunError> {
    let at = settings.auth.reached_at();
    let credentials = ClientCredentials {
        token_endpoint: format!("{}/oauth2/token", at.as_str().trim_end_matches('/'))
            .parse()
            .map_err(anyhow::Error::from)?,
        client_id: settings.auth.client_id.clone(),
        client_secret: settings.auth.client_secret.clone(),
        resource: settings.auth.issuer().to_owned(),
        scope: "events:read".to_owned(),
    };
    let clock = Arc::clone(&world.clock);
    Ok(ServiceTokens::client_credentials(
        credentials,
        world.http.clone(),
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
    world: &World,
    app: &SharedApp,
    tokens: ServiceTokens,
    shutdown: &Shutdown,
) -> Result<(), RunError> {
    let at = settings.auth.reached_at();
    let feed = FeedSource::new(at, world.http.clone(), tokens).map_err(anyhow::Error::from)?;
    let (app, until) = (Arc::clone(app), shutdown.clone());
    let config = settings.events.clone();
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
        let (config, handler, until) = (config.clone(), AuthEventHandler(Arc::clone(&app)), until.clone());
        async move { follow(&config, followed, handler, until).await }
    });
    Ok(())
}
