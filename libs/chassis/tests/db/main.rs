//! Tests of the database handle on both engines. They are here and not beside the source, because the testkit depends on
//! the chassis.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails should stop there"
)]

mod failover;
mod pooler;
mod schema;
mod shared_commit;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chassis::db::{Connection, Db, DbConfig, DbError, Reader};
use chassis::{on_engine, sql};
use testkit::{eventually, on_both_engines};
use tokio::sync::Notify;

use schema::migrations;

const TABLE: &str = "CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE)";

async fn prepared(db: &Db) {
    db.migrate("here", &[&migrations(&[TABLE])]).await.unwrap();
}

async fn add(connection: &mut impl Connection, id: i64, name: &str) -> Result<(), DbError> {
    let insert = "INSERT INTO people (id, name) VALUES ($1, $2)";
    on_engine!(connection, c => sqlx::query(insert).bind(id).bind(name).execute(c).await.map(drop))?;
    Ok(())
}

async fn count(db: &Db) -> i64 {
    let mut reader: Reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(c).await)
        .unwrap()
}

/// True if `waiter` was woken already.
async fn is_woken(waiter: &Notify) -> bool {
    let mut woken = std::pin::pin!(waiter.notified());
    std::future::poll_fn(|context| std::task::Poll::Ready(woken.as_mut().poll(context).is_ready())).await
}

on_both_engines! {
    migrations = [];

    async fn what_is_committed_stays_and_what_is_not_goes(test: TestDb) {
        let db = &*test;
        prepared(db).await;
        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 1, "ann").await.unwrap();
        assert_eq!(count(db).await, 0, "nobody sees what is not committed");
        tx.commit().await.unwrap();
        assert_eq!(count(db).await, 1);

        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 2, "bob").await.unwrap();
        tx.rollback().await.unwrap();
        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 3, "eve").await.unwrap();
        drop(tx);
        // The writer is free again, so the drop has been undone.
        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 4, "eve").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(db).await, 2);
    }

    async fn waiters_are_woken_by_the_commit_and_not_before(test: TestDb) {
        let db = &*test;
        prepared(db).await;
        let waiter = Arc::new(Notify::new());
        let mut tx = db.begin("probe").await.unwrap();
        tx.wake_on_commit(&waiter);
        tx.wake_on_commit(&waiter);
        assert!(!is_woken(&waiter).await);
        tx.commit().await.unwrap();
        assert!(is_woken(&waiter).await);
        assert!(!is_woken(&waiter).await, "once");

        let mut tx = db.begin("probe").await.unwrap();
        tx.wake_on_commit(&waiter);
        tx.rollback().await.unwrap();
        assert!(!is_woken(&waiter).await);
    }

    async fn a_value_that_is_taken_is_told_apart_and_names_no_value(test: TestDb) {
        prepared(&test).await;
        let mut tx = test.begin("probe").await.unwrap();
        add(&mut tx, 1, "swordfish").await.unwrap();
        let error = add(&mut tx, 2, "swordfish").await.unwrap_err();
        let expected = sql!(&tx, sqlite: "people.name", postgres: "people_name_key");
        assert!(matches!(&error, DbError::Unique { constraint } if constraint == expected), "{error:?}");
        assert!(!error.to_string().contains("swordfish"));
        assert!(!error.is_transient());
    }

    async fn a_reader_cannot_hold_up_a_writer(test: TestDb) {
        let db = &*test;
        prepared(db).await;
        let mut reader = db.reader().await.unwrap();
        let read = on_engine!(&mut reader, c => sqlx::query("SELECT * FROM people").fetch_all(c).await.map(|rows| rows.len()));
        assert_eq!(read.unwrap(), 0);
        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 1, "ann").await.unwrap();
        tx.commit().await.unwrap();
        drop(reader);
        assert_eq!(count(db).await, 1);
    }

    async fn writers_take_turns(test: TestDb) {
        let db = &*test;
        prepared(db).await;
        let write = async |id: i64| {
            let mut tx = db.begin("probe").await.unwrap();
            let before: i64 = on_engine!(&mut tx, c =>
                sqlx::query_scalar("SELECT count(*) FROM people").fetch_one(c).await).unwrap();
            assert!(before < 8);
            add(&mut tx, id, &format!("person {id}")).await.unwrap();
            tx.commit().await.unwrap();
        };
        tokio::join!(write(1), write(2), write(3), write(4), write(5), write(6), write(7), write(8));
        assert_eq!(count(db).await, 8);
    }
}

// Fills the disk as the engine sees it: SQLite may use no more pages; PostgreSQL says so itself.
on_both_engines! {
    migrations = [];

    async fn a_full_disk_is_told_apart_and_nothing_is_half_written(test: TestDb) {
        let db = &*test;
        prepared(db).await;
        let mut tx = db.begin("probe").await.unwrap();
        add(&mut tx, 1, "ann").await.unwrap();
        let filler = sql!(&tx,
            sqlite: "INSERT INTO people (id, name) VALUES (2, hex(zeroblob(1000000)))",
            postgres: "DO $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$");
        if db.engine() == chassis::db::Engine::Sqlite {
            on_engine!(&mut tx, c => sqlx::query("PRAGMA max_page_count = 10").execute(c).await.map(drop)).unwrap();
        }
        let full = on_engine!(&mut tx, c => sqlx::query(filler).execute(c).await.map(drop));
        let error = DbError::from(full.unwrap_err());
        assert!(matches!(error, DbError::Full), "{error:?}");
        assert_eq!(error.to_string(), "the disk that holds the database is full");
        drop(tx);
        assert_eq!(count(db).await, 0);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth.db");
    let text = "this is a letter, not a database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = DbConfig::new(format!("sqlite:{}", path.display()))
        .open()
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DbError::At { source, .. } if matches!(**source, DbError::Corrupt)),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        format!(
            "{}: the database file is damaged or is not a database",
            path.display()
        )
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    for (url, expected) in [
        (
            "sqlite:/nowhere/at/all/auth.db",
            "cannot open the database at /nowhere/at/all/auth.db: ",
        ),
        (
            "postgres://ann:swordfish@127.0.0.1:1/x",
            "cannot open the database at 127.0.0.1:1/x: ",
        ),
        (
            "mysql://ann:swordfish@host/x",
            "cannot open the database at (unreadable URL): expected sqlite:PATH or",
        ),
        (
            "swordfish",
            "cannot open the database at (unreadable URL): expected sqlite:PATH or",
        ),
    ] {
        let config = DbConfig::new(url);
        let error = tokio::time::timeout(Duration::from_secs(20), config.open())
            .await
            .unwrap()
            .unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(
            !format!("{error} {error:?} {config:?}").contains("swordfish"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_server_ends_a_transaction_that_stands_idle() {
    let test = testkit::postgres(&[]).await;
    prepared(&test).await;
    let mut stopped = test.begin("test").await.unwrap();
    let timeout = "SELECT current_setting('idle_in_transaction_session_timeout')";
    let shown: String =
        on_engine!(&mut stopped, c => sqlx::query_scalar(timeout).fetch_one(c).await).unwrap();
    assert_eq!(shown, "30s");
    add(&mut stopped, 1, "ann").await.unwrap();
    // As if 30 seconds had passed.
    let sooner =
        "SELECT pg_backend_pid() FROM set_config('idle_in_transaction_session_timeout', '20ms', true)";
    let pid: i32 = on_engine!(&mut stopped, c => sqlx::query_scalar(sooner).fetch_one(c).await).unwrap();
    eventually("the server ends it", async || {
        let alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
        let mut reader = test.reader().await.unwrap();
        let alive: i64 =
            on_engine!(&mut reader, c => sqlx::query_scalar(alive).bind(pid).fetch_one(c).await).unwrap();
        (alive == 0).then_some(())
    })
    .await;
    let mut other = test.begin("test").await.unwrap();
    add(&mut other, 1, "bob").await.unwrap();
    other.commit().await.unwrap();
    let error = stopped.commit().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_keeps_nobody_from_writing() {
    let db = testkit::sqlite(&[]).await;
    prepared(&db).await;
    let mut tx = db.begin("test").await.unwrap();
    add(&mut tx, 1, "ann").await.unwrap();
    // What SQLite does when the disk is full, behind the driver's back.
    on_engine!(&mut tx, c => sqlx::query("ROLLBACK").execute(c).await.unwrap().rows_affected());
    drop(tx);
    let mut tx = db.begin("test").await.unwrap();
    add(&mut tx, 2, "bob").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
}
