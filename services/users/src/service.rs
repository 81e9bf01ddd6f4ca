//! The service as a process: what is started, in which order, and how it ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chassis::access::{RemoteKeys, Verifier};
use chassis::clock::{SharedClock, SystemClock};
use chassis::config::ConfigError;
use chassis::db::{Db, DbError};
use chassis::health::Health;
use chassis::http::standard_layers;
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::random::{SharedRandom, SystemRandom};
use chassis::server::{ServeError, Server};
use chassis::shutdown::Shutdown;
use chassis::telemetry;
use events::Outbox;

use crate::app::{App, SharedApp};
use crate::arrivals::Arrivals;
use crate::config::Settings;

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
    /// Everything else. Exit code 1.
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

/// Runs the service until it is told to stop (SIGTERM, SIGINT).
///
/// `config` is the TOML file; without one, everything comes from `VESTIBULE_USERS__…` variables.
///
/// # Errors
/// See [`RunError`].
pub async fn run(config: Option<PathBuf>) -> Result<(), RunError> {
    run_with(Settings::load(config.as_deref())?).await
}

/// Like [`run`], with settings that were read already.
///
/// # Errors
/// See [`RunError`].
pub async fn run_with(settings: Settings) -> Result<(), RunError> {
    let _telemetry =
        telemetry::init("users", &settings.log, &settings.traces).map_err(anyhow::Error::from)?;
    // The ports first: that one is taken should be known before anything is written.
    let server = Server::bind(&settings.listen, &settings.limits).await?;
    let place = settings.database.place();
    let db = settings.database.open().await?;
    db.migrate(&place, &[&events::MIGRATIONS, &crate::MIGRATIONS])
        .await?;

    let shutdown = Shutdown::new();
    shutdown.on_signals().map_err(anyhow::Error::from)?;
    let http = HttpClient::new(ClientOptions::default()).map_err(anyhow::Error::from)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let keys = RemoteKeys::new(settings.auth.issuer(), http, Arc::clone(&clock));
    shutdown.spawn("signing_keys", keys.clone().run(shutdown.clone()));
    let app = wire(&settings, db.clone(), clock, keys);
    app.arrivals.run(&shutdown);

    let health = Health::new();
    health.started();
    tracing::info!(server.address = %settings.listen.address, "users answers on {}", settings.listen.address);
    let routes = standard_layers(crate::http::routes(app), &settings.limits);
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

fn wire(settings: &Settings, db: Db, clock: SharedClock, keys: RemoteKeys) -> SharedApp {
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let audience = settings.audience();
    Arc::new(App {
        db,
        outbox: Outbox::new(audience, Arc::clone(&clock), Arc::clone(&random)),
        verifier: Verifier::new(settings.auth.issuer(), audience, keys, Arc::clone(&clock)),
        clock,
        random,
        arrivals: Arrivals::default(),
        scim_base: format!("{audience}/scim/v2"),
        registrar: settings.auth.registrar.clone(),
    })
}
