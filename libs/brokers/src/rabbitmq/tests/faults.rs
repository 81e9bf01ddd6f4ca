use testkit::FaultProxy;
use testkit::brokers::OwnRabbit;

use super::*;

async fn proxied() -> (FaultProxy, TestNamespace) {
    let mut url: url::Url = brokers::rabbitmq().parse().unwrap();
    let target = format!("127.0.0.1:{}", url.port().unwrap());
    let proxy = FaultProxy::start(0, target.parse().unwrap()).await;
    url.set_port(Some(proxy.address().port())).unwrap();
    (proxy, TestNamespace::at(url.as_str()))
}

#[tokio::test]
async fn without_a_confirmation_an_event_counts_as_not_delivered_and_may_come_twice() {
    let (proxy, place) = proxied().await;
    let place = place.known().await;
    let (transport, admin) = (place.transport(), TestNamespace::shared().admin().await);
    let sent = events(12);
    deliver(&transport, &sent[..2]).await;
    proxy.drop_responses();
    let cut = async {
        testkit::eventually("the broker has the events", async || {
            (admin.count(&place.queue()).await == 12).then_some(())
        })
        .await;
        proxy.cut();
    };
    let (results, ()) = tokio::join!(transport.publish(&sent[2..]), cut);
    unavailable(results);
    proxy.restore();
    deliver(&transport, &sent[2..]).await;
    let mut subscription = subscribe(&place.broker()).await;
    let mut expected = some(&ids(&sent));
    expected.extend(some(&ids(&sent[2..])));
    assert_eq!(next(&mut subscription, 22).await, expected);
}

#[tokio::test]
async fn a_broker_that_hangs_is_given_up_in_time_and_found_again() {
    let (proxy, place) = proxied().await;
    let place = place.known().await;
    let (transport, broker) = (place.transport(), place.broker());
    deliver(&transport, &events(1)).await;
    proxy.hold();
    let late = unavailable(transport.publish(&events(1)).await);
    assert_eq!(late, "not confirmed in time");
    let error = broker.subscribe(true).await.unwrap_err();
    assert!(error.to_string().contains("no answer within"), "{error}");
    proxy.restore();
    deliver(&transport, &events(1)).await;
    subscribe(&broker).await;
}

#[tokio::test]
async fn messages_outlive_the_broker_and_both_sides_find_it_again() {
    let rabbit = OwnRabbit::start().await;
    let place = TestNamespace::at(rabbit.url());
    let (transport, broker) = (place.transport(), place.broker());
    let mut subscription = subscribe(&broker).await;
    let sent = events(6);
    deliver(&transport, &sent[..3]).await;
    assert_eq!(next(&mut subscription, 3).await, some(&ids(&sent[..3])));

    rabbit.kill().await;
    let lost = subscription.next(LIMIT, SOON).await.unwrap_err();
    assert!(matches!(lost, SubscriptionError::Away(_)), "{lost}");
    unavailable(transport.publish(&sent[3..]).await);
    let away = broker.subscribe(true).await.unwrap_err().to_string();
    assert!(away.contains(&rabbit.address().to_string()), "{away}");

    rabbit.start_again().await;
    testkit::eventually("the broker takes events", async || {
        let results = transport.publish(&sent[3..]).await;
        results.iter().all(Result::is_ok).then_some(())
    })
    .await;
    let mut again = broker.subscribe(true).await.unwrap();
    let got = next(&mut again, 6).await;
    assert_eq!(got[..3], some(&ids(&sent[..3])));
    let later: std::collections::BTreeSet<_> = got[3..].iter().copied().flatten().collect();
    assert_eq!(later, ids(&sent[3..]).into_iter().collect());
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_said_by_its_address() {
    let port = testkit::free_port();
    let place = TestNamespace::at(&format!("amqp://guest:swordfish@127.0.0.1:{port}/%2f"));
    let reason = unavailable(place.transport().publish(&events(2)).await);
    assert!(reason.contains(&format!("127.0.0.1:{port}")), "{reason}");
    assert!(!reason.contains("swordfish"), "{reason}");
}
