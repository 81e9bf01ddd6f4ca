//! What follows from the restoration of a service's database from a backup.
//!
//! The database knows less than it has told: positions and versions that were given out after the backup are unknown to
//! it, and others remember them. So both go on far above whatever can have been given out. Followers of the feed that
//! stand beyond what is known here are told that their place is gone, and begin with a snapshot; what the snapshot and later
//! events say has higher versions than anything said before, and is taken.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Reader, Tx};
use chassis::on_engine;
use uuid::Uuid;

use crate::inbox::RESTORED;

/// What every version is raised by, and again for each second since the backup, so that a second restoration of the same backup
/// goes above the first. More changes of one aggregate are not thinkable.
const RAISED_BY: i64 = 1_000_000;
/// Positions that are left out at least.
const LEFT_OUT: i64 = 1_000_000_000;
/// And for each second since the backup: more events than any service publishes.
const LEFT_OUT_A_SECOND: i64 = 100_000;

/// A restoration, as whoever restored the database noted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Restoration {
    /// When the backup was made.
    pub taken_at: Timestamp,
    /// When it was put in place.
    pub restored_at: Timestamp,
    /// Whether sessions and tokens of the backup are to go on.
    pub keep_sessions: bool,
}

impl Restoration {
    fn seconds(&self) -> i64 {
        let age: Duration = self.restored_at.since(self.taken_at);
        // A hundred years are enough for a clock that was wrong.
        i64::try_from(age.as_secs())
            .unwrap_or(i64::MAX)
            .min(100 * 366 * 86_400)
    }

    /// What the versions of all aggregates are raised by.
    pub fn raises_by(&self) -> i64 {
        RAISED_BY * (1 + self.seconds())
    }

    fn leaves_out(&self) -> i64 {
        LEFT_OUT + self.seconds() * LEFT_OUT_A_SECOND
    }
}

/// Whether a restoration is noted whose consequences were not drawn yet.
///
/// # Errors
/// When the database fails.
pub async fn pending(reader: &mut Reader) -> Result<Option<Restoration>, DbError> {
    let statement = "SELECT taken_at, restored_at, keep_sessions FROM restorations";
    Ok(on_engine!(reader, c => sqlx::query_as(statement).fetch_optional(c).await?))
}

/// Takes the note of a restoration, which one replica does, and renumbers what is to come. The caller raises the versions of
/// its aggregates by [`Restoration::raises_by`] in the same transaction.
///
/// # Errors
/// When the database fails.
pub async fn claim_pending(tx: &mut Tx) -> Result<Option<Restoration>, DbError> {
    let statement = "DELETE FROM restorations WHERE one = 1 RETURNING taken_at, restored_at, keep_sessions";
    let noted: Option<Restoration> = on_engine!(tx, c => sqlx::query_as(statement).fetch_optional(c).await?);
    let Some(restoration) = noted else {
        return Ok(None);
    };
    on_engine!(tx, c => {
        sqlx::query(
            "UPDATE outbox_feed SET stopped_at = last, resumed_after = last + $1, last = last + $1,
                 first_sequence = first_sequence + $2")
            .bind(restoration.leaves_out())
            .bind(restoration.raises_by())
            .execute(&mut *c)
            .await?;
        // Of processes that are no more.
        sqlx::query("UPDATE outbox_leases SET holder = NULL, fence = fence + 1, renewals = 0").execute(&mut *c).await?;
        sqlx::query("DELETE FROM outbox_replicas").execute(&mut *c).await?;
        // A broker has sent on what came after the backup, and does not do so again: who follows it begins there with a
        // snapshot, and reads in the feed what no snapshot tells.
        sqlx::query("DELETE FROM consumer_positions WHERE consumer LIKE '%@%'").execute(&mut *c).await?;
        sqlx::query("INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ($1, -1, $2)")
            .bind(RESTORED)
            .bind(restoration.restored_at)
            .execute(&mut *c)
            .await?;
        sqlx::query("DELETE FROM reconciliations").execute(c).await?;
    });
    Ok(Some(restoration))
}

/// The version with which an aggregate begins whose id may have been used before a restoration: 1 without one.
///
/// # Errors
/// When the database fails.
pub async fn first_sequence(connection: &mut impl Connection) -> Result<i64, DbError> {
    let statement = "SELECT first_sequence FROM outbox_feed";
    Ok(on_engine!(connection, c => sqlx::query_scalar(statement).fetch_one(c).await?))
}

/// The row of `reconciliations` that says that a restored service has not caught up yet.
const CATCHING_UP: &str = "@restored";

/// Notes that the service has to [catch up](crate::reconcile::ReconcilerHandle::catch_up) with the one that it follows.
///
/// # Errors
/// When the database fails.
pub async fn note_catching_up(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    const NOTE: &str = "INSERT INTO reconciliations (consumer, started_at) VALUES ($1, $2)
         ON CONFLICT (consumer) DO UPDATE SET started_at = excluded.started_at";
    on_engine!(tx, c => sqlx::query(NOTE).bind(CATCHING_UP).bind(restored_at).execute(c).await.map(drop)?);
    Ok(())
}

/// Whether the service has to catch up yet.
///
/// # Errors
/// When the database fails.
pub async fn is_catching_up(connection: &mut impl Connection) -> Result<bool, DbError> {
    const NOTED: &str = "SELECT EXISTS (SELECT 1 FROM reconciliations WHERE consumer = $1)";
    Ok(on_engine!(connection, c => sqlx::query_scalar(NOTED).bind(CATCHING_UP).fetch_one(c).await?))
}

/// Notes that the service has caught up.
///
/// # Errors
/// When the database fails.
pub async fn note_caught_up(tx: &mut Tx) -> Result<(), DbError> {
    const OVER: &str = "DELETE FROM reconciliations WHERE consumer = $1";
    on_engine!(tx, c => sqlx::query(OVER).bind(CATCHING_UP).execute(c).await.map(drop)?);
    Ok(())
}

const ERASURES: &str = "CREATE TABLE IF NOT EXISTS restored_erasures (id UUID PRIMARY KEY)";

/// Takes the ids of the people who were erased in the database that was replaced. The caller erases them again in the same
/// transaction: the backup may be older than their deletion.
///
/// # Errors
/// When the database fails.
pub async fn take_erased(tx: &mut Tx) -> Result<Vec<Uuid>, DbError> {
    let statement = "DELETE FROM restored_erasures RETURNING id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_all(c).await?))
}

/// Notes who was erased in the database that is replaced, beside the [note](note_in) of the restoration.
///
/// # Errors
/// When the database fails.
pub async fn note_erased_in(tx: &mut Tx, ids: &[Uuid]) -> Result<(), DbError> {
    let statement = "INSERT INTO restored_erasures (id) VALUES ($1) ON CONFLICT DO NOTHING";
    for id in ids {
        on_engine!(&mut *tx, c => sqlx::query(statement).bind(*id).execute(c).await.map(drop)?);
    }
    Ok(())
}

/// The same as a script for PostgreSQL.
pub fn note_erased(ids: &[Uuid]) -> String {
    let mut script = format!("{ERASURES};\nDELETE FROM restored_erasures;\n");
    for id in ids {
        script.push_str(&format!("INSERT INTO restored_erasures VALUES ('{id}');\n"));
    }
    script
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS restorations (one INTEGER PRIMARY KEY CHECK (one = 1), \
    taken_at BIGINT NOT NULL, restored_at BIGINT NOT NULL, keep_sessions BOOLEAN NOT NULL)";

/// Notes a restoration, for the next start of the service to find.
///
/// # Errors
/// When the database fails.
pub async fn note_in(tx: &mut Tx, restoration: &Restoration) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query(TABLE).execute(&mut *c).await?;
        sqlx::query("DELETE FROM restorations").execute(&mut *c).await?;
        sqlx::query("INSERT INTO restorations (one, taken_at, restored_at, keep_sessions) VALUES (1, $1, $2, $3)")
            .bind(restoration.taken_at)
            .bind(restoration.restored_at)
            .bind(restoration.keep_sessions)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The same as a script. It makes the table, because the backup may be of a version that did not know it.
pub fn note(restoration: &Restoration) -> String {
    let Restoration {
        taken_at,
        restored_at,
        keep_sessions,
    } = restoration;
    format!(
        "{TABLE};\n\
         DELETE FROM restorations;\n\
         INSERT INTO restorations VALUES (1, {}, {}, {keep_sessions});\n",
        taken_at.as_micros(),
        restored_at.as_micros(),
    )
}
