//! The program behind `scripts/faults`: long campaigns of random faults, and their report.

use std::path::PathBuf;
use std::time::Instant;

use chassis::db::Engine;
use clap::{Parser, ValueEnum};
use faults::driver::{Broker, Campaign, Report, RoundTotals, Transport, insert};
use futures_util::future::try_join_all;

/// Lets faults happen to services that send each other events, and checks that nothing is lost, doubled or reordered.
#[derive(Debug, Parser)]
#[command(name = "scripts/faults")]
struct Arguments {
    /// The transport of events. May be given more than once; all, when it is not given.
    #[arg(long)]
    transport: Vec<TransportName>,
    /// Faults on each transport.
    #[arg(long, default_value_t = 1000)]
    faults: u64,
    /// Faults in each round.
    #[arg(long, default_value_t = 50)]
    per_round: u64,
    /// Campaigns side by side, each on a broker of its own, that share the faults: most of the time is spent waiting.
    #[arg(long, default_value_t = 1)]
    lanes: u64,
    /// The seed of all random choices.
    #[arg(long, env = "VESTIBULE_FAULTS_SEED", default_value_t = 20_261_123)]
    seed: u64,
    /// One engine only, instead of both in turns.
    #[arg(long)]
    engine: Option<EngineName>,
    /// The document into which the report is written.
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TransportName {
    Feed,
    Kafka,
    Rabbitmq,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineName {
    Sqlite,
    Postgres,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(campaigns(arguments))
}

async fn campaigns(arguments: Arguments) -> anyhow::Result<()> {
    let campaign = Campaign {
        seed: arguments.seed,
        faults: arguments.faults,
        per_round: arguments.per_round,
        engine: arguments.engine.map(|engine| match engine {
            EngineName::Sqlite => Engine::Sqlite,
            EngineName::Postgres => Engine::Postgres,
        }),
    };
    let mut transports = arguments.transport;
    if transports.is_empty() {
        transports = TransportName::value_variants().to_vec();
    }
    let mut good = true;
    for transport in transports {
        let transport = match transport {
            TransportName::Feed => Transport::Feed,
            TransportName::Kafka => Transport::Kafka,
            TransportName::Rabbitmq => Transport::Rabbitmq,
        };
        let report = run_campaign(transport, campaign, arguments.lanes.max(1)).await?;
        print_line(&format!("\n{report}\n"));
        if let Some(path) = &arguments.write {
            let document = std::fs::read_to_string(path)?;
            std::fs::write(path, insert(&document, transport, &report.to_string())?)?;
        }
        good &= report.is_good();
    }
    anyhow::ensure!(good, "the promise was broken");
    Ok(())
}

async fn run_campaign(transport: Transport, campaign: Campaign, lanes: u64) -> anyhow::Result<Report> {
    // Campaigns that run side by side keep to ports of their own: that of a worker that is dead just now looks free.
    for _ in 0..transport as usize * 2500 {
        testkit::free_port();
    }
    let started = Instant::now();
    let each = (0..lanes).map(|lane| Campaign {
        seed: campaign.seed + lane * 1000,
        faults: (campaign.faults / lanes) + u64::from(lane < campaign.faults % lanes),
        ..campaign
    });
    let tallies = try_join_all(each.map(async |part| {
        let broker = Broker::start(transport).await?;
        part.run(&broker, |tally| {
            print_progress(transport, part.seed, tally, started)
        })
        .await
    }));
    let mut tally = RoundTotals::default();
    for part in tallies.await? {
        tally.add(part);
    }
    Ok(Report {
        transport,
        campaign,
        lanes,
        tally,
        took: started.elapsed(),
    })
}

fn print_progress(transport: Transport, seed: u64, tally: &RoundTotals, started: Instant) {
    let (name, faults, applied) = (transport.name(), tally.count(), tally.applied);
    let seconds = started.elapsed().as_secs();
    print_line(&format!(
        "{name} from seed {seed}: {faults} faults, {applied} changes applied, {seconds} s"
    ));
}

#[expect(
    clippy::print_stdout,
    reason = "a program that tells its reader how far it is"
)]
fn print_line(text: &str) {
    println!("{text}");
}
