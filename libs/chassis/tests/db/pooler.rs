//! Tests of PostgreSQL behind PgBouncer in transaction mode.

use chassis::db::{Connection, Db, DbConfig, Handle, Pooling};
use chassis::on_engine;
use chassis::secret::SecretString;
use futures_util::future::join_all;
use testkit::{Pooler, TestDb, eventually};

use super::schema::migrations;
use super::{TABLE, add, count, prepared};

async fn opened(url: &str) -> Db {
    DbConfig::new(url).open().await.unwrap()
}

fn has_sessions(db: &Db) -> bool {
    match db {
        Db::Postgres(server) => server.has_sessions(),
        Db::Sqlite { .. } => unreachable!("these databases are PostgreSQL"),
    }
}

async fn behind(size: u16) -> (TestDb, Pooler, String) {
    let test = testkit::postgres(&[]).await;
    let pooler = Pooler::start(size).await;
    let url = pooler.url(test.url());
    (test, pooler, url)
}

#[tokio::test]
async fn a_pooler_is_found_out_and_a_setting_says_otherwise() {
    let (test, _pooler, pooled) = behind(2).await;
    for (url, pooling, sessions) in [
        (test.url(), Pooling::Auto, true),
        (&pooled, Pooling::Auto, false),
        (test.url(), Pooling::Transaction, false),
        (&pooled, Pooling::Session, true),
    ] {
        let config = DbConfig {
            pooling,
            ..DbConfig::new(url)
        };
        let db = config.open().await.unwrap();
        assert_eq!(has_sessions(&db), sessions, "{pooling:?}");
        db.close().await;
    }
}

#[tokio::test]
async fn replicas_that_share_the_connections_of_a_pooler_do_not_share_statements() {
    let (test, _pooler, url) = behind(2).await;
    prepared(&opened(&url).await).await;
    let replicas = join_all((0..6).map(|_| opened(&url))).await;
    // The driver counts its statements from one on every connection: the same number is another statement on each.
    let work = async |number: i64, db: &Db| {
        for step in 0..20 {
            let id = number * 100 + step;
            let mut tx = db.begin("test").await.unwrap();
            for _ in 0..number {
                on_engine!(&mut tx, c => sqlx::query("SELECT 1").execute(c).await.unwrap().rows_affected());
            }
            add(&mut tx, id, &format!("person {id}")).await.unwrap();
            tx.commit().await.unwrap();
            let mut reader = db.reader().await.unwrap();
            let name = "SELECT name FROM people WHERE id = $1";
            let name: String =
                on_engine!(&mut reader, c => sqlx::query_scalar(name).bind(id).fetch_one(c).await.unwrap());
            assert_eq!(name, format!("person {id}"));
        }
    };
    join_all((0..).zip(&replicas).map(|(number, db)| work(number, db))).await;
    assert_eq!(count(&test).await, 6 * 20);
    no_names_are_left(&replicas[0]).await;
}

async fn no_names_are_left(db: &Db) {
    let mut reader = db.reader().await.unwrap();
    let left = "SELECT count(*) FROM pg_prepared_statements WHERE name <> ''";
    let left: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(left).fetch_one(c).await.unwrap());
    assert_eq!(
        left, 0,
        "no statement stays in a session that belongs to others a moment later"
    );
}

#[tokio::test]
async fn one_connection_migrates_again_and_again_and_leaves_no_names() {
    // The lock, and what looks at the schema meanwhile.
    let (_test, _pooler, url) = behind(2).await;
    let db = opened(&url).await;
    let steps = [
        TABLE,
        "ALTER TABLE people ADD COLUMN age BIGINT",
        "CREATE INDEX people_age ON people (age)",
    ];
    for known in [1, 2, 3, 3] {
        db.migrate("here", &[&migrations(&steps[..known])]).await.unwrap();
        no_names_are_left(&db).await;
    }
    let broken = [&steps[..], &["ALTER TABLE nowhere ADD COLUMN age BIGINT"]].concat();
    for _ in 0..2 {
        db.migrate("here", &[&migrations(&broken)]).await.unwrap_err();
        for _ in 0..2 {
            no_names_are_left(&db).await;
        }
    }
    let mended = [&steps[..], &["ALTER TABLE people ADD COLUMN town TEXT"]].concat();
    db.migrate("here", &[&migrations(&mended)]).await.unwrap();
}

#[tokio::test]
async fn replicas_that_start_together_migrate_through_a_pooler_one_after_the_other() {
    // Fewer than those who wait for their turn.
    let (test, _pooler, url) = behind(2).await;
    let steps = [
        TABLE,
        "ALTER TABLE people ADD COLUMN age BIGINT",
        "CREATE INDEX people_age ON people (age)",
    ];
    for known in [1, 2, 3] {
        let set = migrations(&steps[..known]);
        let replicas = join_all((0..5).map(|_| opened(&url))).await;
        let migrated = join_all(
            replicas
                .iter()
                .map(|db| async { db.migrate("here", &[&set]).await }),
        )
        .await;
        assert!(migrated.iter().all(Result::is_ok), "{migrated:?}");
        assert_eq!(test.missing_schema("here", &[&set]).await.unwrap(), None);
    }
    // The same over the way around it, which finds nothing left to do.
    let config = DbConfig {
        direct_url: Some(SecretString::from(test.url())),
        ..DbConfig::new(&url)
    };
    let db = config.open().await.unwrap();
    db.migrate("here", &[&migrations(&steps)]).await.unwrap();
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_behind_through_a_pooler_either() {
    let (test, _pooler, url) = behind(2).await;
    let db = opened(&url).await;
    let broken = migrations(&[TABLE, "ALTER TABLE nowhere ADD COLUMN age BIGINT"]);
    db.migrate("here", &[&broken]).await.unwrap_err();
    let mut reader = test.reader().await.unwrap();
    let there = "SELECT to_regclass('people') IS NOT NULL";
    let there: bool = on_engine!(&mut reader, c => sqlx::query_scalar(there).fetch_one(c).await.unwrap());
    assert!(!there);
    prepared(&db).await;
}

#[tokio::test]
async fn notifications_are_heard_over_the_way_around_a_pooler_and_not_through_it() {
    let (test, _pooler, url) = behind(2).await;
    let Db::Postgres(pooled) = opened(&url).await else {
        panic!("this is PostgreSQL")
    };
    assert!(pooled.listener().await.unwrap().is_none());
    let config = DbConfig {
        direct_url: Some(SecretString::from(test.url())),
        ..DbConfig::new(&url)
    };
    let db = config.open().await.unwrap();
    let Db::Postgres(server) = &db else {
        panic!("this is PostgreSQL")
    };
    let mut listener = server.listener().await.unwrap().unwrap();
    listener.listen("news").await.unwrap();
    let mut tx = db.begin("test").await.unwrap();
    let Handle::Postgres(session) = tx.handle() else {
        panic!("this is PostgreSQL")
    };
    sqlx::query("SELECT pg_notify('news', 'here')")
        .execute(session)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let heard = listener.recv().await.unwrap();
    assert_eq!(heard.payload(), "here");
}

#[tokio::test]
async fn a_transaction_that_is_dropped_is_undone_before_another_gets_the_connection() {
    let (test, _pooler, url) = behind(1).await;
    prepared(&test).await;
    let db = opened(&url).await;
    let mut tx = db.begin("test").await.unwrap();
    add(&mut tx, 1, "ann").await.unwrap();
    drop(tx);
    eventually("nothing of it is there", async || {
        (count(&db).await == 0).then_some(())
    })
    .await;
    let mut tx = db.begin("test").await.unwrap();
    add(&mut tx, 1, "bob").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
}
