//! The table `registrations`.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use chassis::on_engine;
use events::contract::{RejectionReason, UserId};

const ACCEPTED: &str = "accepted";
const USER_NAME_TAKEN: &str = "user_name_taken";
const INVALID: &str = "invalid";

/// Takes a registration to decide it, as accepted until [`reject`] says otherwise; `false` when another
/// transaction has decided it.
pub(super) async fn claim(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<bool, DbError> {
    const CLAIM: &str =
        "INSERT INTO registrations (id, outcome, decided_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    let rows = on_engine!(tx, c => sqlx::query(CLAIM)
        .bind(id)
        .bind(ACCEPTED)
        .bind(now)
        .execute(c)
        .await?
        .rows_affected());
    Ok(rows == 1)
}

/// Turns a claimed registration into a refused one.
pub(super) async fn reject(tx: &mut Tx, id: UserId, reason: RejectionReason) -> Result<(), DbError> {
    const REJECT: &str = "UPDATE registrations SET outcome = $2 WHERE id = $1";
    let outcome = match reason {
        RejectionReason::UserNameTaken => USER_NAME_TAKEN,
        RejectionReason::Invalid | RejectionReason::Other => INVALID,
    };
    on_engine!(tx, c => sqlx::query(REJECT).bind(id).bind(outcome).execute(c).await?.rows_affected());
    Ok(())
}

/// Why this registration was refused, if it was.
pub(super) async fn rejection(tx: &mut Tx, id: UserId) -> Result<Option<RejectionReason>, DbError> {
    const FIND: &str = "SELECT outcome FROM registrations WHERE id = $1";
    let outcome: Option<String> =
        on_engine!(tx, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?);
    Ok(match outcome.as_deref() {
        Some(USER_NAME_TAKEN) => Some(RejectionReason::UserNameTaken),
        Some(INVALID) => Some(RejectionReason::Invalid),
        _ => None,
    })
}
