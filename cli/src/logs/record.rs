//! A log line of a service: one JSON object of the Elastic Common Schema (ECS).

use serde_json::{Map, Value};

/// The log level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "error" | "fatal" | "critical" => Self::Error,
            "warn" | "warning" => Self::Warn,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => Self::Info,
        }
    }

    /// The name padded to five characters, so that the columns line up.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN ",
            Self::Info => "INFO ",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }

    /// The value of the ECS field `log.level`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// A parsed log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRecord {
    /// The time in RFC 3339, as written.
    pub(crate) time: Option<String>,
    pub(crate) level: LogLevel,
    pub(crate) message: String,
    /// The other fields, by dotted name.
    pub(crate) fields: Vec<(String, String)>,
}

impl LogRecord {
    /// Parses a line; none when it is not an ECS object, such as the message of a panic.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let object: Map<String, Value> = serde_json::from_str(line).ok()?;
        let mut flat = Vec::new();
        flatten(None, &object, &mut flat);
        let mut record = Self {
            time: None,
            level: LogLevel::Info,
            message: String::new(),
            fields: Vec::new(),
        };
        for (name, value) in flat {
            match name.as_str() {
                "@timestamp" => record.time = Some(value),
                "log.level" => record.level = LogLevel::parse(&value),
                "message" => record.message = value,
                name if is_redundant(name) => {}
                _ => record.fields.push((name, value)),
            }
        }
        // By name: whether a JSON object keeps its order depends on who else is linked.
        record.fields.sort();
        Some(record)
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// True if the text format leaves a field out, because the reader of one machine's log knows it already.
fn is_redundant(name: &str) -> bool {
    name.starts_with("service.")
        || name.starts_with("process.")
        || name.starts_with("log.")
        || matches!(
            name,
            "ecs.version"
                | "event.category"
                | "event.dataset"
                | "event.kind"
                | "event.type"
                | "host.name"
                | "span.id"
        )
}

fn flatten(prefix: Option<&str>, object: &Map<String, Value>, into: &mut Vec<(String, String)>) {
    for (key, value) in object {
        let name = prefix.map_or_else(|| key.clone(), |prefix| format!("{prefix}.{key}"));
        match value {
            Value::Object(inner) => flatten(Some(&name), inner, into),
            Value::String(text) => into.push((name, text.clone())),
            Value::Null => {}
            other => into.push((name, other.to_string())),
        }
    }
}
