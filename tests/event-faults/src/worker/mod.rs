//! A worker: a minimal service with the real outbox, relay, feed, transports and inbox, and with people as its domain.
//! It runs as a process of its own, so that it can be killed.

mod access;
mod all_people;
mod control;
mod follower;
mod hooks;
mod people;
mod source;
mod writers;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use brokers::EventsConfig;
use chassis::clock::SharedClock;
use chassis::db::{Db, DbConfig, Migrations};
use chassis::random::{SharedRandom, SystemRandom};
use chassis::shutdown::{Phase, Shutdown};

use crate::history::HistoryWriter;
use crate::settings::{Role, Settings};
pub use access::new_key;
use control::Control;
pub use hooks::CrashPoint;
pub use people::nonce;

/// The tables of the domain, on both sides.
pub static MIGRATIONS: Migrations = Migrations {
    name: "people",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// The name of the source, as topics and exchanges have it.
pub const SOURCE: &str = "users";
/// The name of the follower, as groups and queues have it.
pub const FOLLOWER: &str = "auth";

/// The state that source and follower share.
#[derive(Clone)]
struct World {
    settings: Arc<Settings>,
    events: EventsConfig,
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    history: HistoryWriter,
    control: Control,
    shutdown: Shutdown,
}

/// Runs the worker until it is stopped or killed.
///
/// # Errors
/// When it cannot start.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(settings.listen)
        .await
        .context("the port")?;
    let events = serde_json::from_value(settings.events.clone()).context("the settings of [events]")?;
    let db = DbConfig::new(settings.database.clone()).open().await?;
    db.migrate("the database", &[&events::MIGRATIONS, &MIGRATIONS])
        .await?;
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let control = Control::default();
    control.pause_writers(settings.quiet).await;
    let world = World {
        events,
        db: db.clone(),
        clock: control.clock(),
        random: Arc::new(SystemRandom::default()),
        history: HistoryWriter::to(&settings.log).context("the log")?,
        control,
        shutdown: shutdown.clone(),
        settings: Arc::new(settings),
    };
    let routes = match world.settings.role {
        Role::Source => source::start(&world)?,
        Role::Follower => follower::start(&world)?,
    };
    let closing = shutdown.clone();
    let stop = async move { closing.closing().await };
    let serve = axum::serve(listener, routes).with_graceful_shutdown(stop);
    let end = async {
        shutdown.draining().await;
        shutdown.advance(Phase::Closing);
    };
    let (served, ()) = tokio::join!(serve, end);
    served?;
    let finished = shutdown.finish(Duration::from_secs(10)).await;
    db.close().await;
    finished.map_err(|late| anyhow::anyhow!("did not stop in time: {late:?}"))
}
