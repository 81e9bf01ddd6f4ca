//! The statements of the outbox's writing side.

use chassis::db::{DbError, Tx};
use chassis::{on_engine, sql};

use super::{Row, partition_of};

pub(super) async fn insert(tx: &mut Tx, row: &Row<'_>) -> Result<(), DbError> {
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
