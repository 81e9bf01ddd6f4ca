//! Log lines as JSON, by the ECS logging specification (<https://github.com/elastic/ecs-logging/tree/main/spec>).

use std::sync::OnceLock;

use serde::Serializer as _;
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::fields;
use super::layer::LogLine;
use super::vocabulary::Dictionary;

/// The version of the Elastic Common Schema that the field names come from.
const ECS_VERSION: &str = "8.11.0";

/// Fields that every line has. A field of the same name is skipped, because it would appear twice.
const RESERVED: [&str; 15] = [
    "@timestamp",
    "log.level",
    "message",
    "ecs.version",
    "service.name",
    "service.version",
    "service.node.name",
    "event.dataset",
    "event.kind",
    "event.category",
    "event.type",
    "process.pid",
    "log.logger",
    "trace.id",
    "span.id",
];

/// The prefix of span fields that are meant for the trace exporter.
const TRACE_FIELD_PREFIX: &str = "otel.";

/// Renders one JSON object and a line feed. `@timestamp`, `log.level` and `message` come first, as the specification asks.
pub(super) fn render(line: &LogLine, service: &str, dictionary: &Dictionary) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    // Writing texts and numbers into memory cannot fail.
    let _ = write(line, service, dictionary, &mut bytes);
    bytes.push(b'\n');
    bytes
}

fn write(
    line: &LogLine,
    service: &str,
    dictionary: &Dictionary,
    bytes: &mut Vec<u8>,
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Serializer::new(bytes);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("@timestamp", &line.at)?;
    map.serialize_entry("log.level", &line.level.as_str().to_ascii_lowercase())?;
    map.serialize_entry("message", &line.message)?;
    map.serialize_entry("ecs.version", ECS_VERSION)?;
    map.serialize_entry("service.name", &format_args!("vestibule-{service}"))?;
    map.serialize_entry("service.version", env!("CARGO_PKG_VERSION"))?;
    if let Some(node) = node_name() {
        map.serialize_entry("service.node.name", node)?;
    }
    map.serialize_entry("event.dataset", &format_args!("vestibule.{service}"))?;
    map.serialize_entry("process.pid", &std::process::id())?;
    map.serialize_entry("log.logger", line.target)?;
    if let Some(trace) = line.trace {
        map.serialize_entry("trace.id", &format_args!("{}", trace.trace_id()))?;
        map.serialize_entry("span.id", &format_args!("{}", trace.span_id()))?;
    }
    write_action(line, dictionary, &mut map)?;
    write_fields(line, dictionary, &mut map)?;
    map.end()
}

/// Writes `event.kind`, `event.category` and `event.type` of the line's action.
fn write_action<M: SerializeMap>(
    line: &LogLine,
    dictionary: &Dictionary,
    map: &mut M,
) -> Result<(), M::Error> {
    let named = line.fields.iter().find(|(name, _)| *name == "event.action");
    let Some(action) = named.and_then(|(_, value)| dictionary.action(value.as_str()?)) else {
        return Ok(());
    };
    map.serialize_entry("event.kind", "event")?;
    if let Some(category) = action.category {
        map.serialize_entry("event.category", &[category])?;
    }
    map.serialize_entry("event.type", action.types)
}

/// Writes the documented fields of the line. Any other field becomes a label.
fn write_fields<M: SerializeMap>(
    line: &LogLine,
    dictionary: &Dictionary,
    map: &mut M,
) -> Result<(), M::Error> {
    let mut labels = Map::new();
    let mut written: Vec<&str> = Vec::with_capacity(line.fields.len());
    for (name, value) in &line.fields {
        if RESERVED.contains(name) || name.starts_with(TRACE_FIELD_PREFIX) {
            continue;
        }
        let known = dictionary
            .field(name)
            .filter(|field| !written.contains(&field.name));
        match known.and_then(|field| Some((field, fields::convert(field.kind, value)?))) {
            Some((field, value)) => {
                map.serialize_entry(field.name, &value)?;
                written.push(field.name);
            }
            None => {
                let value = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                labels.insert(name.replace('.', "_"), Value::String(value));
            }
        }
    }
    if !labels.is_empty() {
        map.serialize_entry("labels", &labels)?;
    }
    Ok(())
}

/// The host name, which is the pod's or the container's where there is one.
fn node_name() -> Option<&'static str> {
    static NODE: OnceLock<Option<String>> = OnceLock::new();
    NODE.get_or_init(|| {
        let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
            .iter()
            .find_map(|path| std::fs::read_to_string(path).ok())
            .or_else(|| std::env::var("HOSTNAME").ok())?;
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    })
    .as_deref()
}
