//! The table `registrations`.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::secret::TokenHash;
use chassis::{on_engine, sql};
use contract::RegistrationRequested;
use sqlx::types::Json;
use uuid::Uuid;

use super::{DECISION_RETENTION, EXPIRES_AFTER, RegistrationState, Rejection};

/// The number of registrations that one sweep expires at most.
const BATCH: i64 = 100;

/// Inserts a pending registration.
pub(crate) async fn insert(tx: &mut Tx, request: &RegistrationRequested) -> Result<(), DbError> {
    let statement = "INSERT INTO registrations (id, state, user_name_key, request, requested_at, expires_at)
        VALUES ($1, 'pending', $2, $3, $4, $5)";
    on_engine!(tx, c => sqlx::query(statement)
        .bind(request.id)
        .bind(request.user_name.key())
        .bind(Json(request))
        .bind(request.requested_at)
        .bind(request.requested_at + EXPIRES_AFTER)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// The state of a registration.
pub(crate) async fn state(db: &mut impl Connection, id: Uuid) -> Result<Option<RegistrationState>, DbError> {
    let statement = "SELECT state, reason FROM registrations WHERE id = $1";
    let found: Option<(String, Option<String>)> =
        on_engine!(db, c => sqlx::query_as(statement).bind(id).fetch_optional(c).await?);
    Ok(
        found.map(|(state, reason)| match (state.as_str(), reason.as_deref()) {
            ("accepted", _) => RegistrationState::Active,
            ("rejected", Some("user_name_taken")) => RegistrationState::Rejected(Rejection::UserNameTaken),
            ("rejected", Some("user_name_reserved")) => {
                RegistrationState::Rejected(Rejection::UserNameReserved)
            }
            ("rejected", _) => RegistrationState::Rejected(Rejection::Invalid),
            ("expired", _) => RegistrationState::Expired,
            _ => RegistrationState::Pending,
        }),
    )
}

/// The key of the user name of a pending registration.
pub(crate) async fn pending_user_name_key(tx: &mut Tx, id: Uuid) -> Result<Option<String>, DbError> {
    let statement = "SELECT user_name_key FROM registrations WHERE id = $1 AND state = 'pending'";
    let name: Option<Option<String>> =
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).fetch_optional(c).await?);
    Ok(name.flatten())
}

/// Accepts a pending registration and deletes its personal data. Returns whether it was pending.
pub(crate) async fn accept(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<bool, DbError> {
    let statement =
        "UPDATE registrations SET state = 'accepted', answered_at = $2, request = NULL, user_name_key = NULL
        WHERE id = $1 AND state = 'pending'";
    let done =
        on_engine!(tx, c => sqlx::query(statement).bind(id).bind(now).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Rejects a pending registration. Returns whether it was pending.
pub(crate) async fn reject(tx: &mut Tx, id: Uuid, why: Rejection, now: Timestamp) -> Result<bool, DbError> {
    let statement = "UPDATE registrations
        SET state = 'rejected', reason = $3, answered_at = $2, request = NULL, user_name_key = NULL
        WHERE id = $1 AND state = 'pending'";
    let done = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(now).bind(why.as_str())
        .execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Expires pending registrations. Returns their ids.
pub(crate) async fn expire(tx: &mut Tx, now: Timestamp) -> Result<Vec<Uuid>, DbError> {
    let statement = sql!(tx,
        sqlite: "UPDATE registrations
            SET state = 'expired', answered_at = $1, request = NULL, user_name_key = NULL
            WHERE state = 'pending' AND id IN
                (SELECT id FROM registrations WHERE state = 'pending' AND expires_at <= $1 LIMIT $2)
            RETURNING id",
        postgres: "UPDATE registrations
            SET state = 'expired', answered_at = $1, request = NULL, user_name_key = NULL
            WHERE state = 'pending' AND id IN
                (SELECT id FROM registrations WHERE state = 'pending' AND expires_at <= $1
                 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING id",
    );
    Ok(on_engine!(tx, c => sqlx::query_scalar(statement).bind(now).bind(BATCH).fetch_all(c).await?))
}

/// The number of pending registrations, and when the oldest one was requested.
pub(crate) async fn pending_stats(db: &mut impl Connection) -> Result<(i64, Option<Timestamp>), DbError> {
    let statement = "SELECT count(*), min(requested_at) FROM registrations WHERE state = 'pending'";
    Ok(on_engine!(db, c => sqlx::query_as(statement).fetch_one(c).await?))
}

/// Deletes decided registrations after their retention.
pub(crate) async fn delete_decided(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM registrations WHERE state <> 'pending' AND answered_at < $1";
    Ok(
        on_engine!(tx, c => sqlx::query(statement).bind(now - DECISION_RETENTION).execute(c).await?.rows_affected()),
    )
}

/// Sets the proof of a registration.
pub(crate) async fn set_proof(
    tx: &mut Tx,
    id: Uuid,
    proof: &TokenHash,
    now: Timestamp,
) -> Result<(), DbError> {
    let statement = "UPDATE registrations SET proof_hash = $2, proof_at = $3
        WHERE id = $1 AND state IN ('pending', 'accepted')";
    on_engine!(tx, c => sqlx::query(statement).bind(id).bind(proof.as_bytes()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Replaces the proof of a registration that was issued after the first of two times and not after the
/// second. Its time of issue stays. Returns whether there was one.
pub(crate) async fn replace_proof(
    tx: &mut Tx,
    id: Uuid,
    proof: &TokenHash,
    (after, until): (Timestamp, Timestamp),
) -> Result<bool, DbError> {
    let statement = "UPDATE registrations SET proof_hash = $2
        WHERE id = $1 AND proof_hash IS NOT NULL AND proof_at > $3 AND proof_at <= $4";
    let replaced = on_engine!(tx, c => sqlx::query(statement).bind(id).bind(proof.as_bytes()).bind(after).bind(until)
        .execute(c).await?.rows_affected());
    Ok(replaced == 1)
}

/// True if a registration has this proof, issued after the first of two times and not after the second.
pub(crate) async fn has_proof(
    db: &mut impl Connection,
    id: Uuid,
    proof: &TokenHash,
    (after, until): (Timestamp, Timestamp),
) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM registrations
        WHERE id = $1 AND proof_hash = $2 AND proof_at > $3 AND proof_at <= $4)";
    Ok(
        on_engine!(db, c => sqlx::query_scalar(statement).bind(id).bind(proof.as_bytes()).bind(after).bind(until)
        .fetch_one(c).await?),
    )
}

/// Redeems the proof of an accepted registration. Returns when it was issued, or `None` when it is invalid.
pub(crate) async fn use_proof(
    tx: &mut Tx,
    id: Uuid,
    proof: &TokenHash,
    (after, until): (Timestamp, Timestamp),
) -> Result<Option<Timestamp>, DbError> {
    let statement = "UPDATE registrations SET proof_hash = NULL
        WHERE id = $1 AND proof_hash = $2 AND proof_at > $3 AND proof_at <= $4 AND state = 'accepted'
        RETURNING proof_at";
    Ok(
        on_engine!(tx, c => sqlx::query_scalar(statement).bind(id).bind(proof.as_bytes()).bind(after).bind(until)
        .fetch_optional(c).await?),
    )
}

/// Deletes the proof of a registration.
pub(crate) async fn clear_proof(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let statement = "UPDATE registrations SET proof_hash = NULL WHERE id = $1 AND proof_hash IS NOT NULL";
    on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes the registration of an erased account.
pub(crate) async fn delete(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let statement = "DELETE FROM registrations WHERE id = $1";
    on_engine!(tx, c => sqlx::query(statement).bind(id).execute(c).await?.rows_affected());
    Ok(())
}

/// Deletes the proofs of all registrations.
pub(super) async fn clear_all_proofs(tx: &mut Tx) -> Result<(), DbError> {
    let statement = "UPDATE registrations SET proof_hash = NULL WHERE proof_hash IS NOT NULL";
    on_engine!(tx, c => sqlx::query(statement).execute(c).await.map(drop)?);
    Ok(())
}
