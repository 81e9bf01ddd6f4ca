//! Beginning and beginning anew, with a broker that does as it is told.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;
use uuid::Uuid;

use chassis::shutdown::Shutdown;

use super::*;
use crate::testing::{Service, fresh};
use crate::testing::{THINGS, new_id};
use crate::transport::{Broker, Message, Subscription, SubscriptionError};

/// The calls that the broker got, and the answers of its subscriptions.
#[derive(Default)]
pub(super) struct Script {
    subscribed: Vec<bool>,
    settled: usize,
    said: VecDeque<SubscriptionError>,
    /// Answers no subscription while this is set.
    refuses: bool,
}

#[derive(Clone)]
pub(super) struct Told {
    place: &'static str,
    script: Arc<Mutex<Script>>,
}

impl Told {
    pub(super) fn at(place: &'static str) -> Self {
        Self {
            place,
            script: Arc::default(),
        }
    }

    fn script<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.script.lock().unwrap())
    }

    /// Waits until it was subscribed at as often as told, and answers what was said each time.
    pub(super) async fn subscribed(&self, count: usize) -> Vec<bool> {
        testkit::eventually("the consumer subscribes", async || {
            self.script(|script| (script.subscribed.len() >= count).then(|| script.subscribed.clone()))
        })
        .await
    }

    pub(super) async fn settled(&self) {
        let before = self.script(|script| script.settled);
        testkit::eventually("the consumer settles", async || {
            self.script(|script| (script.settled > before).then_some(()))
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
        self.script(|script| {
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
        match self.script(|script| script.said.pop_front()) {
            Some(error) => Err(error),
            None => Ok(Vec::new()),
        }
    }

    async fn settle(&mut self) -> Result<(), SubscriptionError> {
        self.script(|script| script.settled += 1);
        Ok(())
    }

    fn lag(&self) -> Option<u64> {
        None
    }
}

/// A consumer in `db` that follows `service` through `broker`.
pub(super) fn follow(service: &Service, db: &Db, broker: &Told) -> Shutdown {
    let shutdown = Shutdown::new();
    // One event at a time, so that there is something between two pages.
    let options = ConsumerOptions { batch: 1, ..quick() };
    let inbox = Inbox::new("tests", db.clone(), clock(), Effects::new(|_| Ok(())), options);
    let subscriber = Subscriber::new(inbox, broker.clone(), service.source());
    shutdown.spawn("consumer", subscriber.run(shutdown.clone()));
    shutdown
}

pub(super) async fn stop(consumer: Shutdown) {
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
        broker.script(|script| {
            script.refuses = true;
            script.said.push_back(missed());
        });
        assert!(!broker.subscribed(3).await[2]);
        // A consumer that comes after a kill begins anew as well.
        stop(consumer).await;
        let asked = broker.script(|script| {
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
}
