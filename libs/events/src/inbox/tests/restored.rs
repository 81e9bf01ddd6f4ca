//! Catching up behind a broker, in a database that was put back from a backup.

use chassis::on_engine;
use std::time::Duration;
use testkit::TestDb;
use uuid::Uuid;

use super::subscriber::{Told, follow, stop};
use super::*;
use crate::feed::{FeedTransport, prune};
use crate::testing::{Service, fresh};
use crate::testing::{THINGS, changed, new_id};

/// As if the database had been put back from a backup.
async fn restored(db: &Db) {
    let now = clock().now();
    let noted = crate::restore::Restoration {
        taken_at: now,
        restored_at: now,
        keep_sessions: false,
    };
    let mut tx = db.begin("test").await.unwrap();
    crate::restore::note_in(&mut tx, &noted).await.unwrap();
    assert!(crate::restore::claim_pending(&mut tx).await.unwrap().is_some());
    tx.commit().await.unwrap();
}

/// The row that says that a consumer has begun at a broker.
async fn marker(db: &Db) -> Option<String> {
    let mut reader = db.reader().await.unwrap();
    let statement = "SELECT consumer FROM consumer_positions WHERE consumer LIKE 'tests@%'";
    on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_optional(c).await.unwrap())
}

/// Begins at `broker`, and stops.
async fn begun(service: &Service, db: &Db, broker: &Told) {
    let consumer = follow(service, db, broker);
    broker.settled().await;
    stop(consumer).await;
}

/// A service, and the database of a consumer that has begun to follow it behind a broker.
async fn stage(db: &Db) -> (Service, TestDb, Told) {
    let service = Service::publishing(db, FeedTransport).await;
    let (here, broker) = (fresh(db).await, Told::at("here"));
    begun(&service, &here, &broker).await;
    (service, here, broker)
}

/// New things whose events are at the positions from `first` on.
async fn published(service: &Service, db: &Db, first: i64, count: i64) -> Vec<Uuid> {
    let mut ids = Vec::new();
    for position in first..first + count {
        let id = new_id();
        changed(db, &service.outbox, id).await;
        // One after the other: so their order is known.
        service.published(position).await;
        ids.push(id);
    }
    ids
}

fn once_each(ids: &[Uuid]) -> Vec<(Uuid, i64)> {
    ids.iter().map(|id| (*id, 1)).collect()
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn who_was_restored_reads_in_the_feed_what_the_broker_gave_before(db: TestDb) {
        let (service, here, broker) = stage(&db).await;
        // Told by the broker to the database that is gone; the first is no longer in the feed.
        published(&service, &db, 1, 1).await;
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(prune(&mut tx, clock().now() + Duration::from_secs(60), 10).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let kept = published(&service, &db, 2, 1).await;
        begun(&service, &here, &broker).await;
        assert_eq!(effects(&here).await, [], "nobody tells it again");

        restored(&here).await;
        begun(&service, &here, &broker).await;
        assert_eq!(effects(&here).await, once_each(&kept));
        begun(&service, &here, &broker).await;
        assert_eq!(broker.subscribed(4).await, [false, true, false, true], "once");
        service.stop().await;
    }

    async fn what_was_applied_before_the_backup_is_not_applied_again(db: TestDb) {
        let (service, here, broker) = stage(&db).await;
        let ids = published(&service, &db, 1, 3).await;
        let before = service.source().events(0, 1, Duration::ZERO).await.unwrap();
        inbox(&here, Effects::new(|_| Ok(()))).deliver(&before, None).await.unwrap();
        assert_eq!(effects(&here).await, once_each(&ids[..1]));
        restored(&here).await;
        begun(&service, &here, &broker).await;
        assert_eq!(effects(&here).await, once_each(&ids));
        service.stop().await;
    }

    async fn catching_up_begins_again_when_it_failed_half_way(db: TestDb) {
        let (service, here, broker) = stage(&db).await;
        let ids = published(&service, &db, 1, 3).await;
        restored(&here).await;
        *service.fails_once.lock().unwrap() = Some("after=1&".to_owned());
        begun(&service, &here, &broker).await;
        assert!(service.fails_once.lock().unwrap().is_none(), "it failed");
        assert_eq!(broker.subscribed(3).await, [false, false, false]);
        assert_eq!(effects(&here).await, once_each(&ids));
        service.stop().await;
    }

    async fn catching_up_goes_over_the_hole_that_a_restoration_there_has_left(db: TestDb) {
        let (service, here, broker) = stage(&db).await;
        let mut ids = published(&service, &db, 1, 2).await;
        service.stop().await;
        restored(&db).await;
        let service = Service::publishing(&db, FeedTransport).await;
        ids.extend(published(&service, &db, 1_000_000_003, 2).await);
        restored(&here).await;
        begun(&service, &here, &broker).await;
        assert_eq!(effects(&here).await, once_each(&ids));
        service.stop().await;
    }

    async fn a_replica_that_knows_nothing_of_restorations_does_not_keep_others_from_catching_up(db: TestDb) {
        let (service, here, broker) = stage(&db).await;
        let ids = published(&service, &db, 1, 1).await;
        let row = marker(&here).await.unwrap();
        restored(&here).await;
        assert_eq!(marker(&here).await, None);
        // It has read the snapshot, and says so.
        let mut tx = here.begin("test").await.unwrap();
        let statement = "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ($1, -1, 0)";
        on_engine!(&mut tx, c => sqlx::query(statement).bind(&row).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
        begun(&service, &here, &broker).await;
        assert_eq!(effects(&here).await, once_each(&ids));
        begun(&service, &here, &broker).await;
        assert_eq!(broker.subscribed(3).await, [false, false, true]);
        service.stop().await;
    }
}
