//! Documented log fields. Each crate declares those that it logs. Any other field becomes a label, so that Elasticsearch refuses no line for its fields and two
//! lines never disagree about the type of one.

use serde_json::Value;

/// The Elasticsearch type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A text that is matched as a whole.
    Keyword,
    /// A list of keywords.
    Keywords,
    /// A text that is searched by its words.
    Text,
    /// A whole number.
    Long,
    /// An IP address.
    Ip,
    /// A point in time.
    Date,
    /// Named texts that are not indexed one by one.
    Labels,
}

/// A documented log field.
#[derive(Clone, Copy, Debug)]
pub struct LogField {
    /// Its full name in a line.
    pub name: &'static str,
    /// Its type.
    pub kind: FieldKind,
    /// Its meaning.
    pub about: &'static str,
}

impl LogField {
    /// Declares a text that is matched as a whole.
    pub const fn keyword(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Keyword, about)
    }

    /// Declares a list of keywords.
    pub const fn keywords(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Keywords, about)
    }

    /// Declares a text that is searched by its words.
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Text, about)
    }

    /// Declares a whole number.
    pub const fn long(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Long, about)
    }

    /// Declares an IP address.
    pub const fn ip(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Ip, about)
    }

    /// Declares a point in time.
    pub const fn date(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Date, about)
    }

    /// Declares named texts.
    pub const fn labels(name: &'static str, about: &'static str) -> Self {
        Self::new(name, FieldKind::Labels, about)
    }

    const fn new(name: &'static str, kind: FieldKind, about: &'static str) -> Self {
        Self { name, kind, about }
    }
}

/// The fields of every service. Fields without the prefix `vestibule.` belong to the Elastic Common Schema.
pub const FIELDS: &[LogField] = &[
    LogField::date("@timestamp", "When it was, in UTC."),
    LogField::ip(
        "client.ip",
        "The address that a request came from. Personal data.",
    ),
    LogField::keyword("ecs.version", "The version of the schema."),
    LogField::text("error.message", "What went wrong."),
    LogField::text("error.stack_trace", "The error and its causes, one a line."),
    LogField::keyword("error.type", "`panic`, when a part of the program broke off."),
    LogField::keyword("event.action", "What was done, from the list of actions."),
    LogField::keywords("event.category", "The schema's category of the action."),
    LogField::keyword("event.dataset", "`vestibule.auth` or `vestibule.users`."),
    LogField::long("event.duration", "How long it took, in nanoseconds."),
    LogField::keyword("event.kind", "`event`, where there is an action."),
    LogField::keyword("event.outcome", "`success`, `failure` or `unknown`."),
    LogField::keyword("event.reason", "Why it came out so, in a word."),
    LogField::keywords("event.type", "The schema's type of the action."),
    LogField::keyword("http.request.method", "The method of a request."),
    LogField::long("http.response.status_code", "The status of an answer."),
    LogField::labels("labels", "What a library said beside its message."),
    LogField::keyword("log.level", "`error`, `warn`, `info`, `debug` or `trace`."),
    LogField::keyword("log.logger", "The part of the program that speaks."),
    LogField::text("message", "The line itself."),
    LogField::long("process.pid", "The id of the process."),
    LogField::keyword("server.address", "Where a service listens."),
    LogField::keyword("service.name", "`vestibule-auth` or `vestibule-users`."),
    LogField::keyword(
        "service.node.name",
        "The host, which is the pod or the container where there is one.",
    ),
    LogField::keyword("service.version", "The version of the program."),
    LogField::keyword("span.id", "The part of the trace."),
    LogField::keyword(
        "trace.id",
        "The trace: all that one request caused. Answers have it as `X-Request-Id`.",
    ),
    LogField::keyword("vestibule.consumer", "Who applies events."),
    LogField::keyword(
        "vestibule.http.route",
        "The route of a request; never its path, which may hold a name.",
    ),
];

/// Converts a value to `kind`; `None` if it does not fit.
pub(super) fn convert(kind: FieldKind, value: &Value) -> Option<Value> {
    let text = || match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match kind {
        FieldKind::Keyword | FieldKind::Text => Some(Value::String(text())),
        FieldKind::Keywords => Some(Value::Array(vec![Value::String(text())])),
        FieldKind::Long => match value {
            Value::Number(number) if !number.is_f64() => Some(value.clone()),
            Value::String(text) => text.parse::<i64>().ok().map(Value::from),
            _ => None,
        },
        FieldKind::Ip => text()
            .parse::<std::net::IpAddr>()
            .ok()
            .map(|ip| Value::String(ip.to_string())),
        FieldKind::Date | FieldKind::Labels => None,
    }
}
