//! Tests of commits that several units of work share, on real SQLite files.

#![expect(clippy::disallowed_methods, reason = "each test waits for its tasks")]

mod file;

use std::sync::Arc;
use std::time::Duration;

use chassis::db::{Db, DbError, Tx};
use chassis::on_engine;
use chassis::telemetry::error_text;
use testkit::on_both_engines;
use tokio::sync::Notify;

use self::file::{File, first, two};
use super::{add, count, is_woken, prepared};

#[tokio::test]
async fn a_unit_of_work_alone_waits_for_no_company() {
    let file = File::with_patience().await;
    let tx = first(&file).await;
    tx.commit().await.unwrap();
    assert_eq!((count(&file.db).await, file.rows_after_a_kill().await), (1, 1));
}

#[tokio::test]
async fn units_of_work_that_wait_share_a_commit_and_are_acknowledged_after_it() {
    let file = File::with_patience().await;
    let (ended, second) = two(&file).await;
    // Killed between the end of one and the commit, the process has claimed nothing and stored nothing.
    assert!(!ended.is_finished());
    assert_eq!((count(&file.db).await, file.rows_after_a_kill().await), (0, 0));
    second.end().await.unwrap();
    ended.await.unwrap().unwrap();
    assert_eq!((count(&file.db).await, file.rows_after_a_kill().await), (2, 2));
}

#[tokio::test]
async fn a_unit_of_work_that_fails_is_undone_alone() {
    let file = File::with_patience().await;
    let tx = first(&file).await;
    let (same, third) = (file.queue(1).await, file.queue(3).await);
    let ended = tokio::spawn(tx.commit());
    same.begun().await;
    same.gate.notify_one();
    third.begun().await;
    assert!(!same.work.is_finished(), "what it saw is not committed yet");
    third.end().await.unwrap();
    let error = same.work.await.unwrap().unwrap_err();
    assert!(matches!(error, DbError::Unique { .. }), "{error:?}");
    ended.await.unwrap().unwrap();
    assert_eq!(count(&file.db).await, 2);
}

#[tokio::test]
async fn a_cancelled_unit_of_work_is_undone_alone_and_holds_nobody_up() {
    let file = File::with_patience().await;
    let (ended, second) = two(&file).await;
    let third = file.queue(3).await;
    // In the middle of its work, and one that still waits for its turn.
    second.work.abort();
    let cancelled = file.queue(4).await;
    cancelled.work.abort();
    ended.await.unwrap().unwrap();
    third.end().await.unwrap();
    assert_eq!(count(&file.db).await, 2);
    first_free(&file.db).await;
}

#[tokio::test]
async fn a_cancelled_wait_for_the_commit_cancels_no_commit_and_wakes_who_waits_for_it() {
    let file = File::with_patience().await;
    let mut tx = first(&file).await;
    let waiter = Arc::new(Notify::new());
    tx.wake_on_commit(&waiter);
    let second = file.queue(2).await;
    let ended = tokio::spawn(tx.commit());
    second.begun().await;
    ended.abort();
    assert!(ended.await.unwrap_err().is_cancelled());
    assert!(!is_woken(&waiter).await);
    second.end().await.unwrap();
    assert!(is_woken(&waiter).await);
    assert_eq!(count(&file.db).await, 2);
}

/// A file with a constraint that is checked at the commit, and a unit of work that breaks it.
async fn orphan() -> (File, Tx) {
    let file = File::with_patience().await;
    let mut tx = file.db.begin("probe").await.unwrap();
    let child = "CREATE TABLE children (id BIGINT REFERENCES people (id) DEFERRABLE INITIALLY DEFERRED)";
    on_engine!(&mut tx, c => sqlx::query(child).execute(c).await.map(drop)).unwrap();
    tx.commit().await.unwrap();
    let mut tx = first(&file).await;
    let orphan = "INSERT INTO children (id) VALUES (77)";
    on_engine!(&mut tx, c => sqlx::query(orphan).execute(c).await.map(drop)).unwrap();
    (file, tx)
}

/// A commit failed for all of its units of work, by a fault of the data.
fn is_not_committed(error: &DbError) -> bool {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    matches!(error, DbError::NotCommitted(Some(_))) && !error.is_transient() && cause.is_some()
}

#[tokio::test]
async fn a_commit_that_fails_fails_for_all_and_the_writer_goes_on() {
    let (file, tx) = orphan().await;
    let second = file.queue(2).await;
    let ended = tokio::spawn(tx.commit());
    second.begun().await;
    for outcome in [second.end().await, ended.await.unwrap()] {
        let error = outcome.unwrap_err();
        assert!(is_not_committed(&error), "{error:?}");
        let text = error_text(&error);
        assert!(text.contains("FOREIGN KEY"), "the cause is told: {text}");
    }
    assert_eq!((count(&file.db).await, file.rows_after_a_kill().await), (0, 0));
    first_free(&file.db).await;
}

#[tokio::test]
async fn a_commit_that_fails_for_one_alone_is_an_error_of_its_own() {
    let (file, tx) = orphan().await;
    let error = tx.commit().await.unwrap_err();
    assert!(
        matches!(error, DbError::Other(_)) && !error.is_transient(),
        "{error:?}"
    );
    assert_eq!(count(&file.db).await, 0);
    first_free(&file.db).await;
}

#[tokio::test]
async fn a_refusal_that_rests_on_a_commit_that_fails_is_not_given() {
    // The second one finds its name taken, by a row that is lost afterwards.
    let (file, tx) = orphan().await;
    let same = file.queue(1).await;
    let ended = tokio::spawn(tx.commit());
    same.begun().await;
    let error = same.end().await.unwrap_err();
    assert!(is_not_committed(&error), "{error:?}");
    assert!(is_not_committed(&ended.await.unwrap().unwrap_err()));
    first_free(&file.db).await;

    // The same for one that rolls back because of what it has read.
    let (file, tx) = orphan().await;
    let db = file.db.clone();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let reader = tokio::spawn(async move {
        let mut tx = db.begin_shared("probe").await.unwrap();
        let read = "SELECT count(*) FROM people";
        let seen: i64 = on_engine!(&mut tx, c => sqlx::query_scalar(read).fetch_one(c).await).unwrap();
        begun.send(seen).unwrap();
        tx.rollback().await
    });
    tokio::task::yield_now().await;
    let ended = tokio::spawn(tx.commit());
    assert_eq!(has_begun.await.unwrap(), 1);
    assert!(is_not_committed(&reader.await.unwrap().unwrap_err()));
    assert!(is_not_committed(&ended.await.unwrap().unwrap_err()));
    assert_eq!(count(&file.db).await, 0);
}

#[tokio::test]
async fn a_full_disk_acknowledges_nobody_of_the_batch() {
    let file = File::with_patience().await;
    let (ended, second) = two(&file).await;
    // The second one has the writer; the third one fills the disk.
    let db = file.db.clone();
    let third = tokio::spawn(async move {
        let mut tx = db.begin_shared("probe").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("PRAGMA max_page_count = 10").execute(c).await.map(drop))
            .unwrap();
        let filler = "INSERT INTO people (id, name) VALUES (3, hex(zeroblob(1000000)))";
        let filled = on_engine!(&mut tx, c => sqlx::query(filler).execute(c).await.map(drop));
        assert!(matches!(DbError::from(filled.unwrap_err()), DbError::Full));
        on_engine!(&mut tx, c => sqlx::query("PRAGMA max_page_count = 100000").execute(c).await.map(drop))
            .unwrap();
        // SQLite has ended the transaction; this one does not notice, and writes as if nothing had happened.
        let part = tx.savepoint().await;
        part.unwrap();
        add(&mut tx, 4, "dan").await.unwrap();
        tx.commit().await
    });
    tokio::task::yield_now().await;
    let outcomes = [second.end().await, ended.await.unwrap(), third.await.unwrap()];
    for outcome in outcomes {
        assert!(outcome.unwrap_err().is_transient());
    }
    assert_eq!((count(&file.db).await, file.rows_after_a_kill().await), (0, 0));
    first_free(&file.db).await;
}

#[tokio::test]
async fn other_transactions_see_what_is_committed_alone_and_join_no_batch() {
    let file = File::with_patience().await;
    let tx = first(&file).await;
    let db = file.db.clone();
    let alone = tokio::spawn(async move {
        let mut tx = db.begin("probe").await.unwrap();
        let read = "SELECT count(*) FROM people";
        let seen: i64 = on_engine!(&mut tx, c => sqlx::query_scalar(read).fetch_one(c).await).unwrap();
        (seen, count(&db).await)
    });
    tokio::task::yield_now().await;
    let second = file.queue(2).await;
    let ended = tokio::spawn(tx.commit());
    second.begun().await;
    assert!(!alone.is_finished());
    second.end().await.unwrap();
    ended.await.unwrap().unwrap();
    assert_eq!(alone.await.unwrap(), (2, 2));
}

#[tokio::test]
async fn a_batch_is_bounded_in_time_and_number() {
    // A slow one joins; nobody joins after it.
    let file = File::new().await;
    let (ended, second) = two(&file).await;
    let third = file.queue(3).await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    second.end().await.unwrap();
    ended.await.unwrap().unwrap();
    assert!(third.end().await.is_ok());

    // Of many, the last do not hold the first one up.
    let file = File::with_patience().await;
    let tx = first(&file).await;
    let mut works = Vec::new();
    for id in 2..=150 {
        let db = file.db.clone();
        works.push(tokio::spawn(async move {
            let mut tx = db.begin_shared("probe").await.unwrap();
            let committed = count(&db).await;
            add(&mut tx, id, &format!("person {id}")).await.unwrap();
            tx.commit().await.unwrap();
            committed
        }));
    }
    tokio::task::yield_now().await;
    tx.commit().await.unwrap();
    for (number, work) in works.into_iter().enumerate() {
        let committed = work.await.unwrap();
        assert!(
            number < 64 || committed > 0,
            "{number} is in the batch of the first one"
        );
    }
    assert_eq!(count(&file.db).await, 150);
}

/// The writer is free, and nothing of a batch is left on it.
async fn first_free(db: &Db) {
    let before = count(db).await;
    let mut tx = db.begin("probe").await.unwrap();
    add(&mut tx, 1000, "the next").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin_shared("probe").await.unwrap();
    add(&mut tx, 1001, "the one after").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(db).await, before + 2);
}

on_both_engines! {
    migrations = [];

    async fn under_any_mix_of_ends_what_is_acknowledged_is_stored_and_nothing_else(test: TestDb) {
        prepared(&test).await;
        let mut works = Vec::new();
        for id in 0..400_i64 {
            let db = (*test).clone();
            works.push(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros((id as u64 * 7919) % 60_000)).await;
                let mut tx = if id % 11 == 0 { db.begin("probe").await } else { db.begin_shared("probe").await }?;
                add(&mut tx, id, &format!("person {id}")).await?;
                match id % 7 {
                    0 => tx.rollback().await?,
                    1 => drop(tx),
                    // The same name again: the unit of work fails.
                    2 => {
                        let twice = add(&mut tx, 1000 + id, &format!("person {id}")).await;
                        assert!(tx.finish(twice).await.is_err());
                    }
                    3 => {
                        let ended = tokio::time::timeout(Duration::from_micros(300), tx.commit()).await;
                        // Who did not wait for the outcome does not know it.
                        return Ok(ended.is_ok().then_some(id));
                    }
                    _ => {
                        tx.commit().await?;
                        return Ok(Some(id));
                    }
                }
                Ok::<_, DbError>(Some(-1 - id))
            }));
        }
        let (mut stored, mut undone) = (Vec::new(), Vec::new());
        for work in works {
            match work.await.unwrap().unwrap() {
                Some(id) if id >= 0 => stored.push(id),
                Some(id) => undone.push(-1 - id),
                None => {}
            }
        }
        let mut reader = test.reader().await.unwrap();
        let rows: Vec<i64> = on_engine!(&mut reader, c =>
            sqlx::query_scalar("SELECT id FROM people").fetch_all(c).await).unwrap();
        assert!(stored.iter().all(|id| rows.contains(id)));
        assert!(undone.iter().all(|id| !rows.contains(id)));
        assert!(rows.iter().all(|id| *id < 1000));
        assert!(stored.len() >= 150, "{}", stored.len());
    }
}
