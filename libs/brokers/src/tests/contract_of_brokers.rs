//! The contract of every broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::on_engine;
use chassis::shutdown::Shutdown;
use testkit::TestDb;
use uuid::Uuid;

use super::contract::{Follower, applied, assert_complete, from_the_beginning};
use super::fresh;
use super::place;
use super::worlds::{BrokerWorld, CONSUMER, follow_broker};
use contract::Envelope;
use events::Inbox;
use events::testing::Effects;
use events::testing::Service;
use events::testing::{changed, clock, event, new_id};
use events::transport::{Broker, Message, Subscription, SubscriptionError};
use events::transport::{PublishError, Transport};

/// The next events of a subscription, so many.
async fn receive(subscription: &mut impl Subscription, count: usize) -> Vec<Envelope> {
    let mut events = Vec::new();
    testkit::eventually("the events arrive", async || {
        for message in subscription.next(100, Duration::from_secs(1)).await.unwrap() {
            match message {
                Message::Event(event) => events.push(*event),
                Message::Unreadable(message) => panic!("{message:?}"),
            }
        }
        subscription.settle().await.unwrap();
        (events.len() >= count).then_some(())
    })
    .await;
    events
}

pub(super) async fn an_event_arrives_with_all_that_it_says<W: BrokerWorld>(_db: TestDb) {
    let world = W::new();
    let broker = world.broker();
    let mut subscription = place(&broker, false).await.unwrap();
    let id = new_id();
    let mut sent: Vec<Envelope> = (1..=3).map(|sequence| event(id, sequence)).collect();
    sent[1].traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let results = world.transport().publish(&sent).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let got = receive(&mut subscription, 3).await;
    assert_eq!(
        serde_json::to_value(&got).unwrap(),
        serde_json::to_value(&sent).unwrap()
    );
    assert!(
        subscription
            .next(100, Duration::from_millis(200))
            .await
            .unwrap()
            .is_empty(),
        "nothing comes twice"
    );
}

/// A broker that is never told what was applied.
struct Forgetful<B> {
    broker: B,
    settled: Arc<AtomicUsize>,
}

struct Unsettled<S> {
    subscription: S,
    settled: Arc<AtomicUsize>,
    given: bool,
}

impl<B: Broker> Broker for Forgetful<B> {
    type Subscription = Unsettled<B::Subscription>;

    fn name(&self) -> &'static str {
        self.broker.name()
    }

    fn place(&self) -> String {
        self.broker.place()
    }

    async fn subscribe(&self, begun: bool) -> Result<Self::Subscription, SubscriptionError> {
        Ok(Unsettled {
            subscription: self.broker.subscribe(begun).await?,
            settled: Arc::clone(&self.settled),
            given: false,
        })
    }
}

impl<S: Subscription> Subscription for Unsettled<S> {
    async fn next(&mut self, limit: usize, wait: Duration) -> Result<Vec<Message>, SubscriptionError> {
        let messages = self.subscription.next(limit, wait).await?;
        self.given = !messages.is_empty();
        Ok(messages)
    }

    async fn settle(&mut self) -> Result<(), SubscriptionError> {
        if !self.given {
            return Ok(());
        }
        self.settled.fetch_add(1, Ordering::Relaxed);
        Err(SubscriptionError::Away("died before it could tell".to_owned()))
    }

    fn lag(&self) -> Option<u64> {
        self.subscription.lag()
    }
}

pub(super) async fn what_was_applied_and_not_settled_comes_again_and_changes_nothing<W: BrokerWorld>(
    db: TestDb,
) {
    let world = W::new();
    world.join().await;
    let service = Service::publishing(&db, world.transport()).await;
    let here = fresh(&db).await;
    let ids: Vec<Uuid> = (0..5).map(|_| new_id()).collect();
    for id in &ids {
        changed(&db, &service.outbox, *id).await;
        changed(&db, &service.outbox, *id).await;
    }
    service.published(10).await;
    let (shutdown, settled) = (Shutdown::new(), Arc::new(AtomicUsize::new(0)));
    let forgetful = Forgetful {
        broker: world.broker(),
        settled: Arc::clone(&settled),
    };
    let options = from_the_beginning();
    let inbox = Inbox::new(CONSUMER, here.clone(), clock(), Effects::new(|_| Ok(())), options);
    shutdown.spawn(
        "consumer",
        follow_broker(forgetful, inbox, service.source(), shutdown.clone()),
    );
    testkit::eventually("it died some times between commit and settle", async || {
        (settled.load(Ordering::Relaxed) >= 3).then_some(())
    })
    .await;
    shutdown.finish(Duration::from_secs(20)).await.unwrap();

    let follower = Follower::start(&world, &service, &here, from_the_beginning());
    for id in &ids {
        changed(&db, &service.outbox, *id).await;
    }
    let versions = ids.iter().map(|id| (*id, 3)).collect();
    assert_complete(&applied(&here, 15).await, &versions);
    follower.stop().await;
    service.stop().await;
}

pub(super) async fn what_is_no_event_is_kept_and_the_rest_goes_on<W: BrokerWorld>(db: TestDb) {
    let world = W::new();
    world.join().await;
    let service = Service::publishing(&db, world.transport()).await;
    let here = fresh(&db).await;
    let ids = [new_id(), new_id()];
    changed(&db, &service.outbox, ids[0]).await;
    service.published(1).await;
    world.litter("no event").await;
    changed(&db, &service.outbox, ids[0]).await;
    changed(&db, &service.outbox, ids[1]).await;
    let follower = Follower::start(&world, &service, &here, from_the_beginning());
    assert_complete(
        &applied(&here, 3).await,
        &[(ids[0], 2), (ids[1], 1)].into_iter().collect(),
    );
    let kept = testkit::eventually("the message is kept", async || {
        let mut reader = here.reader().await.unwrap();
        let rows: Vec<(String, Vec<u8>)> =
            on_engine!(&mut reader, c => sqlx::query_as("SELECT error, body FROM inbox_unreadable")
            .fetch_all(c)
            .await
            .unwrap());
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert_eq!(kept.len(), 1);
    assert!(kept[0].0.contains("missing"), "{kept:?}");
    assert_eq!(kept[0].1, b"no event");
    follower.stop().await;
    service.stop().await;
}

pub(super) async fn what_may_not_be_made_is_asked_for_by_name<W: BrokerWorld>(_db: TestDb) {
    let world = W::new();
    let undeclared = world.undeclared();
    let sent = [event(new_id(), 1)];
    let results = undeclared.transport().publish(&sent).await;
    let [Err(PublishError::Unavailable(problem))] = &results[..] else {
        panic!("{results:?}");
    };
    assert!(
        problem.contains("declare") && problem.contains("things"),
        "{problem}"
    );
    let refused = place(&undeclared.broker(), false).await;
    assert!(
        matches!(refused, Err(SubscriptionError::Topology(_))),
        "it may not be made"
    );
    // Somebody makes it: now it is used as it is.
    let made = place(&world.broker(), false).await.unwrap();
    drop(made);
    assert_eq!(world.transport().publish(&sent).await, [Ok(())]);
    let mut subscription = place(&undeclared.broker(), false).await.unwrap();
    assert_eq!(
        undeclared.transport().publish(&[event(new_id(), 1)]).await,
        [Ok(())]
    );
    assert_eq!(receive(&mut subscription, 2).await.len(), 2);
}
