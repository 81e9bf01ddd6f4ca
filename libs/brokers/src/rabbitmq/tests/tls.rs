use std::path::PathBuf;

use testkit::brokers::OwnRabbit;

use super::*;

fn trusting(rabbit: &OwnRabbit, ca: Option<PathBuf>) -> TestNamespace {
    let mut place = TestNamespace::at(rabbit.tls_url());
    place.config.tls.ca = ca;
    place
}

#[tokio::test]
async fn only_the_authority_of_the_configuration_is_believed() {
    let (rabbit, other) = tokio::join!(OwnRabbit::start_with_tls(), OwnRabbit::start_with_tls());
    let place = trusting(&rabbit, Some(rabbit.ca())).known().await;
    let sent = events(3);
    deliver(&place.transport(), &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 3).await, some(&ids(&sent)));

    // Neither is another authority, nor those that the system trusts.
    for ca in [Some(other.ca()), None] {
        let transport = trusting(&rabbit, ca).transport();
        let reason = unavailable(transport.publish(&sent).await);
        assert!(reason.contains("invalid peer certificate"), "{reason}");
    }
    let transport = trusting(&rabbit, Some("/nowhere/ca.pem".into())).transport();
    let reason = unavailable(transport.publish(&sent).await);
    assert!(
        reason.contains("events.rabbitmq.tls.ca: /nowhere/ca.pem"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_refused_password_is_never_repeated() {
    let place = TestNamespace::at(&brokers::rabbitmq().replace("guest:guest", "guest:swordfish"));
    let (transport, broker) = (place.transport(), place.broker());
    let reason = unavailable(transport.publish(&events(1)).await);
    assert!(reason.contains("ACCESS_REFUSED"), "{reason}");
    let error = broker.subscribe(false).await.unwrap_err();
    let everything = format!(
        "{reason} {error} {error:?} {transport:?} {broker:?} {:?}",
        place.config
    );
    assert!(!everything.contains("swordfish"), "{everything}");
}

#[test]
fn a_text_that_is_no_url_is_refused_without_repeating_it() {
    for text in [
        "",
        "swordfish",
        "http://swordfish@host",
        "amqp://u:swordfish@host:port/v",
    ] {
        let error = text.parse::<BrokerUrl>().unwrap_err();
        assert!(!error.to_string().contains("swordfish"), "{error}");
    }
}
