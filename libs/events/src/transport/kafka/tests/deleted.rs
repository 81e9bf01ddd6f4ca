//! Messages that were deleted before they were read.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::super::assignment::{Places, Stand, gap};
use super::*;

/// Deletes what is in both partitions of a topic, as its retention would.
async fn delete_all(topic: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers::kafka())
        .create()
        .unwrap();
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

#[tokio::test]
async fn a_snapshot_makes_up_for_what_was_deleted_unread_and_once() {
    let config = shared();
    let broker = consumer(&config, "things");
    let Subscribed {
        mut subscription,
        gap,
    } = broker.subscribe().await.unwrap();
    assert!(!gap, "a topic that never had a message");
    publish(&config, 20).await;
    receive(&mut subscription, 20).await;
    drop(subscription);
    publish(&config, 20).await;
    delete_all(&format!("{}.things", config.namespace)).await;

    // Who dies before the snapshot is read is told again.
    let Subscribed { subscription, gap } = broker.subscribe().await.unwrap();
    assert!(gap);
    drop(subscription);
    let Subscribed {
        mut subscription,
        gap,
    } = broker.subscribe().await.unwrap();
    assert!(gap);
    publish(&config, 20).await;
    assert_eq!(receive(&mut subscription, 20).await.len(), 20);
    drop(subscription);
    let Subscribed {
        mut subscription,
        gap,
    } = broker.subscribe().await.unwrap();
    assert!(!gap, "it was made up for");
    publish(&config, 1).await;
    assert_eq!(receive(&mut subscription, 1).await.len(), 1);
}

#[tokio::test]
async fn a_look_that_was_given_up_is_not_stepped_over() {
    let config = shared();
    let broker = consumer(&config, "things");
    let Subscribed { mut subscription, .. } = broker.subscribe().await.unwrap();
    {
        let mut look = std::pin::pin!(subscription.next(100, Duration::from_secs(20)));
        assert!(futures_util::poll!(&mut look).is_pending());
    }
    let again = subscription.next(100, Duration::from_secs(1)).await;
    assert!(matches!(again, Err(SubscriptionError::Away(_))));
    drop(subscription);
    publish(&config, 3).await;
    let Subscribed { mut subscription, .. } = broker.subscribe().await.unwrap();
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
        !gap(&[stand(None, 0, 0), stand(None, 0, 0)]),
        "nothing was ever said"
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
