//! Turns to compare, whichever way the clock jumps.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::Db;

use super::super::store;

async fn claim(db: &Db, now: Timestamp) -> bool {
    let mut tx = db.begin("test").await.unwrap();
    let rest = Duration::from_secs(300);
    let mine = store::claim(&mut tx, "tests", now, now - rest).await.unwrap();
    tx.commit().await.unwrap();
    mine
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS];

    // SB-50
    async fn a_turn_that_was_taken_in_the_future_keeps_nobody_from_comparing(db: TestDb) {
        let (now, two_days) = (Timestamp::from_secs(1_800_000_000), Duration::from_secs(2 * 86_400));
        assert!(claim(&db, now).await);
        assert!(!claim(&db, now).await, "another replica has just taken it");
        assert!(claim(&db, now - two_days).await, "the clock went back");
        assert!(!claim(&db, now - two_days).await);
        assert!(claim(&db, now).await, "and forward again");
    }
}
