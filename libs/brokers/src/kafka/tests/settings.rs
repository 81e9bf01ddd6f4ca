//! Tests of the errors for invalid settings of Kafka.

use super::*;

fn problem(change: impl FnOnce(&mut EventsConfig)) -> String {
    let mut config = configured("kafka:9092", json!({}));
    config.check().unwrap();
    change(&mut config);
    config.check().unwrap_err().to_string()
}

fn with(more: Value) -> String {
    configured("kafka:9092", more).check().unwrap_err().to_string()
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    assert_eq!(
        problem(|config| config.kafka = None),
        "events.kafka: missing, and events.transport is \"kafka\""
    );
    assert!(with(json!({ "brokers": [] })).starts_with("events.kafka.brokers: "));
    assert!(with(json!({ "tls": { "key": "key.pem" } })).starts_with("events.kafka.tls: "));
    let plain = json!({ "mechanism": "PLAIN", "user": "vestibule", "password": "swordfish" });
    let said = with(json!({ "sasl": plain }));
    assert!(
        said.starts_with("events.kafka.sasl.mechanism: ") && !said.contains("swordfish"),
        "{said}"
    );
    configured("kafka:9092", json!({ "sasl": plain, "tls": {} }))
        .check()
        .unwrap();
    assert!(problem(|config| config.namespace = "a b".to_owned()).starts_with("events.namespace: "));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let config = configured("localhost:1", json!({ "tls": { "ca": "/nowhere/ca.pem" } }));
    let results = producer(&config, "things").publish(&[event(new_id(), 1)]).await;
    assert!(unavailable(&results).contains("ssl.ca.location"), "{results:?}");
}
