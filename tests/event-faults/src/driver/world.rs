//! A world: a source and a follower with their databases and the transport between them.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chassis::db::Engine;
use reqwest::Client;
use rustix::process::Signal;
use tempfile::TempDir;
use testkit::{FaultProxy, poll_until};
use tokio::time::Instant;
use url::Url;

use super::broker::{Broker, local};
use super::side::{Side, database};
use super::tables::{applied, committed, number, people};
use crate::checker::Run;
use crate::history::HistoryLog;
use crate::seeded::SeededRandom;
use crate::settings::{Role, Settings};
use crate::worker;

/// People of a world.
const PEOPLE: usize = 300;
/// By when everything that was committed has to be applied, once nothing is broken any more.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(75);

/// The configuration of a world.
#[derive(Clone, Copy, Debug)]
pub struct WorldShape {
    /// The database engine of both sides.
    pub engine: Engine,
    /// The number of replicas on each side.
    pub replicas: usize,
    /// The seed of all random choices.
    pub seed: u64,
}

impl WorldShape {
    /// On `engine`, with as many replicas as it can have.
    pub fn on(engine: Engine, seed: u64) -> Self {
        let replicas = match engine {
            Engine::Sqlite => 1,
            Engine::Postgres => 2,
        };
        Self {
            engine,
            replicas,
            seed,
        }
    }
}

/// A running world. Its processes end when it is dropped.
#[derive(Debug)]
pub struct World<'b> {
    pub(super) shape: WorldShape,
    pub(super) broker: &'b Broker,
    pub(super) source: Side,
    pub(super) follower: Side,
    /// From each follower to its source.
    pub(super) feeds: Vec<FaultProxy>,
    pub(super) http: Client,
    pub(super) log: HistoryLog,
    pub(super) folder: TempDir,
}

impl<'b> World<'b> {
    /// Starts everything, and waits until the first change has arrived.
    ///
    /// # Errors
    /// When something cannot be started.
    pub async fn start(shape: WorldShape, broker: &'b Broker) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = HistoryLog::at(&folder.path().join("log"))?;
        let mut random = SeededRandom::new(shape.seed).part(1);
        let (key, people) = (worker::new_key()?, (0..PEOPLE).map(|_| random.uuid()).collect());
        let namespace = testkit::brokers::namespace();
        let usual = Settings {
            role: Role::Source,
            database: String::new(),
            listen: local(0),
            source: Url::parse("http://127.0.0.1:9")?,
            events: broker.settings(&namespace),
            log: folder.path().join("log"),
            poison: folder.path().join("poison"),
            key,
            people,
            seed: shape.seed,
            quiet: true,
            newer: false,
        };
        let source = Side::start(
            database(shape.engine).await?,
            shape.replicas,
            folder.path(),
            |number| {
                let seed = shape.seed ^ number as u64;
                let listen = local(testkit::free_port());
                Settings {
                    seed,
                    listen,
                    ..usual.clone()
                }
            },
        );
        let source = source.await?;
        let mut feeds = Vec::new();
        for replica in &source.replicas {
            feeds.push(FaultProxy::start(0, replica.address()).await);
        }
        let url = |number: usize| feeds.get(number).map(|line| format!("http://{}", line.address()));
        let follower = Side::start(
            database(shape.engine).await?,
            shape.replicas,
            folder.path(),
            |number| Settings {
                role: Role::Follower,
                listen: local(testkit::free_port()),
                source: url(number)
                    .and_then(|url| url.parse().ok())
                    .unwrap_or_else(|| usual.source.clone()),
                ..usual.clone()
            },
        );
        let mut world = Self {
            shape,
            broker,
            follower: follower.await?,
            source,
            feeds,
            http: Client::builder().no_proxy().build()?,
            log,
            folder,
        };
        // The followers begin with nothing, so that no snapshot spares them an event.
        world
            .until("SELECT count(*) FROM consumer_positions WHERE position >= 0 OR transport <> 'feed'")
            .await?;
        world.pause_writers(false).await?;
        world.until("SELECT count(*) FROM applied").await?;
        Ok(world)
    }

    /// Waits until `count` counts something at the follower.
    async fn until(&mut self, count: &'static str) -> anyhow::Result<()> {
        let counted = poll_until(SETTLE_TIMEOUT, async || {
            self.supervise(&[]);
            match number(&self.follower.database, count).await {
                Ok(0) => None,
                counted => Some(counted),
            }
        });
        match counted.await {
            Some(counted) => Ok(counted.map(drop)?),
            None => bail!(
                "the follower does not come to anything: {count}\n{}",
                self.follower_log()
            ),
        }
    }

    /// The last log lines of the followers.
    fn follower_log(&self) -> String {
        let logs = self.follower.replicas.iter().map(|replica| replica.process.log());
        let last = |log: String| {
            log.chars()
                .skip(log.chars().count().saturating_sub(2000))
                .collect::<String>()
        };
        logs.map(last).collect()
    }

    /// Has all writers rest, or work, now and when they start again.
    async fn pause_writers(&mut self, quiet: bool) -> anyhow::Result<()> {
        let (http, order) = (self.http.clone(), format!("quiet/{quiet}"));
        for replica in &mut self.source.replicas {
            replica.pause_writers(quiet)?;
            let obeyed = poll_until(SETTLE_TIMEOUT, async || {
                let obeyed = replica.send_command(&http, &order).await;
                if !obeyed {
                    replica.start_if_stopped();
                }
                obeyed.then_some(())
            });
            obeyed.await.context("a source does not answer")?;
        }
        Ok(())
    }

    /// The number of the last effect.
    pub(super) async fn progress(&self) -> anyhow::Result<i64> {
        Ok(number(
            &self.follower.database,
            "SELECT coalesce(max(number), 0) FROM applied",
        )
        .await?)
    }

    pub(super) fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Source => &mut self.source,
            Role::Follower => &mut self.follower,
        }
    }

    /// Lets the writers rest and waits until everything has arrived, or until it should have. Answers how long it
    /// took; nothing, when it did not arrive.
    ///
    /// # Errors
    /// When a process cannot be commanded, or a database cannot be read.
    pub async fn settle(&mut self) -> anyhow::Result<Option<Duration>> {
        let _ = std::fs::remove_file(self.folder.path().join("poison"));
        for role in [Role::Source, Role::Follower] {
            for replica in &mut self.side(role).replicas {
                replica.start_if_stopped();
                replica.signal(Signal::CONT);
            }
        }
        let began = Instant::now();
        self.pause_writers(true).await?;
        let at_rest = poll_until(SETTLE_TIMEOUT, async || {
            self.supervise(&[]);
            match self.is_quiescent().await {
                Ok(false) => None,
                Ok(true) => Some(Ok(began.elapsed())),
                Err(error) => Some(Err(error)),
            }
        });
        at_rest.await.transpose()
    }

    async fn is_quiescent(&self) -> anyhow::Result<bool> {
        let unsent = "SELECT count(*) FROM outbox WHERE published_at IS NULL";
        let parked = "SELECT count(*) FROM inbox_parked";
        Ok(number(&self.source.database, unsent).await? == 0
            && number(&self.follower.database, parked).await? == 0
            && people(&self.source.database).await? == people(&self.follower.database).await?)
    }

    /// Describes the work that is not finished.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub async fn unfinished_work(&self) -> anyhow::Result<String> {
        let unsent = number(
            &self.source.database,
            "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        )
        .await?;
        let dead = number(
            &self.source.database,
            "SELECT count(*) FROM outbox WHERE dead_lettered_at IS NOT NULL",
        );
        let parked = number(&self.follower.database, "SELECT count(*) FROM inbox_parked").await?;
        let dead = dead.await?;
        Ok(format!(
            "{unsent} events unpublished ({dead} given up), {parked} set aside"
        ))
    }

    /// All there is to know, as it was at one moment. To be asked for when everything is at rest.
    ///
    /// # Errors
    /// When a database cannot be read, or something changes again and again while it is.
    pub async fn run(&self) -> anyhow::Result<Run> {
        let (source, follower) = (&self.source.database, &self.follower.database);
        let still = poll_until(SETTLE_TIMEOUT, async || {
            let read = async {
                let run = Run {
                    history: self.log.entries(),
                    committed: committed(source).await?,
                    source: people(source).await?,
                    applied: applied(follower).await?,
                    follower: people(follower).await?,
                };
                // A commit that a server held back for someone who was killed since may still come.
                let same = run.committed.len() == committed(source).await?.len()
                    && run.applied.len() == applied(follower).await?.len();
                anyhow::Ok(same.then_some(run))
            };
            read.await.transpose()
        });
        still.await.context("something still changes")?
    }

    /// Keeps databases of files, settings and logs, and says where.
    pub fn keep_files(self) -> std::path::PathBuf {
        self.folder.keep()
    }
}
