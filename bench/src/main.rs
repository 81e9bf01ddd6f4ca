//! The figures of `docs/benchmarks.md`: the real programs with optimisations, on loopback, beside a bare handler on the
//! same machine in the same run.

mod baseline;
mod events;
mod load;
mod process;
mod report;
mod requests;
mod sign_ins;
mod start;

use anyhow::Result;
use clap::Parser;
use testkit::Stack;

use crate::report::Report;

/// Measure the services, and write the figures between the markers of docs/benchmarks.md.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  make bench")]
struct Arguments {
    /// A part of the usual number of requests, for a quick look; nothing is written
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    scale: u32,
    /// Serve the bare handler that the figures are compared with, on this port
    #[arg(long, value_name = "PORT", hide = true)]
    baseline: Option<u16>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.baseline {
        Some(port) => runtime.block_on(baseline::serve(port)),
        None => runtime.block_on(measure(arguments.scale)),
    }
}

async fn measure(scale: u32) -> Result<()> {
    let of = |usual: u32| usize::try_from(usual * scale / 100).unwrap_or_default().max(20);
    let mut report = Report::default();
    start::measure(&mut report, of(5).min(5)).await?;
    let stack = Stack::start().await;
    start::idle_memory(&mut report, &stack)?;
    requests::measure(&mut report, &stack, &of).await?;
    events::measure(&mut report, &stack, of(400)).await?;
    sign_ins::measure(&mut report, &stack, scale).await?;
    report.print()?;
    if scale == 100 {
        report.write()?;
    }
    Ok(())
}
