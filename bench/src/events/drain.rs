//! Measures the throughput of events: how fast a committed backlog is published and applied.

use std::time::Duration;

use anyhow::{Result, ensure};
use chassis::clock::Timestamp;
use testkit::Engine;

use super::people::now;
use super::{ProcessPair, Transport, engine_name};
use crate::report::{Figure, Report};

/// Time from the start of the relay until `count` committed events are applied, and the CPU time of both processes.
async fn drain(transport: Transport, engine: Engine, count: u32) -> Result<(Duration, Duration)> {
    let mut pair = ProcessPair::start(transport, engine).await?;
    pair.source.ask(&format!("fill {count}")).await?;
    let used =
        |pair: &ProcessPair| -> Result<Duration> { Ok(pair.source.cpu_time()? + pair.follower.cpu_time()?) };
    let before = used(&pair)?;
    let start = now();
    pair.source.ask("publish").await?;
    let end: i64 = pair.follower.ask(&format!("until {count}")).await?.parse()?;
    let took = Timestamp::from_micros(end).since(start);
    let cpu = used(&pair)?.saturating_sub(before);
    let sum: u32 = pair.follower.ask("sum").await?.parse()?;
    // A person with so many changes is at that version.
    ensure!(sum == count, "{sum} instead of {count} changes took effect");
    Ok((took, cpu))
}

fn per_second(count: u32, took: Duration) -> String {
    format!("{:.0} per second", f64::from(count) / took.as_secs_f64())
}

fn each(cpu: Duration, count: u32) -> String {
    let each = cpu / count.max(1);
    format!("{:.0} µs of CPU each", each.as_secs_f64() * 1e6)
}

pub(super) async fn measure(
    report: &mut Report,
    transport: Transport,
    engine: Engine,
    count: u32,
) -> Result<()> {
    let (took, cpu) = drain(transport, engine, count).await?;
    let name = format!("{}, {}", transport.name(), engine_name(engine));
    report.add(
        "Events from commit to applied, per second",
        Figure::new(&name, per_second(count, took))
            .target("≥ 5,000 per second")
            .ratio(each(cpu, count)),
    );
    Ok(())
}

pub(super) async fn backlog(
    report: &mut Report,
    transport: Transport,
    engine: Engine,
    count: u32,
) -> Result<()> {
    let (took, _) = drain(transport, engine, count).await?;
    let name = format!("{}, {}", transport.name(), engine_name(engine));
    let figure = Figure::new(&name, format!("{:.0} s", took.as_secs_f64())).ratio(per_second(count, took));
    report.add(
        &format!("Time until a backlog of {} events is applied", grouped(count)),
        figure,
    );
    Ok(())
}

/// With commas between thousands.
fn grouped(count: u32) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
