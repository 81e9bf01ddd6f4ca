//! The wiring of the service: start, background tasks and shutdown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use brokers::{AnyTransport, follow};
use chassis::access::{ServiceTokens, Verifier};
use chassis::backoff::Backoff;
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

use crate::accounts::AccountsSnapshot;
use crate::app::{self, App, SharedApp};
use crate::breach_list::BreachList;
use crate::clients::{self, BootstrapError, ClientCache};
use crate::config::Settings;
use crate::credentials::Hasher;
use crate::grants::Issuer;
use crate::keys::{self, KeyError, KeyRing, RotationPolicy};
use crate::pages::{Pages, PagesConfig};
use crate::registration::HttpUsersService;
use crate::subjects::{SubjectHoldings, UserEventHandler};
use crate::{own_tokens, restore, setup, sweeper};

/// The consumer name of the inbox. It must never change.
const CONSUMER: &str = "auth";

/// The migrations of the database.
pub static SCHEMA: [&Migrations; 2] = [&events::MIGRATIONS, &crate::MIGRATIONS];

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration cannot be used. Exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened or brought up to date. Exit code 3.
    #[error(transparent)]
    Database(#[from] DbError),
    /// A port cannot be listened on, or its certificate cannot be used. Exit code 4.
    #[error(transparent)]
    Bind(#[from] ServeError),
    /// Another failure. Exit code 1.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl RunError {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Database(_) => 3,
            Self::Bind(_) => 4,
            Self::Other(_) => 1,
        }
    }
}

impl From<KeyError> for RunError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Db(error) => Self::Database(error),
            KeyError::Cipher(error) => Self::Config(ConfigError::invalid("encryption", error.to_string())),
            other => Self::Other(other.into()),
        }
    }
}

impl From<BootstrapError> for RunError {
    fn from(error: BootstrapError) -> Self {
        match error {
            BootstrapError::Db(error) => Self::Database(error),
            invalid => Self::Config(ConfigError::invalid("clients", invalid.to_string())),
        }
    }
}

/// Runs the service until SIGTERM or SIGINT.
///
/// `config` is the TOML file; without one, everything comes from `VESTIBULE_AUTH__…` variables.
///
/// # Errors
/// See [`RunError`].
pub async fn run(config: Option<PathBuf>) -> Result<(), RunError> {
    run_with(Settings::load(config.as_deref())?).await
}

/// Migrates the schema of the database, and ends. This is for a database role that may change tables, when
/// the role of the service may not (`database.migrate = false`).
///
/// # Errors
/// See [`RunError`].
pub async fn migrate(config: Option<PathBuf>) -> Result<(), RunError> {
    let settings = Settings::load(config.as_deref())?;
    let _telemetry = telemetry::init("auth", &settings.log, &settings.traces).map_err(anyhow::Error::from)?;
    let location = settings.database.location();
    let db = settings.database.open().await?;
    db.migrate(&location, &SCHEMA).await?;
    db.close().await;
    tracing::info!("the schema of the database at {location} is up to date");
    Ok(())
}

/// Runs the service with settings that were read already.
///
/// # Errors
/// See [`RunError`].
pub async fn run_with(settings: Settings) -> Result<(), RunError> {
    let _telemetry = telemetry::init("auth", &settings.log, &settings.traces).map_err(anyhow::Error::from)?;
    declare(events::METRICS);
    declare(brokers::METRICS);
    declare(webhooks::METRICS);
    declare(crate::METRICS);
    // The ports come first, so that a taken port is known before anything is written.
    let mut server = Server::bind(&settings.listen, &settings.limits).await?;
    let (health, shutdown) = (Health::new(), Shutdown::new());
    shutdown.on_signals().map_err(anyhow::Error::from)?;
    server.serve_management(&health, &shutdown);
    let db = settings.database.open().await?;
    db.record_metrics_before_scrape();
    if !startup::wait_for_schema(&db, &settings.database, &SCHEMA, &health, &shutdown).await? {
        server::stop_background_tasks(&shutdown).await;
        return Ok(());
    }
    let (listen, limits, drain) = (settings.listen.clone(), settings.limits.clone(), settings.drain());
    let environment = Environment {
        http: HttpClient::new(ClientOptions::default()).map_err(anyhow::Error::from)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::default()),
    };
    let app = wire(settings, &environment, db.clone(), &shutdown).await?;
    restore::after_restore(&app).await?;
    restore::close_sign_in(&app, &health).await?;
    clients::bootstrap(&app, &app.settings.clients).await?;
    start_background_tasks(&app, &environment, &health, &shutdown)?;
    if let Some(link) = setup::issue_setup_link(&app).await? {
        tracing::info!(
            event.action = "set-up",
            event.outcome = "success",
            setup.url = %link,
            "nobody administers yet; the set-up link makes the first administrator"
        );
    }

    health.mark_started();
    tracing::info!(server.address = %listen.address, "auth answers on {}", listen.address);
    let issuer = app.settings.issuer.clone();
    let scheme = PublicScheme::of(issuer.as_str());
    let routes = standard_layers(app::router(&app), &limits, scheme).with_state(app);
    let routes = serve_under(routes, &issuer);
    server.run(routes, health, drain, &shutdown).await;
    db.close().await;
    Ok(())
}

/// The clock, the randomness and the HTTP client of the process.
struct Environment {
    http: HttpClient,
    clock: SharedClock,
    random: SharedRandom,
}

async fn wire(
    settings: Settings,
    environment: &Environment,
    db: Db,
    shutdown: &Shutdown,
) -> Result<SharedApp, RunError> {
    let clock = || Arc::clone(&environment.clock);
    let random = || Arc::clone(&environment.random);
    let issuer = Issuer::of(&settings).map_err(|error| ConfigError::invalid("issuer", error.to_string()))?;
    let cipher = Cipher::new(&settings.encryption).map_err(KeyError::from)?;
    restore::delete_restored_keys(&db).await?;
    let keys = KeyRing::open(
        db.clone(),
        clock(),
        random(),
        cipher,
        RotationPolicy::of(&settings),
    )
    .await?;
    let pages = Pages::new(PagesConfig {
        issuer: &settings.issuer,
        brand: settings.brand.clone(),
        secret: &settings.secret_for("pages")?,
        clock: clock(),
        random: random(),
    })
    .map_err(|error| ConfigError::invalid("brand", error.to_string()))?;
    let breach_list = BreachList::open(settings.passwords.breach_list.as_deref())
        .map_err(|error| ConfigError::invalid("passwords.breach_list", error.to_string()))?;
    let hasher = Hasher::start(settings.hasher(), random())
        .map_err(|error| ConfigError::invalid("passwords", error))?;
    let outbox = Outbox::new(issuer.url(), clock(), random());
    let feed = Feed::new(
        db.clone(),
        outbox.clone(),
        Arc::new(AccountsSnapshot),
        shutdown.clone(),
    );
    let webhooks = webhooks(&settings, db.clone(), outbox.clone())?;
    let verifier = Verifier::new(issuer.url(), issuer.url(), keys.clone(), clock());
    Ok(SharedApp::new_cyclic(|app| {
        let tokens = own_tokens::users_service_tokens(app, clock());
        App {
            operations: Operations::new(db.clone(), outbox.clone(), CONSUMER, settings.events.transport),
            users: Arc::new(HttpUsersService::new(
                settings.users.effective_url(),
                environment.http.clone(),
                tokens,
            )),
            db,
            outbox,
            feed,
            webhooks,
            hasher,
            breach_list: Arc::new(breach_list),
            issuer,
            keys,
            clients: ClientCache::default(),
            verifier,
            pages,
            sign_in_gate: restore::SignInGate::default(),
            clock: clock(),
            random: random(),
            settings,
        }
    }))
}

/// The webhooks. Their secrets are encrypted like the signing keys.
pub(crate) fn webhooks(settings: &Settings, db: Db, outbox: Outbox) -> Result<Webhooks, RunError> {
    Ok(Webhooks::new(webhooks::Parts {
        db,
        outbox,
        service: "auth",
        cipher: Some(Cipher::new(&settings.encryption).map_err(KeyError::from)?),
        outbound: settings.webhooks.outbound().map_err(anyhow::Error::from)?,
        config: settings.webhooks.clone(),
        retention: settings.events.retention(),
    }))
}

/// Starts the background tasks, which run until `shutdown`.
fn start_background_tasks(
    app: &SharedApp,
    environment: &Environment,
    health: &Health,
    shutdown: &Shutdown,
) -> Result<(), RunError> {
    start_publishing(app, shutdown)?;
    follow_users(app, environment, shutdown)?;
    let (restored, health, until) = (app.clone(), health.clone(), shutdown.clone());
    shutdown.supervise("restoration", move || {
        let (restored, health, until) = (restored.clone(), health.clone(), until.clone());
        async move {
            restore::open_sign_in(restored, health, until.clone()).await;
            // A task that returns is started again.
            until.cancelled().await;
        }
    });
    let (sweeping, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("sweeper", move || sweeper::run(sweeping.clone(), until.clone()));
    let (hooks, until) = (app.webhooks.clone(), shutdown.clone());
    shutdown.supervise("webhooks", move || {
        Dispatcher::new(hooks.clone(), DispatcherOptions::default()).run(until.clone())
    });
    let (keys, until) = (app.keys.clone(), shutdown.clone());
    shutdown.supervise("signing_keys", move || {
        refresh_keys_on_schedule(keys.clone(), until.clone())
    });
    Ok(())
}

/// Starts the relay of the outbox and the pruning of old events.
fn start_publishing(app: &SharedApp, shutdown: &Shutdown) -> Result<(), RunError> {
    let (kept, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("old_events", move || {
        let retention = kept.settings.events.retention();
        prune_on_schedule(kept.db.clone(), Arc::clone(&kept.clock), retention, until.clone())
    });
    let transport = AnyTransport::new(&app.settings.events, "auth")?;
    let (app, until) = (app.clone(), shutdown.clone());
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

/// Starts the consumer of the user service's events.
fn follow_users(app: &SharedApp, environment: &Environment, shutdown: &Shutdown) -> Result<(), RunError> {
    let tokens: ServiceTokens =
        own_tokens::users_service_tokens(&app.downgrade(), Arc::clone(&environment.clock));
    let feed = FeedSource::new(
        app.settings.users.effective_url(),
        environment.http.clone(),
        tokens,
    )
    .map_err(anyhow::Error::from)?;
    let (app, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("users_events", move || {
        let followed = Followed {
            consumer: CONSUMER,
            service: "users",
            feed: feed.clone(),
            db: app.db.clone(),
            clock: Arc::clone(&app.clock),
            holdings: Arc::new(SubjectHoldings),
            reconciliation: app.operations.reconciliation().clone(),
        };
        let (app, until) = (app.clone(), until.clone());
        async move {
            follow(
                &app.settings.events,
                followed,
                UserEventHandler::new(app.clone()),
                until,
            )
            .await
        }
    });
    Ok(())
}

/// Refreshes and rotates the signing keys until `shutdown`.
async fn refresh_keys_on_schedule(keys: KeyRing, shutdown: Shutdown) {
    let mut failures = Backoff::new("the signing keys cannot be brought up to date");
    let mut tick = tokio::time::interval(keys::RELOAD_INTERVAL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = shutdown.cancelled() => return,
        }
        match keys.refresh_and_rotate().await {
            Ok(()) => failures.succeeded(),
            Err(error) => {
                metrics::counter!("vestibule_signing_key_failures_total").increment(1);
                failures.failed(&error);
            }
        }
    }
}

impl Settings {
    /// Reads the settings of this process.
    ///
    /// # Errors
    /// The first error: the file, the key and what is expected. It never has a value.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let settings: Self = chassis::config::load("auth", file, std::env::vars())?;
        settings.check()?;
        Ok(settings)
    }

    fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
