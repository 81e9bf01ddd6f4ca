//! CloudEvents in binary mode: the data is the body of the message, the attributes are its headers.
//!
//! Kafka (CloudEvents Kafka binding §3.2) and AMQP (AMQP binding §3.1) differ only in what the names of the headers
//! begin with.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use contract::Envelope;

/// The reason why a message is not one of our events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the headers are no CloudEvent: {0}")]
    Attributes(String),
    #[error("the body is not JSON: {0}")]
    Body(String),
}

/// The attributes of an event besides `datacontenttype`, as text: name without prefix, and value.
pub(crate) fn attributes(event: &Envelope) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", event.id.to_string()),
        ("source", event.source.clone()),
        ("type", event.kind.clone()),
        ("subject", event.subject.to_string()),
        ("time", event.time.to_string()),
        ("partitionkey", event.partitionkey.to_string()),
        ("sequence", format!("{:020}", event.sequence)),
    ];
    if let Some(traceparent) = &event.traceparent {
        attributes.push(("traceparent", traceparent.clone()));
    }
    attributes
}

/// The event whose attributes (names without prefix) and body these are. Attributes that are not known are ignored.
///
/// # Errors
/// When one is missing or is not what it should be.
pub(crate) fn open<'a>(
    attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    content_type: &str,
    body: &[u8],
) -> Result<Envelope, Unreadable> {
    const NEEDED: [&str; 8] = [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "partitionkey",
        "sequence",
    ];
    let mut found: BTreeMap<&str, &str> = attributes
        .into_iter()
        .filter(|(name, _)| NEEDED.contains(name) || *name == "traceparent")
        .collect();
    for name in NEEDED {
        if !found.contains_key(name) {
            return Err(Unreadable::Missing(name));
        }
    }
    found.insert("datacontenttype", content_type);
    let data: Box<RawValue> =
        serde_json::from_slice(body).map_err(|error| Unreadable::Body(error.to_string()))?;
    // The structured form decides what each attribute has to look like: one reading for every transport.
    let mut structured =
        serde_json::to_value(found).map_err(|error| Unreadable::Attributes(error.to_string()))?;
    if let Some(object) = structured.as_object_mut() {
        object.insert("data".to_owned(), serde_json::Value::Null);
    }
    let text = structured.to_string();
    let mut event: Envelope =
        serde_json::from_str(&text).map_err(|error| Unreadable::Attributes(error.to_string()))?;
    event.data = data;
    Ok(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::testing::{event, new_id};

    fn pairs<'a>(list: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
        list.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    #[test]
    fn an_event_arrives_as_it_was_sent() {
        let mut sent = event(new_id(), 7);
        sent.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        let headers = attributes(&sent);
        let got = open(pairs(&headers), "application/json", sent.data.get().as_bytes()).unwrap();
        assert_eq!(
            serde_json::to_string(&got).unwrap(),
            serde_json::to_string(&sent).unwrap()
        );
    }

    #[test]
    fn what_is_no_event_is_named() {
        let sent = event(new_id(), 7);
        let headers = attributes(&sent);
        let without: Vec<_> = pairs(&headers)
            .into_iter()
            .filter(|(name, _)| *name != "sequence")
            .collect();
        assert_eq!(
            open(without, "application/json", b"{}").unwrap_err(),
            Unreadable::Missing("sequence")
        );
        let mut bad = pairs(&headers);
        bad.iter_mut()
            .filter(|(name, _)| *name == "id")
            .for_each(|(_, value)| *value = "7");
        assert!(matches!(
            open(bad, "application/json", b"{}"),
            Err(Unreadable::Attributes(_))
        ));
        assert!(matches!(
            open(pairs(&headers), "application/json", b"{"),
            Err(Unreadable::Body(_))
        ));
    }

    #[test]
    fn unknown_attributes_are_ignored() {
        let sent = event(new_id(), 7);
        let headers = attributes(&sent);
        let mut more = pairs(&headers);
        more.push(("dataschema", "https://example.org/schema"));
        open(more, "application/json", b"{}").unwrap();
    }
}
