//! Tests of the messages on a topic as another Kafka client reads them.

use std::collections::HashMap;

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::*;
use contract::{EventData, RegistrationRejected, UserDeleted};

/// A message as it lies in the topic.
struct Raw {
    key: String,
    body: Option<String>,
    headers: HashMap<String, String>,
}

fn client() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers::kafka());
    config
}

/// The first `count` messages of a topic with two partitions, in the order of each.
async fn read(topic: String, count: usize) -> Vec<Raw> {
    let read = move || {
        let consumer: BaseConsumer = client().set("group.id", "unused").create().unwrap();
        let mut places = TopicPartitionList::new();
        for partition in 0..2 {
            places
                .add_partition_offset(&topic, partition, Offset::Beginning)
                .unwrap();
        }
        consumer.assign(&places).unwrap();
        let mut messages = Vec::new();
        while messages.len() < count {
            let Some(message) = consumer.poll(Duration::from_secs(20)) else {
                continue;
            };
            let message = message.unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let headers = message.headers().into_iter().flat_map(Headers::iter);
            messages.push(Raw {
                key: text(message.key().unwrap()),
                body: message.payload().map(text),
                headers: headers
                    .map(|header| (header.key.to_owned(), text(header.value.unwrap())))
                    .collect(),
            });
        }
        messages
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// CloudEvents Kafka binding §3.2.
#[tokio::test]
async fn an_event_is_a_cloudevent_in_binary_mode() {
    let config = shared();
    let mut sent = event(new_id(), 7);
    sent.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    assert_eq!(producer(&config, "auth").publish(&[sent.clone()]).await, [Ok(())]);
    let [message] = &read(format!("{}.auth", config.namespace), 1).await[..] else {
        panic!("one message")
    };
    assert_eq!(message.key, sent.subject.to_string());
    assert_eq!(message.body.as_deref(), Some(sent.data.get()));
    let header = |name: &str| message.headers[name].as_str();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("ce_specversion"), "1.0");
    assert_eq!(header("ce_id"), sent.id.to_string());
    assert_eq!(header("ce_type"), sent.kind);
    assert_eq!(header("ce_sequence"), "00000000000000000007");
    assert_eq!(Some(header("ce_traceparent")), sent.traceparent.as_deref());
    assert_eq!(Some(header("traceparent")), sent.traceparent.as_deref());
}

/// Erasure: nothing that was said of a person stays in a compacted topic.
#[tokio::test]
async fn a_deleted_person_and_a_refused_registration_leave_a_tombstone_behind_the_event() {
    let config = shared();
    let id = new_id();
    let last = |id, sequence, kind: &str| {
        let mut event = event(id, sequence);
        event.kind = kind.to_owned();
        event
    };
    let sent = [
        event(id, 1),
        last(id, 2, UserDeleted::TYPE),
        last(new_id(), 1, RegistrationRejected::TYPE),
    ];
    let mut subscription = subscribed(&config, "users").await;
    assert_eq!(
        producer(&config, "users").publish(&sent).await,
        [Ok(()), Ok(()), Ok(())]
    );
    let messages = read(format!("{}.users", config.namespace), 5).await;
    let said = |id: uuid::Uuid| -> Vec<Option<&str>> {
        let of_it = messages.iter().filter(|message| message.key == id.to_string());
        of_it
            .map(|message| message.body.as_ref().map(|_| message.headers["ce_type"].as_str()))
            .collect()
    };
    assert_eq!(said(id), [Some(&*sent[0].kind), Some(UserDeleted::TYPE), None]);
    assert_eq!(said(sent[2].subject), [Some(RegistrationRejected::TYPE), None]);
    // To our own consumers it says nothing: they have the event.
    assert_eq!(receive(&mut subscription, 3).await.len(), 3);
    assert!(
        subscription
            .next(10, Duration::from_millis(200))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn users_are_a_table_and_what_happened_in_auth_is_a_log() {
    let config = shared();
    let admin: AdminClient<DefaultClientContext> = client().create().unwrap();
    let month = (30_u64 * 24 * 3600 * 1000).to_string();
    for (service, expected) in [
        (
            "users",
            [
                ("cleanup.policy", "compact"),
                ("min.compaction.lag.ms", month.as_str()),
                ("delete.retention.ms", month.as_str()),
            ],
        ),
        (
            "auth",
            [
                ("cleanup.policy", "delete"),
                ("retention.ms", month.as_str()),
                ("retention.bytes", "-1"),
            ],
        ),
    ] {
        drop(subscribed(&config, service).await);
        let topic = format!("{}.{service}", config.namespace);
        let answer = admin
            .describe_configs([&ResourceSpecifier::Topic(&topic)], &AdminOptions::new())
            .await;
        let settings = answer.unwrap().remove(0).unwrap();
        for (key, value) in expected {
            let found = settings.get(key).unwrap().value.as_deref();
            assert_eq!(found, Some(value), "{topic}: {key}");
        }
    }
}

/// The broker refuses the whole packet; the others of it must not pay for that with their attempts.
#[tokio::test]
async fn an_event_that_is_too_large_is_refused_alone() {
    let config = shared();
    let big = |bytes: usize| {
        let mut event = event(new_id(), 1);
        event.data = serde_json::value::to_raw_value(&"x".repeat(bytes)).unwrap();
        event
    };
    let events = [
        event(new_id(), 1),
        big(2_000_000),
        big(600_000),
        big(600_000),
        event(new_id(), 1),
    ];
    let results = producer(&config, "auth").publish(&events).await;
    assert!(matches!(results[1], Err(PublishError::Refused(_))), "{results:?}");
    assert_eq!([&results[0], &results[2], &results[3], &results[4]], [&Ok(()); 4]);
}
