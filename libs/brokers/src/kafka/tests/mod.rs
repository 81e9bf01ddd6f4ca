//! Tests of Kafka alone. Those of every transport are in [`crate::tests`].

mod deleted;
mod faults;
mod messages;
mod security;
mod settings;

use std::time::Duration;

use serde_json::{Value, json};
use testkit::brokers;

use super::*;
use crate::EventsConfig;
use crate::tests::place;
use contract::Envelope;
use events::testing::{event, new_id};
use events::transport::TransportKind;
use events::transport::{Broker, Message, Subscription, SubscriptionError};
use events::transport::{PublishError, Transport};

/// A configuration with a namespace of its own; `more` goes into `[events.kafka]`.
fn configured(address: &str, more: Value) -> EventsConfig {
    let mut kafka =
        json!({ "brokers": [address], "partitions": 2, "session_timeout_ms": 2000, "timeout_seconds": 10 });
    let Value::Object(more) = more else {
        panic!("a table")
    };
    kafka.as_object_mut().unwrap().extend(more);
    EventsConfig {
        transport: TransportKind::Kafka,
        namespace: brokers::namespace(),
        kafka: Some(serde_json::from_value(kafka).unwrap()),
        ..EventsConfig::default()
    }
}

fn shared() -> EventsConfig {
    configured(&brokers::kafka(), json!({}))
}

fn producer(config: &EventsConfig, service: &'static str) -> KafkaTransport {
    KafkaTransport::new(config, config.kafka.as_ref().unwrap(), service)
}

fn consumer(config: &EventsConfig, service: &'static str) -> KafkaBroker {
    KafkaBroker::new(config, config.kafka.as_ref().unwrap(), service, "tests")
}

async fn subscribed(config: &EventsConfig, service: &'static str) -> impl Subscription + use<> {
    place(&consumer(config, service), false).await.unwrap()
}

/// The next `count` events, settled.
async fn receive(subscription: &mut impl Subscription, count: usize) -> Vec<Envelope> {
    let mut events = Vec::new();
    testkit::eventually("the events arrive", async || {
        let messages = subscription.next(100, Duration::from_secs(1)).await.unwrap();
        events.extend(messages.into_iter().map(|message| match message {
            Message::Event(event) => *event,
            Message::Unreadable(message) => panic!("{message:?}"),
        }));
        (events.len() >= count).then_some(())
    })
    .await;
    subscription.settle().await.unwrap();
    events
}

fn unavailable(results: &[Result<(), PublishError>]) -> &str {
    match results {
        [Err(PublishError::Unavailable(problem))] => problem,
        other => panic!("{other:?}"),
    }
}
