//! A broker that is away, comes, and goes again.

use testkit::brokers::OwnKafka;
use testkit::{FaultProxy, free_port};

use super::*;

#[tokio::test]
async fn a_broker_may_be_away_at_the_start_and_later() {
    let port = free_port();
    let kafka = OwnKafka::behind(port).await;
    let line = FaultProxy::start(port, kafka.listener("proxied").parse().unwrap()).await;
    line.cut();
    let config = configured(&line.address().to_string(), json!({ "timeout_seconds": 3 }));
    let (transport, broker) = (producer(&config, "things"), consumer(&config, "things"));
    let sent = [event(new_id(), 1)];
    let results = transport.publish(&sent).await;
    assert!(!unavailable(&results).is_empty());
    assert!(matches!(
        broker.subscribe(false).await,
        Err(SubscriptionError::Away(_))
    ));

    line.restore();
    testkit::eventually("it is published", async || {
        (transport.publish(&sent).await == [Ok(())]).then_some(())
    })
    .await;
    let mut subscription = place(&broker, false).await.unwrap();
    let first = receive(&mut subscription, 1).await;
    assert_eq!(first[0].id, sent[0].id);

    kafka.kill().await;
    let sent = [event(new_id(), 1)];
    assert!(!unavailable(&transport.publish(&sent).await).is_empty());
    let nothing = subscription.next(10, Duration::from_secs(1)).await.unwrap();
    assert!(nothing.is_empty(), "the consumer waits: {nothing:?}");
    kafka.start_again().await;
    testkit::eventually("it is published", async || {
        (transport.publish(&sent).await == [Ok(())]).then_some(())
    })
    .await;
    // In its old place, and perhaps more than once: the first time was not confirmed.
    let later = receive(&mut subscription, 1).await;
    assert!(later.iter().all(|event| event.id == sent[0].id), "{later:?}");

    // A service ends although the broker is away: this test would not, for the runtime waits for the consumer's end.
    kafka.kill().await;
    drop(subscription);
}
