//! The contract of every transport, with a broker or without.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::db::Db;
use chassis::shutdown::Shutdown;
use testkit::TestDb;
use uuid::Uuid;

use super::fresh;
use super::worlds::{CONSUMER, World};
use events::testing::Service;
use events::testing::{Effects, effects, of, quick};
use events::testing::{changed, clock, new_id};
use events::{Bootstrap, ConsumerOptions, Inbox};

/// A running consumer in the database of its effects.
pub(super) struct Follower(Shutdown);

impl Follower {
    pub(super) fn start<W: World>(world: &W, service: &Service, db: &Db, options: ConsumerOptions) -> Self {
        let shutdown = Shutdown::new();
        let inbox = Inbox::new(CONSUMER, db.clone(), clock(), Effects::new(|_| Ok(())), options);
        shutdown.spawn(
            "consumer",
            world.follow(inbox, service.source(), shutdown.clone()),
        );
        Self(shutdown)
    }

    pub(super) async fn stop(self) {
        self.0.finish(Duration::from_secs(20)).await.unwrap();
    }
}

/// From the first event on: without a broker, a consumer that begins would not ask for what was before its snapshot.
pub(super) fn from_the_beginning() -> ConsumerOptions {
    ConsumerOptions {
        bootstrap: Bootstrap::Beginning,
        ..quick()
    }
}

pub(super) async fn applied(db: &Db, count: usize) -> Vec<(Uuid, i64)> {
    testkit::eventually("everything is applied", async || {
        let effects = effects(db).await;
        (effects.len() >= count).then_some(effects)
    })
    .await
}

/// Each thing once in each of its versions, in their order.
pub(super) fn assert_complete(effects: &[(Uuid, i64)], versions: &BTreeMap<Uuid, i64>) {
    for (id, version) in versions {
        let expected: Vec<i64> = (1..=*version).collect();
        assert_eq!(of(effects, *id), expected, "{id}");
    }
    let total: i64 = versions.values().sum();
    assert_eq!(i64::try_from(effects.len()).unwrap(), total);
}

/// Eight writers at once, which change any of `ids` as often as told. Answers the versions in the end.
async fn write_at_once(db: &Db, service: &Service, ids: &[Uuid], each: usize) -> BTreeMap<Uuid, i64> {
    let writers = (0..8_usize).map(|writer| {
        let (db, outbox, ids) = (db.clone(), service.outbox.clone(), ids.to_vec());
        async move {
            let mut versions = BTreeMap::new();
            for turn in 0..each {
                let id = ids[(writer * 7 + turn * 3) % ids.len()];
                let version = changed(&db, &outbox, id).await;
                let newest: &mut i64 = versions.entry(id).or_default();
                *newest = version.max(*newest);
            }
            versions
        }
    });
    let mut versions = BTreeMap::new();
    for written in futures_util::future::join_all(writers).await {
        for (id, version) in written {
            let newest: &mut i64 = versions.entry(id).or_default();
            *newest = version.max(*newest);
        }
    }
    versions
}

pub(super) async fn everything_is_applied_once_in_order_whoever_writes<W: World>(db: TestDb) {
    let world = W::new();
    let service = Service::publishing(&db, world.transport()).await;
    let here = fresh(&db).await;
    let follower = Follower::start(&world, &service, &here, from_the_beginning());
    let ids: Vec<Uuid> = (0..20).map(|_| new_id()).collect();
    let versions = write_at_once(&db, &service, &ids, 20).await;
    let total = versions.values().sum::<i64>();
    assert_eq!(total, 160);
    assert_complete(&applied(&here, 160).await, &versions);
    follower.stop().await;
    service.stop().await;
}

pub(super) async fn a_newcomer_begins_with_the_snapshot_and_goes_on<W: World>(db: TestDb) {
    let world = W::new();
    world.join().await;
    let service = Service::publishing(&db, world.transport()).await;
    let here = fresh(&db).await;
    let ids: Vec<Uuid> = (0..5).map(|_| new_id()).collect();
    for id in &ids {
        for _ in 0..3 {
            changed(&db, &service.outbox, *id).await;
        }
        service.states.states.lock().unwrap().insert(*id, 3);
    }
    service.published(15).await;
    let follower = Follower::start(&world, &service, &here, quick());
    let known = applied(&here, 5).await;
    for id in &ids {
        assert_eq!(of(&known, *id), [3], "the state, not its history");
        changed(&db, &service.outbox, *id).await;
    }
    let known = applied(&here, 10).await;
    for id in &ids {
        assert_eq!(of(&known, *id), [3, 4]);
    }
    assert_eq!(known.len(), 10);
    follower.stop().await;
    service.stop().await;
}

pub(super) async fn two_replicas_share_the_work_and_one_takes_over<W: World>(db: TestDb) {
    let world = W::new();
    let service = Service::publishing(&db, world.transport()).await;
    let here = fresh(&db).await;
    let second = here.another().await;
    let one = Follower::start(&world, &service, &here, from_the_beginning());
    let ids: Vec<Uuid> = (0..10).map(|_| new_id()).collect();
    write_at_once(&db, &service, &ids, 5).await;
    applied(&here, 1).await;
    // One comes in the middle of the work, and one leaves.
    let two = Follower::start(&world, &service, &second, from_the_beginning());
    write_at_once(&db, &service, &ids, 5).await;
    applied(&here, 60).await;
    one.stop().await;
    let versions = write_at_once(&db, &service, &ids, 5).await;
    assert_complete(&applied(&here, 120).await, &versions);
    two.stop().await;
    service.stop().await;
}
