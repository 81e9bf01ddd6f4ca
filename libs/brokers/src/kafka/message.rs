//! An event as a Kafka message: CloudEvents Kafka binding §3.2, binary mode.

use rdkafka::message::{BorrowedMessage, Header, Headers, Message as _, OwnedHeaders};

use crate::binary;
use contract::Envelope;
use events::transport::{Message, UnreadableMessage};

/// The prefix of the headers of attributes (§3.2.3.1).
const PREFIX: &str = "ce_";
/// The header of `datacontenttype` (§3.2.1).
const CONTENT_TYPE: &str = "content-type";
/// The trace, under the name by which instrumentation of Kafka clients looks for it (W3C Trace Context §3.2).
const TRACEPARENT: &str = "traceparent";

/// The headers of an event.
pub(super) fn headers(event: &Envelope) -> OwnedHeaders {
    let insert = |headers: OwnedHeaders, key: &str, value: &str| {
        headers.insert(Header {
            key,
            value: Some(value),
        })
    };
    let mut headers = OwnedHeaders::new_with_capacity(11);
    for (name, value) in binary::attributes(event) {
        headers = insert(headers, &format!("{PREFIX}{name}"), &value);
    }
    headers = insert(headers, CONTENT_TYPE, &event.datacontenttype);
    match &event.traceparent {
        Some(trace) => insert(headers, TRACEPARENT, trace),
        None => headers,
    }
}

/// The message in a record; `None` for a tombstone, which is for the broker and not for us.
pub(super) fn open(message: &BorrowedMessage<'_>) -> Option<Message> {
    let body = message.payload()?;
    let event = read(message, body);
    Some(event.unwrap_or_else(|error| {
        Message::Unreadable(UnreadableMessage {
            place: format!("{}/{}/{}", message.topic(), message.partition(), message.offset()),
            error,
            body: body.to_vec(),
        })
    }))
}

fn read(message: &BorrowedMessage<'_>, body: &[u8]) -> Result<Message, String> {
    let mut attributes = Vec::new();
    let mut content_type = None;
    for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        let name = header.key.strip_prefix(PREFIX);
        if name.is_none() && header.key != CONTENT_TYPE {
            continue;
        }
        let value = header.value.unwrap_or_default();
        let value =
            std::str::from_utf8(value).map_err(|_| format!("the header {} is not UTF-8", header.key))?;
        match name {
            Some(name) => attributes.push((name, value)),
            None => content_type = Some(value),
        }
    }
    let content_type = content_type.ok_or_else(|| format!("the header {CONTENT_TYPE} is missing"))?;
    binary::open(attributes, content_type, body)
        .map(|event| Message::Event(Box::new(event)))
        .map_err(|error| error.to_string())
}
