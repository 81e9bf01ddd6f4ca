use futures_util::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::ShortString;

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn sorted(events: &[Envelope]) -> Vec<String> {
    let mut lines: Vec<String> = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap())
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn events_come_whole_and_in_order_and_are_gone_once_settled() {
    let place = TestNamespace::shared().known().await;
    let (transport, broker) = (place.transport(), place.broker());
    let person = new_id();
    let mut sent = vec![
        event(person, 1),
        event(new_id(), 1),
        event(person, 2),
        event(person, 3),
    ];
    sent[0].traceparent = Some(TRACE.to_owned());
    deliver(&transport, &sent).await;

    let mut subscription = subscribe(&broker).await;
    let got: Vec<Envelope> = messages(&mut subscription, 4)
        .await
        .into_iter()
        .map(|message| match message {
            Message::Event(event) => *event,
            Message::Unreadable(message) => panic!("{message:?}"),
        })
        .collect();
    assert_eq!(sorted(&got), sorted(&sent));
    let of_the_person = got.iter().filter(|event| event.subject == person);
    assert!(of_the_person.map(|event| event.sequence).eq([1, 2, 3]));

    subscription.settle().await.unwrap();
    drop(subscription);
    let mut again = subscribe(&broker).await;
    assert!(again.next(LIMIT, SHORTLY).await.unwrap().is_empty());
    assert_eq!(again.lag(), Some(0));
}

#[tokio::test]
async fn what_was_not_settled_comes_again_in_its_order_and_before_newer_messages() {
    let place = TestNamespace::shared().known().await;
    let (transport, broker) = (place.transport(), place.broker());
    let sent = events(20);
    deliver(&transport, &sent[..10]).await;
    let mut subscription = subscribe(&broker).await;
    assert_eq!(next(&mut subscription, 10).await, some(&ids(&sent[..10])));
    deliver(&transport, &sent[10..]).await;
    drop(subscription);
    let mut again = subscribe(&broker).await;
    assert_eq!(next(&mut again, 20).await, some(&ids(&sent)));
}

#[tokio::test]
async fn a_second_replica_waits_and_goes_on_where_the_first_one_ended() {
    let place = TestNamespace::shared();
    let (transport, broker) = (place.transport(), place.broker());
    let sent = events(30);
    let mut first = subscribe(&broker).await;
    let mut second = subscribe(&broker).await;
    deliver(&transport, &sent[..20]).await;
    assert_eq!(next(&mut first, 20).await, some(&ids(&sent[..20])));
    first.settle().await.unwrap();
    deliver(&transport, &sent[20..25]).await;
    assert_eq!(next(&mut first, 5).await, some(&ids(&sent[20..25])));
    let meanwhile = second.next(LIMIT, SHORTLY).await.unwrap();
    assert!(meanwhile.is_empty(), "one at a time");
    // The first one ends without settling the five.
    drop(first);
    deliver(&transport, &sent[25..]).await;
    assert_eq!(next(&mut second, 10).await, some(&ids(&sent[20..])));
}

#[tokio::test]
async fn a_message_that_is_no_event_is_given_once_and_ends_with_the_dead_letters() {
    let place = TestNamespace::shared().known().await;
    let (transport, broker) = (place.transport(), place.broker());
    let sent = events(2);
    deliver(&transport, &sent[..1]).await;
    let admin = place.admin().await;
    admin.publish(&place.exchange(), &sent[0].kind, b"no event").await;
    deliver(&transport, &sent[1..]).await;

    let mut subscription = subscribe(&broker).await;
    let got = next(&mut subscription, 3).await;
    assert_eq!(got, [Some(sent[0].id), None, Some(sent[1].id)]);
    subscription.settle().await.unwrap();
    let dead = format!("{}.dead-letters", place.namespace);
    testkit::eventually("the message is among the dead letters", async || {
        (admin.count(&dead).await == 1).then_some(())
    })
    .await;
    drop(subscription);
    let mut again = subscribe(&broker).await;
    assert!(again.next(LIMIT, SHORTLY).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unreadable_message_has_the_same_place_each_time_it_comes() {
    let place = TestNamespace::shared();
    let broker = place.broker();
    drop(subscribe(&broker).await);
    let admin = place.admin().await;
    for body in [b"one".as_slice(), b"two"] {
        admin
            .publish(&place.exchange(), "vestibule.subject.erased.v1", body)
            .await;
    }
    let places = async || -> Vec<String> {
        let mut subscription = subscribe(&broker).await;
        let got = messages(&mut subscription, 2).await;
        got.into_iter()
            .map(|message| match message {
                Message::Event(event) => panic!("{event:?}"),
                Message::Unreadable(message) => {
                    assert_eq!(message.error, "the header specversion is missing");
                    message.place
                }
            })
            .collect()
    };
    let (first, second) = (places().await, places().await);
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
    assert!(first[0].starts_with(&place.queue()), "{first:?}");
}

#[tokio::test]
async fn the_message_has_the_properties_that_the_binding_asks_for() {
    let place = TestNamespace::shared().known().await;
    let mut sent = events(1);
    sent[0].traceparent = Some(TRACE.to_owned());
    deliver(&place.transport(), &sent).await;
    let admin = place.admin().await;
    let mut deliveries = admin
        .channel
        .basic_consume(
            place.queue().as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let got = deliveries.next().await.unwrap().unwrap();
    let text = |value: &Option<ShortString>| value.as_ref().map(|value| value.as_str().to_owned());
    let (id, properties) = (sent[0].id.to_string(), &got.properties);
    assert_eq!(text(properties.message_id()), Some(id.clone()));
    assert_eq!(
        text(properties.content_type()),
        Some("application/json".to_owned())
    );
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(got.routing_key.as_str(), sent[0].kind);
    assert_eq!(got.data, sent[0].data.get().as_bytes());
    let headers = properties.headers().clone().unwrap();
    let header = |name: &str| match headers.inner().get(name) {
        Some(AMQPValue::LongString(value)) => value.to_string(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(header("cloudEvents_id"), id);
    assert_eq!(header("cloudEvents_specversion"), "1.0");
    assert_eq!(header("cloudEvents_sequence"), "00000000000000000001");
    assert_eq!(header("traceparent"), TRACE);
}

#[tokio::test]
async fn an_event_that_nobody_has_to_hear_is_delivered_without_a_queue() {
    let place = TestNamespace::shared().known().await;
    let mut sent = events(3);
    sent[1].kind = "vestibule.session.started.v1".to_owned();
    deliver(&place.transport(), &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 2).await, some(&[sent[0].id, sent[2].id]));
}
