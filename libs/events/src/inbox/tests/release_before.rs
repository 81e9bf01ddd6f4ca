//! The release before beside this one: it knows where a consumer reads as one text, and restorations as rows `@restored`.

use chassis::db::Migrations;
use chassis::on_engine;
use sqlx::migrate::Migrator;

use super::super::bootstrap_marker::{Marker, after_restore, is_of_restored, withdraw_all};
use super::*;
use crate::restoration_steps::{self, RestorationStep};
use crate::restore::{is_catching_up, note_catching_up, note_caught_up};

/// The migration that gave the text its columns.
const COLUMNS: i64 = 10;

/// The tables as the release before made them.
fn migrations_before() -> &'static Migrations {
    let before = |files: &Migrator| {
        Migrator::with_migrations(
            files
                .iter()
                .filter(|file| file.version < COLUMNS)
                .cloned()
                .collect(),
        )
    };
    Box::leak(Box::new(Migrations {
        name: crate::MIGRATIONS.name,
        sqlite: before(&crate::MIGRATIONS.sqlite),
        postgres: before(&crate::MIGRATIONS.postgres),
    }))
}

async fn run(db: &Db, statement: &'static str) -> u64 {
    let mut tx = db.begin("test").await.unwrap();
    let rows = on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.unwrap().rows_affected());
    tx.commit().await.unwrap();
    rows
}

type PositionRow = (String, Option<String>, Option<String>, Option<String>, i64);

async fn rows(db: &Db) -> Vec<PositionRow> {
    let statement =
        "SELECT consumer, name, transport, namespace, position FROM consumer_positions ORDER BY consumer";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(statement).fetch_all(c).await.unwrap())
}

fn row(text: &str, columns: Option<(&str, &str, &str)>, position: i64) -> PositionRow {
    let column = |choose: fn((&str, &str, &str)) -> String| columns.map(choose);
    (
        text.to_owned(),
        column(|columns| columns.0.to_owned()),
        column(|columns| columns.1.to_owned()),
        column(|columns| columns.2.to_owned()),
        position,
    )
}

async fn steps(db: &Db) -> Vec<(String, i64)> {
    let statement = "SELECT step, restored_at FROM restoration_steps ORDER BY step";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(statement).fetch_all(c).await.unwrap())
}

/// The statements with which the release before writes.
const OLD_POSITION: &str =
    "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ('tests', 7, 1)";
const OLD_MARKER: &str =
    "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ('tests@kafka@1f0c', -1, 2)";
const OLD_NOTE: &str =
    "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ('@restored', -1, 3)";
const OLD_CATCHING_UP: &str = "INSERT INTO reconciliations (consumer, started_at) VALUES ('@restored', 4)";
/// And how it sets a marker over RabbitMQ, without the insertion.
const OLD_SET: &str = "DELETE FROM consumer_positions WHERE consumer <> 'tests@rabbitmq@2'
    AND (consumer IN ('tests', '@restored') OR substr(consumer, 1, 6) = 'tests@')";

testkit::on_both_engines! {
    migrations = [];

    async fn the_columns_are_filled_from_the_text_and_steps_from_the_notes(db: TestDb) {
        db.migrate("test", &[migrations_before()]).await.unwrap();
        for statement in [OLD_POSITION, OLD_MARKER, OLD_NOTE, OLD_CATCHING_UP] {
            run(&db, statement).await;
        }
        db.migrate("test", &[&crate::MIGRATIONS]).await.unwrap();
        assert_eq!(rows(&db).await, [
            row("@restored", None, -1),
            row("tests", Some(("tests", "feed", "")), 7),
            row("tests@kafka@1f0c", Some(("tests", "kafka", "1f0c")), -1),
        ]);
        assert_eq!(steps(&db).await, [("read_feed".to_owned(), 3), ("reconcile".to_owned(), 4)]);
    }

    async fn what_it_writes_after_the_migration_is_found(db: TestDb) {
        db.migrate("test", &[&crate::MIGRATIONS]).await.unwrap();
        for statement in [OLD_POSITION, OLD_MARKER, OLD_NOTE, OLD_CATCHING_UP] {
            run(&db, statement).await;
        }
        assert_eq!(inbox(&db, Effects::new(|_| Ok(()))).position().await.unwrap(), Some(7));
        assert!(is_of_restored(&db).await.unwrap());
        assert!(is_catching_up(&mut db.reader().await.unwrap()).await.unwrap());

        let marker = Marker::of("tests", "rabbitmq", "here");
        marker.set(&db, clock().now()).await.unwrap();
        let left = rows(&db).await;
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].2.as_deref(), Some("rabbitmq"));
        assert!(marker.has_begun(&db).await.unwrap());
        let mut tx = db.begin("test").await.unwrap();
        note_caught_up(&mut tx).await.unwrap();
        assert!(!is_catching_up(&mut tx).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn its_markers_go_when_the_consumer_reads_the_feed_and_at_a_restoration(db: TestDb) {
        db.migrate("test", &[&crate::MIGRATIONS]).await.unwrap();
        for statement in [OLD_POSITION, OLD_MARKER, OLD_NOTE] {
            run(&db, statement).await;
        }
        withdraw_all(&db, "tests").await.unwrap();
        assert_eq!(rows(&db).await, [row("tests", Some(("tests", "feed", "")), 7)]);
        assert!(!is_of_restored(&db).await.unwrap());

        run(&db, OLD_MARKER).await;
        let mut tx = db.begin("test").await.unwrap();
        after_restore(&mut tx, chassis::clock::Timestamp::from_micros(9)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(rows(&db).await, [row("@restored", None, -1), row("tests", Some(("tests", "feed", "")), 7)]);
        assert_eq!(steps(&db).await, [("read_feed".to_owned(), 9)]);
    }

    async fn it_finds_what_this_release_writes(db: TestDb) {
        db.migrate("test", &[&crate::MIGRATIONS]).await.unwrap();
        Marker::of("tests", "kafka", "here").set(&db, clock().now()).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        restoration_steps::note(&mut tx, RestorationStep::ReadFeed, clock().now()).await.unwrap();
        note_catching_up(&mut tx, clock().now()).await.unwrap();
        tx.commit().await.unwrap();
        let texts: Vec<String> = rows(&db).await.into_iter().map(|row| row.0).collect();
        assert!(texts[0] == "@restored" && texts[1].starts_with("tests@kafka@"), "{texts:?}");
        assert_eq!(run(&db, "UPDATE reconciliations SET started_at = 1 WHERE consumer = '@restored'").await, 1);
        assert_eq!(run(&db, OLD_SET).await, 2, "it begins in another broker");
        assert!(!Marker::of("tests", "kafka", "here").has_begun(&db).await.unwrap());
        assert!(!is_of_restored(&db).await.unwrap(), "it has read the feed");
        assert_eq!(run(&db, "DELETE FROM reconciliations WHERE consumer = '@restored'").await, 1);
        assert!(!is_catching_up(&mut db.reader().await.unwrap()).await.unwrap(), "it has compared");
        let marker = Marker::of("tests", "kafka", "here");
        marker.set(&db, clock().now()).await.unwrap();
        assert!(marker.has_begun(&db).await.unwrap());
    }
}
