//! Measures the cost that the outbox adds to the transaction of a change.

use std::time::Duration;

use anyhow::Result;
use testkit::Engine;

use super::child::Child;
use super::process_spec::{ProcessSpec, Role};
use super::{Transport, database, engine_name};
use crate::load::percentile;
use crate::report::{Figure, Report, micros};

pub(super) async fn measure(report: &mut Report, engine: Engine, count: u32) -> Result<()> {
    let db = database(engine).await;
    let mut source = Child::start(&ProcessSpec {
        role: Role::Source,
        database: db.url().to_owned(),
        events: Transport::Feed.config(),
        link: None,
    })?;
    let [without, with]: [Vec<u64>; 2] = serde_json::from_str(&source.ask(&format!("cost {count}")).await?)?;
    let (without, with) = (median(without), median(with));
    let added = with.as_secs_f64() / without.as_secs_f64().max(f64::EPSILON) - 1.0;
    let figure = Figure::new(engine_name(engine), format!("{:+.0} %", added * 100.0))
        .target("< 15 %")
        .ratio(format!("{} → {}", micros(without), micros(with)));
    report.add(
        "What the outbox adds to the transaction of a change, median",
        figure,
    );
    drop(source);
    Ok(())
}

fn median(nanos: Vec<u64>) -> Duration {
    let mut times: Vec<Duration> = nanos.into_iter().map(Duration::from_nanos).collect();
    times.sort_unstable();
    percentile(&times, 50)
}
