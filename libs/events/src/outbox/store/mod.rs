//! The statements of the outbox's writing side.

pub(in crate::outbox) mod dead_letters;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::{Row, partition_of};

pub(in crate::outbox) async fn insert(tx: &mut Tx, row: &Row<'_>) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload, sequence, schema_version,
                                     traceparent, occurred_at, partition)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        postgres: "INSERT INTO outbox (id, aggregate_type, aggregate_id, type, payload, sequence, schema_version,
                                       traceparent, occurred_at, partition)
                   VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10)",
    );
    on_engine!(tx, c => {
        sqlx::query(statement)
            .bind(row.id)
            .bind(row.aggregate_type)
            .bind(row.aggregate_id)
            .bind(row.kind)
            .bind(&row.payload)
            .bind(row.sequence)
            .bind(row.schema_version)
            .bind(&row.traceparent)
            .bind(row.occurred_at)
            .bind(partition_of(row.aggregate_id))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Inserts rows of one type in one statement, in their order.
pub(in crate::outbox) async fn insert_all(tx: &mut Tx, rows: &[Row<'_>]) -> Result<(), DbError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let statement = sql!(tx,
        sqlite: "INSERT INTO outbox (aggregate_type, type, schema_version, occurred_at,
                                     id, aggregate_id, payload, sequence, traceparent, partition)
                 SELECT $2, $3, $4, $5, unhex(value ->> 0), unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5
                 FROM json_each($1) ORDER BY key",
        postgres: "INSERT INTO outbox (aggregate_type, type, schema_version, occurred_at,
                                       id, aggregate_id, payload, sequence, traceparent, partition)
                   SELECT $2, $3, $4, $5, (value ->> 0)::uuid, (value ->> 1)::uuid, (value ->> 2)::jsonb,
                       (value ->> 3)::bigint, value ->> 4, (value ->> 5)::integer
                   FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS e(value, place) ORDER BY place",
    );
    let list = rows.iter().map(|row| {
        serde_json::json!([
            row.id.simple().to_string(),
            row.aggregate_id.simple().to_string(),
            row.payload,
            row.sequence,
            row.traceparent,
            partition_of(row.aggregate_id),
        ])
    });
    let list = serde_json::Value::from_iter(list).to_string();
    on_engine!(tx, c => {
        sqlx::query(statement)
            .bind(list)
            .bind(first.aggregate_type)
            .bind(first.kind)
            .bind(first.schema_version)
            .bind(first.occurred_at)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The time at which migration 8, which made the table of holes, was applied to a database of an earlier
/// release; nothing where it came with the migration before it. To the second.
pub(in crate::outbox) async fn holes_migrated_at(reader: &mut Reader) -> Result<Option<Timestamp>, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT unixepoch(eighth.installed_on) FROM _migrations_events AS eighth
                 JOIN _migrations_events AS seventh ON seventh.version = 7
                 WHERE eighth.version = 8 AND unixepoch(eighth.installed_on) > unixepoch(seventh.installed_on) + 2",
        postgres: "SELECT CAST(extract(epoch FROM eighth.installed_on) AS BIGINT) FROM _migrations_events AS eighth
                   JOIN _migrations_events AS seventh ON seventh.version = 7
                   WHERE eighth.version = 8 AND eighth.installed_on > seventh.installed_on + interval '2 seconds'",
    );
    let secs: Option<i64> = on_engine!(reader, c => sqlx::query_scalar(statement).fetch_optional(c).await?);
    Ok(secs.map(Timestamp::from_secs))
}

/// Aggregates and the one number that is missing before an event which occurred in between, and is not noted. By the rule
/// of migration 8, whose statement would sort the whole outbox every time.
pub(in crate::outbox) async fn new_holes(
    reader: &mut Reader,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<(Uuid, i64)>, DbError> {
    const HOLES: &str = "SELECT aggregate_id, sequence - 1 FROM outbox AS event
         WHERE aggregate_type = 'account' AND type IN ('vestibule.session.ended.v1', 'vestibule.credential.added.v1')
           AND occurred_at BETWEEN $1 AND $2
           AND NOT EXISTS (SELECT 1 FROM outbox AS missing
               WHERE missing.aggregate_id = event.aggregate_id AND missing.sequence = event.sequence - 1)
           AND EXISTS (SELECT 1 FROM outbox AS earlier
               WHERE earlier.aggregate_id = event.aggregate_id AND earlier.sequence = event.sequence - 2)
           AND NOT EXISTS (SELECT 1 FROM outbox_holes AS noted
               WHERE noted.aggregate_id = event.aggregate_id AND noted.sequence = event.sequence - 1)";
    Ok(on_engine!(reader, c => sqlx::query_as(HOLES).bind(from).bind(to).fetch_all(c).await?))
}

/// Notes that no event ever had this number.
pub(in crate::outbox) async fn note_hole(tx: &mut Tx, aggregate: Uuid, sequence: i64) -> Result<(), DbError> {
    const NOTE: &str =
        "INSERT INTO outbox_holes (aggregate_id, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    on_engine!(tx, c => sqlx::query(NOTE).bind(aggregate).bind(sequence).execute(c).await.map(drop)?);
    Ok(())
}

/// Continues after a restoration: positions `leaves_out` further, and new aggregates at versions `raises_by` higher.
pub(crate) async fn renumber(tx: &mut Tx, leaves_out: i64, raises_by: i64) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE outbox_feed SET stopped_at = last, resumed_after = last + $1, last = last + $1,
                 first_sequence = first_sequence + $2")
            .bind(leaves_out)
            .bind(raises_by)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The version with which an aggregate begins whose id may have been used before a restoration: 1 without one.
///
/// # Errors
/// When the database fails.
pub async fn first_sequence(connection: &mut impl Connection) -> Result<i64, DbError> {
    let statement = "SELECT first_sequence FROM outbox_feed";
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}
