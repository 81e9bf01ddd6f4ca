//! The statements of `consumer_positions`: where each consumer reads, in a feed or in a broker.
//!
//! The release before knows one text instead of the columns `name`, `transport` and `namespace`. While it may run beside
//! this one, the text is written too, it is what rows are found by, and what that release wrote is
//! [completed](complete_rows) before rows are chosen by their columns. A later release drops the text.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::{on_engine, sql};

use crate::inbox::Step;

/// The position of a consumer that has not begun, or whose position the broker keeps.
pub(in crate::inbox) const NOWHERE: i64 = -1;

/// The value of the column `transport` for a consumer of the feed.
const FEED: &str = "feed";

/// The key of the row with the position of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inbox) struct PositionKey {
    consumer: &'static str,
    transport: String,
    namespace: String,
}

impl PositionKey {
    /// The feed.
    pub(in crate::inbox) fn feed(consumer: &'static str) -> Self {
        Self {
            consumer,
            transport: FEED.to_owned(),
            namespace: String::new(),
        }
    }

    /// A place in a broker, by its hash.
    pub(in crate::inbox) fn broker(consumer: &'static str, transport: &str, namespace: String) -> Self {
        Self {
            consumer,
            transport: transport.to_owned(),
            namespace,
        }
    }

    /// The text by which the release before knows the row.
    fn text(&self) -> String {
        match self.transport.as_str() {
            FEED => self.consumer.to_owned(),
            transport => format!("{}@{transport}@{}", self.consumer, self.namespace),
        }
    }
}

/// The position of a row, if it is there.
pub(in crate::inbox) async fn find(
    connection: &mut impl Connection,
    key: &PositionKey,
) -> Result<Option<i64>, DbError> {
    let statement = "SELECT position FROM consumer_positions WHERE consumer = $1";
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).bind(key.text()).fetch_optional(c).await?))
}

/// Moves a consumer of the feed from one position to another. Answers no if it is elsewhere. Until the transaction ends, no
/// other replica can move it.
pub(in crate::inbox) async fn advance(
    tx: &mut Tx,
    consumer: &'static str,
    step: Step,
    now: Timestamp,
) -> Result<bool, DbError> {
    let moved = on_engine!(tx, c => sqlx::query(
            "UPDATE consumer_positions SET position = $3, updated_at = $4 WHERE consumer = $1 AND position = $2")
        .bind(PositionKey::feed(consumer).text())
        .bind(step.from)
        .bind(step.to)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(moved == 1)
}

/// Makes sure that there is a row to lock, and answers its position.
pub(in crate::inbox) async fn ensure_row(
    tx: &mut Tx,
    key: &PositionKey,
    now: Timestamp,
) -> Result<i64, DbError> {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO consumer_positions (consumer, name, transport, namespace, position, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
            .bind(key.text())
            .bind(key.consumer)
            .bind(&key.transport)
            .bind(&key.namespace)
            .bind(NOWHERE)
            .bind(now)
            .execute(c)
            .await?;
    });
    Ok(find(tx, key).await?.unwrap_or(NOWHERE))
}

/// Deletes a row.
pub(in crate::inbox) async fn delete(tx: &mut Tx, key: &PositionKey) -> Result<(), DbError> {
    let statement = "DELETE FROM consumer_positions WHERE consumer = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(key.text()).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes the rows of a consumer but one: it reads nowhere else.
pub(in crate::inbox) async fn delete_others(tx: &mut Tx, key: &PositionKey) -> Result<(), DbError> {
    complete_rows(tx).await?;
    on_engine!(tx, c => {
        sqlx::query(
            "DELETE FROM consumer_positions WHERE name = $1 AND NOT (transport = $2 AND namespace = $3)")
            .bind(key.consumer)
            .bind(&key.transport)
            .bind(&key.namespace)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Deletes the rows of all consumers of brokers.
pub(in crate::inbox) async fn delete_broker_rows(tx: &mut Tx) -> Result<(), DbError> {
    complete_rows(tx).await?;
    let statement = "DELETE FROM consumer_positions WHERE transport <> $1";
    on_engine!(tx, c => sqlx::query(statement).bind(FEED).execute(c).await.map(drop)?);
    Ok(())
}

/// Fills the columns of rows that the release before wrote: the statement of migration 10. Rows that begin with `@` are no
/// consumers, but [steps of a restoration](crate::restoration_steps).
async fn complete_rows(tx: &mut Tx) -> Result<(), DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE consumer_positions
                 SET (name, transport, namespace) = (
                     SELECT substr(key.text, 1, key.first - 1),
                            CASE key.rest WHEN '' THEN 'feed' ELSE substr(key.rest, 1, instr(key.rest, '@') - 1) END,
                            substr(key.rest, instr(key.rest, '@') + 1)
                     FROM (SELECT consumer AS text, instr(consumer || '@', '@') AS first,
                                  substr(consumer, instr(consumer || '@', '@') + 1) AS rest) AS key)
                 WHERE name IS NULL AND consumer NOT LIKE '@%'",
        postgres: "UPDATE consumer_positions
                   SET name = split_part(consumer, '@', 1),
                       transport = coalesce(nullif(split_part(consumer, '@', 2), ''), 'feed'),
                       namespace = split_part(consumer, '@', 3)
                   WHERE name IS NULL AND consumer NOT LIKE '@%'",
    );
    on_engine!(tx, c => sqlx::query(statement).execute(c).await.map(drop)?);
    Ok(())
}
