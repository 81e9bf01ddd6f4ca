//! Beginning and beginning anew, with a broker that does as it is told.

use std::collections::VecDeque;

use chassis::shutdown::Shutdown;

use super::*;
use crate::feed::prune;
use crate::feed::tests::{Service, fresh};
use crate::testing::{THINGS, changed, new_id};
use crate::transport::subscription::{Broker, Message, Subscription, SubscriptionError};

/// What the broker was asked, and what its subscriptions say.
#[derive(Default)]
struct Script {
    subscribed: Vec<bool>,
    settled: usize,
    said: VecDeque<SubscriptionError>,
    /// Answers no subscription while this is set.
    refuses: bool,
}

#[derive(Clone)]
struct Told {
    place: &'static str,
    script: Arc<Mutex<Script>>,
}

impl Told {
    fn at(place: &'static str) -> Self {
        Self {
            place,
            script: Arc::default(),
        }
    }

    fn tell<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.script.lock().unwrap())
    }

    /// Waits until it was subscribed at as often as told, and answers what was said each time.
    async fn subscribed(&self, count: usize) -> Vec<bool> {
        testkit::eventually("the consumer subscribes", async || {
            self.tell(|script| (script.subscribed.len() >= count).then(|| script.subscribed.clone()))
        })
        .await
    }

    async fn settled(&self) {
        let before = self.tell(|script| script.settled);
        testkit::eventually("the consumer settles", async || {
            self.tell(|script| (script.settled > before).then_some(()))
        })
        .await;
    }
}

impl Broker for Told {
    type Subscription = Told;

    fn name(&self) -> &'static str {
        "told"
    }

    fn place(&self) -> String {
        self.place.to_owned()
    }

    async fn subscribe(&self, begun: bool) -> Result<Told, SubscriptionError> {
        self.tell(|script| {
            script.subscribed.push(begun);
            match script.refuses {
                true => Err(SubscriptionError::Away("as told".to_owned())),
                false => Ok(self.clone()),
            }
        })
    }
}

impl Subscription for Told {
    async fn next(&mut self, _: usize, _: Duration) -> Result<Vec<Message>, SubscriptionError> {
        tokio::task::yield_now().await;
        match self.tell(|script| script.said.pop_front()) {
            Some(error) => Err(error),
            None => Ok(Vec::new()),
        }
    }

    async fn settle(&mut self) -> Result<(), SubscriptionError> {
        self.tell(|script| script.settled += 1);
        Ok(())
    }

    fn lag(&self) -> Option<u64> {
        None
    }
}

/// A consumer in `db` that follows `service` through `broker`.
fn follow(service: &Service, db: &Db, broker: &Told) -> Shutdown {
    let shutdown = Shutdown::new();
    let inbox = inbox(db, Effects::new(|_| Ok(())));
    let subscriber = Subscriber::new(inbox, broker.clone(), service.source());
    shutdown.spawn("consumer", subscriber.run(shutdown.clone()));
    shutdown
}

async fn stop(consumer: Shutdown) {
    consumer.finish(Duration::from_secs(20)).await.unwrap();
}

/// Puts something new into the snapshot.
fn something_new(service: &Service) -> Uuid {
    let id = new_id();
    service.states.states.lock().unwrap().insert(id, 1);
    id
}

async fn known(db: &Db, id: Uuid) {
    testkit::eventually("the snapshot is read", async || {
        (of(&effects(db).await, id) == [1]).then_some(())
    })
    .await;
}

/// As if the database had been put back from a backup.
async fn restored(db: &Db) {
    let now = clock().now();
    let noted = crate::restored::Restoration {
        taken_at: now,
        restored_at: now,
        keep_sessions: false,
    };
    let mut tx = db.begin("test").await.unwrap();
    crate::restored::note_in(&mut tx, &noted).await.unwrap();
    assert!(crate::restored::take(&mut tx).await.unwrap().is_some());
    tx.commit().await.unwrap();
}

fn missed() -> SubscriptionError {
    SubscriptionError::Missed("as told".to_owned())
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn who_missed_something_has_it_written_down_before_it_subscribes_again(db: TestDb) {
        let service = Service::publishing(&db, crate::feed::FeedTransport).await;
        let here = fresh(&db).await;
        let broker = Told::at("here");
        let consumer = follow(&service, &here, &broker);
        broker.settled().await;
        stop(consumer).await;
        let consumer = follow(&service, &here, &broker);
        assert_eq!(broker.subscribed(2).await, [false, true]);
        broker.tell(|script| {
            script.refuses = true;
            script.said.push_back(missed());
        });
        assert!(!broker.subscribed(3).await[2]);
        // Whoever comes after a kill begins anew as well.
        stop(consumer).await;
        let asked = broker.tell(|script| {
            script.refuses = false;
            script.subscribed.len()
        });
        let id = something_new(&service);
        let consumer = follow(&service, &here, &broker);
        known(&here, id).await;
        assert!(!broker.subscribed(asked + 1).await[asked]);
        broker.settled().await;
        stop(consumer).await;
        service.stop().await;
    }

    async fn another_place_or_a_way_back_begins_with_the_snapshot(db: TestDb) {
        let service = Service::publishing(&db, crate::feed::FeedTransport).await;
        let here = fresh(&db).await;
        for place in ["one", "two", "one"] {
            let broker = Told::at(place);
            let consumer = follow(&service, &here, &broker);
            broker.settled().await;
            stop(consumer).await;
            assert_eq!(broker.subscribed(1).await, [false], "{place}");
        }
        // Over the feed and back.
        let shutdown = Shutdown::new();
        let feed = Consumer::of(inbox(&here, Effects::new(|_| Ok(()))), service.source());
        shutdown.spawn("consumer", feed.run(shutdown.clone()));
        let position = || async { inbox(&here, Effects::new(|_| Ok(()))).position().await.unwrap() };
        testkit::eventually("the feed is followed", async || position().await).await;
        stop(shutdown).await;
        let broker = Told::at("one");
        let consumer = follow(&service, &here, &broker);
        broker.settled().await;
        stop(consumer).await;
        assert_eq!(broker.subscribed(1).await, [false]);
        assert_eq!(position().await, None, "the feed begins anew as well");
        service.stop().await;
    }
    async fn who_was_restored_reads_in_the_feed_what_the_broker_gave_before(db: TestDb) {
        let service = Service::publishing(&db, crate::feed::FeedTransport).await;
        let here = fresh(&db).await;
        let broker = Told::at("here");
        let consumer = follow(&service, &here, &broker);
        broker.settled().await;
        // Told by the broker to the database that is gone; the first is no longer in the feed.
        let (pruned, kept) = (new_id(), new_id());
        changed(&db, &service.outbox, pruned).await;
        service.published(1).await;
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(prune(&mut tx, clock().now() + Duration::from_secs(60), 10).await.unwrap(), 1);
        tx.commit().await.unwrap();
        changed(&db, &service.outbox, kept).await;
        service.published(2).await;
        broker.settled().await;
        stop(consumer).await;
        assert_eq!(effects(&here).await, [], "nobody tells it again");

        restored(&here).await;
        let consumer = follow(&service, &here, &broker);
        broker.settled().await;
        assert_eq!(effects(&here).await, [(kept, 1)]);
        stop(consumer).await;
        let consumer = follow(&service, &here, &broker);
        assert_eq!(broker.subscribed(3).await, [false, false, true], "once");
        stop(consumer).await;
        service.stop().await;
    }
}
