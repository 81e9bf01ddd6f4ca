//! The tables `client_assertions` and `client_assertion_restorations`.

use chassis::clock::{SKEW, Timestamp};
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use chassis::secret::TokenHash;
use oidc::client_auth::{ASSERTION_LEEWAY, VerifiedAssertion};

use super::Claim;

/// True if a database was restored since an assertion was made: `$4` is the time that the restoration would have, at the least, and `$5` at the
/// most. A restoration in the future does not count: it was noted by a clock that was wrong (SB-50).
macro_rules! restored_since {
    () => {
        "EXISTS (SELECT 1 FROM client_assertion_restorations WHERE restored_at >= $4 AND restored_at <= $5)"
    };
}

/// Claims an assertion, by one guarded insertion. The client may have `limit` that have not expired.
pub(in crate::clients) async fn claim(
    tx: &mut Tx,
    client_id: &str,
    assertion: &VerifiedAssertion,
    now: Timestamp,
    limit: i64,
) -> Result<Claim, DbError> {
    let jti = TokenHash::of(&assertion.jti);
    let statement = concat!(
        "INSERT INTO client_assertions (client_id, jti_hash, expires_at)
        SELECT $1, $2, $3
        WHERE (SELECT COUNT(*) FROM client_assertions WHERE client_id = $1 AND expires_at > $6) < $7 AND NOT ",
        restored_since!(),
        " ON CONFLICT (client_id, jti_hash) DO NOTHING"
    );
    // The clock of a replica that deletes it may be ahead of one that would accept it again.
    let expires_at = Timestamp::from_secs(assertion.expires_at) + SKEW;
    // The clock of the client may be ahead.
    let made_at = Timestamp::from_secs(assertion.issued_at.saturating_sub(ASSERTION_LEEWAY));
    let inserted = on_engine!(&mut *tx, c => sqlx::query(statement)
        .bind(client_id).bind(jti.as_bytes()).bind(expires_at).bind(made_at).bind(now + SKEW).bind(now).bind(limit)
        .execute(c).await?.rows_affected() == 1);
    if inserted {
        return Ok(Claim::First);
    }
    if is_known(tx, client_id, &jti).await? {
        return Ok(Claim::Repeated);
    }
    Ok(match was_restored(tx, made_at, now).await? {
        true => Claim::BeforeRestoration,
        false => Claim::TooMany,
    })
}

async fn was_restored(db: &mut impl Connection, made_at: Timestamp, now: Timestamp) -> Result<bool, DbError> {
    let statement =
        "SELECT COUNT(*) FROM client_assertion_restorations WHERE restored_at >= $1 AND restored_at <= $2";
    let found: i64 =
        on_engine!(db, c => sqlx::query_scalar(statement).bind(made_at).bind(now + SKEW).fetch_one(c).await?);
    Ok(found > 0)
}

/// Notes that the database was restored from a backup, which has forgotten the assertions that were used since.
pub(crate) async fn note_restoration(tx: &mut Tx, now: Timestamp) -> Result<(), DbError> {
    let statement = "INSERT INTO client_assertion_restorations (one, restored_at) VALUES (1, $1)
        ON CONFLICT (one) DO UPDATE SET restored_at = excluded.restored_at";
    on_engine!(tx, c => sqlx::query(statement).bind(now).execute(c).await.map(drop)?);
    Ok(())
}

async fn is_known(db: &mut impl Connection, client_id: &str, jti: &TokenHash) -> Result<bool, DbError> {
    let statement = "SELECT COUNT(*) FROM client_assertions WHERE client_id = $1 AND jti_hash = $2";
    let found: i64 = on_engine!(db, c => sqlx::query_scalar(statement)
        .bind(client_id).bind(jti.as_bytes()).fetch_one(c).await?);
    Ok(found > 0)
}

/// Deletes assertions that have expired.
pub(in crate::clients) async fn sweep(tx: &mut Tx, now: Timestamp) -> Result<u64, DbError> {
    let statement = "DELETE FROM client_assertions WHERE expires_at <= $1";
    Ok(on_engine!(tx, c => sqlx::query(statement).bind(now).execute(c).await?.rows_affected()))
}
