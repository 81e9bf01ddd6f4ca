//! `vestibule events stats`: depth, age, positions, leases, lag.

use std::io;

use reqwest::Method;
use serde_json::{Map, Value};

use super::Asked;
use crate::api::{Api, Side, text};
use crate::failure::Failure;
use crate::logs::{Color, Style};
use crate::output::{self, Format, sheet};

/// Show how the events of the services are doing
///
/// What waits and for how long, who publishes, how far each consumer is behind the service that it follows, what it did since
/// the replica that answers began, and what the last comparison of the services found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events stats
  vestibule events stats --service auth --output json")]
pub(crate) struct Stats {
    #[command(flatten)]
    asked: Asked,
}

impl Stats {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let api = Api::new(&self.asked.target, &["admin"])?;
        let mut found: Vec<(Side, Value)> = Vec::new();
        // Both, even if one is shown: how far a consumer is behind is known with the other.
        for side in [Side::Auth, Side::Users] {
            match api.call(side, Method::GET, "/admin/v1/events/stats").await {
                Ok(stats) => found.push((side, stats)),
                Err(error) if self.asked.sides().contains(&side) => return Err(error.into()),
                Err(_) => {}
            }
        }
        let heads: Vec<(Side, i64)> = found
            .iter()
            .filter_map(|(side, stats)| Some((*side, stats.pointer("/outbox/last_position")?.as_i64()?)))
            .collect();
        for (side, stats) in &mut found {
            let head = heads
                .iter()
                .find(|(other, _)| *other != *side)
                .map(|(_, head)| *head);
            add_lag(stats, head);
        }
        found.retain(|(side, _)| self.asked.sides().contains(side));
        if self.asked.target.output == Format::Json {
            let answer: Map<String, Value> = found
                .into_iter()
                .map(|(side, stats)| (side.name().to_owned(), stats))
                .collect();
            return output::json(&Value::Object(answer));
        }
        let style = Style::choose(Color::Auto, &io::stdout());
        for (index, (side, stats)) in found.iter().enumerate() {
            if index > 0 {
                output::line("")?;
            }
            output::line(style.bold(side.name()))?;
            output::line(sheet(&pairs(stats), style))?;
        }
        Ok(())
    }
}

/// How far the consumer is behind: the broker says so, or the last position of the other service.
fn add_lag(stats: &mut Value, head: Option<i64>) {
    let service = text(stats, "/service");
    let position = consumers(stats)
        .find(|consumer| text(consumer, "/consumer") == service)
        .and_then(|consumer| consumer.get("position")?.as_i64());
    let known = stats.get("lag").is_some();
    if let (false, Some(head), Some(position), Some(object)) = (known, head, position, stats.as_object_mut())
        && object.get("transport").and_then(Value::as_str) == Some("feed")
    {
        object.insert("lag".to_owned(), (head - position).max(0).into());
    }
}

fn consumers(stats: &Value) -> impl Iterator<Item = &Value> {
    stats
        .get("consumers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn pairs(stats: &Value) -> Vec<(&'static str, String)> {
    let places: Vec<String> = consumers(stats)
        .map(|consumer| {
            format!(
                "{} at {}",
                text(consumer, "/consumer"),
                text(consumer, "/position")
            )
        })
        .collect();
    let leases: Vec<String> = stats
        .get("leases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|lease| {
            let replica = text(lease, "/replica");
            let replica = if replica.is_empty() { "nobody" } else { &replica };
            format!("{} {replica}", text(lease, "/partitions"))
        })
        .collect();
    let lag = text(stats, "/lag");
    let waits = stats
        .get("oldest_seconds")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    vec![
        ("transport", text(stats, "/transport")),
        (
            "waiting",
            format!("{}, the oldest for {waits:.1} s", text(stats, "/outbox/depth")),
        ),
        ("last position", text(stats, "/outbox/last_position")),
        ("deleted up to", text(stats, "/outbox/pruned")),
        ("to publish again", text(stats, "/outbox/replays")),
        ("leases", leases.join(", ")),
        ("consumers", places.join(", ")),
        (
            "behind by",
            if lag.is_empty() {
                "not known".to_owned()
            } else {
                lag
            },
        ),
        (
            "since the start",
            format!(
                "{} applied, {} duplicates, {} stale, {} gaps",
                text(stats, "/since_start/applied"),
                text(stats, "/since_start/duplicates"),
                text(stats, "/since_start/stale"),
                text(stats, "/since_start/gaps"),
            ),
        ),
        (
            "set aside",
            format!(
                "{} not published, {} tried again, {} given up, {} unreadable",
                text(stats, "/outbox/dead_letters"),
                text(stats, "/inbox/parked"),
                text(stats, "/inbox/dead_letters"),
                text(stats, "/inbox/unreadable"),
            ),
        ),
        ("last comparison", comparison(stats)),
    ]
}

fn comparison(stats: &Value) -> String {
    let Some(report) = stats.get("reconciliation") else {
        return "none yet".to_owned();
    };
    let count = |member: &str| -> u64 {
        let counts = report.get(member).and_then(Value::as_object);
        counts
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum()
    };
    format!(
        "{}: {} compared, {} mended, {} drift left",
        text(report, "/at"),
        text(report, "/compared"),
        count("mended"),
        count("drift"),
    )
}
