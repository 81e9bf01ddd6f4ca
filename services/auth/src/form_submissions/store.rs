//! Stored form submissions. A row is live from now on for [`WINDOW`] at most, whatever the clock did since it was
//! written.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

use super::{Led, SubmissionKey, WINDOW};

/// A form that came a moment ago; without a location it is still in work.
#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(crate) location: Option<String>,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) registration_id: Option<Uuid>,
}

/// Notes that a form came, unless it is noted already. Whether it was not.
pub(crate) async fn claim(
    tx: &mut Tx,
    key: SubmissionKey,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, DbError> {
    let statement = "INSERT INTO form_submissions (key, expires_at) VALUES ($1, $3)
        ON CONFLICT (key) DO UPDATE SET expires_at = excluded.expires_at, location = NULL, session_id = NULL,
            registration_id = NULL
        WHERE form_submissions.expires_at <= $2 OR form_submissions.expires_at > $3";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(key.0.as_slice()).bind(now).bind(expires_at)
        .execute(c).await?.rows_affected() == 1),
    )
}

/// Notes where a form led.
pub(crate) async fn led(tx: &mut Tx, key: SubmissionKey, led: &Led) -> Result<(), DbError> {
    let statement =
        "UPDATE form_submissions SET location = $2, session_id = $3, registration_id = $4 WHERE key = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(key.0.as_slice()).bind(&led.location).bind(led.session)
        .bind(led.registration).execute(c).await.map(drop)?);
    Ok(())
}

/// Forgets a form.
pub(crate) async fn release(tx: &mut Tx, key: SubmissionKey) -> Result<(), DbError> {
    let statement = "DELETE FROM form_submissions WHERE key = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(key.0.as_slice()).execute(c).await.map(drop)?);
    Ok(())
}

/// A form that came a moment ago.
pub(crate) async fn find(
    db: &mut impl Connection,
    key: SubmissionKey,
    now: Timestamp,
) -> Result<Option<Row>, DbError> {
    let statement = "SELECT location, session_id, registration_id FROM form_submissions
        WHERE key = $1 AND expires_at > $2 AND expires_at <= $3";
    Ok(
        on_engine!(db, c => sqlx::query_as(statement).bind(key.0.as_slice()).bind(now).bind(now + WINDOW)
        .fetch_optional(c).await?),
    )
}

/// Removes what is over.
pub(crate) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM form_submissions WHERE expires_at <= $1 OR expires_at > $2";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now).bind(now + WINDOW).execute(c).await?
        .rows_affected()),
    )
}
