//! Tests of migrations, of the compatibility with newer and older programs, and of a startup that waits for the schema.

use std::borrow::Cow;

use chassis::db::{Db, DbConfig, DbError, Migrations, Tx};
use chassis::health::Health;
use chassis::service::wait_for_schema;
use chassis::shutdown::Shutdown;
use chassis::{on_engine, sql};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use testkit::{eventually, on_both_engines};

use super::{TABLE, add, count, prepared};

/// A set with these statements, each a migration.
pub(super) fn migrations(statements: &[&'static str]) -> Migrations {
    let files = || {
        let migration = |(number, text): (i64, &&'static str)| {
            let text = sqlx::SqlSafeStr::into_sql_str(*text);
            Migration::new(
                number,
                Cow::Borrowed("a step"),
                MigrationType::Simple,
                text,
                false,
            )
        };
        Migrator::with_migrations((1..).zip(statements).map(migration).collect())
    };
    Migrations {
        name: "probe",
        sqlite: files(),
        postgres: files(),
    }
}

/// The newest migration in the database, and the one that a program has to know.
async fn newest(db: &Db, set: &Migrations) -> (i64, i64) {
    let levels = db.schema_levels("here", &[set]).await.unwrap();
    (levels[0].newest, levels[0].oldest)
}

on_both_engines! {
    migrations = [];

    async fn a_newer_database_is_accepted_until_a_migration_shuts_older_programs_out(test: TestDb) {
        let db = &*test;
        let old = migrations(&[TABLE]);
        let wider = migrations(&[TABLE, "ALTER TABLE people ADD COLUMN age BIGINT"]);
        db.migrate("here", &[&wider]).await.unwrap();
        // The version before starts on it, and leaves it as it is.
        db.migrate("here", &[&old]).await.unwrap();
        assert_eq!(db.missing_schema("here", &[&old]).await.unwrap(), None);
        assert_eq!(newest(db, &old).await, (2, 0));

        let narrower = [TABLE, "ALTER TABLE people ADD COLUMN age BIGINT",
            "ALTER TABLE people DROP COLUMN age; UPDATE _migrations_compatible SET oldest = 2 WHERE name = 'probe'"];
        db.migrate("here", &[&migrations(&narrower)]).await.unwrap();
        db.migrate("here", &[&wider]).await.unwrap();
        let error = db.migrate("here", &[&old]).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database at here was changed by a newer version, and asks for programs that know migration 2 of probe; \
             this one knows 1: start a newer version, or restore a backup"
        );
        assert!(matches!(db.missing_schema("here", &[&old]).await, Err(DbError::Newer { .. })));
        assert_eq!(newest(db, &old).await, (3, 2));
    }

    async fn a_set_that_may_not_be_migrated_keeps_the_others_from_it(test: TestDb) {
        let db = &*test;
        let mut other = migrations(&["CREATE TABLE more (id BIGINT)"]);
        other.name = "other";
        let shut = migrations(&[TABLE, "UPDATE _migrations_compatible SET oldest = 2 WHERE name = 'probe'"]);
        db.migrate("here", &[&shut]).await.unwrap();
        assert!(db.migrate("here", &[&other, &migrations(&[TABLE])]).await.is_err());
        assert_eq!(db.missing_schema("here", &[&other]).await.unwrap().as_deref(), Some("migration 1 of other"));
    }

    async fn what_a_database_lacks_is_named_and_nothing_is_written(test: TestDb) {
        let db = &*test;
        let set = migrations(&[TABLE, "CREATE TABLE more (id BIGINT)"]);
        assert_eq!(db.missing_schema("here", &[&set]).await.unwrap().as_deref(), Some("migration 1 of probe"));
        assert_eq!(db.missing_schema("here", &[&set]).await.unwrap().as_deref(), Some("migration 1 of probe"));
        prepared(db).await;
        assert_eq!(db.missing_schema("here", &[&set]).await.unwrap().as_deref(), Some("migration 2 of probe"));
        db.migrate("here", &[&set]).await.unwrap();
        assert_eq!(db.missing_schema("here", &[&set]).await.unwrap(), None);
        let changed = migrations(&["CREATE TABLE people (id BIGINT)"]);
        assert!(matches!(db.missing_schema("here", &[&changed]).await, Err(DbError::Migrate { .. })));
    }

    async fn a_start_without_the_right_to_migrate_waits_and_says_for_what(test: TestDb) {
        let config = DbConfig { migrate: false, ..DbConfig::new(test.url()) };
        let (health, shutdown) = (Health::new(), Shutdown::new());
        let set = migrations(&[TABLE]);
        let sets = [&set];
        let start = wait_for_schema(&test, &config, &sets, &health, &shutdown);
        let migrate = async {
            eventually("it waits", async || (health.missing() == ["start", "schema"]).then_some(())).await;
            test.migrate("here", &[&set]).await.unwrap();
        };
        let (started, ()) = tokio::join!(start, migrate);
        assert!(started.unwrap());
        assert_eq!(health.missing(), ["start"]);

        let more = migrations(&[TABLE, "CREATE TABLE more (id BIGINT)"]);
        shutdown.begin();
        assert!(!wait_for_schema(&test, &config, &[&more], &health, &shutdown).await.unwrap());
    }

    async fn a_start_that_waits_for_the_migration_of_another_can_be_ended(test: TestDb) {
        // As another replica holds it: PostgreSQL's lock of migrations, SQLite's one writer.
        let other = test.another().await;
        let mut held = other.begin("held").await.unwrap();
        let lock = sql!(&held, sqlite: "SELECT 1", postgres: "SELECT 1 FROM pg_advisory_xact_lock(94855750764866)");
        on_engine!(&mut held, c => sqlx::query(lock).execute(c).await.map(drop).unwrap());
        let config = DbConfig::new(test.url());
        let (health, shutdown) = (Health::new(), Shutdown::new());
        let set = migrations(&[TABLE]);
        shutdown.begin();
        let started = wait_for_schema(&test, &config, &[&set], &health, &shutdown).await;
        assert!(!started.unwrap(), "it goes on although it was told to end");
        held.rollback().await.unwrap();
    }

    async fn a_migration_that_fails_leaves_nothing_behind(test: TestDb) {
        let db = &*test;
        let broken = migrations(&[TABLE, "CREATE TABLE half (id BIGINT); INSERT INTO nowhere VALUES (1)"]);
        let error = db.migrate("here", &[&broken]).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot bring the database at here up to date: "), "{error}");
        assert!(error.contains("nowhere"), "{error}");
        let good = migrations(&[TABLE, "CREATE TABLE half (id BIGINT)"]);
        db.migrate("here", &[&good]).await.unwrap();
    }

    async fn a_migration_that_was_changed_is_refused(test: TestDb) {
        prepared(&test).await;
        let changed = migrations(&["CREATE TABLE people (id BIGINT)"]);
        let error = test.migrate("here", &[&changed]).await.unwrap_err();
        assert!(matches!(&error, DbError::Migrate { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_together_migrate_once() {
    let test = testkit::postgres(&[]).await;
    let set = migrations(&[TABLE, "INSERT INTO people VALUES (1, 'made by a migration')"]);
    let replicas = [
        test.another().await,
        test.another().await,
        test.another().await,
        test.another().await,
    ];
    let started = replicas
        .iter()
        .map(|replica| async { replica.migrate("here", &[&set]).await });
    for outcome in futures_util::future::join_all(started).await {
        outcome.unwrap();
    }
    assert_eq!(count(&test).await, 1);
}

async fn run(tx: &mut Tx, statement: &'static str) {
    on_engine!(tx, c => sqlx::query(statement).execute(c).await.map(drop).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_and_a_transaction_at_work_never_wait_for_each_other() {
    let test = testkit::postgres(&[]).await;
    let db = &*test;
    let old = [TABLE, "CREATE TABLE pets (id BIGINT PRIMARY KEY, age BIGINT)"];
    db.migrate("here", &[&migrations(&old)]).await.unwrap();
    let mut tx = db.begin("filling").await.unwrap();
    add(&mut tx, 1, "ann").await.unwrap();
    run(&mut tx, "INSERT INTO pets VALUES (1, 1)").await;
    tx.commit().await.unwrap();

    // Each a transaction that locked a table, and uses one that the migration has locked meanwhile.
    let steps = [
        "CREATE TABLE more (id BIGINT REFERENCES people (id)); ALTER TABLE people ADD COLUMN size BIGINT",
        "ALTER TABLE people ADD COLUMN weight BIGINT; ALTER TABLE pets ADD COLUMN weight BIGINT",
        "ALTER TABLE pets ADD COLUMN size BIGINT; CREATE INDEX people_size ON people (size)",
    ];
    for (known, (first, then)) in [
        (
            "SELECT id FROM people FOR UPDATE",
            "UPDATE people SET name = 'bob'",
        ),
        ("UPDATE pets SET age = 2", "UPDATE people SET name = 'eve'"),
        ("UPDATE people SET name = 'joe'", "UPDATE pets SET age = 3"),
    ]
    .into_iter()
    .enumerate()
    {
        let text: Vec<&'static str> = old.into_iter().chain(steps.into_iter().take(known + 1)).collect();
        let set = migrations(&text);
        let work = async {
            let mut tx = db.begin("work").await.unwrap();
            run(&mut tx, first).await;
            test.wait_for_lock_waiter().await;
            run(&mut tx, then).await;
            tx.commit().await.unwrap();
        };
        let other = test.another().await;
        let sets = [&set];
        let migrate = async {
            // After the first statement.
            eventually("a transaction is at work", async || {
                let mut reader = db.reader().await.unwrap();
                let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
                let found: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(open).fetch_one(c).await).unwrap();
                (found > 0).then_some(())
            })
            .await;
            other.migrate("here", &sets).await
        };
        let ((), migrated) = tokio::join!(work, migrate);
        migrated.unwrap();
    }
    assert_eq!(count(db).await, 1);
}

#[tokio::test]
async fn one_connection_is_enough_to_be_allowed() {
    let test = testkit::postgres(&[]).await;
    let config = DbConfig {
        max_connections: 1,
        ..DbConfig::new(test.url())
    };
    prepared(&config.open().await.unwrap()).await;
}
