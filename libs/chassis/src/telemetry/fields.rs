//! Documented log fields. Any other field becomes a label, so that Elasticsearch refuses no line for its fields and two
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

const fn field(name: &'static str, kind: FieldKind, about: &'static str) -> LogField {
    LogField { name, kind, about }
}

/// Every documented field. Fields without the prefix `vestibule.` belong to the Elastic Common Schema.
pub const FIELDS: [LogField; 64] = {
    use FieldKind::{Date, Ip, Keyword, Keywords, Labels, Long, Text};
    [
        field("@timestamp", Date, "When it was, in UTC."),
        field(
            "client.ip",
            Ip,
            "The address that a request came from. Personal data.",
        ),
        field("ecs.version", Keyword, "The version of the schema."),
        field("error.message", Text, "What went wrong."),
        field("error.stack_trace", Text, "The error and its causes, one a line."),
        field(
            "error.type",
            Keyword,
            "`panic`, when a part of the program broke off.",
        ),
        field(
            "event.action",
            Keyword,
            "What was done, from the list of actions.",
        ),
        field("event.category", Keywords, "The schema's category of the action."),
        field("event.dataset", Keyword, "`vestibule.auth` or `vestibule.users`."),
        field("event.duration", Long, "How long it took, in nanoseconds."),
        field("event.id", Keyword, "The id of an event between the services."),
        field("event.kind", Keyword, "`event`, where there is an action."),
        field("event.outcome", Keyword, "`success`, `failure` or `unknown`."),
        field("event.reason", Keyword, "Why it came out so, in a word."),
        field("event.type", Keywords, "The schema's type of the action."),
        field("http.request.method", Keyword, "The method of a request."),
        field("http.response.status_code", Long, "The status of an answer."),
        field("labels", Labels, "What a library said beside its message."),
        field(
            "log.level",
            Keyword,
            "`error`, `warn`, `info`, `debug` or `trace`.",
        ),
        field("log.logger", Keyword, "The part of the program that speaks."),
        field("message", Text, "The line itself."),
        field("process.pid", Long, "The id of the process."),
        field("server.address", Keyword, "Where a service listens."),
        field("service.name", Keyword, "`vestibule-auth` or `vestibule-users`."),
        field(
            "service.node.name",
            Keyword,
            "The host, which is the pod or the container where there is one.",
        ),
        field("service.version", Keyword, "The version of the program."),
        field("span.id", Keyword, "The part of the trace."),
        field(
            "trace.id",
            Keyword,
            "The trace: all that one request caused. Answers have it as `X-Request-Id`.",
        ),
        field(
            "user.id",
            Keyword,
            "The id of the person or the client who acts. A pseudonym.",
        ),
        field(
            "user.target.id",
            Keyword,
            "The id of the person to whom it is done. A pseudonym.",
        ),
        field(
            "vestibule.actor.client.id",
            Keyword,
            "The application whose access token the request had; with `user.id` the same, it acted for itself.",
        ),
        field("vestibule.aggregate", Keyword, "Whose state it is about."),
        field("vestibule.brand", Keyword, "The name of the brand."),
        field("vestibule.client.id", Keyword, "The application."),
        field("vestibule.code", Keyword, "The error of the Kafka client."),
        field(
            "vestibule.configured",
            Long,
            "How many the configuration asks for.",
        ),
        field("vestibule.consumer", Keyword, "Who applies events."),
        field("vestibule.count", Long, "How many."),
        field("vestibule.drift", Keyword, "What kind of difference."),
        field(
            "vestibule.event.number",
            Long,
            "The number of an event in the outbox.",
        ),
        field(
            "vestibule.event.type",
            Keyword,
            "The type of an event between the services.",
        ),
        field("vestibule.events", Long, "How many events."),
        field("vestibule.facility", Keyword, "The part of the Kafka client."),
        field("vestibule.failures", Long, "How often in a row."),
        field("vestibule.found", Long, "How many there are."),
        field("vestibule.from", Long, "The first place."),
        field(
            "vestibule.http.route",
            Keyword,
            "The route of a request; never its path, which may hold a name.",
        ),
        field("vestibule.repaired", Keyword, "What was repaired."),
        field("vestibule.ours", Keyword, "The state here."),
        field("vestibule.partitions", Long, "How many partitions."),
        field(
            "vestibule.place",
            Keyword,
            "Where a message stands in its queue or topic.",
        ),
        field("vestibule.session.count", Long, "How many sessions."),
        field(
            "vestibule.setup.url",
            Keyword,
            "The link that makes the first administrator.",
        ),
        field("vestibule.theirs", Keyword, "The state there."),
        field("vestibule.to", Long, "The last place."),
        field("vestibule.topic", Keyword, "The Kafka topic."),
        field("vestibule.transport", Keyword, "What carries events."),
        field("vestibule.webhook.id", Keyword, "The webhook."),
        field(
            "vestibule.webhook.key",
            Keyword,
            "The name of the key that its secret is encrypted under.",
        ),
        field("vestibule.webhook.version", Long, "The version of the webhook."),
        field("vestibule.worker", Keyword, "The background task."),
        field("vestibule.waited", Keyword, "How long it waits."),
        field("vestibule.keys", Long, "How many keys."),
        field("vestibule.connections", Long, "How many connections."),
    ]
};

/// The documented field that `name` in the code stands for. `None` means that it becomes a label.
pub(super) fn find(name: &str) -> Option<&'static LogField> {
    FIELDS.iter().find(|field| {
        field.name == name
            || field
                .name
                .strip_prefix("vestibule.")
                .is_some_and(|rest| rest == name)
    })
}

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
