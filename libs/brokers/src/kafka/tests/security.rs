//! TLS and SASL against a real broker. Nothing that is secret is in what goes wrong.

use testkit::brokers::OwnKafka;

use super::*;

const WRONG: &str = "not-the-swordfish";

async fn publish(config: &EventsConfig) -> Vec<Result<(), PublishError>> {
    let transport = producer(config, "things");
    let results = transport.publish(&[event(new_id(), 1)]).await;
    assert!(!format!("{transport:?} {config:?} {results:?}").contains(WRONG));
    results
}

async fn refused(config: &EventsConfig, expected: &str) {
    // Both at once: each takes as long as the brokers may take to answer.
    let broker = consumer(config, "things");
    let (results, subscribed) = tokio::join!(publish(config), broker.subscribe(false));
    let problem = unavailable(&results);
    assert!(problem.contains(expected), "{expected} in {problem}");
    let error = subscribed.err().unwrap();
    assert!(error.to_string().contains(expected), "{expected} in {error}");
    assert!(!error.to_string().contains(WRONG));
}

#[tokio::test]
async fn connections_are_encrypted_and_both_sides_are_who_they_say() {
    let kafka = OwnKafka::secure().await;
    let password = std::fs::read_to_string(kafka.file("sasl-password")).unwrap();
    let (ca, other) = (kafka.file("tls/ca.pem"), kafka.file("tls/other-ca.pem"));
    let (certificate, key) = (kafka.file("tls/client.pem"), kafka.file("tls/client.key"));
    let sasl = |mechanism: &str, password: &str| json!({ "mechanism": mechanism, "user": "vestibule", "password": password.trim() });
    let (tls, mtls, both) = (
        kafka.listener("tls"),
        kafka.listener("mtls"),
        kafka.listener("sasl_tls"),
    );
    // The certificate names the host and not its address.
    let by_address = tls.replace("localhost", "127.0.0.1");

    for (listener, settings) in [
        (tls, json!({ "tls": { "ca": ca } })),
        (
            &by_address,
            json!({ "tls": { "ca": ca, "verification": "authority" } }),
        ),
        (
            mtls,
            json!({ "tls": { "ca": ca, "certificate": certificate, "key": key } }),
        ),
        (
            kafka.listener("sasl"),
            json!({ "sasl": sasl("SCRAM-SHA-512", &password) }),
        ),
    ] {
        assert_eq!(
            publish(&configured(listener, settings)).await,
            [Ok(())],
            "{listener}"
        );
    }
    for mechanism in ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] {
        let config = configured(
            both,
            json!({ "tls": { "ca": ca }, "sasl": sasl(mechanism, &password) }),
        );
        assert_eq!(publish(&config).await, [Ok(())], "{mechanism}");
        let mut subscription = subscribed(&config, "things").await;
        assert_eq!(receive(&mut subscription, 1).await.len(), 1);
    }

    let wrong = json!({ "tls": { "ca": ca }, "sasl": sasl("SCRAM-SHA-512", WRONG), "timeout_seconds": 3 });
    let configured = [
        configured(tls, json!({ "tls": { "ca": other }, "timeout_seconds": 3 })),
        configured(&by_address, json!({ "tls": { "ca": ca }, "timeout_seconds": 3 })),
        configured(mtls, json!({ "tls": { "ca": ca }, "timeout_seconds": 3 })),
        configured(both, wrong),
    ];
    tokio::join!(
        refused(&configured[0], "certificate verify failed"),
        refused(&configured[1], "certificate verify failed"),
        refused(&configured[2], "certificate"),
        refused(&configured[3], "Authentication failed"),
    );
}
