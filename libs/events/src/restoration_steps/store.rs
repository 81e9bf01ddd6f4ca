//! The statements of `restoration_steps`.
//!
//! The release before has a row `@restored` instead, of `consumer_positions` or of `reconciliations`. While it may run beside
//! this one, both are written and both are deleted, and the row says whether a step is pending: that release deletes it alone
//! when it has finished a step. A later release deletes steps without their row, reads the table, and drops the rows.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;

use super::RestorationStep;

/// The row of the release before.
const RESTORED: &str = "@restored";

/// True if the step is still to be done.
pub(crate) async fn is_pending(
    connection: &mut impl Connection,
    step: RestorationStep,
) -> Result<bool, DbError> {
    let statement = match step {
        RestorationStep::ReadFeed => "SELECT EXISTS (SELECT 1 FROM consumer_positions WHERE consumer = $1)",
        RestorationStep::Reconcile => "SELECT EXISTS (SELECT 1 FROM reconciliations WHERE consumer = $1)",
    };
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement)
        .bind(RESTORED)
        .fetch_one(c)
        .await?))
}

/// Notes that there is something to do.
pub(crate) async fn note(tx: &mut Tx, step: RestorationStep, restored_at: Timestamp) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO restoration_steps (step, restored_at) VALUES ($1, $2)
         ON CONFLICT (step) DO UPDATE SET restored_at = excluded.restored_at";
    let before = match step {
        RestorationStep::ReadFeed => {
            "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ($1, -1, $2)
             ON CONFLICT (consumer) DO UPDATE SET updated_at = excluded.updated_at"
        }
        RestorationStep::Reconcile => {
            "INSERT INTO reconciliations (consumer, started_at) VALUES ($1, $2)
             ON CONFLICT (consumer) DO UPDATE SET started_at = excluded.started_at"
        }
    };
    on_engine!(tx, c => {
        sqlx::query(NOTE).bind(step.as_str()).bind(restored_at).execute(&mut *c).await?;
        sqlx::query(before).bind(RESTORED).bind(restored_at).execute(c).await?;
    });
    Ok(())
}

/// Notes that a step is done.
pub(crate) async fn finish(tx: &mut Tx, step: RestorationStep) -> Result<(), DbError> {
    let before = match step {
        RestorationStep::ReadFeed => "DELETE FROM consumer_positions WHERE consumer = $1",
        RestorationStep::Reconcile => "DELETE FROM reconciliations WHERE consumer = $1",
    };
    on_engine!(tx, c => {
        sqlx::query("DELETE FROM restoration_steps WHERE step = $1").bind(step.as_str()).execute(&mut *c).await?;
        sqlx::query(before).bind(RESTORED).execute(c).await?;
    });
    Ok(())
}
