//! The table `form_submissions`. From now on a row is live for [`WINDOW`] and the clock skew of replicas at
//! most, even when the clock was set back after it was written.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use super::{SubmissionClaim, SubmissionKey, SubmissionOutcome, SubmissionState, WINDOW};

/// A stored submission. While it is in progress it has neither id.
#[derive(sqlx_macros::FromRow)]
pub(crate) struct SubmissionRow {
    session_id: Option<Uuid>,
    registration_id: Option<Uuid>,
}

impl From<SubmissionRow> for SubmissionState {
    fn from(row: SubmissionRow) -> Self {
        match (row.session_id, row.registration_id) {
            (Some(session), _) => Self::Done(SubmissionOutcome::SignedIn(session)),
            (None, Some(registration)) => Self::Done(SubmissionOutcome::Registering(registration)),
            (None, None) => Self::InProgress,
        }
    }
}

/// Inserts a submission unless there is a live one. Returns whether it was inserted.
pub(crate) async fn claim(
    tx: &mut Tx,
    key: SubmissionKey,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    let statement = "INSERT INTO form_submissions (key, expires_at) VALUES ($1, $3)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, session_id = NULL, registration_id = NULL
        WHERE form_submissions.expires_at <= $2 OR form_submissions.expires_at > $4";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(key.0.as_slice()).bind(now).bind(expires_at)
        .bind(now.latest(WINDOW)).execute(c).await?.rows_affected() == 1),
    )
}

/// Records the outcome of a claimed submission that is in progress.
pub(crate) async fn finish(
    tx: &mut Tx,
    claim: SubmissionClaim,
    outcome: SubmissionOutcome,
) -> Result<(), DbError> {
    let (session, registration) = match outcome {
        SubmissionOutcome::SignedIn(session) => (Some(session), None),
        SubmissionOutcome::Registering(registration) => (None, Some(registration)),
    };
    let statement = "UPDATE form_submissions SET session_id = $3, registration_id = $4
        WHERE key = $1 AND expires_at = $2 AND session_id IS NULL AND registration_id IS NULL";
    on_engine!(tx, c => sqlx::query(statement).bind(claim.key.0.as_slice()).bind(claim.expires_at)
        .bind(session).bind(registration).execute(c).await.map(drop)?);
    Ok(())
}

/// Deletes a claimed submission that is in progress.
pub(crate) async fn release(tx: &mut Tx, claim: SubmissionClaim) -> Result<(), DbError> {
    let statement = "DELETE FROM form_submissions
        WHERE key = $1 AND expires_at = $2 AND session_id IS NULL AND registration_id IS NULL";
    on_engine!(tx, c => sqlx::query(statement).bind(claim.key.0.as_slice()).bind(claim.expires_at)
        .execute(c).await.map(drop)?);
    Ok(())
}

/// The live submission of a key.
pub(crate) async fn find(
    db: &mut impl Connection,
    key: SubmissionKey,
    now: Timestamp,
) -> Result<Option<SubmissionRow>, DbError> {
    let statement = "SELECT session_id, registration_id FROM form_submissions
        WHERE key = $1 AND (expires_at > $2 AND expires_at <= $3) IS TRUE";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(key.0.as_slice()).bind(now).bind(now.latest(WINDOW))
        .fetch_optional(c).await?),
    )
}

/// Deletes expired submissions.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM form_submissions WHERE expires_at <= $1 OR expires_at > $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now).bind(now.latest(WINDOW)).execute(c).await?
        .rows_affected()),
    )
}

/// Deletes every submission, after the database was restored from a backup.
pub(crate) async fn delete_all(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sqlx::query("DELETE FROM form_submissions").execute(c).await.map(drop)?);
    Ok(())
}
