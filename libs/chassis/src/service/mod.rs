//! The shell that each service program stands on: command line, configuration, telemetry, ports, schema, drain and exit
//! code. A service adds its wiring by [`Service::start`].

mod arguments;
mod error;
mod schema;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::clock::{SharedClock, SystemClock};
use crate::config::{ConfigError, LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use crate::db::{Db, DbConfig, Migrations};
use crate::health::{self, Health};
use crate::http::{PublicScheme, PublicUrl, serve_under, standard_layers};
use crate::http_client::{ClientOptions, HttpClient};
use crate::random::{SharedRandom, SystemRandom};
use crate::server::{self, Server};
use crate::shutdown::Shutdown;
use crate::telemetry::{self, Vocabulary};

pub use arguments::{Arguments, Command};
pub use error::RunError;
pub use schema::wait_for_schema;

/// A service as the shell runs it.
pub trait Service {
    /// The name in configuration, logs and metrics: `auth`, `users`.
    const NAME: &'static str;
    /// The metrics, actions and log fields of the service and of the libraries that it uses.
    const VOCABULARY: Vocabulary;
    /// The settings of the operator.
    type Settings: Settings;

    /// The migrations of the database, in the order in which they are applied.
    fn schema() -> &'static [&'static Migrations];

    /// Wires the service, starts its background tasks, and returns the routes of the public port, without the standard
    /// layers. It is called once, when the schema is up to date.
    ///
    /// # Errors
    /// See [`RunError`].
    fn start(
        settings: Self::Settings,
        environment: &Environment,
    ) -> impl Future<Output = Result<Router, RunError>> + Send;
}

/// The settings of a service.
pub trait Settings: Sized + Send {
    /// Reads the configuration file, with the variables `VESTIBULE_SERVICE__…` over it.
    ///
    /// # Errors
    /// The first error: the file, the key and what is expected. It never contains a value.
    fn load(file: Option<&Path>) -> Result<Self, ConfigError>;

    /// The sections that the shell reads.
    fn shell(&self) -> ShellSettings;
}

/// The sections of the configuration that every service has.
#[derive(Clone, Debug)]
pub struct ShellSettings {
    /// The URL at which clients reach the service. Its path is the prefix of every route.
    pub public_url: PublicUrl,
    /// `[listen]`.
    pub listen: ListenConfig,
    /// `[limits]`.
    pub limits: LimitsConfig,
    /// `[log]`.
    pub log: LogConfig,
    /// `[traces]`.
    pub traces: TracesConfig,
    /// `[database]`.
    pub database: DbConfig,
    /// The time for which the service goes on serving after the shutdown begins, until load balancers have
    /// noticed.
    pub drain: Duration,
}

/// The collaborators of the process that the shell gives to a service.
pub struct Environment {
    /// The database, whose schema is up to date.
    pub db: Db,
    /// The health that the management port reports.
    pub health: Health,
    /// The shutdown, under which background tasks are started.
    pub shutdown: Shutdown,
    /// The HTTP client for calls to the other services.
    pub http: HttpClient,
    /// The clock of the system.
    pub clock: SharedClock,
    /// The random generator of the system.
    pub random: SharedRandom,
}

/// Does what the command line asks for. An error is printed to standard error, as the last line of the program.
pub async fn execute<S: Service>(arguments: Arguments) -> ExitCode {
    let config = arguments.config(S::NAME);
    let failure = |error: RunError| (error.exit_code(), error.to_string());
    let result = match arguments.command {
        None => run::<S>(config).await.map_err(failure),
        Some(Command::Migrate) => migrate::<S>(config).await.map_err(failure),
        Some(Command::Health) => health::probe(S::NAME, config.as_deref())
            .await
            .map_err(|error| (1, error.to_string())),
    };
    let Err((code, error)) = result else {
        return ExitCode::SUCCESS;
    };
    #[expect(
        clippy::print_stderr,
        reason = "the last line of a process that cannot start, maybe before logging did"
    )]
    {
        eprintln!("vestibule-{}: {error}", S::NAME);
    }
    ExitCode::from(code)
}

/// Runs the service until SIGTERM or SIGINT. Without a configuration file, everything comes from the environment.
///
/// # Errors
/// See [`RunError`].
pub async fn run<S: Service>(config: Option<PathBuf>) -> Result<(), RunError> {
    let settings = S::Settings::load(config.as_deref())?;
    let shell = settings.shell();
    let _telemetry = start_telemetry::<S>(&shell)?;
    // The ports come first, so that a taken port is known before anything is written.
    let mut server = Server::bind(&shell.listen, &shell.limits).await?;
    let (health, shutdown) = (Health::new(), Shutdown::new());
    shutdown.on_signals().map_err(anyhow::Error::from)?;
    server.serve_management(&health, &shutdown);
    let location = shell.database.location();
    let Some(db) = open_database::<S>(&shell.database, &health, &shutdown)
        .await
        .map_err(|error| error.at(&location))?
    else {
        server::stop_background_tasks(&shutdown).await;
        return Ok(());
    };
    let environment = Environment {
        db: db.clone(),
        health: health.clone(),
        shutdown: shutdown.clone(),
        http: HttpClient::new(ClientOptions::default()).map_err(anyhow::Error::from)?,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom::default()),
    };
    let routes = S::start(settings, &environment)
        .await
        .map_err(|error| error.at(&location))?;
    drop(environment);

    health.mark_started();
    let address = shell.listen.address;
    tracing::info!(server.address = %address, "{} answers on {address}", S::NAME);
    let scheme = PublicScheme::of(shell.public_url.as_str());
    let routes = serve_under(standard_layers(routes, &shell.limits, scheme), &shell.public_url);
    server.run(routes, health, shell.drain, &shutdown).await;
    db.close().await;
    Ok(())
}

/// Migrates the schema of the database, and ends. This is for a database role that may change tables, when the role of
/// the service may not (`database.migrate = false`).
///
/// # Errors
/// See [`RunError`].
pub async fn migrate<S: Service>(config: Option<PathBuf>) -> Result<(), RunError> {
    let shell = S::Settings::load(config.as_deref())?.shell();
    let _telemetry = start_telemetry::<S>(&shell)?;
    let location = shell.database.location();
    let migrated = async {
        let db = shell.database.open().await?;
        db.migrate(&location, S::schema()).await?;
        db.close().await;
        Ok(())
    };
    migrated.await.map_err(|error: RunError| error.at(&location))?;
    tracing::info!("the schema of the database at {location} is up to date");
    Ok(())
}

fn start_telemetry<S: Service>(shell: &ShellSettings) -> Result<telemetry::Guard, RunError> {
    telemetry::init(S::NAME, &shell.log, &shell.traces, S::VOCABULARY)
        .map_err(|error| RunError::Other(error.into()))
}

/// Opens the database and brings its schema up to date, or waits for it. Returns `None` if shutdown began meanwhile.
async fn open_database<S: Service>(
    config: &DbConfig,
    health: &Health,
    shutdown: &Shutdown,
) -> Result<Option<Db>, RunError> {
    let db = config.open().await?;
    db.record_metrics_before_scrape();
    let is_there = wait_for_schema(&db, config, S::schema(), health, shutdown).await?;
    Ok(is_there.then_some(db))
}
