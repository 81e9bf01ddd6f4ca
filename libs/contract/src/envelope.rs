//! The envelope of an event: CloudEvents 1.0 in JSON.

use std::str::FromStr;

use chassis::clock::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::EventData;

/// An event as it travels: CloudEvents 1.0, structured JSON, with the extensions `partitionkey`, `sequence`,
/// `traceparent` and, from the feed, `position`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Envelope {
    /// Always `1.0`.
    pub specversion: SpecVersion,
    /// Unique per event; what a consumer remembers to apply it once.
    pub id: Uuid,
    /// The URL of the service that says it.
    pub source: String,
    /// `vestibule.user.created.v1` and so on.
    #[serde(rename = "type")]
    pub kind: String,
    /// The aggregate: the person, the group, the account, the client.
    pub subject: Uuid,
    /// The time at which it happened.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The aggregate again: what brokers keep in order (CloudEvents Partitioning extension).
    pub partitionkey: Uuid,
    /// The version of the aggregate after the event. Travels as 20 digits, so that it sorts as text (CloudEvents
    /// Sequence extension).
    #[serde(serialize_with = "padded", deserialize_with = "number")]
    #[schemars(with = "String", regex(pattern = r"^[0-9]{20}$"))]
    pub sequence: i64,
    /// The trace in which it happened (W3C Trace Context).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The position in the feed of its source, counted from 1 without gaps. Only the feed sets it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "decimal",
        deserialize_with = "optional_number"
    )]
    #[schemars(with = "Option<String>", regex(pattern = r"^[0-9]+$"))]
    pub position: Option<i64>,
    /// The data of the event, as its type says.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

/// The reason why an envelope could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The data does not fit its type.
    #[error("the data of {kind} does not fit its type")]
    Data {
        /// The `type`.
        kind: String,
        /// The error of the deserializer.
        #[source]
        source: serde_json::Error,
    },
}

/// The context of an event, in the words of CloudEvents: everything about it but its data.
#[derive(Clone, Debug)]
pub struct EventContext<'a> {
    /// Unique per event.
    pub id: Uuid,
    /// The URL of the service that says it.
    pub source: &'a str,
    /// The `type`.
    pub kind: &'a str,
    /// The aggregate.
    pub subject: Uuid,
    /// The version of the aggregate after the event.
    pub sequence: i64,
    /// The time at which it happened.
    pub time: Timestamp,
}

impl Envelope {
    /// The envelope of an event, without a trace and without a position.
    pub fn new(context: EventContext<'_>, data: Box<RawValue>) -> Self {
        Self {
            specversion: SpecVersion,
            id: context.id,
            source: context.source.to_owned(),
            kind: context.kind.to_owned(),
            subject: context.subject,
            time: context.time,
            datacontenttype: "application/json".to_owned(),
            partitionkey: context.subject,
            sequence: context.sequence,
            traceparent: None,
            position: None,
            data,
        }
    }

    /// The data as `T`, or nothing when the event is of another type.
    ///
    /// # Errors
    /// When the type is `T`'s and the data does not fit it.
    pub fn open<T: EventData>(&self) -> Result<Option<T>, EnvelopeError> {
        if self.kind != T::TYPE {
            return Ok(None);
        }
        serde_json::from_str(self.data.get())
            .map(Some)
            .map_err(|source| EnvelopeError::Data {
                kind: self.kind.clone(),
                source,
            })
    }
}

/// `specversion`: this program reads and writes 1.0 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpecVersion;

impl schemars::JsonSchema for SpecVersion {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SpecVersion".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": "1.0" })
    }
}

impl Serialize for SpecVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("1.0")
    }
}

impl<'de> Deserialize<'de> for SpecVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match std::borrow::Cow::<'de, str>::deserialize(deserializer)?.as_ref() {
            "1.0" => Ok(Self),
            other => Err(de::Error::invalid_value(de::Unexpected::Str(other), &"1.0")),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn padded<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{number:020}"))
}

fn decimal<S: Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&number.unwrap_or_default())
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    i64::from_str(&text).map_err(|_| de::Error::custom("expected a whole number written in digits"))
}

fn optional_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    number(deserializer).map(Some)
}
