//! The table `registrations`.

use chassis::clock::Timestamp;
use chassis::db::{DbError, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use contract::{RejectionReason, UserId};

const ACCEPTED: &str = "accepted";
const USER_NAME_TAKEN: &str = "user_name_taken";
const USER_NAME_RESERVED: &str = "user_name_reserved";
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
        RejectionReason::UserNameReserved => USER_NAME_RESERVED,
        RejectionReason::Invalid | RejectionReason::Other => INVALID,
    };
    on_engine!(tx, c => sqlx::query(REJECT).bind(id).bind(outcome).execute(c).await?.rows_affected());
    Ok(())
}

/// The reason why this registration was refused, if it was.
pub(super) async fn rejection(tx: &mut Tx, id: UserId) -> Result<Option<RejectionReason>, DbError> {
    const FIND: &str = "SELECT outcome FROM registrations WHERE id = $1";
    let outcome: Option<String> =
        on_engine!(tx, c => sqlx::query_scalar(FIND).bind(id).fetch_optional(c).await?);
    Ok(match outcome.as_deref() {
        Some(USER_NAME_TAKEN) => Some(RejectionReason::UserNameTaken),
        Some(USER_NAME_RESERVED) => Some(RejectionReason::UserNameReserved),
        Some(INVALID) => Some(RejectionReason::Invalid),
        _ => None,
    })
}

/// Those of the ids of registrations that have an answer: a person, who may be gone again, or a refusal.
pub(super) async fn answered(reader: &mut Reader, ids: &[UserId]) -> Result<Vec<UserId>, DbError> {
    let statement = sql!(reader,
        sqlite: "WITH asked AS (SELECT unhex(value) AS id FROM json_each($1))
                 SELECT id FROM people WHERE id IN (SELECT id FROM asked)
                 UNION SELECT id FROM tombstones WHERE id IN (SELECT id FROM asked)
                 UNION SELECT id FROM registrations WHERE outcome <> 'accepted' AND id IN (SELECT id FROM asked)",
        postgres: "WITH asked AS (SELECT value::uuid AS id FROM jsonb_array_elements_text($1::jsonb) AS e(value))
                   SELECT id FROM people WHERE id IN (SELECT id FROM asked)
                   UNION SELECT id FROM tombstones WHERE id IN (SELECT id FROM asked)
                   UNION SELECT id FROM registrations WHERE outcome <> 'accepted' AND id IN (SELECT id FROM asked)",
    );
    let list = id_list(ids.iter().copied());
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement).bind(list).fetch_all(c).await?))
}
