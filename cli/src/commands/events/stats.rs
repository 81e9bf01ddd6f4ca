//! `vestibule events stats`: outbox depth and age, positions, leases and consumer lag.

use std::io;

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value};

use super::EventsArgs;
use crate::api::{ApiClient, RemoteService, text_at};
use crate::error::CommandError;
use crate::logs::{Color, Style};
use crate::output::{self, Format, key_value_list};

/// Show how the events of the services are doing
///
/// The output has the events that wait and for how long, the replica that publishes, how far each consumer is
/// behind the service that it follows, what it did since the replica that answers began, and what the last
/// comparison of the services found.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule events stats
  vestibule events stats --service auth --output json")]
pub(crate) struct Stats {
    #[command(flatten)]
    events: EventsArgs,
}

impl Stats {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let api = ApiClient::new(&self.events.connection, &["admin"])?;
        let mut found: Vec<(RemoteService, Value)> = Vec::new();
        // Both are read, even if one is shown: the lag of a consumer needs the last position of the other service.
        for service in [RemoteService::Auth, RemoteService::Users] {
            match api.call(service, Method::GET, paths::operations::STATS).await {
                Ok(stats) => found.push((service, stats)),
                Err(error) if self.events.selected_services().contains(&service) => return Err(error.into()),
                Err(_) => {}
            }
        }
        let heads: Vec<(RemoteService, i64)> = found
            .iter()
            .filter_map(|(service, stats)| {
                Some((*service, stats.pointer("/outbox/last_position")?.as_i64()?))
            })
            .collect();
        for (service, stats) in &mut found {
            let head = heads
                .iter()
                .find(|(other, _)| *other != *service)
                .map(|(_, head)| *head);
            add_lag(stats, head);
        }
        found.retain(|(service, _)| self.events.selected_services().contains(service));
        if self.events.connection.output == Format::Json {
            let answer: Map<String, Value> = found
                .into_iter()
                .map(|(service, stats)| (service.name().to_owned(), stats))
                .collect();
            return output::print_json(&Value::Object(answer));
        }
        let style = Style::choose(Color::Auto, &io::stdout());
        for (index, (service, stats)) in found.iter().enumerate() {
            if index > 0 {
                output::print_line("")?;
            }
            output::print_line(style.bold(service.name()))?;
            output::print_line(key_value_list(&pairs(stats), style))?;
        }
        Ok(())
    }
}

/// Adds the consumer lag, from the last position of the other service, unless the broker reported it.
fn add_lag(stats: &mut Value, head: Option<i64>) {
    let service = text_at(stats, "/service");
    let position = consumers(stats)
        .find(|consumer| text_at(consumer, "/consumer") == service)
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
    let positions: Vec<String> = consumers(stats)
        .map(|consumer| {
            let (name, position) = (text_at(consumer, "/consumer"), text_at(consumer, "/position"));
            match text_at(consumer, "/transport").as_str() {
                "" | "feed" => format!("{name} at {position}"),
                broker => format!("{name} over {broker}"),
            }
        })
        .collect();
    let leases: Vec<String> = stats
        .get("leases")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|lease| {
            let replica = text_at(lease, "/replica");
            let replica = if replica.is_empty() { "nobody" } else { &replica };
            format!("{} {replica}", text_at(lease, "/partitions"))
        })
        .collect();
    let lag = text_at(stats, "/lag");
    let waits = stats
        .get("oldest_seconds")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    vec![
        ("transport", text_at(stats, "/transport")),
        (
            "waiting",
            format!("{}, the oldest for {waits:.1} s", text_at(stats, "/outbox/depth")),
        ),
        ("last position", text_at(stats, "/outbox/last_position")),
        ("deleted up to", text_at(stats, "/outbox/pruned")),
        ("to publish again", text_at(stats, "/outbox/replays")),
        ("leases", leases.join(", ")),
        ("consumers", positions.join(", ")),
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
                text_at(stats, "/since_start/applied"),
                text_at(stats, "/since_start/duplicates"),
                text_at(stats, "/since_start/stale"),
                text_at(stats, "/since_start/gaps"),
            ),
        ),
        (
            "stuck events",
            format!(
                "{} not published, {} tried again, {} given up, {} unreadable",
                text_at(stats, "/outbox/dead_letters"),
                text_at(stats, "/inbox/parked"),
                text_at(stats, "/inbox/dead_letters"),
                text_at(stats, "/inbox/unreadable"),
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
        "{}: {} compared, {} repaired, {} drift left",
        text_at(report, "/at"),
        text_at(report, "/compared"),
        count("repaired"),
        count("drift"),
    )
}
