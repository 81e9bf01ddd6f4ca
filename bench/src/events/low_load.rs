//! Measures the delay from the commit of a change to its application, at low load.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::Engine;
use uuid::Uuid;

use super::{ProcessPair, Transport, engine_name};
use crate::load::percentile;
use crate::report::{Figure, Report, micros};

/// Events that are not counted.
const WARM_UP_EVENTS: u32 = 50;

pub(super) async fn measure(
    report: &mut Report,
    transport: Transport,
    engine: Engine,
    count: u32,
) -> Result<()> {
    let mut pair = ProcessPair::start(transport, engine).await?;
    pair.source.ask("publish").await?;
    // The first ones open connections, and on a broker find their topic or queue.
    pair.source.ask(&format!("trickle {WARM_UP_EVENTS}")).await?;
    pair.follower.ask(&format!("until {WARM_UP_EVENTS}")).await?;
    let committed: Vec<(Uuid, i64)> =
        serde_json::from_str(&pair.source.ask(&format!("trickle {count}")).await?)?;
    pair.follower
        .ask(&format!("until {}", WARM_UP_EVENTS + count))
        .await?;
    let applied: Vec<(Uuid, i64)> = serde_json::from_str(&pair.follower.ask("stamps").await?)?;
    let applied: HashMap<Uuid, i64> = applied.into_iter().collect();
    let mut delays = Vec::new();
    for (id, at) in committed {
        let seen = applied.get(&id).context("an event that was not applied")?;
        delays.push(Duration::from_micros(u64::try_from(seen - at).unwrap_or(0)));
    }
    delays.sort_unstable();
    let aim = match transport {
        Transport::Feed => "p99 < 50 ms",
        Transport::Kafka | Transport::Rabbitmq => "p99 < 100 ms",
    };
    let value = format!(
        "{} / {}",
        micros(percentile(&delays, 50)),
        micros(percentile(&delays, 99))
    );
    let name = format!("{}, {}", transport.name(), engine_name(engine));
    report.add(
        "Delay from commit to applied at 100 events a second, p50 / p99",
        Figure::new(&name, value).target(aim),
    );
    Ok(())
}
