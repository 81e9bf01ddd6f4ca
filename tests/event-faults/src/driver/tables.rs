//! Queries of the databases of a world.

use std::collections::BTreeMap;

use chassis::db::{DbError, Engine};
use chassis::on_engine;
use testkit::TestDb;
use uuid::Uuid;

use crate::checker::{Change, Person};
use crate::worker;

pub(super) async fn number(db: &TestDb, statement: &'static str) -> Result<i64, DbError> {
    let mut reader = db.reader().await?;
    Ok(on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

pub(super) async fn people(db: &TestDb) -> Result<BTreeMap<Uuid, Person>, DbError> {
    let mut reader = db.reader().await?;
    let rows: Vec<(Uuid, i64, Uuid, bool)> = on_engine!(&mut reader, c => sqlx::query_as(
        "SELECT id, version, nonce, deleted FROM people").fetch_all(c).await?);
    let person = |(id, version, nonce, deleted)| {
        let person = Person {
            version,
            nonce,
            deleted,
        };
        (id, person)
    };
    Ok(rows.into_iter().map(person).collect())
}

pub(super) async fn applied(db: &TestDb) -> Result<Vec<Change>, DbError> {
    let mut reader = db.reader().await?;
    let rows: Vec<(Uuid, i64, Uuid, Uuid)> = on_engine!(&mut reader, c => sqlx::query_as(
        "SELECT person, version, event, nonce FROM applied ORDER BY number").fetch_all(c).await?);
    let change = |(person, version, event, nonce)| Change {
        person,
        version,
        event,
        nonce,
    };
    Ok(rows.into_iter().map(change).collect())
}

/// The outbox, whose payloads say which transaction wrote them.
pub(super) async fn committed(db: &TestDb) -> anyhow::Result<Vec<Change>> {
    let mut reader = db.reader().await?;
    let rows: Vec<(Uuid, i64, Uuid, String)> = match db.engine() {
        Engine::Sqlite => on_engine!(&mut reader, c => sqlx::query_as(
            "SELECT aggregate_id, sequence, id, payload FROM outbox WHERE aggregate_type = 'person' ORDER BY number")
            .fetch_all(c).await?),
        Engine::Postgres => on_engine!(&mut reader, c => sqlx::query_as(
            "SELECT aggregate_id, sequence, id, payload::text FROM outbox WHERE aggregate_type = 'person' ORDER BY number")
            .fetch_all(c).await?),
    };
    rows.into_iter()
        .map(|(person, version, event, payload)| {
            Ok(Change {
                person,
                version,
                event,
                nonce: worker::nonce(&payload)?,
            })
        })
        .collect()
}
