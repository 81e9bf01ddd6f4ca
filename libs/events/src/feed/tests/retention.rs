//! Tests of the retention: which events are deleted, and which never are.

use chassis::access::ServiceTokens;
use chassis::clock::ManualClock;
use chassis::db::Tx;
use chassis::http_client::ClientOptions;
use chassis::http_client::HttpClient;
use chassis::on_engine;
use chassis::secret::Token;

use super::*;
use crate::testing::{THINGS, changed, new_id};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn positions(db: &Db) -> Vec<Option<i64>> {
    let mut reader = db.reader().await.unwrap();
    let read = "SELECT position FROM outbox ORDER BY number";
    on_engine!(&mut reader, c => sqlx::query_scalar(read).fetch_all(c).await.unwrap())
}

/// Writes an event and publishes it at `at`, as the relay does. The transaction is still open.
async fn publishing(db: &Db, outbox: &Outbox, at: Timestamp) -> Tx {
    let mut tx = db.begin("test").await.unwrap();
    crate::testing::change(&mut tx, outbox, new_id()).await;
    let publish = "UPDATE outbox SET position = (SELECT last FROM outbox_feed), published_at = $1
        WHERE position IS NULL";
    on_engine!(&mut tx, c => {
        sqlx::query("UPDATE outbox_feed SET last = last + 1").execute(&mut *c).await.unwrap();
        sqlx::query(publish).bind(at).execute(c).await.unwrap();
    });
    tx
}

/// A feed that nobody answers for.
fn nobody() -> FeedSource {
    let http = HttpClient::new(ClientOptions::default()).unwrap();
    let tokens = ServiceTokens::issued_by(Issuer(Token::new("none")), clock());
    FeedSource::new(&"http://127.0.0.1:9".parse().unwrap(), http, tokens).unwrap()
}

async fn begun(db: &Db) {
    let mut tx = db.begin("test").await.unwrap();
    let insert = "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ('tests', 0, 0)";
    on_engine!(&mut tx, c => sqlx::query(insert).execute(c).await.unwrap().rows_affected());
    tx.commit().await.unwrap();
}

async fn rows(db: &Db, count: &'static str) -> i64 {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar(count).fetch_one(c).await.unwrap())
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn what_is_older_than_the_retention_goes_and_what_is_not_published_stays(db: TestDb) {
        let (outbox, start) = (outbox(), clock().now());
        for days in [0, 1, 20] {
            publishing(&db, &outbox, start + DAY * days).await.commit().await.unwrap();
        }
        changed(&db, &outbox, new_id()).await;
        let retention = DAY * 30;
        assert_eq!(retention, DAY * 30);
        let shutdown = Shutdown::new();
        let now: chassis::clock::SharedClock = Arc::new(ManualClock::new(start + DAY * 32));
        shutdown.spawn("prune", prune_on_schedule(db.another().await, now, retention, shutdown.clone()));
        testkit::eventually("the old ones are gone", async || (positions(&db).await.len() == 2).then_some(())).await;
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        assert_eq!(positions(&db).await, [Some(3), None]);
    }

    async fn what_nobody_replayed_in_ninety_days_goes(db: TestDb) {
        let (outbox, start) = (outbox(), clock().now());
        for days in [0, 20] {
            changed(&db, &outbox, new_id()).await;
            let mut tx = db.begin("test").await.unwrap();
            let given_up = "UPDATE outbox SET dead_lettered_at = $1 WHERE dead_lettered_at IS NULL";
            on_engine!(&mut tx, c => sqlx::query(given_up).bind(start + DAY * days).execute(c).await.unwrap().rows_affected());
            let parked = "INSERT INTO inbox_parked
                SELECT 'tests', id, aggregate_id, 1, '', 9, 0, '', dead_lettered_at FROM outbox
                WHERE true ON CONFLICT DO NOTHING";
            let unreadable = "INSERT INTO inbox_unreadable
                SELECT 'tests', 'kafka', CAST(number AS TEXT), '', $1, dead_lettered_at FROM outbox
                WHERE true ON CONFLICT DO NOTHING";
            on_engine!(&mut tx, c => {
                sqlx::query(parked).execute(&mut *c).await.unwrap();
                sqlx::query(unreadable).bind(vec![0_u8]).execute(c).await.unwrap();
            });
            tx.commit().await.unwrap();
        }
        let (shutdown, retention) = (Shutdown::new(), DAY * 30);
        let now: chassis::clock::SharedClock = Arc::new(ManualClock::new(start + DAY * 91));
        shutdown.spawn("prune", prune_on_schedule(db.another().await, Arc::clone(&now), retention, shutdown.clone()));
        let source = nobody();
        let options = crate::ConsumerOptions { remember: retention, ..crate::ConsumerOptions::default() };
        let consumer = crate::Consumer::new("tests", source, db.another().await, now, crate::testing::Effects::new(|_| Ok(())), options);
        begun(&db).await;
        shutdown.spawn("consumer", consumer.run(shutdown.clone()));
        for count in [
            "SELECT count(*) FROM outbox",
            "SELECT count(*) FROM inbox_parked",
            "SELECT count(*) FROM inbox_unreadable",
        ] {
            testkit::eventually(count, async || (rows(&db, count).await == 1).then_some(())).await;
        }
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
    }

    async fn an_event_published_while_old_ones_are_deleted_stays(db: TestDb) {
        let (outbox, start) = (outbox(), clock().now());
        publishing(&db, &outbox, start).await.commit().await.unwrap();
        let relay = publishing(&db, &outbox, start + DAY * 31).await;
        let other = db.another().await;
        let pruning = async {
            let mut tx = other.begin("test").await.unwrap();
            let gone = prune(&mut tx, start + DAY, 100).await.unwrap();
            tx.commit().await.unwrap();
            gone
        };
        let publishing = async {
            db.wait_for_lock_waiter().await;
            relay.commit().await.unwrap();
        };
        let (gone, ()) = tokio::join!(pruning, publishing);
        assert_eq!(gone, 1);
        assert_eq!(positions(&db).await, [Some(2)]);
    }

    async fn a_restored_feed_says_to_whoever_read_further_that_their_place_is_gone(db: TestDb) {
        let (outbox, start) = (outbox(), clock().now());
        for _ in 0..3 {
            publishing(&db, &outbox, start).await.commit().await.unwrap();
        }
        let mut tx = db.begin("test").await.unwrap();
        let noted = crate::restore::Restoration {
            taken_at: start,
            restored_at: start + Duration::from_secs(10),
            keep_sessions: false,
        };
        crate::restore::note_in(&mut tx, &noted).await.unwrap();
        assert_eq!(crate::restore::claim_pending(&mut tx).await.unwrap(), Some(noted));
        assert_eq!(crate::restore::claim_pending(&mut tx).await.unwrap(), None, "once");
        tx.commit().await.unwrap();
        let resumed = 3 + 1_000_000_000 + 10 * 100_000;
        assert_eq!(noted.raises_by(), 11_000_000);
        assert_eq!(crate::restore::first_sequence(&mut db.reader().await.unwrap()).await.unwrap(), 11_000_001);
        publishing(&db, &outbox, start + DAY).await.commit().await.unwrap();

        let feed = Feed::new(db.another().await, outbox.clone(), Arc::new(crate::testing::NoSnapshot), Shutdown::new());
        let read = async |after| match feed.read(after, 10, Duration::ZERO).await {
            Ok(events) => Ok(events.iter().map(|event| event.position.unwrap()).collect::<Vec<_>>()),
            Err(ReadError::Gone { oldest, last, .. }) => Err((oldest, last)),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(read(1).await, Ok(vec![2, 3]), "nothing from behind the hole");
        for lost in [3, 4, 500_000_000, resumed - 1] {
            assert_eq!(read(lost).await, Err((resumed + 1, resumed + 1)), "{lost}");
        }
        assert_eq!(read(resumed).await, Ok(vec![resumed + 1]));
        assert_eq!(read(resumed + 1).await, Ok(vec![]));

        let mut tx = db.begin("test").await.unwrap();
        let mut gone = Vec::new();
        for _ in 0..4 {
            gone.push(prune(&mut tx, start + DAY * 2, 2).await.unwrap());
        }
        tx.commit().await.unwrap();
        assert_eq!(gone, [2, 1, 1, 0], "the hole is crossed in one step");
        assert_eq!(positions(&db).await, []);
    }
}
