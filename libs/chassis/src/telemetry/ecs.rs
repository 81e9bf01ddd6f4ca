//! Lines for machines: the ECS logging specification, <https://github.com/elastic/ecs-logging/tree/main/spec>.

use serde::Serializer as _;
use serde::ser::SerializeMap;

use super::lines::Line;

/// The version of the schema that the names of fields come from.
const ECS_VERSION: &str = "8.11.0";

/// Names that every line has; a field of the same name would be there twice.
const OWN: [&str; 9] = [
    "@timestamp",
    "log.level",
    "message",
    "ecs.version",
    "service.name",
    "service.version",
    "log.logger",
    "trace.id",
    "span.id",
];

/// One JSON object and a line feed. `@timestamp`, `log.level` and `message` come first, as the specification asks.
pub(super) fn render(line: &Line, service: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    // Writing texts and numbers into memory cannot fail.
    let _ = write(line, service, &mut bytes);
    bytes.push(b'\n');
    bytes
}

fn write(line: &Line, service: &str, bytes: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Serializer::new(bytes);
    let mut map = json.serialize_map(None)?;
    map.serialize_entry("@timestamp", &line.at)?;
    map.serialize_entry("log.level", &line.level.as_str().to_ascii_lowercase())?;
    map.serialize_entry("message", &line.message)?;
    map.serialize_entry("ecs.version", ECS_VERSION)?;
    map.serialize_entry("service.name", &format_args!("vestibule-{service}"))?;
    map.serialize_entry("service.version", env!("CARGO_PKG_VERSION"))?;
    map.serialize_entry("log.logger", line.target)?;
    if let Some(trace) = line.trace {
        map.serialize_entry("trace.id", &format_args!("{}", trace.trace_id()))?;
        map.serialize_entry("span.id", &format_args!("{}", trace.span_id()))?;
    }
    for (name, value) in &line.fields {
        if OWN.contains(name) {
            continue;
        }
        if name.contains('.') {
            map.serialize_entry(name, value)?;
        } else {
            map.serialize_entry(&format_args!("vestibule.{name}"), value)?;
        }
    }
    map.end()
}
