//! CloudEvents in binary mode as AMQP 0-9-1 messages: the attributes are headers, as in the AMQP binding §3.1.

use aws_lc_rs::digest::{SHA256, digest};
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::binary;
use contract::Envelope;
use events::transport::{Message, UnreadableMessage};

/// The prefixes of the names of attributes; the second is what others may send (AMQP binding §3.1.3.1).
const PREFIXES: [&str; 2] = ["cloudEvents_", "cloudEvents:"];
/// Kept over restarts of the broker.
const PERSISTENT: u8 = 2;

/// The properties of the message that carries `event`; its body is the data.
pub(super) fn properties(event: &Envelope) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in binary::attributes(event) {
        headers.insert(
            format!("cloudEvents_{name}").into(),
            AMQPValue::LongString(value.into()),
        );
    }
    if let Some(traceparent) = &event.traceparent {
        // Where instrumentation that knows nothing of CloudEvents looks for it.
        headers.insert(
            "traceparent".into(),
            AMQPValue::LongString(traceparent.as_str().into()),
        );
    }
    BasicProperties::default()
        .with_content_type(event.datacontenttype.as_str().into())
        .with_message_id(event.id.to_string().into())
        .with_type(event.kind.as_str().into())
        .with_timestamp(event.time.as_secs().unsigned_abs())
        .with_delivery_mode(PERSISTENT)
        .with_headers(headers)
}

/// The event in a delivery, or what is wrong with it.
pub(super) fn open(queue: &str, delivery: &Delivery) -> Message {
    let headers: Vec<(String, String)> = delivery
        .properties
        .headers()
        .as_ref()
        .into_iter()
        .flat_map(|table| table.inner())
        .filter_map(|(name, value)| Some((attribute(name)?.to_owned(), scalar(value)?)))
        .collect();
    let content_type = delivery
        .properties
        .content_type()
        .as_ref()
        .map_or("application/json", ShortString::as_str);
    let pairs = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    match binary::open(pairs, content_type, &delivery.data) {
        Ok(event) => Message::Event(Box::new(event)),
        Err(error) => Message::Unreadable(UnreadableMessage {
            place: place(queue, delivery),
            error: error.to_string(),
            body: delivery.data.clone(),
        }),
    }
}

fn attribute(header: &ShortString) -> Option<&str> {
    let header = header.as_str();
    PREFIXES
        .iter()
        .find_map(|prefix| header.strip_prefix(prefix))
        .or((header == "traceparent").then_some(header))
}

fn scalar(value: &AMQPValue) -> Option<String> {
    Some(match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.to_owned(),
        AMQPValue::ShortString(text) => text.as_str().to_owned(),
        AMQPValue::ShortInt(number) => number.to_string(),
        AMQPValue::LongInt(number) => number.to_string(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        _ => return None,
    })
}

/// The same for every delivery of one message. A queue has no numbers, so it is told by what is in it.
fn place(queue: &str, delivery: &Delivery) -> String {
    let id = delivery
        .properties
        .message_id()
        .as_ref()
        .map_or("", ShortString::as_str);
    let mut content = format!("{}\n{id}\n", delivery.routing_key.as_str()).into_bytes();
    content.extend_from_slice(&delivery.data);
    let hash = digest(&SHA256, &content);
    let short: String = hash
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{queue}#{short}")
}
