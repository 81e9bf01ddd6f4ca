//! Measures events from the commit to their application in another process, over every transport and on both engines.
//!
//! Two processes with the libraries of the services: the source writes to its outbox and runs the relay, the follower
//! applies. What the services do besides (HTTP, SCIM, tokens of people) is left out, so that it does not hide the way.

mod child;
mod cost;
mod drain;
mod follower;
mod low_load;
mod people;
mod process_spec;
mod source;

use anyhow::{Context, Result};
use testkit::{Engine, TestDb, brokers};

use crate::report::Report;
use child::Child;
use process_spec::{FeedLink, Role};
pub(crate) use process_spec::{ProcessSpec, run};

/// The transport of the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Transport {
    Feed,
    Kafka,
    Rabbitmq,
}

const TRANSPORTS: [Transport; 3] = [Transport::Feed, Transport::Kafka, Transport::Rabbitmq];
const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Filling takes as long as draining, so not every pair.
const BACKLOGS: [(Transport, Engine); 3] = [
    (Transport::Feed, Engine::Postgres),
    (Transport::Kafka, Engine::Postgres),
    (Transport::Feed, Engine::Sqlite),
];

impl Transport {
    fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Kafka => "Kafka",
            Self::Rabbitmq => "RabbitMQ",
        }
    }

    /// The table `[events]` of both processes, under a namespace of its own.
    fn config(self) -> serde_json::Value {
        let namespace = brokers::namespace();
        match self {
            Self::Feed => serde_json::json!({ "transport": "feed" }),
            Self::Kafka => serde_json::json!({
                "transport": "kafka", "namespace": namespace, "kafka": { "brokers": [brokers::kafka()] },
            }),
            Self::Rabbitmq => serde_json::json!({
                "transport": "rabbitmq", "namespace": namespace, "rabbitmq": { "url": brokers::rabbitmq() },
            }),
        }
    }
}

fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// A source and a follower on databases of their own.
struct ProcessPair {
    source: Child,
    follower: Child,
    #[expect(dead_code, reason = "removed when dropped, after the processes")]
    databases: [TestDb; 2],
}

impl ProcessPair {
    /// Starts both processes. The follower follows, and the source does not publish yet.
    async fn start(transport: Transport, engine: Engine) -> Result<Self> {
        let databases = [database(engine).await, database(engine).await];
        let [theirs, ours] = databases.each_ref().map(|db| db.url().to_owned());
        let events = transport.config();
        let mut source = Child::start(&ProcessSpec {
            role: Role::Source,
            database: theirs,
            events: events.clone(),
            link: None,
        })?;
        let link: FeedLink = serde_json::from_str(&source.ask("link").await?).context("the source's link")?;
        let mut follower = Child::start(&ProcessSpec {
            role: Role::Follower,
            database: ours,
            events,
            link: Some(link),
        })?;
        follower.ask("begun").await?;
        Ok(Self {
            source,
            follower,
            databases,
        })
    }
}

async fn database(engine: Engine) -> TestDb {
    match engine {
        Engine::Sqlite => testkit::sqlite(&[]).await,
        Engine::Postgres => testkit::postgres(&[]).await,
    }
}

/// Everything, or what travels over `only`; `scale` is a part of the usual numbers, in percent.
pub(crate) async fn measure(report: &mut Report, scale: u32, only: Option<Transport>) -> Result<()> {
    let of = |usual: u32| (usual / 100 * scale).max(200);
    let wanted = |transport: &Transport| only.is_none_or(|only| only == *transport);
    for engine in ENGINES {
        cost::measure(report, engine, of(4_000)).await?;
    }
    for engine in ENGINES {
        for transport in TRANSPORTS.into_iter().filter(wanted) {
            low_load::measure(report, transport, engine, of(1_000)).await?;
        }
    }
    for engine in ENGINES {
        for transport in TRANSPORTS.into_iter().filter(wanted) {
            drain::measure(report, transport, engine, of(100_000)).await?;
        }
    }
    for (transport, engine) in BACKLOGS.into_iter().filter(|(transport, _)| wanted(transport)) {
        drain::backlog(report, transport, engine, of(1_000_000)).await?;
    }
    Ok(())
}
