use super::*;

fn topology_problem(result: Result<RabbitmqSubscription, SubscriptionError>) -> String {
    match result {
        Err(SubscriptionError::Topology(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_our_services_apply_must_be_heard_and_the_rest_need_not() {
    let heard: Vec<&str> = contract::catalogue()
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
            "vestibule.group.created.v1",
            "vestibule.group.updated.v1",
            "vestibule.group.deleted.v1",
            "vestibule.registration.requested.v1",
            "vestibule.subject.erased.v1",
        ]
    );
}

#[tokio::test]
async fn an_event_that_a_service_must_hear_waits_until_its_queue_is_there() {
    let place = TestNamespace::shared().undeclared();
    let (transport, admin) = (place.transport(), place.admin().await);
    admin.declare_exchange(&place.exchange()).await;
    let sent = events(2);
    let reason = unavailable(transport.publish(&sent).await);
    for part in [&place.exchange(), "vestibule.subject.erased.v1"] {
        assert!(reason.contains(part), "{reason}");
    }

    let (queue, exchange) = (place.queue(), place.exchange());
    admin.declare_queue(&queue, "quorum").await;
    admin.bind(&queue, &exchange, "vestibule.subject.#").await;
    deliver(&transport, &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 2).await, some(&ids(&sent)));
}

fn missed(result: Result<RabbitmqSubscription, SubscriptionError>) -> String {
    match result {
        Err(SubscriptionError::Missed(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_queue_that_was_deleted_is_noticed_however_late() {
    let place = TestNamespace::shared().known().await;
    let (transport, broker) = (place.transport(), place.broker());
    let sent = events(3);
    deliver(&transport, &sent[..1]).await;
    place.admin().await.delete_queue(&place.queue()).await;
    // Neither the publisher, old or new, nor a look by the consumer hides that the queue and what was in it are gone.
    unavailable(transport.publish(&sent[1..]).await);
    unavailable(place.transport().publish(&sent[1..]).await);
    for _ in 0..2 {
        assert!(missed(broker.subscribe(true).await).contains(&place.queue()));
        unavailable(transport.publish(&sent[1..]).await);
    }
    // The consumer has written down that it begins anew, and reads the snapshot after this.
    let mut subscription = broker.subscribe(false).await.unwrap();
    deliver(&transport, &sent[1..]).await;
    assert_eq!(next(&mut subscription, 2).await, some(&ids(&sent[1..])));
    drop(subscription);
    broker.subscribe(true).await.unwrap();
}

#[tokio::test]
async fn the_queue_of_somebody_else_does_not_hide_that_ours_is_missing() {
    let place = TestNamespace::shared().known().await;
    let (transport, admin) = (place.transport(), place.admin().await);
    admin.delete_queue(&place.queue()).await;
    let other = format!("{}.others", place.namespace);
    admin.declare_queue(&other, "quorum").await;
    admin.bind(&other, &place.exchange(), "vestibule.subject.#").await;
    deliver(&transport, &events(1)).await;
    missed(place.broker().subscribe(true).await);
}

#[tokio::test]
async fn a_queue_that_is_deleted_while_it_is_read_is_noticed() {
    let place = TestNamespace::shared();
    let broker = place.broker();
    let mut subscription = subscribe(&broker).await;
    assert!(subscription.next(LIMIT, SHORTLY).await.unwrap().is_empty());
    place.admin().await.delete_queue(&place.queue()).await;
    let error = subscription.next(LIMIT, SOON).await.unwrap_err();
    assert!(
        matches!(&error, SubscriptionError::Missed(reason) if reason.contains(&place.queue())),
        "{error}"
    );
}

#[tokio::test]
async fn who_may_declare_nothing_is_told_that_the_queue_is_gone_before_it_is_asked_for() {
    let place = TestNamespace::shared().undeclared();
    missed(place.broker().subscribe(true).await);
    topology_problem(place.broker().subscribe(false).await);
}

#[test]
fn another_broker_virtual_host_or_namespace_is_another_place() {
    let place = |url: &str, namespace: &str| {
        let config = RabbitmqConfig::new(url.parse().unwrap());
        RabbitmqBroker::new(&config, namespace, "users").place()
    };
    let here = place("amqp://a:b@one:5672/v", "ns");
    assert_eq!(here, place("amqp://c:d@one:5672/v", "ns"), "whoever asks");
    for (url, namespace) in [
        ("amqp://a:b@two:5672/v", "ns"),
        ("amqp://a:b@one:5673/v", "ns"),
        ("amqp://a:b@one:5672/w", "ns"),
        ("amqp://a:b@one:5672/v", "other"),
    ] {
        assert_ne!(here, place(url, namespace), "{url} {namespace}");
    }
}

#[tokio::test]
async fn a_queue_that_was_declared_otherwise_is_named_with_what_differs() {
    let place = TestNamespace::shared();
    let admin = place.admin().await;
    admin.declare_queue(&place.queue(), "classic").await;
    let problem = topology_problem(place.broker().subscribe(false).await);
    for part in [&place.queue(), "inequivalent arg 'x-", "declared otherwise"] {
        assert!(problem.contains(part), "{problem}");
    }
}

#[tokio::test]
async fn without_the_right_to_declare_what_is_missing_is_named() {
    let place = TestNamespace::shared().undeclared();
    let problem = topology_problem(place.broker().subscribe(false).await);
    for part in [&place.queue(), "events.rabbitmq.declare"] {
        assert!(problem.contains(part), "{problem}");
    }
    let reason = unavailable(place.transport().publish(&events(1)).await);
    for part in [&place.exchange(), "events.rabbitmq.declare"] {
        assert!(reason.contains(part), "{reason}");
    }

    // With what somebody else declared it goes.
    let mut declaring = TestNamespace::shared();
    declaring.namespace.clone_from(&place.namespace);
    drop(subscribe(&declaring.broker()).await);
    let sent = events(1);
    deliver(&place.transport(), &sent).await;
    let mut subscription = subscribe(&place.broker()).await;
    assert_eq!(next(&mut subscription, 1).await, some(&ids(&sent)));
}
