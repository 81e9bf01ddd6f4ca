//! Writes the document; what is published is the committed file.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::catalogue::{Told, entries};

/// The whole document.
pub(crate) fn document() -> Value {
    // The draft that AsyncAPI's own schemas are a superset of (AsyncAPI 3.0 §Schema Object).
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::from(settings);
    let told = entries(&mut generator);
    let (mut channels, mut operations, mut messages) = (Map::new(), Map::new(), Map::new());
    for event in &told {
        add_messages(&mut messages, event);
    }
    messages.insert("tombstone".to_owned(), tombstone());
    for service in ["users", "auth"] {
        let names: Vec<&str> = told
            .iter()
            .filter(|event| event.by == service)
            .map(|event| event.name)
            .collect();
        for (name, channel) in [
            (format!("{service}.feed"), feed(service, &names)),
            (format!("{service}.kafka"), topic(service, &names)),
            (format!("{service}.rabbitmq"), exchange(service, &names)),
        ] {
            let operation = json!({
                "action": "send",
                "channel": reference(&["channels", &name]),
                "summary": format!("Every change in {service}, at least once, in order for each `partitionkey`."),
            });
            operations.insert(format!("tell.{name}"), operation);
            channels.insert(name, channel);
        }
    }
    let schemas: Map<String, Value> = generator.take_definitions(true);
    json!({
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "messageTraits": traits(), "schemas": schemas },
    })
}

fn info() -> Value {
    json!({
        "title": "Events of Vestibule",
        "version": "1.0.0",
        "description": "CloudEvents 1.0 that the services of Vestibule tell. Each carries the whole state of its \
            aggregate at version `sequence`: the newest wins. Types only gain fields; anything else is a new version \
            of the type beside the old one.",
        "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
    })
}

fn servers() -> Value {
    let host = |what: &str| json!({ "host": { "description": what } });
    json!({
        "users": {
            "host": "{host}", "protocol": "https", "variables": host("Where the user service answers."),
        },
        "auth": {
            "host": "{host}", "protocol": "https", "variables": host("Where the authentication service answers."),
        },
        "kafka": { "host": "{host}", "protocol": "kafka", "variables": host("The brokers of Kafka.") },
        "rabbitmq": {
            "host": "{host}", "protocol": "amqp", "protocolVersion": "0.9.1", "variables": host("RabbitMQ."),
        },
    })
}

/// A JSON reference to a place in the document.
fn reference(place: &[&str]) -> Value {
    let place: Vec<String> = place
        .iter()
        .map(|step| step.replace('~', "~0").replace('/', "~1"))
        .collect();
    json!({ "$ref": format!("#/{}", place.join("/")) })
}

fn messages_of(prefix: &str, names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            let message = format!("{prefix}.{name}");
            (
                (*name).to_owned(),
                reference(&["components", "messages", &message]),
            )
        })
        .collect()
}

fn feed(service: &str, names: &[&str]) -> Value {
    json!({
        "address": "/events",
        "title": format!("The feed of {service}"),
        "description": "GET with an access token of the scope `events:read`: a JSON array of events, with long poll, or \
            server-sent events. The parameters are described in docs/reference/events.md.",
        "servers": [reference(&["servers", service])],
        "messages": messages_of("structured", names),
    })
}

fn namespace() -> Value {
    json!({ "namespace": { "description": "`[events] namespace`.", "default": "vestibule" } })
}

fn topic(service: &str, names: &[&str]) -> Value {
    let mut messages = messages_of("kafka", names);
    let cleanup = if service == "users" { "compact" } else { "delete" };
    if service == "users" {
        messages.insert(
            "tombstone".to_owned(),
            reference(&["components", "messages", "tombstone"]),
        );
    }
    json!({
        "address": format!("{{namespace}}.{service}"),
        "title": format!("The topic of {service}"),
        "servers": [reference(&["servers", "kafka"])],
        "parameters": namespace(),
        "messages": messages,
        "bindings": { "kafka": {
            "topicConfiguration": { "cleanup.policy": [cleanup] },
            "bindingVersion": "0.5.0",
        } },
    })
}

fn exchange(service: &str, names: &[&str]) -> Value {
    json!({
        "address": "{type}",
        "title": format!("The events of {service} in the exchange"),
        "description": "The routing key is the type of the event. The exchange is `vestibule.events`, or as \
            `[events] namespace` says.",
        "servers": [reference(&["servers", "rabbitmq"])],
        "parameters": { "type": { "description": "The type of the event.", "enum": names } },
        "messages": messages_of("rabbitmq", names),
        "bindings": { "amqp": {
            "is": "routingKey",
            "exchange": { "name": "vestibule.events", "type": "topic", "durable": true, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
    })
}

/// One type in its three forms: whole in JSON, and with the attributes in headers.
fn add_messages(messages: &mut Map<String, Value>, event: &Told) {
    let common = json!({ "name": event.name, "title": event.name, "contentType": "application/json" });
    for transport in ["kafka", "rabbitmq"] {
        let mut message = common.clone();
        message["traits"] = json!([reference(&["components", "messageTraits", transport])]);
        message["payload"] = event.schema.clone();
        messages.insert(format!("{transport}.{}", event.name), message);
    }
    let mut message = common;
    message["contentType"] = "application/cloudevents+json".into();
    let mut properties = attributes("");
    properties.insert(
        "type".to_owned(),
        json!({ "type": "string", "const": event.name }),
    );
    properties.insert(
        "datacontenttype".to_owned(),
        json!({ "type": "string", "const": "application/json" }),
    );
    properties.insert(
        "position".to_owned(),
        json!({ "type": "string", "description": "Where it stands in the feed: 1, 2, 3 … without gaps." }),
    );
    properties.insert("data".to_owned(), event.schema.clone());
    let mut required = required("");
    required.extend(["datacontenttype".to_owned(), "data".to_owned()]);
    message["payload"] = json!({ "type": "object", "properties": properties, "required": required });
    messages.insert(format!("structured.{}", event.name), message);
}

/// The tombstone: the message behind `user.deleted`, `group.deleted` and `registration.rejected`, so that a compacted topic
/// keeps nothing of them.
fn tombstone() -> Value {
    json!({
        "name": "tombstone",
        "title": "Nothing is left",
        "summary": "Behind the event of an erased person, a deleted group or a refused registration: no value under its key, so that \
            compaction deletes what there was.",
        "payload": { "type": "null" },
        "bindings": { "kafka": { "key": { "type": "string", "format": "uuid" }, "bindingVersion": "0.5.0" } },
    })
}

/// CloudEvents attributes (CloudEvents 1.0 §3, Partitioning, Sequence and Distributed Tracing extensions), each under
/// its name with `prefix`.
fn attributes(prefix: &str) -> Map<String, Value> {
    let uuid = || json!({ "type": "string", "format": "uuid" });
    [
        ("specversion", json!({ "type": "string", "const": "1.0" })),
        ("id", uuid()),
        ("source", json!({ "type": "string", "format": "uri", "description": "The URL of the service that says it." })),
        ("type", json!({ "type": "string" })),
        ("subject", uuid()),
        ("time", json!({ "type": "string", "format": "date-time" })),
        ("partitionkey", uuid()),
        ("sequence", json!({ "type": "string", "pattern": "^[0-9]{20}$", "description": "The version of the aggregate." })),
        ("traceparent", json!({ "type": "string", "description": "W3C Trace Context." })),
    ]
    .into_iter()
    .map(|(name, schema)| (format!("{prefix}{name}"), schema))
    .collect()
}

fn required(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> = attributes(prefix).into_iter().map(|(name, _)| name).collect();
    names.retain(|name| !name.ends_with("traceparent"));
    // Whether a map of `serde_json` keeps the order of its members depends on who else is linked.
    names.sort_unstable();
    names
}

/// The attributes as headers: CloudEvents Kafka binding §3.2, AMQP binding §3.1, binary mode.
fn traits() -> Value {
    let mut kafka = attributes("ce_");
    kafka.insert(
        "content-type".to_owned(),
        json!({ "type": "string", "const": "application/json" }),
    );
    kafka.insert(
        "traceparent".to_owned(),
        json!({ "type": "string", "description": "As `ce_traceparent`." }),
    );
    let mut needed = required("ce_");
    needed.push("content-type".to_owned());
    json!({
        "kafka": {
            "headers": { "type": "object", "properties": kafka, "required": needed },
            "bindings": { "kafka": { "key": { "type": "string", "format": "uuid" }, "bindingVersion": "0.5.0" } },
        },
        "rabbitmq": {
            "headers": {
                "type": "object",
                "properties": attributes("cloudEvents_"),
                "required": required("cloudEvents_"),
            },
        },
    })
}
