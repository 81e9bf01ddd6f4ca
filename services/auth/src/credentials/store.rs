//! The table `passwords`: password hashes of accounts.

use chassis::clock::Timestamp;
use chassis::db::{Connection, DbError, Tx};
use chassis::on_engine;
use uuid::Uuid;

/// Sets or replaces the password of an account.
pub(crate) async fn set_password(
    tx: &mut Tx,
    account: Uuid,
    hash: &str,
    at: Timestamp,
) -> Result<(), DbError> {
    let statement = "INSERT INTO passwords (account_id, hash, changed_at) VALUES ($1, $2, $3)
        ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";
    on_engine!(tx, c => sqlx::query(statement).bind(account).bind(hash).bind(at).execute(c).await?.rows_affected());
    Ok(())
}

/// Replaces the hash of the same password by one at another cost, unless the password changed meanwhile.
pub(crate) async fn rehash(tx: &mut Tx, account: Uuid, old: &str, new: &str) -> Result<bool, DbError> {
    let statement = "UPDATE passwords SET hash = $3 WHERE account_id = $1 AND hash = $2";
    let done = on_engine!(tx, c => sqlx::query(statement).bind(account).bind(old).bind(new).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// The password hash of an account, if it has one.
pub(crate) async fn find_hash(db: &mut impl Connection, account: Uuid) -> Result<Option<String>, DbError> {
    let statement = "SELECT hash FROM passwords WHERE account_id = $1";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).fetch_optional(c).await?))
}

/// True if an account has a password.
pub(crate) async fn has_password(db: &mut impl Connection, account: Uuid) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM passwords WHERE account_id = $1)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).fetch_one(c).await?))
}

/// True if the password of an account was set after `then`.
pub(crate) async fn changed_since(
    db: &mut impl Connection,
    account: Uuid,
    then: Timestamp,
) -> Result<bool, DbError> {
    let statement = "SELECT EXISTS (SELECT 1 FROM passwords WHERE account_id = $1 AND changed_at > $2)";
    Ok(on_engine!(db, c => sqlx::query_scalar(statement).bind(account).bind(then).fetch_one(c).await?))
}
