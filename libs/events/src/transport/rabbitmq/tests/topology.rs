use lapin::options::QueueBindOptions;

use super::*;

fn topology_problem(result: Result<Subscribed<RabbitmqSubscription>, SubscriptionError>) -> String {
    match result {
        Err(SubscriptionError::Topology(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_our_services_apply_must_be_heard_and_the_rest_need_not() {
    let heard: Vec<&str> = crate::contract::catalogue()
        .into_iter()
        .map(|kind| kind.name)
        .filter(|name| super::super::topology::must_be_heard(name))
        .collect();
    assert_eq!(
        heard,
        [
            "vestibule.user.created.v1",
            "vestibule.user.updated.v1",
            "vestibule.user.deactivated.v1",
            "vestibule.user.reactivated.v1",
            "vestibule.user.deleted.v1",
            "vestibule.registration.rejected.v1",
            "vestibule.registration.requested.v1",
            "vestibule.subject.erased.v1",
        ]
    );
}

#[tokio::test]
async fn an_event_that_a_service_must_hear_waits_until_its_queue_is_there() {
    let place = Place::shared().undeclared();
    let (transport, admin) = (place.transport(), place.admin().await);
    admin.declare_exchange(&place.exchange()).await;
    let sent = events(2);
    let reason = unavailable(transport.publish(&sent).await);
    for part in [&place.exchange(), "vestibule.subject.erased.v1"] {
        assert!(reason.contains(part), "{reason}");
    }

    let (queue, exchange) = (place.queue(), place.exchange());
    admin.declare_queue(&queue, "quorum").await;
    let bound = admin.channel.queue_bind(
        queue.as_str().into(),
        exchange.as_str().into(),
        "vestibule.subject.#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    bound.await.unwrap();
    deliver(&transport, &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 2).await, some(&ids(&sent)));
}

#[tokio::test]
async fn a_queue_that_was_deleted_is_declared_again_before_anything_is_lost() {
    let place = Place::shared();
    let transport = place.transport();
    let sent = events(3);
    deliver(&transport, &sent[..1]).await;
    place.admin().await.delete_queue(&place.queue()).await;
    unavailable(transport.publish(&sent[1..]).await);
    deliver(&transport, &sent[1..]).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 2).await, some(&ids(&sent[1..])));
}

#[tokio::test]
async fn a_new_queue_is_a_gap_and_one_that_was_there_is_none() {
    let place = Place::shared();
    let broker = place.broker();
    assert!(broker.subscribe().await.unwrap().gap);
    let mut again = broker.subscribe().await.unwrap();
    assert!(again.gap, "no snapshot was read in between");
    // Who asks for messages has read it.
    again.subscription.next(LIMIT, SHORTLY).await.unwrap();
    drop(again);
    assert!(!broker.subscribe().await.unwrap().gap);
}

#[tokio::test]
async fn a_queue_that_is_deleted_while_it_is_read_is_a_gap() {
    let place = Place::shared();
    let broker = place.broker();
    let mut subscription = subscribe(&broker).await;
    assert!(subscription.next(LIMIT, SHORTLY).await.unwrap().is_empty());
    place.admin().await.delete_queue(&place.queue()).await;
    let error = subscription.next(LIMIT, SOON).await.unwrap_err();
    assert!(
        matches!(&error, SubscriptionError::Away(reason) if reason.contains(&place.queue())),
        "{error}"
    );
    // Somebody else may have declared it again meanwhile: what was in it is gone all the same.
    deliver(&place.transport(), &events(1)).await;
    assert!(broker.subscribe().await.unwrap().gap);
}

#[tokio::test]
async fn a_queue_that_was_declared_otherwise_is_named_with_what_differs() {
    let place = Place::shared();
    let admin = place.admin().await;
    admin.declare_queue(&place.queue(), "classic").await;
    let problem = topology_problem(place.broker().subscribe().await);
    let reason = unavailable(place.transport().publish(&events(1)).await);
    for part in [&place.queue(), "inequivalent arg 'x-", "declared otherwise"] {
        assert!(problem.contains(part), "{problem}");
        assert!(reason.contains(part), "{reason}");
    }
}

#[tokio::test]
async fn without_the_right_to_declare_what_is_missing_is_named() {
    let place = Place::shared().undeclared();
    let problem = topology_problem(place.broker().subscribe().await);
    for part in [&place.queue(), "events.rabbitmq.declare"] {
        assert!(problem.contains(part), "{problem}");
    }
    let reason = unavailable(place.transport().publish(&events(1)).await);
    for part in [&place.exchange(), "events.rabbitmq.declare"] {
        assert!(reason.contains(part), "{reason}");
    }

    // With what somebody else declared it goes.
    let mut declaring = Place::shared();
    declaring.namespace.clone_from(&place.namespace);
    drop(subscribe(&declaring.broker()).await);
    let sent = events(1);
    deliver(&place.transport(), &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 1).await, some(&ids(&sent)));
}
