//! Messages that were deleted before they were read.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::super::assignment::{Places, Stand, gap};
use super::*;

fn admin() -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers::kafka())
        .create()
        .unwrap()
}

/// Deletes what is in both partitions of a topic, as its retention would.
async fn delete_all(topic: &str) {
    let admin = admin();
    let mut places = TopicPartitionList::new();
    for partition in 0..2 {
        places
            .add_partition_offset(topic, partition, Offset::End)
            .unwrap();
    }
    admin.delete_records(&places, &AdminOptions::new()).await.unwrap();
}

async fn publish(config: &EventsConfig, count: i64) {
    let events: Vec<Envelope> = (0..count).map(|_| event(new_id(), 1)).collect();
    let results = producer(config, "things").publish(&events).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

fn missed(result: Result<impl Subscription, SubscriptionError>) {
    let Err(error) = result else {
        panic!("nothing is missed")
    };
    assert!(matches!(error, SubscriptionError::Missed(_)), "{error}");
}

#[tokio::test]
async fn what_was_deleted_unread_is_noticed_until_the_consumer_begins_anew() {
    let config = shared();
    let broker = consumer(&config, "things");
    let mut subscription = place(&broker, false).await.unwrap();
    publish(&config, 20).await;
    receive(&mut subscription, 20).await;
    drop(subscription);
    publish(&config, 20).await;
    delete_all(&format!("{}.things", config.namespace)).await;

    missed(place(&broker, true).await);
    missed(place(&broker, true).await);
    let mut subscription = place(&broker, false).await.unwrap();
    publish(&config, 20).await;
    assert_eq!(receive(&mut subscription, 20).await.len(), 20);
    drop(subscription);
    // What was settled is committed in the background.
    let mut subscription = testkit::eventually("the group has its place", async || {
        broker.subscribe(true).await.ok()
    })
    .await;
    publish(&config, 1).await;
    assert_eq!(receive(&mut subscription, 1).await.len(), 1);
}

/// Waits until a member has its place, and settles.
async fn settled(broker: &KafkaBroker) {
    let mut subscription = place(broker, false).await.unwrap();
    testkit::eventually("the group has its place", async || {
        let wait = Duration::from_millis(100);
        assert!(subscription.next(100, wait).await.unwrap().is_empty());
        subscription.settle().await.unwrap();
        broker.subscribe(true).await.is_ok().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_group_has_its_place_before_the_first_message() {
    let config = shared();
    let broker = consumer(&config, "things");
    settled(&broker).await;
    publish(&config, 3).await;
    let mut subscription = place(&broker, true).await.unwrap();
    assert_eq!(receive(&mut subscription, 3).await.len(), 3);
}

#[tokio::test]
async fn a_topic_that_was_deleted_is_noticed_while_its_successor_is_empty() {
    let config = shared();
    let broker = consumer(&config, "things");
    settled(&broker).await;
    publish(&config, 5).await;
    let topic = format!("{}.things", config.namespace);
    let admin = admin();
    let options = AdminOptions::new();
    let deleted = admin.delete_topics(&[&topic], &options).await.unwrap();
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    testkit::eventually("the topic is gone", async || {
        let Err(error) = broker.subscribe(true).await else {
            return None;
        };
        matches!(error, SubscriptionError::Missed(_)).then_some(())
    })
    .await;
    // Somebody else, such as the publisher, makes another one.
    drop(place(&consumer(&config, "things"), false).await.unwrap());
    missed(place(&broker, true).await);
}

#[test]
fn another_broker_or_namespace_is_another_place() {
    let (one, mut two) = (shared(), shared());
    assert_ne!(consumer(&one, "things").place(), consumer(&two, "things").place());
    two.namespace.clone_from(&one.namespace);
    assert_eq!(consumer(&one, "things").place(), consumer(&two, "things").place());
    two.kafka.as_mut().unwrap().brokers = vec!["elsewhere:9092".to_owned()];
    assert_ne!(consumer(&one, "things").place(), consumer(&two, "things").place());
}

#[tokio::test]
async fn a_look_that_was_given_up_is_not_stepped_over() {
    let config = shared();
    let broker = consumer(&config, "things");
    let mut subscription = place(&broker, false).await.unwrap();
    {
        let mut look = std::pin::pin!(subscription.next(100, Duration::from_secs(20)));
        assert!(futures_util::poll!(&mut look).is_pending());
    }
    let again = subscription.next(100, Duration::from_secs(1)).await;
    assert!(matches!(again, Err(SubscriptionError::Away(_))));
    drop(subscription);
    publish(&config, 3).await;
    let mut subscription = place(&broker, false).await.unwrap();
    assert_eq!(receive(&mut subscription, 3).await.len(), 3);
}

fn stand(committed: Option<i64>, low: i64, high: i64) -> Stand {
    Stand {
        partition: 0,
        committed,
        low,
        high,
    }
}

#[test]
fn a_gap_is_seen_from_the_offsets() {
    assert!(
        gap(&[stand(None, 0, 0), stand(None, 0, 0)]),
        "another topic, which is empty still"
    );
    assert!(
        gap(&[stand(None, 0, 5), stand(None, 0, 0)]),
        "the group is new, or forgotten"
    );
    assert!(
        !gap(&[stand(Some(3), 0, 5), stand(None, 0, 5)]),
        "a partition not read yet"
    );
    assert!(
        gap(&[stand(Some(3), 0, 5), stand(None, 2, 5)]),
        "not read yet, and its first messages are gone"
    );
    assert!(!gap(&[stand(Some(3), 3, 5)]), "what was read is gone");
    assert!(gap(&[stand(Some(3), 4, 5)]), "one that was not read is gone");
    assert!(
        gap(&[stand(Some(6), 0, 5)]),
        "it was read further than there is: another topic"
    );
}

/// Compaction leaves holes, not a later beginning.
#[test]
fn a_hole_is_a_gap_unless_a_snapshot_was_read_since() {
    let mut places = Places::default();
    places.note(0, 7);
    places.note(1, 3);
    places.note(0, 8);
    assert!(!places.missed);
    places.note(0, 10);
    assert!(places.missed);

    let mut places = Places::default();
    places.covered.insert(0, 20);
    places.note(0, 7);
    places.note(0, 15);
    places.note(0, 20);
    assert!(
        !places.missed,
        "it was there when the snapshot was read, which knows more"
    );
    places.note(0, 22);
    assert!(places.missed);
}
