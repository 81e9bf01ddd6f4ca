//! The benchmark program: measures the figures of `docs/benchmarks.md` with optimised programs on loopback, beside a
//! bare handler on the same machine in the same run.

mod baseline;
mod capacity;
mod delay;
mod directory;
mod events;
mod import;
mod load;
mod peers;
mod process;
mod report;
mod requests;
mod sign_ins;
mod start;
mod strangers;
mod timing;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use testkit::{Engine, Stack};

use crate::report::Report;

/// Measure, and write the figures between the markers of docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  make bench")]
struct Arguments {
    /// The part to measure; without it, everything
    #[arg(value_enum)]
    what: Option<Measurement>,
    /// A part of the usual number of requests and events, for a quick look; nothing is written
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale: u32,
    /// Of the events, those over this transport alone; nothing is written
    #[arg(long, value_enum)]
    transport: Option<events::Transport>,
    /// Of the directory, this number of people alone
    #[arg(long, value_name = "N")]
    people: Option<u64>,
    /// Of the directory and the import, this engine alone; of an import nothing is written then
    #[arg(long, value_enum)]
    engine: Option<DirectoryEngine>,
    /// Of the providers, this one alone; nothing is written
    #[arg(long, value_enum)]
    peer: Option<peers::Peer>,
    /// Of the requests to the providers, those of this row alone; nothing is written
    #[arg(long, value_enum)]
    row: Option<peers::Operation>,
    /// Of a directory of more than a million people, the sign-ins alone, which are added to an earlier run
    #[arg(long)]
    sign_ins_only: bool,
    /// Of the directory, the report of earlier runs alone
    #[arg(long)]
    report_only: bool,
    /// Serve the bare handler that the figures are compared with, on this port
    #[arg(long, value_name = "PORT", hide = true)]
    baseline: Option<u16>,
    /// Be one of the two processes between which events travel
    #[arg(long, value_name = "JSON", hide = true)]
    part: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// The services on SQLite, by themselves
    Services,
    /// The way of events, over every transport and on both engines
    Events,
    /// The cost of a stranger: the worst request of each route, and silent sockets
    Strangers,
    /// The import of people with their password hashes, on both engines or `--engine`
    Import,
    /// The cost of one replica on PostgreSQL, for the scaling guide
    Capacity,
    /// The time of a refused sign-in, which must not tell who exists; only when it is asked for
    Timing,
    /// The OpenID provider beside others, on both engines; only when it is asked for
    Peers,
    /// The directory at a thousand and a million people, or `--people`; only when it is asked for
    Directory,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DirectoryEngine {
    /// A file
    Sqlite,
    /// The server of the tests
    Postgres,
}

impl From<DirectoryEngine> for Engine {
    fn from(engine: DirectoryEngine) -> Self {
        match engine {
            DirectoryEngine::Sqlite => Self::Sqlite,
            DirectoryEngine::Postgres => Self::Postgres,
        }
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match (arguments.baseline, &arguments.part) {
        (Some(port), _) => runtime.block_on(baseline::serve(port)),
        (_, Some(part)) => runtime.block_on(events::run(part)),
        (None, None) => runtime.block_on(measure(&arguments)),
    }
}

async fn measure(arguments: &Arguments) -> Result<()> {
    let (what, scale) = (arguments.what, arguments.scale);
    let wanted = |part| what.is_none_or(|what| what == part);
    if wanted(Measurement::Services) {
        let mut report = Report::new("figures");
        services(&mut report, scale).await?;
        report.finish(scale == 100)?;
    }
    if wanted(Measurement::Strangers) {
        let mut report = Report::new("strangers");
        strangers::measure(&mut report, scale).await?;
        report.finish(scale == 100)?;
    }
    if wanted(Measurement::Import) {
        let mut report = Report::new("import");
        let engine = arguments.engine.map(Engine::from);
        import::measure(&mut report, 10_000 * scale, engine).await?;
        report.finish(scale == 100 && engine.is_none())?;
    }
    if wanted(Measurement::Capacity) {
        capacity::measure(scale, scale == 100).await?;
    }
    if what == Some(Measurement::Timing) {
        let mut report = Report::new("timing");
        timing::measure(&mut report, usize::try_from(scale)?).await?;
        report.finish(scale == 100)?;
    }
    if what == Some(Measurement::Peers) {
        peers::measure(scale, (arguments.peer, arguments.row)).await?;
    }
    if what == Some(Measurement::Directory) {
        directory::measure(directory::Choice {
            people: arguments.people,
            engine: arguments.engine.map(Engine::from),
            sign_ins_only: arguments.sign_ins_only,
            report_only: arguments.report_only,
        })
        .await?;
    }
    if wanted(Measurement::Events) {
        let mut report = Report::new("events");
        events::measure(&mut report, scale, arguments.transport).await?;
        report.finish(scale == 100 && arguments.transport.is_none())?;
    }
    Ok(())
}

async fn services(report: &mut Report, scale: u32) -> Result<()> {
    let of = |usual: u32| usize::try_from(usual * scale / 100).unwrap_or_default().max(20);
    start::measure(report, of(5).min(5)).await?;
    let stack = Stack::start().await;
    start::idle_memory(report, &stack)?;
    requests::measure(report, &stack, &of).await?;
    delay::measure(report, &stack, of(400)).await?;
    sign_ins::measure(report, &stack, scale).await
}
