//! An event as a receiver gets it.

use chassis::clock::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::secret::Secret;
use contract::{Envelope, EventContext, SpecVersion};

/// The type of the event that `POST …/test` sends. It is no event of the feed.
pub const TEST_TYPE: &str = "vestibule.webhook.test.v1";

/// The envelope with `timestamp`, which Standard Webhooks proposes: the time of the event, like `time`. So the body is
/// a payload of that specification and a CloudEvent in JSON at once.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: &'a RawValue,
    specversion: SpecVersion,
    id: Uuid,
    source: &'a str,
    subject: Uuid,
    time: Timestamp,
    datacontenttype: &'a str,
    partitionkey: Uuid,
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<String>,
}

/// The body of every attempt to deliver `event`.
pub(crate) fn body(event: &Envelope) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Body {
        kind: &event.kind,
        timestamp: event.time,
        data: &event.data,
        specversion: event.specversion,
        id: event.id,
        source: &event.source,
        subject: event.subject,
        time: event.time,
        datacontenttype: &event.datacontenttype,
        partitionkey: event.partitionkey,
        sequence: format!("{:020}", event.sequence),
        traceparent: event.traceparent.as_deref(),
        position: event.position.map(|position| position.to_string()),
    })
}

/// The headers of one attempt, at `now`. While a secret is rotated, `secrets` has both, and both sign.
pub(crate) fn headers(id: Uuid, now: Timestamp, body: &[u8], secrets: &[Secret]) -> HeaderMap {
    let id = id.to_string();
    let timestamp = now.as_secs();
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| secret.sign(&id, timestamp, body))
        .collect();
    let entries = [
        (HeaderName::from_static("webhook-id"), id),
        (
            HeaderName::from_static("webhook-timestamp"),
            timestamp.to_string(),
        ),
        (HeaderName::from_static("webhook-signature"), signatures.join(" ")),
    ];
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in entries {
        // Ids, digits and base64 fit into any header.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The data of [`TEST_TYPE`].
#[derive(Debug, Serialize, Deserialize)]
struct TestData {
    webhook_id: Uuid,
}

/// The event that tells whether a receiver works.
pub(crate) fn test_event(
    webhook: Uuid,
    source: &str,
    id: Uuid,
    now: Timestamp,
) -> Result<Envelope, serde_json::Error> {
    let context = EventContext {
        id,
        source,
        kind: TEST_TYPE,
        subject: webhook,
        sequence: 1,
        time: now,
    };
    let data = to_raw_value(&TestData { webhook_id: webhook })?;
    Ok(Envelope::new(context, data))
}
