//! The SQL statements after a restoration.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

/// Raises the versions of all accounts, clients and tombstones.
pub(super) async fn raise_versions(tx: &mut Tx, by: i64) -> Result<(), DbError> {
    on_engine!(tx, c => {
        for statement in [
            "UPDATE accounts SET version = version + $1",
            "UPDATE clients SET version = version + $1",
            "UPDATE erased_subjects SET version = version + $1",
        ] {
            sqlx::query(statement).bind(by).execute(&mut *c).await?;
        }
    });
    Ok(())
}

/// The accounts that have a session.
pub(super) async fn accounts_with_sessions(tx: &mut Tx) -> Result<Vec<Uuid>, DbError> {
    let statement = "SELECT DISTINCT account_id FROM sessions ORDER BY account_id";
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).fetch_all(c).await?))
}

/// Revokes every grant, also the offline ones, and deletes codes, requests, devices, proofs and links.
pub(super) async fn delete_one_time_secrets(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL").bind(now).execute(&mut *c).await?;
        sqlx::query("DELETE FROM authorization_codes").execute(&mut *c).await?;
        sqlx::query("DELETE FROM authorization_requests").execute(&mut *c).await?;
        sqlx::query("DELETE FROM form_submissions").execute(&mut *c).await?;
        // A device that was deleted after the backup would be exempt from delays again.
        sqlx::query("DELETE FROM devices").execute(&mut *c).await?;
        sqlx::query("UPDATE registrations SET proof_hash = NULL WHERE proof_hash IS NOT NULL").execute(&mut *c).await?;
        sqlx::query("DELETE FROM setup_links").execute(c).await?;
    });
    Ok(())
}

/// Deletes the signing keys that were published before `restored_at`.
pub(super) async fn delete_restored_keys(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    on_engine!(tx, c => {
        sqlx::query("UPDATE key_ring SET version = version + 1").execute(&mut *c).await?;
        sqlx::query("DELETE FROM signing_keys WHERE published_at < $1").bind(restored_at).execute(&mut *c).await?;
        // A key that was deleted because it leaked may be among them.
        sqlx::query("DELETE FROM past_keys").execute(c).await?;
    });
    Ok(())
}
